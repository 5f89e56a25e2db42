package import Bytes
internal import RDB

/// A hash: fields with values, and a time to live for some of the fields.
package final class HashValue {
  /// The value of a field.
  package struct Cell {
    /// The value.
    package var value: ByteSlice
    /// When the field expires, in unix milliseconds; ``ValueElement/never`` for never.
    package var expiresAt: Int64

    package init(_ value: ByteSlice, expiresAt: Int64 = ValueElement.never) {
      self.value = value
      self.expiresAt = expiresAt
    }
  }

  /// The fields.
  @safe @exclusivity(unchecked) package private(set) var table = SliceTable<Cell>()
  /// The bytes of all values together.
  @safe @exclusivity(unchecked) package private(set) var valueBytes = 0
  /// How many fields have a time to live.
  @safe @exclusivity(unchecked) package private(set) var expiringCount = 0

  package init() {}

  /// How many fields there are.
  package var count: Int { table.count }
  /// The bytes of all fields and values together.
  package var byteCount: Int { table.keyBytes + valueBytes }

  /// The value of `field`.
  package func cell(_ field: ByteSlice) -> Cell? {
    table.find(field).map { table.items[$0].payload }
  }

  /// Gives `field` a value (and time to live); true when the field is new.
  package func set(_ field: ByteSlice, to cell: Cell) -> Bool {
    valueBytes += cell.value.count
    if cell.expiresAt != ValueElement.never { expiringCount += 1 }
    guard let old = table.set(field, to: cell) else { return true }
    forget(old)
    return false
  }

  /// Removes `field`; true when it was there.
  package func remove(_ field: ByteSlice) -> Bool {
    guard let old = table.remove(field) else { return false }
    forget(old)
    return true
  }

  /// Removes all fields; the memory stays.
  package func removeAll() {
    table.removeAll()
    valueBytes = 0
    expiringCount = 0
  }

  private func forget(_ old: Cell) {
    valueBytes -= old.value.count
    if old.expiresAt != ValueElement.never { expiringCount -= 1 }
  }

  /// The fields whose time to live has not passed at `moment`; this object, when that is all.
  package func dropExpired(at moment: Int64) -> HashValue {
    func isOver(_ cell: Cell) -> Bool {
      cell.expiresAt != ValueElement.never && cell.expiresAt <= moment
    }
    guard table.items.contains(where: { isOver($0.payload) }) else { return self }
    let kept = HashValue()
    for item in table.items where !isOver(item.payload) {
      _ = kept.set(item.key, to: item.payload)
    }
    return kept
  }

  /// The same fields in another object.
  package func copy() -> HashValue {
    let copy = HashValue()
    copy.table = table
    copy.valueBytes = valueBytes
    copy.expiringCount = expiringCount
    return copy
  }
}

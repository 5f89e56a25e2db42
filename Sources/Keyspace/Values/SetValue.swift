package import Bytes

/// A set of byte strings.
package final class SetValue {
  /// The members, each with a meaningless payload.
  @safe @exclusivity(unchecked) package private(set) var table = SliceTable<UInt8>()

  package init() {}

  /// How many members there are.
  package var count: Int { table.count }
  /// The bytes of all members together.
  package var byteCount: Int { table.keyBytes }

  /// Member `index`, in no order to rely on.
  package func member(_ index: Int) -> ByteSlice { table.items[index].key }

  /// Whether `member` is there.
  package func contains(_ member: ByteSlice) -> Bool { table.find(member) != nil }

  /// Adds `member`; true when it was not there.
  package func add(_ member: ByteSlice) -> Bool { table.findOrAdd(member, 0).isNew }

  /// Removes `member`; true when it was there.
  package func remove(_ member: ByteSlice) -> Bool { table.remove(member) != nil }

  /// Removes all members; the memory stays.
  package func removeAll() { table.removeAll() }

  /// The same members in another object.
  package func copy() -> SetValue {
    let copy = SetValue()
    copy.table = table
    return copy
  }
}

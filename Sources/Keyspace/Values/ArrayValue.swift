package import Bytes

/// An element of an array with its index.
package struct ArrayItem: Comparable {
  /// Its index, 0...2^64-2.
  package let index: UInt64
  /// Its text.
  package var element: ByteSlice

  package init(index: UInt64, element: ByteSlice) {
    self.index = index
    self.element = element
  }

  package static func < (a: ArrayItem, b: ArrayItem) -> Bool { a.index < b.index }
  package static func == (a: ArrayItem, b: ArrayItem) -> Bool { a.index == b.index }
}

/// An array (Redis 8.8): elements at some of the indexes, and a cursor.
package final class ArrayValue {
  /// The elements by ascending index.
  package private(set) var items = SortedChunks<ArrayItem>()
  /// The index of the last insertion; nil when there was none.
  package var cursor: UInt64?
  /// The bytes of all elements together.
  package private(set) var byteCount = 0

  package init() {}

  /// How many elements there are.
  package var count: Int { items.count }
  /// One more than the highest index in use; 0 when empty.
  package var length: UInt64 { items.last.map { $0.index &+ 1 } ?? 0 }

  /// The element at `index`.
  package func element(_ index: UInt64) -> ByteSlice? {
    let place = items.firstPlace { $0.index >= index }
    return !items.isEnd(place) && items[place].index == index ? items[place].element : nil
  }

  /// Puts `element` at `index`; true when nothing was there.
  package func set(_ index: UInt64, to element: ByteSlice) -> Bool {
    byteCount += element.count
    let place = items.firstPlace { $0.index >= index }
    if !items.isEnd(place) && items[place].index == index {
      byteCount -= items[place].element.count
      items[place].element = element
      return false
    }
    items.insert(ArrayItem(index: index, element: element))
    return true
  }

  /// Removes the element at `index`; true when there was one.
  package func remove(_ index: UInt64) -> Bool {
    let place = items.firstPlace { $0.index >= index }
    guard !items.isEnd(place), items[place].index == index else { return false }
    byteCount -= items.remove(at: place).element.count
    return true
  }

  /// Removes the elements of `range`, both ends included; returns how many there were.
  package func remove(_ range: ClosedRange<UInt64>) -> Int {
    var removed = 0
    while true {
      let place = items.firstPlace { $0.index >= range.lowerBound }
      guard !items.isEnd(place), items[place].index <= range.upperBound else { return removed }
      byteCount -= items.remove(at: place).element.count
      removed += 1
    }
  }

  /// The same elements in another object.
  package func copy() -> ArrayValue {
    let copy = ArrayValue()
    copy.items = items
    copy.cursor = cursor
    copy.byteCount = byteCount
    return copy
  }
}

package import Bytes

/// A list of byte strings: an array with room at both ends.
package final class ListValue {
  @safe @exclusivity(unchecked) private var items: [ByteSlice] = []
  /// How many places at the front of `items` are not in use.
  @safe @exclusivity(unchecked) private var head = 0
  /// The bytes of all elements together.
  @safe @exclusivity(unchecked) package private(set) var byteCount = 0

  package init() {}

  /// How many elements there are.
  package var count: Int { items.count - head }

  /// Element `index`, from the left.
  package subscript(index: Int) -> ByteSlice {
    get {
      precondition(index >= 0)
      return items[head + index]
    }
    set {
      precondition(index >= 0)
      byteCount += newValue.count - items[head + index].count
      items[head + index] = newValue
    }
  }

  /// Adds `element` on the right.
  package func pushRight(_ element: ByteSlice) {
    items.append(element)
    byteCount += element.count
  }

  /// Adds `element` on the left.
  package func pushLeft(_ element: ByteSlice) {
    if head == 0 {
      let room = max(4, items.count)
      items.insert(contentsOf: repeatElement(ByteSlice(), count: room), at: 0)
      head = room
    }
    head -= 1
    items[head] = element
    byteCount += element.count
  }

  /// Takes the element on the right away; nil when the list is empty.
  package func popRight() -> ByteSlice? {
    guard count > 0 else { return nil }
    let element = items.removeLast()
    byteCount -= element.count
    if count == 0 { removeAll() }
    return element
  }

  /// Takes the element on the left away; nil when the list is empty.
  package func popLeft() -> ByteSlice? {
    guard count > 0 else { return nil }
    let element = items[head]
    byteCount -= element.count
    head += 1
    if count == 0 {
      removeAll()
    } else if head > 32 && head > items.count - items.count / 4 {
      items.removeFirst(head)
      head = 0
    }
    return element
  }

  /// Inserts `element` so that it becomes element `index`.
  package func insert(_ element: ByteSlice, at index: Int) {
    precondition(index >= 0)
    items.insert(element, at: head + index)
    byteCount += element.count
  }

  /// Removes the elements of `range`.
  package func remove(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0)
    for index in range { byteCount -= items[head + index].count }
    if range.lowerBound == 0 {
      head += range.count
    } else {
      items.removeSubrange(head + range.lowerBound..<head + range.upperBound)
    }
    if count == 0 { removeAll() }
  }

  /// Removes everything.
  package func removeAll() {
    items.removeAll(keepingCapacity: true)
    head = 0
    byteCount = 0
  }

  /// The same elements in another object.
  package func copy() -> ListValue {
    let copy = ListValue()
    copy.items = items
    copy.head = head
    copy.byteCount = byteCount
    return copy
  }
}

/// Elements in ascending order, in pieces of at most 256, with places counted from the front.
///
/// Finding is logarithmic; inserting and removing move at most one piece (and the list of pieces).
/// Used for what must stay sorted while it changes: scores, entries of streams, pending entries.
package struct SortedChunks<Element: Comparable> {
  private var chunks: [[Element]] = []
  /// How many elements there are.
  package private(set) var count = 0
  private static var limit: Int { 256 }

  package init() {}

  /// The elements of `sorted`, which must be in strictly ascending order.
  package init(sorted: [Element]) {
    count = sorted.count
    if count > 0 && count <= Self.limit {
      chunks = [sorted]
      return
    }
    var start = 0
    while start < sorted.count {
      let end = min(start + Self.limit * 3 / 4, sorted.count)
      chunks.append(Array(sorted[start..<end]))
      start = end
    }
  }

  /// Where an element lies.
  package struct Place {
    var chunk: Int
    var offset: Int
  }

  /// The first element, if any.
  package var first: Element? { chunks.first?.first }
  /// The last element, if any.
  package var last: Element? { chunks.last?.last }

  /// The element at `place`.
  package subscript(place: Place) -> Element {
    get { chunks[place.chunk][place.offset] }
    set { chunks[place.chunk][place.offset] = newValue }
  }

  /// The element with `rank` elements before it.
  package subscript(rank: Int) -> Element { self[place(rank)] }

  /// The place of the element with `rank` elements before it; `count` gives the end.
  package func place(_ rank: Int) -> Place {
    precondition(rank >= 0 && rank <= count)
    var left = rank
    var chunk = 0
    while chunk < chunks.count && left >= chunks[chunk].count {
      left -= chunks[chunk].count
      chunk += 1
    }
    return Place(chunk: chunk, offset: left)
  }

  /// How many elements lie before `place`.
  package func rank(_ place: Place) -> Int {
    var rank = place.offset
    for chunk in 0..<place.chunk { rank += chunks[chunk].count }
    return rank
  }

  /// Whether `place` is behind the last element.
  package func isEnd(_ place: Place) -> Bool { place.chunk >= chunks.count }

  /// The place behind `place`.
  package func after(_ place: Place) -> Place {
    place.offset + 1 < chunks[place.chunk].count
      ? Place(chunk: place.chunk, offset: place.offset + 1)
      : Place(chunk: place.chunk + 1, offset: 0)
  }

  /// The place of the first element for which `reached` holds; it must hold for all after it.
  @inline(__always)
  package func firstPlace(where reached: (Element) -> Bool) -> Place {
    var low = 0
    var high = chunks.count
    while low < high {
      let middle = (low + high) / 2
      if reached(chunks[middle][chunks[middle].count - 1]) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    guard low < chunks.count else { return Place(chunk: low, offset: 0) }
    let chunk = low
    low = 0
    high = chunks[chunk].count - 1
    while low < high {
      let middle = (low + high) / 2
      if reached(chunks[chunk][middle]) { high = middle } else { low = middle + 1 }
    }
    return Place(chunk: chunk, offset: low)
  }

  /// The place of `element`, or nil.
  package func find(_ element: Element) -> Place? {
    let place = firstPlace { !($0 < element) }
    return !isEnd(place) && self[place] == element ? place : nil
  }

  /// Adds `element`; an equal one must not be there.
  package mutating func insert(_ element: Element) {
    count += 1
    guard let last = chunks.last?.last else {
      chunks.append([element])
      return
    }
    if last < element {
      if chunks[chunks.count - 1].count < Self.limit {
        chunks[chunks.count - 1].append(element)
      } else {
        chunks.append([element])
      }
      return
    }
    let place = firstPlace { !($0 < element) }
    chunks[place.chunk].insert(element, at: place.offset)
    if chunks[place.chunk].count > Self.limit {
      let half = chunks[place.chunk].count / 2
      let upper = Array(chunks[place.chunk][half...])
      chunks[place.chunk].removeSubrange(half...)
      chunks.insert(upper, at: place.chunk + 1)
    }
  }

  /// Removes and returns the element at `place`.
  @discardableResult
  package mutating func remove(at place: Place) -> Element {
    count -= 1
    let element = chunks[place.chunk].remove(at: place.offset)
    if chunks[place.chunk].isEmpty { chunks.remove(at: place.chunk) }
    return element
  }

  /// Removes `element`; true when it was there.
  package mutating func remove(_ element: Element) -> Bool {
    guard let place = find(element) else { return false }
    remove(at: place)
    return true
  }

  /// Removes the first `length` elements.
  package mutating func removeFirst(_ length: Int) {
    precondition(length <= count)
    var left = length
    var whole = 0
    while whole < chunks.count && left >= chunks[whole].count {
      left -= chunks[whole].count
      whole += 1
    }
    chunks.removeFirst(whole)
    if left > 0 { chunks[0].removeFirst(left) }
    count -= length
  }

  /// Removes everything.
  package mutating func removeAll() {
    chunks.removeAll()
    count = 0
  }

  /// Calls `body` with every element in order.
  @inline(__always)
  package func forEach<E: Error>(_ body: (Element) throws(E) -> Void) throws(E) {
    for chunk in chunks { for element in chunk { try body(element) } }
  }
}

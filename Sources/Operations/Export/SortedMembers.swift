internal import Bytes

/// The members of one sorted set, collected until it is complete, and given back by score, then
/// by member. Dumps hold them from the lowest or from the highest on, so that sorting is rare.
struct SortedMembers: ~Copyable {
  private struct Entry {
    var score: Double
    var offset: Int
    var length: Int
  }

  private enum Order { case any, rising, falling, none }

  private var bytes = ScratchBuffer(capacity: 4096)
  private var entries: [Entry] = []
  private var order = Order.any

  /// How many members there are.
  var count: Int { entries.count }

  /// Forgets all; the memory stays.
  mutating func clear() {
    bytes.clear()
    entries.removeAll(keepingCapacity: true)
    order = .any
  }

  /// Adds a member.
  mutating func append(_ member: ByteSlice, _ score: Double) {
    let entry = Entry(score: score, offset: bytes.count, length: member.count)
    bytes.append(member)
    if let last = entries.last, order != .none {
      let rises = precedes(last, entry)
      switch order {
      case .any: order = rises ? .rising : .falling
      case .rising: if !rises { order = .none }
      case .falling: if !precedes(entry, last) { order = .none }
      case .none: break
      }
    }
    entries.append(entry)
  }

  /// Brings the members into order.
  mutating func sort() {
    switch order {
    case .any, .rising: break
    case .falling where entries.count > 2 || precedes(entries[1], entries[0]): entries.reverse()
    case .falling, .none:
      // Out for the time of sorting, since the comparison looks into `bytes`.
      var sorted: [Entry] = []
      swap(&sorted, &entries)
      sorted.sort { precedes($0, $1) }
      swap(&sorted, &entries)
    }
    order = .rising
  }

  /// The member at `index`, valid until the next ``append(_:_:)`` or ``clear()``, and its score.
  subscript(index: Int) -> (member: ByteSlice, score: Double) {
    let entry = entries[index]
    return (bytes.slice.slice(at: entry.offset, count: entry.length), entry.score)
  }

  /// NaN, which no server writes, stands behind everything.
  private func precedes(_ a: Entry, _ b: Entry) -> Bool {
    if a.score < b.score { return true }
    if a.score > b.score { return false }
    if a.score.isNaN != b.score.isNaN { return b.score.isNaN }
    let all = bytes.slice
    return all.slice(at: a.offset, count: a.length)
      .compare(all.slice(at: b.offset, count: b.length)) < 0
  }
}

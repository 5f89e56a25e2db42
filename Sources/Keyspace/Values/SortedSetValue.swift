package import Bytes

/// A member with its score, ordered as the server orders them: by score, then by bytes.
package struct ScoredMember: Comparable {
  /// The score; never NaN.
  package let score: Double
  /// The member.
  package let member: ByteSlice

  package init(score: Double, member: ByteSlice) {
    self.score = score
    self.member = member
  }

  package static func < (a: ScoredMember, b: ScoredMember) -> Bool {
    a.score == b.score ? a.member.compare(b.member) < 0 : a.score < b.score
  }
}

/// A sorted set. The order is made when somebody first asks for it, and kept from then on.
package final class SortedSetValue {
  /// The members with their scores, in no order to rely on.
  @safe @exclusivity(unchecked) package private(set) var table = SliceTable<Double>()
  @safe @exclusivity(unchecked) private var order: SortedChunks<ScoredMember>?

  package init() {}

  /// How many members there are.
  package var count: Int { table.count }
  /// The bytes of all members together, and 8 for each score.
  package var byteCount: Int { table.keyBytes + table.count * 8 }

  /// The score of `member`.
  package func score(of member: ByteSlice) -> Double? {
    table.find(member).map { table.items[$0].payload }
  }

  /// Gives `member` a score (not NaN), and returns the one it had.
  @discardableResult
  package func set(_ member: ByteSlice, to score: Double) -> Double? {
    let hash = member.fastHash
    if let index = table.find(member, hash: hash) {
      let old = table.items[index].payload
      if order != nil, old != score || old.sign != score.sign {
        let kept = table.items[index].key
        _ = order?.remove(ScoredMember(score: old, member: kept))
        order?.insert(ScoredMember(score: score, member: kept))
      }
      table.setPayload(score, at: index)
      return old
    }
    table.append(member, score, hash: hash)
    order?.insert(ScoredMember(score: score, member: member))
    return nil
  }

  /// Gives `member` a score as ZADD does: one that compares equal to the score it has changes
  /// nothing. True when something changed.
  package func put(_ member: ByteSlice, _ score: Double) -> Bool {
    if order != nil {
      if let old = self.score(of: member), old == score { return false }
      set(member, to: score)
      return true
    }
    let (index, isNew) = table.findOrAdd(member, score)
    if isNew { return true }
    guard table.items[index].payload != score else { return false }
    table.setPayload(score, at: index)
    return true
  }

  /// Removes all members; the memory stays.
  package func removeAll() {
    table.removeAll()
    order = nil
  }

  /// Removes `member`; true when it was there.
  package func remove(_ member: ByteSlice) -> Bool {
    guard let old = table.remove(member) else { return false }
    _ = order?.remove(ScoredMember(score: old, member: member))
    return true
  }

  /// All members in order; stays correct while the set changes.
  package var ordered: SortedChunks<ScoredMember> {
    if let order { return order }
    var members = table.items.map { ScoredMember(score: $0.payload, member: $0.key) }
    members.sort()
    let made = SortedChunks(sorted: members)
    order = made
    return made
  }

  /// Removes and returns the first (or last) member; nil when there is none.
  package func pop(last: Bool) -> ScoredMember? {
    guard count > 0 else { return nil }
    _ = ordered
    guard let taken = last ? order?.last : order?.first else { return nil }
    _ = remove(taken.member)
    return taken
  }

  /// Removes the members of ranks `range`.
  package func remove(ranks range: Range<Int>) {
    let order = ordered
    var place = order.place(range.lowerBound)
    for _ in range {
      _ = table.remove(order[place].member)
      place = order.after(place)
    }
    self.order = nil
    guard range.count * 8 < count else { return }
    var rest = order
    for _ in range { rest.remove(at: rest.place(range.lowerBound)) }
    self.order = rest
  }

  /// The same members in another object.
  package func copy() -> SortedSetValue {
    let copy = SortedSetValue()
    copy.table = table
    copy.order = order
    return copy
  }
}

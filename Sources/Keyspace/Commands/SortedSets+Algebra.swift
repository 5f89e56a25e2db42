internal import AOF
internal import Bytes

/// Sorted sets made from several keys.
///
/// Sums are rounded at every step, so the order of the steps is the server's: sources by ascending
/// size, those of equal size as they are named. `inf - inf` counts as 0.
extension SortedSetCommands {
  private enum Operation {
    case union
    case intersection
    case difference
  }

  private enum Aggregate {
    case sum
    case least
    case greatest

    func callAsFunction(_ a: Double, _ b: Double) -> Double {
      switch self {
      case .sum:
        let sum = a + b
        return sum.isNaN ? 0 : sum
      case .least: return b < a ? b : a
      case .greatest: return b > a ? b : a
      }
    }
  }

  /// A set or a sorted set, absent keys being empty, and its weight.
  private struct Source {
    enum Members {
      case none
      case set(SetValue)
      case sorted(SortedSetValue)
    }
    var members: Members
    var weight = 1.0

    var count: Int {
      switch members {
      case .none: 0
      case .set(let set): set.count
      case .sorted(let zset): zset.count
      }
    }

    func score(of member: ByteSlice) -> Double? {
      switch members {
      case .none: nil
      case .set(let set): set.contains(member) ? 1 : nil
      case .sorted(let zset): zset.score(of: member)
      }
    }

    func forEach(_ body: (ByteSlice, Double) -> Void) {
      switch members {
      case .none: return
      case .set(let set): for index in 0..<set.count { body(set.member(index), 1) }
      case .sorted(let zset): for item in zset.table.items { body(item.key, item.payload) }
      }
    }
  }

  /// `ZUNIONSTORE destination numkeys key [key …] [WEIGHTS …] [AGGREGATE SUM|MIN|MAX]`
  @Sendable
  static func zunionstore(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try combine(.union, a, keyspace)
  }

  /// `ZINTERSTORE destination numkeys key [key …] [WEIGHTS …] [AGGREGATE SUM|MIN|MAX]`
  @Sendable
  static func zinterstore(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try combine(.intersection, a, keyspace)
  }

  /// `ZDIFFSTORE destination numkeys key [key …]`
  @Sendable
  static func zdiffstore(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try combine(.difference, a, keyspace)
  }

  /// `ZUNION destination numkeys key [key …] …` of Redis 1.3 stores; `ZUNION numkeys key …` of 6.2 and
  /// later only reads, and no server logs it.
  @Sendable
  static func zunion(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    stores(a) ? try combine(.union, a, keyspace) : .unchanged
  }

  /// The same for `ZINTER`.
  @Sendable
  static func zinter(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    stores(a) ? try combine(.intersection, a, keyspace) : .unchanged
  }

  private static func stores(_ a: Arguments) -> Bool {
    guard a.count >= 4, let keys = DecimalText.canonical(a[2]) else { return false }
    return keys >= 1 && keys <= Int64(a.count - 3)
  }

  private static func combine(
    _ operation: Operation, _ a: Arguments, _ keyspace: Keyspace
  ) throws(CommandFault) -> Effect {
    let keys = try a.integer(at: 2)
    guard keys >= 1, keys <= Int64(a.count - 3) else { throw .syntax }
    var sources: [Source] = []
    for index in 3..<3 + Int(keys) { sources.append(try source(a[index], keyspace)) }
    var aggregate = Aggregate.sum
    var at = 3 + sources.count
    while at < a.count {
      if operation != .difference, a.isOption(at, "WEIGHTS"), a.count - at > sources.count {
        for index in sources.indices { sources[index].weight = try score(a[at + 1 + index]) }
        at += 1 + sources.count
      } else if operation != .difference, a.isOption(at, "AGGREGATE"), at + 1 < a.count {
        if a.isOption(at + 1, "SUM") {
          aggregate = .sum
        } else if a.isOption(at + 1, "MIN") {
          aggregate = .least
        } else if a.isOption(at + 1, "MAX") {
          aggregate = .greatest
        } else {
          throw .syntax
        }
        at += 2
      } else {
        throw .syntax
      }
    }
    let result = SortedSetValue()
    switch operation {
    case .difference:
      sources[0].forEach { member, score in
        if !sources.dropFirst().contains(where: { $0.score(of: member) != nil }) {
          result.set(member, to: score)
        }
      }
    case .union:
      for source in bySize(sources) {
        source.forEach { member, score in
          let weighted = weigh(score, source.weight)
          if let old = result.score(of: member) {
            result.set(member, to: aggregate(old, weighted))
          } else {
            result.set(member, to: weighted)
          }
        }
      }
    case .intersection:
      let ordered = bySize(sources)
      ordered[0].forEach { member, score in
        var total = weigh(score, ordered[0].weight)
        for other in ordered.dropFirst() {
          guard let score = other.score(of: member) else { return }
          total = aggregate(total, score * other.weight)
        }
        result.set(member, to: total)
      }
    }
    return store(result, in: a[1], keyspace)
  }

  private static func weigh(_ score: Double, _ weight: Double) -> Double {
    let weighted = score * weight
    return weighted.isNaN ? 0 : weighted
  }

  private static func bySize(_ sources: [Source]) -> [Source] {
    sources.enumerated()
      .sorted { ($0.element.count, $0.offset) < ($1.element.count, $1.offset) }
      .map(\.element)
  }

  private static func source(
    _ key: ByteSlice, _ keyspace: Keyspace
  ) throws(CommandFault) -> Source {
    switch keyspace.state(of: key).value {
    case nil: Source(members: .none)
    case .set(let set): Source(members: .set(set))
    case .sortedSet(let zset): Source(members: .sorted(zset))
    default: throw .wrongType
    }
  }

  /// Replaces `key`, time to live included; an empty result removes it.
  static func store(
    _ result: SortedSetValue, in key: ByteSlice, _ keyspace: Keyspace
  ) -> Effect {
    if result.count == 0 { return keyspace.remove(key) ? .changed : .unchanged }
    keyspace.setState(KeyState(value: .sortedSet(result)), of: key)
    return .changed
  }

  /// `ZRANGESTORE destination source min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]`
  @Sendable
  static func zrangestore(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    var byScore = false
    var byLex = false
    var reversed = false
    var offset: Int64 = 0
    var limit: Int64 = -1
    var limited = false
    var at = 5
    while at < a.count {
      if a.isOption(at, "BYSCORE") {
        byScore = true
      } else if a.isOption(at, "BYLEX") {
        byLex = true
      } else if a.isOption(at, "REV") {
        reversed = true
      } else if a.isOption(at, "LIMIT"), at + 2 < a.count {
        offset = try a.integer(at: at + 1)
        limit = try a.integer(at: at + 2)
        limited = true
        at += 2
      } else {
        throw .syntax
      }
      at += 1
    }
    guard !(byScore && byLex), !limited || byScore || byLex else { throw .syntax }
    let (low, high) = reversed ? (a[4], a[3]) : (a[3], a[4])
    let find: (SortedSetValue) -> Range<Int>
    if byScore {
      find = try ScoreRange(low: low, high: high).ranks
    } else if byLex {
      find = try LexRange(low: low, high: high).ranks
    } else {
      let start = try a.integer(at: 3)
      let stop = try a.integer(at: 4)
      find = { zset in
        guard let ranks = ranks(start, stop, zset.count) else { return 0..<0 }
        return reversed
          ? zset.count - ranks.upperBound..<zset.count - ranks.lowerBound : ranks
      }
    }
    let result = SortedSetValue()
    var state = keyspace.state(of: a[2])
    if let zset = try state.sortedSet() {
      var ranks = find(zset)
      if limited {
        let skipped = offset < 0 ? ranks.count : min(ranks.count, Int(clamping: offset))
        let taken =
          limit < 0 ? ranks.count - skipped : min(ranks.count - skipped, Int(clamping: limit))
        ranks =
          reversed
          ? ranks.upperBound - skipped - taken..<ranks.upperBound - skipped
          : ranks.lowerBound + skipped..<ranks.lowerBound + skipped + taken
      }
      let order = zset.ordered
      var place = order.place(ranks.lowerBound)
      for _ in ranks {
        result.set(order[place].member, to: order[place].score)
        place = order.after(place)
      }
    }
    return store(result, in: a[1], keyspace)
  }
}

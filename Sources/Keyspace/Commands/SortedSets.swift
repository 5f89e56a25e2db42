internal import AOF
internal import Bytes

/// Sorted sets: adding, removing, taking from the ends. The storing commands over several keys
/// are in `SortedSets+Algebra.swift`.
package enum SortedSetCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("ZADD", arity: -4, .key(zadd)),
    CommandEntry("ZINCRBY", arity: 4, .key(zincrby)),
    CommandEntry("ZREM", arity: -3, .key(zrem)),
    CommandEntry("ZREMRANGEBYRANK", arity: 4, .key(zremrangebyrank)),
    CommandEntry("ZREMRANGEBYSCORE", arity: 4, .key(zremrangebyscore)),
    CommandEntry("ZREMRANGEBYLEX", arity: 4, .key(zremrangebylex)),
    CommandEntry("ZPOPMIN", arity: -2, .key(zpopmin)),
    CommandEntry("ZPOPMAX", arity: -2, .key(zpopmax)),
    CommandEntry("ZMPOP", arity: -4, .keyspace(zmpop)),
    CommandEntry("BZMPOP", arity: -5, .keyspace(bzmpop)),
    CommandEntry("BZPOPMIN", arity: -3, .keyspace(bzpopmin)),
    CommandEntry("BZPOPMAX", arity: -3, .keyspace(bzpopmax)),
    CommandEntry("ZUNIONSTORE", arity: -4, .keyspace(zunionstore)),
    CommandEntry("ZINTERSTORE", arity: -4, .keyspace(zinterstore)),
    CommandEntry("ZUNION", arity: -3, .keyspace(zunion)),
    CommandEntry("ZINTER", arity: -3, .keyspace(zinter)),
    CommandEntry("ZDIFFSTORE", arity: -4, .keyspace(zdiffstore)),
    CommandEntry("ZRANGESTORE", arity: -5, .keyspace(zrangestore)),
  ]

  /// `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member …]`
  ///
  /// All scores are read before anything changes. A score that compares equal stays as it is, so
  /// -0 does not replace 0.
  @Sendable
  static func zadd(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    var rule = AddRule()
    var at = 2
    options: while at < a.count {
      if a.isOption(at, "NX") {
        rule.onlyNew = true
      } else if a.isOption(at, "XX") {
        rule.onlyPresent = true
      } else if a.isOption(at, "GT") {
        rule.onlyGreater = true
      } else if a.isOption(at, "LT") {
        rule.onlyLess = true
      } else if a.isOption(at, "INCR") {
        rule.increments = true
      } else if !a.isOption(at, "CH") {
        break options
      }
      at += 1
    }
    let words = a.count - at
    guard words > 0, words % 2 == 0 else { throw .syntax }
    guard !(rule.onlyNew && (rule.onlyPresent || rule.onlyGreater || rule.onlyLess)),
      !(rule.onlyGreater && rule.onlyLess), !rule.increments || words == 2
    else { throw .syntax }
    context.scores.truncate(to: 0)
    for index in stride(from: at, to: a.count, by: 2) { context.scores.append(try score(a[index])) }
    if rule.onlyPresent && !state.exists { return .unchanged }
    guard let zset = try state.sortedSet(creating: true) else { return .unchanged }
    var effect = Effect.unchanged
    for number in 0..<words / 2 {
      let score = context.scores[number]
      let member = a[at + number * 2 + 1]
      if try rule.isPlain ? zset.put(member, score) : rule.add(score, member, to: zset) {
        effect = .changed
      }
    }
    return effect
  }

  /// `ZINCRBY key increment member`
  @Sendable
  static func zincrby(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    var rule = AddRule()
    rule.increments = true
    let increment = try score(a[2])
    guard let zset = try state.sortedSet(creating: true) else { return .unchanged }
    return try rule.add(increment, a[3], to: zset) ? .changed : .unchanged
  }

  /// What ZADD's options ask for.
  private struct AddRule {
    var onlyNew = false
    var onlyPresent = false
    var onlyGreater = false
    var onlyLess = false
    var increments = false

    /// Whether there was no option.
    var isPlain: Bool { !(onlyNew || onlyPresent || onlyGreater || onlyLess || increments) }

    /// Adds or changes one member; true when something changed.
    func add(
      _ given: Double, _ member: ByteSlice, to zset: SortedSetValue
    ) throws(CommandFault) -> Bool {
      guard let old = zset.score(of: member) else {
        if onlyPresent { return false }
        zset.set(member, to: given)
        return true
      }
      if onlyNew { return false }
      let score = increments ? old + given : given
      if score.isNaN { throw .overflow }
      if onlyGreater && score <= old || onlyLess && score >= old || score == old { return false }
      zset.set(member, to: score)
      return true
    }
  }

  /// `ZREM key member [member …]`
  @Sendable
  static func zrem(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let zset = try state.sortedSet() else { return .unchanged }
    var effect = Effect.unchanged
    for index in 2..<a.count where zset.remove(a[index]) { effect = .changed }
    return effect
  }

  /// `ZREMRANGEBYRANK key start stop`
  @Sendable
  static func zremrangebyrank(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let start = try a.integer(at: 2)
    let stop = try a.integer(at: 3)
    guard let zset = try state.sortedSet(), let ranks = ranks(start, stop, zset.count) else {
      return .unchanged
    }
    zset.remove(ranks: ranks)
    return .changed
  }

  /// `ZREMRANGEBYSCORE key min max`
  @Sendable
  static func zremrangebyscore(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try removeRange(try ScoreRange(low: a[2], high: a[3]).ranks, &state)
  }

  /// `ZREMRANGEBYLEX key min max`
  @Sendable
  static func zremrangebylex(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try removeRange(try LexRange(low: a[2], high: a[3]).ranks, &state)
  }

  private static func removeRange(
    _ find: (SortedSetValue) -> Range<Int>, _ state: inout KeyState
  ) throws(CommandFault) -> Effect {
    guard let zset = try state.sortedSet() else { return .unchanged }
    let ranks = find(zset)
    guard !ranks.isEmpty else { return .unchanged }
    zset.remove(ranks: ranks)
    return .changed
  }

  // MARK: - From the ends

  /// `ZPOPMIN key [count]`
  @Sendable
  static func zpopmin(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try pop(a, &state, last: false)
  }

  /// `ZPOPMAX key [count]`
  @Sendable
  static func zpopmax(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try pop(a, &state, last: true)
  }

  private static func pop(
    _ a: Arguments, _ state: inout KeyState, last: Bool
  ) throws(CommandFault) -> Effect {
    guard a.count <= 3 else { throw .syntax }
    let wanted = a.count == 3 ? try a.integer(at: 2) : 1
    guard wanted >= 0 else { throw .outOfRange }
    guard let zset = try state.sortedSet() else { return .unchanged }
    let taken = Int(min(wanted, Int64(zset.count)))
    for _ in 0..<taken { _ = zset.pop(last: last) }
    return taken > 0 ? .changed : .unchanged
  }

  /// `ZMPOP numkeys key [key …] MIN|MAX [COUNT count]`
  @Sendable
  static func zmpop(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try popFirst(a, 1, keyspace)
  }

  /// `BZMPOP timeout numkeys key [key …] MIN|MAX [COUNT count]`
  @Sendable
  static func bzmpop(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try popFirst(a, 2, keyspace)
  }

  private static func popFirst(
    _ a: Arguments, _ at: Int, _ keyspace: Keyspace
  ) throws(CommandFault) -> Effect {
    let keys = try a.integer(at: at)
    guard keys > 0, keys <= Int64(a.count - at - 2) else { throw .syntax }
    let behind = at + 1 + Int(keys)
    let last = a.isOption(behind, "MAX")
    guard last || a.isOption(behind, "MIN") else { throw .syntax }
    var count: Int64 = 1
    if a.count > behind + 1 {
      guard a.count == behind + 3, a.isOption(behind + 1, "COUNT") else { throw .syntax }
      count = try a.integer(at: behind + 2)
      guard count > 0 else { throw .outOfRange }
    }
    for index in at + 1..<behind
    where try popFrom(a[index], count, last: last, keyspace) {
      return .changed
    }
    return .unchanged
  }

  /// `BZPOPMIN key [key …] timeout`
  @Sendable
  static func bzpopmin(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    for index in 1..<a.count - 1 where try popFrom(a[index], 1, last: false, keyspace) {
      return .changed
    }
    return .unchanged
  }

  /// `BZPOPMAX key [key …] timeout`
  @Sendable
  static func bzpopmax(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    for index in 1..<a.count - 1 where try popFrom(a[index], 1, last: true, keyspace) {
      return .changed
    }
    return .unchanged
  }

  private static func popFrom(
    _ key: ByteSlice, _ count: Int64, last: Bool, _ keyspace: Keyspace
  ) throws(CommandFault) -> Bool {
    var state = keyspace.state(of: key)
    guard let zset = try state.sortedSet(), zset.count > 0 else { return false }
    for _ in 0..<min(count, Int64(zset.count)) { _ = zset.pop(last: last) }
    keyspace.setState(state, of: key)
    return true
  }

  // MARK: - Words

  /// A score, an increment or a weight.
  static func score(_ text: ByteSlice) throws(CommandFault) -> Double {
    guard let value = DoubleText.parse(text, .command) else { throw .notFloat }
    return value
  }

  /// The ranks from `start` to `stop`, which count from the end when negative.
  static func ranks(_ start: Int64, _ stop: Int64, _ count: Int) -> Range<Int>? {
    let count = Int64(count)
    let first = start < 0 ? max(0, start &+ count) : start
    let last = min(stop < 0 ? stop &+ count : stop, count - 1)
    guard first <= last, first < count else { return nil }
    return Int(first)..<Int(last) + 1
  }
}

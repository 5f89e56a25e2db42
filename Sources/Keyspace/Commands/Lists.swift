internal import AOF
internal import Bytes

/// Lists.
///
/// The blocking commands stand in logs of 1.3 to 3.2 only, with their timeout; replayed, they do
/// what they did then: take from the first list that has something.
package enum ListCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("LPUSH", arity: -3, .key(lpush)),
    CommandEntry("RPUSH", arity: -3, .key(rpush)),
    CommandEntry("LPUSHX", arity: -3, .key(lpushx)),
    CommandEntry("RPUSHX", arity: -3, .key(rpushx)),
    CommandEntry("LPOP", arity: -2, .key(lpop)),
    CommandEntry("RPOP", arity: -2, .key(rpop)),
    CommandEntry("LSET", arity: 4, .key(lset)),
    CommandEntry("LREM", arity: 4, .key(lrem)),
    CommandEntry("LTRIM", arity: 4, .key(ltrim)),
    CommandEntry("LINSERT", arity: 5, .key(linsert)),
    CommandEntry("RPOPLPUSH", arity: 3, .keyspace(rpoplpush)),
    CommandEntry("BRPOPLPUSH", arity: 4, .keyspace(rpoplpush)),
    CommandEntry("LMOVE", arity: 5, .keyspace(lmove)),
    CommandEntry("BLMOVE", arity: 6, .keyspace(lmove)),
    CommandEntry("LMPOP", arity: -4, .keyspace(lmpop)),
    CommandEntry("BLMPOP", arity: -5, .keyspace(blmpop)),
    CommandEntry("BLPOP", arity: -3, .keyspace(blpop)),
    CommandEntry("BRPOP", arity: -3, .keyspace(brpop)),
  ]

  /// `LPUSH key element [element …]`
  @Sendable
  static func lpush(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try push(a, &state, left: true, creating: true)
  }

  /// `RPUSH key element [element …]`
  @Sendable
  static func rpush(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try push(a, &state, left: false, creating: true)
  }

  /// `LPUSHX key element [element …]`
  @Sendable
  static func lpushx(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try push(a, &state, left: true, creating: false)
  }

  /// `RPUSHX key element [element …]`
  @Sendable
  static func rpushx(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try push(a, &state, left: false, creating: false)
  }

  private static func push(
    _ a: Arguments, _ state: inout KeyState, left: Bool, creating: Bool
  ) throws(CommandFault) -> Effect {
    guard let list = try state.list(creating: creating) else { return .unchanged }
    for index in 2..<a.count {
      if left { list.pushLeft(a[index]) } else { list.pushRight(a[index]) }
    }
    return .changed
  }

  /// `LPOP key [count]`
  @Sendable
  static func lpop(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try pop(a, &state, left: true)
  }

  /// `RPOP key [count]`
  @Sendable
  static func rpop(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try pop(a, &state, left: false)
  }

  private static func pop(
    _ a: Arguments, _ state: inout KeyState, left: Bool
  ) throws(CommandFault) -> Effect {
    guard a.count <= 3 else { throw .syntax }
    var wanted = 1
    if a.count == 3 {
      let count = try a.integer(at: 2)
      guard count >= 0 else { throw .outOfRange }
      wanted = Int(count)
    }
    guard let list = try state.list() else { return .unchanged }
    let taken = min(wanted, list.count)
    take(taken, from: list, left: left)
    return taken > 0 ? .changed : .unchanged
  }

  private static func take(_ count: Int, from list: ListValue, left: Bool) {
    for _ in 0..<count { _ = left ? list.popLeft() : list.popRight() }
  }

  /// `LSET key index element`
  ///
  /// Servers from 7.2 on cut the index to 32 bits, so that a very large one may hit an element.
  @Sendable
  static func lset(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let list = try state.list() else { throw .noSuchKey }
    var index = Int64(Int32(truncatingIfNeeded: try a.integer(at: 2)))
    if index < 0 { index += Int64(list.count) }
    guard index >= 0, index < Int64(list.count) else { throw .outOfRange }
    let at = Int(index)
    list.remove(at..<at + 1)
    list.insert(a[3], at: at)
    return .changed
  }

  /// `LREM key count element`: from the left for a positive count, from the right for a negative
  /// one, all for 0.
  @Sendable
  static func lrem(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let count = try a.integer(at: 2)
    guard let list = try state.list() else { return .unchanged }
    let most = count == 0 ? Int.max : Int(clamping: count.magnitude)
    var hits: [Int] = []
    if count >= 0 {
      var index = 0
      while index < list.count && hits.count < most {
        if list[index] == a[3] { hits.append(index) }
        index += 1
      }
    } else {
      var index = list.count - 1
      while index >= 0 && hits.count < most {
        if list[index] == a[3] { hits.append(index) }
        index -= 1
      }
      hits.reverse()
    }
    guard !hits.isEmpty else { return .unchanged }
    // The elements that stay are put together anew: one pass, however many go.
    let kept = list.copy()
    list.removeAll()
    var next = 0
    for index in 0..<kept.count {
      if next < hits.count && hits[next] == index {
        next += 1
      } else {
        list.pushRight(kept[index])
      }
    }
    return .changed
  }

  /// `LTRIM key start stop`
  @Sendable
  static func ltrim(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    var start = try a.integer(at: 2)
    var stop = try a.integer(at: 3)
    guard let list = try state.list() else { return .unchanged }
    let count = Int64(list.count)
    if start < 0 { start = max(0, start &+ count) }
    if stop < 0 { stop = stop &+ count }
    if start > stop || start >= count {
      list.removeAll()
      return .changed
    }
    stop = min(stop, count - 1)
    list.remove(Int(stop) + 1..<list.count)
    list.remove(0..<Int(start))
    return .changed
  }

  /// `LINSERT key BEFORE|AFTER pivot element`
  @Sendable
  static func linsert(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let after = a.isOption(2, "AFTER")
    guard after || a.isOption(2, "BEFORE") else { throw .syntax }
    guard let list = try state.list() else { return .unchanged }
    for index in 0..<list.count where list[index] == a[3] {
      list.insert(a[4], at: after ? index + 1 : index)
      return .changed
    }
    return .unchanged
  }

  // MARK: - Two lists

  /// `RPOPLPUSH source destination`, and `BRPOPLPUSH` with its timeout.
  @Sendable
  static func rpoplpush(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try move(a[1], fromLeft: false, a[2], toLeft: true, keyspace)
  }

  /// `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`, and `BLMOVE` with its timeout.
  @Sendable
  static func lmove(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try move(
      a[1], fromLeft: try side(a, 3), a[2], toLeft: try side(a, 4), keyspace)
  }

  private static func side(_ a: Arguments, _ index: Int) throws(CommandFault) -> Bool {
    if a.isOption(index, "LEFT") { return true }
    guard a.isOption(index, "RIGHT") else { throw .syntax }
    return false
  }

  private static func move(
    _ source: ByteSlice, fromLeft: Bool, _ target: ByteSlice, toLeft: Bool, _ keyspace: Keyspace
  ) throws(CommandFault) -> Effect {
    var from = keyspace.state(of: source)
    guard let list = try from.list() else { return .unchanged }
    if source == target {
      guard let element = fromLeft ? list.popLeft() : list.popRight() else { return .unchanged }
      if toLeft { list.pushLeft(element) } else { list.pushRight(element) }
      keyspace.setState(from, of: source)
      return .changed
    }
    var to = keyspace.state(of: target)
    guard let other = try to.list(creating: true),
      let element = fromLeft ? list.popLeft() : list.popRight()
    else { return .unchanged }
    if toLeft { other.pushLeft(element) } else { other.pushRight(element) }
    keyspace.setState(from, of: source)
    keyspace.setState(to, of: target)
    return .changed
  }

  // MARK: - The first list that has something

  /// `LMPOP numkeys key [key …] LEFT|RIGHT [COUNT count]`
  @Sendable
  static func lmpop(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try popFirst(a, 1, keyspace)
  }

  /// `BLMPOP timeout numkeys key [key …] LEFT|RIGHT [COUNT count]`
  @Sendable
  static func blmpop(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try popFirst(a, 2, keyspace)
  }

  private static func popFirst(
    _ a: Arguments, _ at: Int, _ keyspace: Keyspace
  ) throws(CommandFault) -> Effect {
    let keys = try a.integer(at: at)
    guard keys > 0, keys <= Int64(a.count - at - 2) else { throw .syntax }
    let behind = at + 1 + Int(keys)
    let left = try side(a, behind)
    var count: Int64 = 1
    if a.count > behind + 1 {
      guard a.count == behind + 3, a.isOption(behind + 1, "COUNT") else { throw .syntax }
      count = try a.integer(at: behind + 2)
      guard count > 0 else { throw .outOfRange }
    }
    for index in at + 1..<behind
    where try popFrom(a[index], Int(count), left: left, keyspace) {
      return .changed
    }
    return .unchanged
  }

  /// `BLPOP key [key …] timeout`
  @Sendable
  static func blpop(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    for index in 1..<a.count - 1 where try popFrom(a[index], 1, left: true, keyspace) {
      return .changed
    }
    return .unchanged
  }

  /// `BRPOP key [key …] timeout`
  @Sendable
  static func brpop(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    for index in 1..<a.count - 1 where try popFrom(a[index], 1, left: false, keyspace) {
      return .changed
    }
    return .unchanged
  }

  private static func popFrom(
    _ key: ByteSlice, _ count: Int, left: Bool, _ keyspace: Keyspace
  ) throws(CommandFault) -> Bool {
    var state = keyspace.state(of: key)
    guard let list = try state.list(), list.count > 0 else { return false }
    take(min(count, list.count), from: list, left: left)
    keyspace.setState(state, of: key)
    return true
  }
}

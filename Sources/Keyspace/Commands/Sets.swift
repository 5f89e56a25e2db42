internal import AOF
internal import Bytes

/// Sets.
package enum SetCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("SADD", arity: -3, .key(sadd)),
    CommandEntry("SREM", arity: -3, .key(srem)),
    CommandEntry("SPOP", arity: -2, .key(spop)),
    CommandEntry("SMOVE", arity: 4, .keyspace(smove)),
    CommandEntry("SINTERSTORE", arity: -3, .keyspace(sinterstore)),
    CommandEntry("SUNIONSTORE", arity: -3, .keyspace(sunionstore)),
    CommandEntry("SDIFFSTORE", arity: -3, .keyspace(sdiffstore)),
  ]

  /// `SADD key member [member …]`
  @Sendable
  static func sadd(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let set = try state.set(creating: true) else { return .unchanged }
    var effect = Effect.unchanged
    for index in 2..<a.count where set.add(a[index]) { effect = .changed }
    return effect
  }

  /// `SREM key member [member …]`
  @Sendable
  static func srem(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let set = try state.set() else { return .unchanged }
    var effect = Effect.unchanged
    for index in 2..<a.count where set.remove(a[index]) { effect = .changed }
    return effect
  }

  /// `SPOP key [count]` stands in logs of 1.x only; later servers log what it took. It can be
  /// told what remains when everything goes.
  @Sendable
  static func spop(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let wanted = a.count > 2 ? try a.integer(at: 2) : 1
    guard wanted >= 0 else { throw .outOfRange }
    guard let set = try state.set(), wanted > 0 else { return .unchanged }
    guard wanted >= Int64(set.count) else { throw .notReproducible }
    state.clear()
    return .changed
  }

  /// `SMOVE source destination member`
  @Sendable
  static func smove(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    var from = keyspace.state(of: a[1])
    guard from.exists else { return .unchanged }
    var to = keyspace.state(of: a[2])
    guard let source = try from.set() else { return .unchanged }
    _ = try to.set()
    guard a[1] != a[2], source.remove(a[3]) else { return .unchanged }
    keyspace.setState(from, of: a[1])
    if let target = try to.set(creating: true) { _ = target.add(a[3]) }
    keyspace.setState(to, of: a[2])
    return .changed
  }

  // MARK: - Set algebra

  /// `SINTERSTORE destination key [key …]`
  @Sendable
  static func sinterstore(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    // Up to 6.2 the first absent key decides, whatever the keys behind it hold.
    let sources = try operands(
      a, keyspace, untilAbsent: keyspace.context.generation == .upTo6)
    let result = SetValue()
    // The smallest set is walked; one that is absent leaves nothing.
    let present = sources.compactMap { $0 }.sorted { $0.count < $1.count }
    if present.count == sources.count, let smallest = present.first {
      for index in 0..<smallest.count {
        let member = smallest.member(index)
        if present.dropFirst().allSatisfy({ $0.contains(member) }) { _ = result.add(member) }
      }
    }
    return store(result, in: a[1], keyspace)
  }

  /// `SUNIONSTORE destination key [key …]`
  @Sendable
  static func sunionstore(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let result = SetValue()
    for case let set? in try operands(a, keyspace) {
      for index in 0..<set.count { _ = result.add(set.member(index)) }
    }
    return store(result, in: a[1], keyspace)
  }

  /// `SDIFFSTORE destination key [key …]`
  @Sendable
  static func sdiffstore(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let sources = try operands(a, keyspace)
    let result = SetValue()
    if let first = sources[0] {
      for index in 0..<first.count {
        let member = first.member(index)
        if !sources.dropFirst().contains(where: { $0?.contains(member) ?? false }) {
          _ = result.add(member)
        }
      }
    }
    return store(result, in: a[1], keyspace)
  }

  private static func operands(
    _ a: Arguments, _ keyspace: Keyspace, untilAbsent: Bool = false
  ) throws(CommandFault) -> [SetValue?] {
    var sets: [SetValue?] = []
    for index in 2..<a.count {
      var state = keyspace.state(of: a[index])
      sets.append(try state.set())
      if untilAbsent && !state.exists { break }
    }
    return sets
  }

  /// Replaces `key`, time to live included; an empty result removes it.
  private static func store(
    _ result: SetValue, in key: ByteSlice, _ keyspace: Keyspace
  ) -> Effect {
    if result.count == 0 { return keyspace.remove(key) ? .changed : .unchanged }
    keyspace.setState(KeyState(value: .set(result)), of: key)
    return .changed
  }
}

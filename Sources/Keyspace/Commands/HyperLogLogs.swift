internal import AOF
internal import Bytes

/// HyperLogLogs: strings of a special form, see ``HyperLogLog``.
package enum HyperLogLogCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("PFADD", arity: -2, .key(pfadd)),
    CommandEntry("PFCOUNT", arity: -2, .key(pfcount)),
    CommandEntry("PFMERGE", arity: -2, .keyspace(pfmerge)),
    CommandEntry("PFDEBUG", arity: -3, .keyspace(pfdebug)),
  ]

  /// `PFADD key [element …]`
  @Sendable
  static func pfadd(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let (bytes, isNew) = try registers(of: &state)
    var changed = isNew
    for index in 2..<a.count {
      guard let updated = HyperLogLog.add(a[index], to: bytes) else { throw .badPayload }
      if updated { changed = true }
    }
    guard changed else { return .unchanged }
    HyperLogLog.forgetCount(bytes)
    return .changed
  }

  /// `PFCOUNT key [key …]`: for one key, the count is remembered in the value.
  @Sendable
  static func pfcount(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard a.count == 2, state.exists else { return .unchanged }
    let (bytes, _) = try registers(of: &state)
    guard !HyperLogLog.isCountKnown(bytes.buffer.slice) else { return .unchanged }
    guard let count = HyperLogLog.count(bytes.buffer.slice) else { throw .badPayload }
    bytes.buffer.set(8, littleEndian: count)
    return .changed
  }

  /// `PFMERGE destkey [sourcekey …]`: the destination counts as a source, too. The result is
  /// dense when one of them is, and always in logs of Redis before 4.0.
  @Sendable
  static func pfmerge(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    var highest = [UInt8](repeating: 0, count: HyperLogLog.registerCount)
    var dense = false
    for index in 1..<a.count {
      guard let string = try keyspace.state(of: a[index]).string() else { continue }
      let bytes = string.bytes(&keyspace.context.scratch)
      guard HyperLogLog.isValid(bytes) else { throw .wrongType }
      if HyperLogLog.isDense(bytes) { dense = true }
      guard HyperLogLog.merge(bytes, into: &highest) else { throw .badPayload }
    }
    var state = keyspace.state(of: a[1])
    let (bytes, _) = try registers(of: &state)
    if dense || keyspace.mergesDense() {
      guard HyperLogLog.makeDense(bytes) else { throw .badPayload }
    }
    for index in 0..<highest.count where highest[index] > 0 {
      _ = HyperLogLog.set(index, to: highest[index], in: bytes)
    }
    HyperLogLog.forgetCount(bytes)
    keyspace.setState(state, of: a[1])
    return .changed
  }

  /// `PFDEBUG GETREG | TODENSE key`: both make the registers dense; the rest changes nothing.
  @Sendable
  static func pfdebug(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    guard a.count == 3 else { return .unchanged }
    var state = keyspace.state(of: a[2])
    guard state.exists else { throw .noSuchKey }
    guard a.isOption(1, "GETREG") || a.isOption(1, "TODENSE") else { return .unchanged }
    let (bytes, _) = try registers(of: &state)
    guard !HyperLogLog.isDense(bytes.buffer.slice) else { return .unchanged }
    guard HyperLogLog.makeDense(bytes) else { throw .badPayload }
    keyspace.setState(state, of: a[2])
    return .changed
  }

  /// The bytes of the HyperLogLog that the key holds, for changing; an empty one when there is no
  /// key.
  private static func registers(
    of state: inout KeyState
  ) throws(CommandFault) -> (OwnedBytes, isNew: Bool) {
    guard var string = try state.string() else {
      var string = StringValue(ByteSlice())
      let owned = string.owned()
      HyperLogLog.makeEmpty(owned)
      state = KeyState(value: .string(string))
      return (owned, true)
    }
    let owned = string.owned()
    guard HyperLogLog.isValid(owned.buffer.slice) else { throw .wrongType }
    state.value = .string(string)
    return (owned, false)
  }
}

internal import AOF
internal import Bytes

/// Strings and counters.
package enum StringCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("SET", arity: -3, .overwrite(set)),
    CommandEntry("APPEND", arity: 3, .key(append)),
    CommandEntry("INCR", arity: 2, .key(incr)),
  ]

  /// `SET key value [options]`
  @Sendable
  static func set(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    if a.count == 3 {
      state = KeyState(value: .string(StringValue(a[2])))
      return .changed
    }
    throw .syntax  // the options are written by the family's author
  }

  /// `APPEND key value`
  @Sendable
  static func append(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard var string = try state.string() else {
      state.value = .string(StringValue(a[2]))
      return .changed
    }
    guard string.count + a[2].count <= StringCommands.longest else { throw .overflow }
    string.owned().buffer.append(a[2])
    state.value = .string(string)
    return .changed
  }

  /// The longest string the server makes (`proto-max-bulk-len`, 512 MiB by default).
  static let longest = 512 << 20

  /// `INCR key`
  @Sendable
  static func incr(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try add(1, &state)
  }

  static func add(_ increment: Int64, _ state: inout KeyState) throws(CommandFault) -> Effect {
    let string = try state.string() ?? StringValue(integer: 0)
    guard let old = string.integer else { throw .notInteger }
    let (sum, overflow) = old.addingReportingOverflow(increment)
    guard !overflow else { throw .overflow }
    state.value = .string(StringValue(integer: sum))
    return .changed
  }
}

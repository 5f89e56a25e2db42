internal import AOF
internal import Bytes

/// Strings that are numbers.
package enum CounterCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("INCR", arity: 2, .key(incr)),
    CommandEntry("DECR", arity: 2, .key(decr)),
    CommandEntry("INCRBY", arity: 3, .key(incrby)),
    CommandEntry("DECRBY", arity: 3, .key(decrby)),
    CommandEntry("INCRBYFLOAT", arity: 3, .key(incrbyfloat)),
    CommandEntry("INCREX", arity: -2, .key(BoundedCounter.increx)),
  ]

  /// `INCR key`
  @Sendable
  static func incr(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try add(1, &state)
  }

  /// `DECR key`
  @Sendable
  static func decr(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try add(-1, &state)
  }

  /// `INCRBY key increment`
  @Sendable
  static func incrby(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try add(try a.integer(at: 2), &state)
  }

  /// `DECRBY key decrement`
  @Sendable
  static func decrby(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let decrement = try a.integer(at: 2)
    guard decrement != .min else {
      // Servers up to 6.2 add the number that has no opposite.
      guard context.generation == .upTo6 else { throw .overflow }
      return try add(decrement, &state)
    }
    return try add(-decrement, &state)
  }

  private static func add(
    _ increment: Int64, _ state: inout KeyState
  ) throws(CommandFault) -> Effect {
    let string = try state.string() ?? StringValue(integer: 0)
    guard let old = string.integer else { throw .notInteger }
    let (sum, overflow) = old.addingReportingOverflow(increment)
    guard !overflow else { throw .overflow }
    state.value = .string(StringValue(integer: sum))
    return .changed
  }

  /// `INCRBYFLOAT key increment`
  @Sendable
  static func incrbyfloat(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let string = try state.string() ?? StringValue(integer: 0)
    let old = string.bytes(&context.scratch)
    state.value = .string(StringValue(try add(a[2], to: old, context)))
    return .changed
  }

  /// The text of `old` + `increment`, which lives as long as the keyspace.
  static func add(
    _ increment: ByteSlice, to old: ByteSlice, _ context: Context
  ) throws(CommandFault) -> ByteSlice {
    do throws(LongDoubleText.Failure) {
      return context.keep(try LongDoubleText.sum(old, increment, into: &context.scratch))
    } catch {
      throw error == .notANumber ? .notFloat : .overflow
    }
  }
}

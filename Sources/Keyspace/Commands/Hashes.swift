internal import AOF
internal import Bytes
internal import RDB

/// Hashes. What gives single fields a time to live is in `Hashes+Expiry.swift`.
package enum HashCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("HSET", arity: -4, .key(hset)),
    CommandEntry("HMSET", arity: -4, .key(hset)),
    CommandEntry("HSETNX", arity: 4, .key(hsetnx)),
    CommandEntry("HDEL", arity: -3, .key(hdel)),
    CommandEntry("HINCRBY", arity: 4, .key(hincrby)),
    CommandEntry("HINCRBYFLOAT", arity: 4, .key(hincrbyfloat)),
    CommandEntry("HSETC", arity: -4, .key(hset)),
    CommandEntry("HEXPIRE", arity: -6, .key(hexpire)),
    CommandEntry("HPEXPIRE", arity: -6, .key(hpexpire)),
    CommandEntry("HEXPIREAT", arity: -6, .key(hexpireat)),
    CommandEntry("HPEXPIREAT", arity: -6, .key(hpexpireat)),
    CommandEntry("HPERSIST", arity: -5, .key(hpersist)),
    CommandEntry("HSETEX", arity: -6, .key(hsetex)),
    CommandEntry("HGETEX", arity: -5, .key(hgetex)),
    CommandEntry("HGETDEL", arity: -5, .key(hgetdel)),
  ]

  /// `HSET key field value [field value …]`: a field that is set loses its time to live.
  @Sendable
  static func hset(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard a.count % 2 == 0 else { throw .syntax }
    guard let hash = try state.hash(creating: true) else { return .unchanged }
    var index = 2
    while index < a.count {
      _ = hash.set(a[index], to: HashValue.Cell(a[index + 1]))
      index += 2
    }
    return .changed
  }

  /// `HSETNX key field value`
  @Sendable
  static func hsetnx(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let hash = try state.hash(creating: true), hash.cell(a[2]) == nil else {
      return .unchanged
    }
    _ = hash.set(a[2], to: HashValue.Cell(a[3]))
    return .changed
  }

  /// `HDEL key field [field …]`
  @Sendable
  static func hdel(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let hash = try state.hash() else { return .unchanged }
    var effect = Effect.unchanged
    for index in 2..<a.count where hash.remove(a[index]) { effect = .changed }
    return effect
  }

  /// `HINCRBY key field increment`: the time to live of the field stays.
  @Sendable
  static func hincrby(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let increment = try a.integer(at: 3)
    let old = try state.hash()?.cell(a[2])
    guard let value = old.map({ DecimalText.canonical($0.value) }) ?? 0 else { throw .notInteger }
    let (sum, overflow) = value.addingReportingOverflow(increment)
    guard !overflow else { throw .overflow }
    context.scratch.clear()
    context.scratch.append(decimal: sum)
    return try put(context.keep(context.scratch.slice), a[2], old, &state)
  }

  /// `HINCRBYFLOAT key field increment`: the time to live of the field stays. Servers log what it
  /// made (HSET, HSETEX).
  @Sendable
  static func hincrbyfloat(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let old = try state.hash()?.cell(a[2])
    let sum = try CounterCommands.add(a[3], to: old?.value ?? ByteSlice("0"), context)
    return try put(sum, a[2], old, &state)
  }

  private static func put(
    _ value: ByteSlice, _ field: ByteSlice, _ old: HashValue.Cell?, _ state: inout KeyState
  ) throws(CommandFault) -> Effect {
    guard let hash = try state.hash(creating: true) else { return .unchanged }
    _ = hash.set(
      field, to: HashValue.Cell(value, expiresAt: old?.expiresAt ?? ValueElement.never))
    return .changed
  }
}

internal import AOF
internal import Bytes

/// Hashes.
package enum HashCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("HSET", arity: -4, .key(hset)),
    CommandEntry("HMSET", arity: -4, .key(hset)),
    CommandEntry("HDEL", arity: -3, .key(hdel)),
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
}

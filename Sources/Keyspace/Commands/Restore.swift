internal import AOF
internal import Bytes
internal import RDB

/// Values in the form that DUMP gives.
package enum RestoreCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("RESTORE", arity: -4, .key(restore)),
    CommandEntry("RESTORE-ASKING", arity: -4, .key(restore)),
  ]

  /// `RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
  ///
  /// Payloads of every version are taken, not only those of the version of one server.
  @Sendable
  static func restore(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let options = try RestoreOptions(a)
    guard !state.exists || options.replaces else { throw .exists }
    var time = try a.integer(at: 2)
    guard time >= 0 else { throw .invalidExpiry }
    if time > 0 && !options.isAbsolute {
      let (sum, overflow) = time.addingReportingOverflow(context.now)
      guard !overflow else { throw .invalidExpiry }
      time = sum
    }
    let value = try value(a[3], context)
    guard !value.vanishes else { throw .badPayload }
    state = KeyState(value: value, expiresAt: time > 0 ? time : nil)
    return .changed
  }

  private static func value(
    _ bytes: ByteSlice, _ context: Context
  ) throws(CommandFault) -> Value {
    do throws(RDBError) { return try context.value(ofPayload: bytes) } catch { throw .badPayload }
  }
}

private struct RestoreOptions {
  var replaces = false
  var isAbsolute = false

  init(_ a: Arguments) throws(CommandFault) {
    var idle = false
    var frequency = false
    var index = 4
    while index < a.count {
      if a.isOption(index, "REPLACE") {
        replaces = true
      } else if a.isOption(index, "ABSTTL") {
        isAbsolute = true
      } else if a.isOption(index, "IDLETIME"), index + 1 < a.count, !frequency {
        guard try a.integer(at: index + 1) >= 0 else { throw .outOfRange }
        idle = true
        index += 1
      } else if a.isOption(index, "FREQ"), index + 1 < a.count, !idle {
        guard 0...255 ~= (try a.integer(at: index + 1)) else { throw .outOfRange }
        frequency = true
        index += 1
      } else {
        throw .syntax
      }
      index += 1
    }
  }
}

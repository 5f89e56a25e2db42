internal import AOF
internal import Bytes

/// Keys whatever they hold: times to live, names, copies. DEL and UNLINK belong to the core.
package enum KeyCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("EXPIRE", arity: -3, .key(expire)),
    CommandEntry("PEXPIRE", arity: -3, .key(pexpire)),
    CommandEntry("EXPIREAT", arity: -3, .key(expireat)),
    CommandEntry("PEXPIREAT", arity: -3, .key(pexpireat)),
    CommandEntry("PERSIST", arity: 2, .key(persist)),
    CommandEntry("RENAME", arity: 3, .keyspace(rename)),
    CommandEntry("RENAMENX", arity: 3, .keyspace(renamenx)),
    CommandEntry("MOVE", arity: 3, .keyspace(move)),
    CommandEntry("COPY", arity: -3, .keyspace(copy)),
    CommandEntry("MIGRATE", arity: -6, .keyspace(migrate)),
  ]

  // MARK: - Times to live

  /// `EXPIRE key seconds [NX | XX | GT | LT]`
  @Sendable
  static func expire(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try setExpiry(a, &state, unit: 1000, from: context.now)
  }

  /// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
  @Sendable
  static func pexpire(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try setExpiry(a, &state, unit: 1, from: context.now)
  }

  /// `EXPIREAT key seconds [NX | XX | GT | LT]`
  @Sendable
  static func expireat(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try setExpiry(a, &state, unit: 1000, from: 0)
  }

  /// `PEXPIREAT key milliseconds [NX | XX | GT | LT]`
  @Sendable
  static func pexpireat(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try setExpiry(a, &state, unit: 1, from: 0)
  }

  /// A time in the past is set like any other: servers that load do not delete.
  private static func setExpiry(
    _ a: Arguments, _ state: inout KeyState, unit: Int64, from base: Int64
  ) throws(CommandFault) -> Effect {
    let rule = a.count > 3 ? try ExpiryRule(a, from: 3) : ExpiryRule()
    let (scaled, overflow) = try a.integer(at: 2).multipliedReportingOverflow(by: unit)
    let (moment, carry) = scaled.addingReportingOverflow(base)
    guard !overflow, !carry else { throw .invalidExpiry }
    guard state.exists, rule.allows(moment, insteadOf: state.expiresAt) else { return .unchanged }
    state.expiresAt = moment
    return .changed
  }

  /// `PERSIST key`
  @Sendable
  static func persist(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard state.expiresAt != nil else { return .unchanged }
    state.expiresAt = nil
    return .changed
  }

  // MARK: - Names

  /// `RENAME key newkey`: the time to live goes with the value.
  @Sendable
  static func rename(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try rename(a, keyspace, onlyNew: false)
  }

  /// `RENAMENX key newkey`
  @Sendable
  static func renamenx(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try rename(a, keyspace, onlyNew: true)
  }

  private static func rename(
    _ a: Arguments, _ keyspace: Keyspace, onlyNew: Bool
  ) throws(CommandFault) -> Effect {
    let state = keyspace.state(of: a[1])
    guard state.exists else { throw .noSuchKey }
    if a[1] == a[2] || (onlyNew && keyspace.exists(a[2])) { return .unchanged }
    _ = keyspace.remove(a[1])
    keyspace.setState(state, of: a[2])
    return .changed
  }

  /// `MOVE key db`
  @Sendable
  static func move(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let target = try DatabaseCommands.database(a, 2)
    guard target != keyspace.database else { throw .exists }
    let state = keyspace.state(of: a[1])
    guard state.exists, !keyspace.exists(a[1], in: target) else { return .unchanged }
    _ = keyspace.remove(a[1])
    keyspace.setState(state, of: a[1], in: target)
    return .changed
  }

  /// `COPY source destination [DB db] [REPLACE]`
  @Sendable
  static func copy(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    var target = keyspace.database
    var replaces = false
    var index = 3
    while index < a.count {
      if a.isOption(index, "REPLACE") {
        replaces = true
      } else if a.isOption(index, "DB"), index + 1 < a.count {
        target = try DatabaseCommands.database(a, index + 1)
        index += 1
      } else {
        throw .syntax
      }
      index += 1
    }
    if target == keyspace.database, a[1] == a[2] { throw .exists }
    let state = keyspace.state(of: a[1])
    guard state.exists, replaces || !keyspace.exists(a[2], in: target) else { return .unchanged }
    keyspace.setState(state.copy(), of: a[2], in: target)
    return .changed
  }

  /// `MIGRATE host port key …`: servers log the DEL that it amounts to.
  @Sendable
  static func migrate(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    throw .notReproducible
  }
}

/// When EXPIRE and its siblings take effect (7.0+).
struct ExpiryRule {
  private var ifNone = false
  private var ifSome = false
  private var ifLater = false
  private var ifEarlier = false

  /// Always.
  init() {}

  /// The options from word `first` on.
  init(_ a: Arguments, from first: Int) throws(CommandFault) {
    for index in first..<a.count {
      if a.isOption(index, "NX") {
        ifNone = true
      } else if a.isOption(index, "XX") {
        ifSome = true
      } else if a.isOption(index, "GT") {
        ifLater = true
      } else if a.isOption(index, "LT") {
        ifEarlier = true
      } else {
        throw .syntax
      }
    }
    if ifNone && (ifSome || ifLater || ifEarlier) || ifLater && ifEarlier { throw .syntax }
  }

  /// Whether `moment` may replace `old`, nil being never.
  func allows(_ moment: Int64, insteadOf old: Int64?) -> Bool {
    guard let old else { return !ifSome && !ifLater }
    return !ifNone && !(ifLater && moment <= old) && !(ifEarlier && moment >= old)
  }
}

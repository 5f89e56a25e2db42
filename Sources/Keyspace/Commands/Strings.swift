internal import AOF
internal import Bytes

/// Strings: what replaces or changes their bytes. Counters are in ``CounterCommands``.
package enum StringCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("SET", arity: -3, .overwrite(set)),
    CommandEntry("SETNX", arity: 3, .key(setnx)),
    CommandEntry("SETEX", arity: 4, .key(setex)),
    CommandEntry("PSETEX", arity: 4, .key(psetex)),
    CommandEntry("GETSET", arity: 3, .key(getset)),
    CommandEntry("GETDEL", arity: 2, .key(getdel)),
    CommandEntry("GETEX", arity: -2, .key(getex)),
    CommandEntry("APPEND", arity: 3, .key(append)),
    CommandEntry("SETRANGE", arity: 4, .key(setrange)),
    CommandEntry("DELEX", arity: -2, .key(delex)),
    CommandEntry("DELIFEQ", arity: 3, .key(delifeq)),
    CommandEntry("MSET", arity: -3, .keyspace(mset)),
    CommandEntry("MSETNX", arity: -3, .keyspace(msetnx)),
    CommandEntry("MSETEX", arity: -4, .keyspace(msetex)),
  ]

  /// The longest string that is made (`proto-max-bulk-len`, 512 MiB by default). Loading servers do
  /// not look at it, but no server with that default wrote a log that exceeds it.
  static let longest = 512 << 20

  // MARK: - One key

  /// `SET key value [NX | XX | IFEQ v | IFNE v | IFDEQ d | IFDNE d] [GET]
  /// [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
  @Sendable
  static func set(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    if a.count == 3 {
      state = KeyState(value: .string(StringValue(a[2])))
      return .changed
    }
    var options = StringOptions()
    try options.read(a, from: 3, .set)
    let expiry = try options.expiry.moment(a, context)
    // GET answers with the old value, which has to be a string then.
    if options.get { _ = try state.string() }
    guard try options.condition.holds(a, state, context) else { return .unchanged }
    state.value = .string(StringValue(a[2]))
    if !options.expiry.keeps { state.expiresAt = expiry }
    return .changed
  }

  /// `SETNX key value`
  @Sendable
  static func setnx(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard !state.exists else { return .unchanged }
    state = KeyState(value: .string(StringValue(a[2])))
    return .changed
  }

  /// `SETEX key seconds value`
  @Sendable
  static func setex(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let expiry = try ExpiryOption(.seconds, at: 2).moment(a, context)
    state = KeyState(value: .string(StringValue(a[3])), expiresAt: expiry)
    return .changed
  }

  /// `PSETEX key milliseconds value`
  @Sendable
  static func psetex(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let expiry = try ExpiryOption(.milliseconds, at: 2).moment(a, context)
    state = KeyState(value: .string(StringValue(a[3])), expiresAt: expiry)
    return .changed
  }

  /// `GETSET key value`
  @Sendable
  static func getset(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    _ = try state.string()
    state = KeyState(value: .string(StringValue(a[2])))
    return .changed
  }

  /// `GETDEL key`
  @Sendable
  static func getdel(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard try state.string() != nil else { return .unchanged }
    state.clear()
    return .changed
  }

  /// `GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]`
  @Sendable
  static func getex(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    var options = StringOptions()
    try options.read(a, from: 2, .getex)
    guard try state.string() != nil else { return .unchanged }
    if options.persist {
      guard state.expiresAt != nil else { return .unchanged }
      state.expiresAt = nil
      return .changed
    }
    guard let expiry = try options.expiry.moment(a, context) else { return .unchanged }
    state.expiresAt = expiry
    return .changed
  }

  /// `APPEND key value`
  @Sendable
  static func append(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard var string = try state.string() else {
      state = KeyState(value: .string(StringValue(a[2])))
      return .changed
    }
    guard string.count + a[2].count <= longest else { throw .overflow }
    if a[2].isEmpty { return .changed }
    string.owned().buffer.append(a[2])
    state.value = .string(string)
    return .changed
  }

  /// `SETRANGE key offset value`: an empty value makes nothing and extends nothing.
  @Sendable
  static func setrange(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let offset = try a.integer(at: 2)
    guard offset >= 0 else { throw .outOfRange }
    let old = try state.string()
    let bytes = a[3]
    if bytes.isEmpty { return .unchanged }
    guard offset <= Int64(longest - bytes.count) else { throw .overflow }
    var string = old ?? StringValue(ByteSlice())
    let owned = string.owned()
    owned.extend(to: Int(offset) + bytes.count)
    owned.replace(at: Int(offset), with: bytes)
    state.value = .string(string)
    return .changed
  }

  /// `DELEX key [IFEQ v | IFNE v | IFDEQ d | IFDNE d]`
  @Sendable
  static func delex(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    var condition = StringCondition.always
    if a.count > 2 {
      guard a.count == 4, let test = StringTest(a[2]) else { throw .syntax }
      condition = .compare(test, operand: 3)
    }
    guard state.exists, try condition.holds(a, state, context) else { return .unchanged }
    state.clear()
    return .changed
  }

  /// `DELIFEQ key value`
  @Sendable
  static func delifeq(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard try StringCondition.compare(.equal, operand: 2).holds(a, state, context) else {
      return .unchanged
    }
    state.clear()
    return .changed
  }

  // MARK: - Several keys

  /// `MSET key value [key value …]`
  @Sendable
  static func mset(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    guard a.count % 2 == 1 else { throw .syntax }
    setAll(a, 1..<a.count, keyspace)
    return .changed
  }

  /// `MSETNX key value [key value …]`: all, or none when one of them exists.
  @Sendable
  static func msetnx(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    guard a.count % 2 == 1 else { throw .syntax }
    for index in stride(from: 1, to: a.count, by: 2) where keyspace.exists(a[index]) {
      return .unchanged
    }
    setAll(a, 1..<a.count, keyspace)
    return .changed
  }

  private static func setAll(_ a: Arguments, _ range: Range<Int>, _ keyspace: Keyspace) {
    for index in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
      keyspace.setState(KeyState(value: .string(StringValue(a[index + 1]))), of: a[index])
    }
  }

  /// `MSETEX numkeys key value [key value …] [NX | XX]
  /// [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
  @Sendable
  static func msetex(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let pairs = try a.integer(at: 1)
    guard pairs > 0, pairs <= Int64((a.count - 2) / 2) else { throw .outOfRange }
    let end = 2 + Int(pairs) * 2
    var options = StringOptions()
    try options.read(a, from: end, .msetex)
    let expiry = try options.expiry.moment(a, keyspace.context)
    if case .exists(let wanted) = options.condition {
      for index in stride(from: 2, to: end, by: 2) where keyspace.exists(a[index]) != wanted {
        return .unchanged
      }
    }
    for index in stride(from: 2, to: end, by: 2) {
      var state = KeyState(value: .string(StringValue(a[index + 1])), expiresAt: expiry)
      if options.expiry.keeps { state.expiresAt = keyspace.state(of: a[index]).expiresAt }
      keyspace.setState(state, of: a[index])
    }
    return .changed
  }
}

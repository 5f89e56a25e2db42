internal import AOF
internal import Bytes
internal import RDB

/// Times to live of single fields (Redis 7.4+, Valkey 9).
///
/// Nothing expires while a log is replayed: a time in the past is kept like any other, since the
/// server writes an HDEL when a field goes.
extension HashCommands {
  /// `HEXPIRE key seconds [NX|XX|GT|LT] FIELDS n field …`, relative to the replay's moment.
  @Sendable
  static func hexpire(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try expire(a, &state, unit: 1000, from: context.now)
  }

  /// `HPEXPIRE key ms [NX|XX|GT|LT] FIELDS n field …`, relative to the replay's moment.
  @Sendable
  static func hpexpire(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try expire(a, &state, unit: 1, from: context.now)
  }

  /// `HEXPIREAT key unix-seconds [NX|XX|GT|LT] FIELDS n field …`
  @Sendable
  static func hexpireat(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try expire(a, &state, unit: 1000, from: 0)
  }

  /// `HPEXPIREAT key unix-ms [NX|XX|GT|LT] FIELDS n field …`
  @Sendable
  static func hpexpireat(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    try expire(a, &state, unit: 1, from: 0)
  }

  private static func expire(
    _ a: Arguments, _ state: inout KeyState, unit: Int64, from: Int64
  ) throws(CommandFault) -> Effect {
    let moment = try time(a, 2, unit: unit, from: from)
    var at = 3
    let onlyNone = a.isOption(at, "NX")
    let onlySome = a.isOption(at, "XX")
    let onlyLater = a.isOption(at, "GT")
    let onlySooner = a.isOption(at, "LT")
    if onlyNone || onlySome || onlyLater || onlySooner { at += 1 }
    let fields = try fields(a, at, words: 1)
    guard fields.upperBound == a.count else { throw .syntax }
    guard let hash = try state.hash() else { return .unchanged }
    var effect = Effect.unchanged
    for index in fields {
      guard var cell = hash.cell(a[index]) else { continue }
      let old = cell.expiresAt
      let has = old != ValueElement.never
      if onlyNone && has || onlySome && !has || onlyLater && (!has || moment <= old)
        || onlySooner && has && moment >= old
      {
        continue
      }
      cell.expiresAt = moment
      _ = hash.set(a[index], to: cell)
      effect = .changed
    }
    return effect
  }

  /// `HPERSIST key FIELDS n field …`
  @Sendable
  static func hpersist(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let fields = try fields(a, 2, words: 1)
    guard fields.upperBound == a.count else { throw .syntax }
    guard let hash = try state.hash() else { return .unchanged }
    var effect = Effect.unchanged
    for index in fields {
      guard var cell = hash.cell(a[index]), cell.expiresAt != ValueElement.never else { continue }
      cell.expiresAt = ValueElement.never
      _ = hash.set(a[index], to: cell)
      effect = .changed
    }
    return effect
  }

  /// `HSETEX key [FNX|FXX|NX|XX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] FIELDS n field value …`
  @Sendable
  static func hsetex(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let options = try options(a, from: 2, words: 2, context)
    guard let fields = options.fields, !options.persists,
      !(options.onlyAbsent && options.onlyPresent),
      !(options.onlyAbsentKey && options.onlyPresentKey)
    else { throw .syntax }
    let present = try state.hash()
    if options.onlyPresentKey && present == nil || options.onlyAbsentKey && present != nil {
      return .unchanged
    }
    for index in stride(from: fields.lowerBound, to: fields.upperBound, by: 2) {
      let known = present?.cell(a[index]) != nil
      if options.onlyAbsent && known || options.onlyPresent && !known { return .unchanged }
    }
    guard let hash = try state.hash(creating: true) else { return .unchanged }
    for index in stride(from: fields.lowerBound, to: fields.upperBound, by: 2) {
      var moment = options.expiresAt ?? ValueElement.never
      if options.keepsTime, let old = hash.cell(a[index]) { moment = old.expiresAt }
      _ = hash.set(a[index], to: HashValue.Cell(a[index + 1], expiresAt: moment))
    }
    return .changed
  }

  /// `HGETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST] FIELDS n field …`
  @Sendable
  static func hgetex(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let options = try options(a, from: 2, words: 1, context)
    guard let fields = options.fields, !options.keepsTime, !options.hasCondition else {
      throw .syntax
    }
    guard let hash = try state.hash(), options.persists || options.expiresAt != nil else {
      return .unchanged
    }
    for index in fields {
      guard var cell = hash.cell(a[index]) else { continue }
      cell.expiresAt = options.expiresAt ?? ValueElement.never
      _ = hash.set(a[index], to: cell)
    }
    return .changed
  }

  /// `HGETDEL key FIELDS n field …`
  @Sendable
  static func hgetdel(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let fields = try fields(a, 2, words: 1)
    guard fields.upperBound == a.count else { throw .syntax }
    guard let hash = try state.hash() else { return .unchanged }
    var effect = Effect.unchanged
    for index in fields where hash.remove(a[index]) { effect = .changed }
    return effect
  }

  // MARK: - Words

  /// What stands between the key and the end of HSETEX and HGETEX, in any order.
  private struct Options {
    var fields: Range<Int>?
    var expiresAt: Int64?
    var keepsTime = false
    var persists = false
    var onlyAbsent = false
    var onlyPresent = false
    var onlyAbsentKey = false
    var onlyPresentKey = false

    var hasCondition: Bool { onlyAbsent || onlyPresent || onlyAbsentKey || onlyPresentKey }
  }

  private static func options(
    _ a: Arguments, from start: Int, words: Int, _ context: Context
  ) throws(CommandFault) -> Options {
    var options = Options()
    var at = start
    while at < a.count {
      if a.isOption(at, "FIELDS") {
        guard options.fields == nil else { throw .syntax }
        let fields = try fields(a, at, words: words)
        options.fields = fields
        at = fields.upperBound
        continue
      }
      let timed: (unit: Int64, from: Int64)? =
        a.isOption(at, "PXAT")
        ? (1, 0)
        : a.isOption(at, "EXAT")
          ? (1000, 0)
          : a.isOption(at, "PX")
            ? (1, context.now) : a.isOption(at, "EX") ? (1000, context.now) : nil
      if let timed {
        guard options.expiresAt == nil, !options.keepsTime, !options.persists else {
          throw .syntax
        }
        options.expiresAt = try time(a, at + 1, unit: timed.unit, from: timed.from)
        at += 1
      } else if a.isOption(at, "KEEPTTL") {
        options.keepsTime = true
      } else if a.isOption(at, "PERSIST") {
        options.persists = true
      } else if a.isOption(at, "FNX") {
        options.onlyAbsent = true
      } else if a.isOption(at, "FXX") {
        options.onlyPresent = true
      } else if a.isOption(at, "NX") {
        options.onlyAbsentKey = true
      } else if a.isOption(at, "XX") {
        options.onlyPresentKey = true
      } else {
        throw .syntax
      }
      at += 1
    }
    return options
  }

  /// The words behind `FIELDS n` at word `at`: `words` of them for each field.
  private static func fields(
    _ a: Arguments, _ at: Int, words: Int
  ) throws(CommandFault) -> Range<Int> {
    guard a.isOption(at, "FIELDS") else { throw .syntax }
    let count = try a.integer(at: at + 1)
    let first = at + 2
    guard count > 0, count <= Int64((a.count - first) / words) else { throw .syntax }
    return first..<first + Int(count) * words
  }

  private static func time(
    _ a: Arguments, _ at: Int, unit: Int64, from: Int64
  ) throws(CommandFault) -> Int64 {
    let given = try a.integer(at: at)
    let (scaled, overflow) = given.multipliedReportingOverflow(by: unit)
    let (moment, carry) = scaled.addingReportingOverflow(from)
    guard !overflow, !carry, given >= 0 else { throw .invalidExpiry }
    return moment
  }
}

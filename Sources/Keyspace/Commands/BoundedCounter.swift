internal import AOF
internal import Bytes

/// INCREX (Redis 8.8, Valkey 9.2). Servers log the SET that it amounts to, so it stands in no log
/// that they wrote.
struct BoundedCounter {
  private var increment: ByteSlice?
  private var isFloat = false
  private var lowest: ByteSlice?
  private var highest: ByteSlice?
  private var saturates = false
  private var persists = false
  private var onlyWithoutExpiry = false
  private var exists: Bool?
  private var expiry = ExpiryOption()

  /// `INCREX key [BYINT n | BYFLOAT x] [LBOUND x] [UBOUND x] [SATURATE]
  /// [EX s | PX ms | EXAT s | PXAT ms | PERSIST] [ENX] [NX | XX]`
  ///
  /// A result outside of the bounds changes nothing, neither value nor time to live; with SATURATE
  /// it becomes the bound.
  @Sendable
  static func increx(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let options = try BoundedCounter(a)
    if let wanted = options.exists, state.exists != wanted { return .unchanged }
    let expiry = try options.expiry.moment(a, context)
    let old = try state.string() ?? StringValue(integer: 0)
    let sum =
      options.isFloat ? try options.float(old, context) : try options.integer(old)
    guard let sum else { return .unchanged }
    state.value = .string(sum)
    if options.persists { state.expiresAt = nil }
    if let expiry, !options.onlyWithoutExpiry || state.expiresAt == nil {
      state.expiresAt = expiry
    }
    return .changed
  }

  private init(_ a: Arguments) throws(CommandFault) {
    var index = 2
    while index < a.count {
      let word = a[index]
      let hasMore = index + 1 < a.count
      if let unit = ExpiryOption.unit(of: word) {
        guard hasMore, !persists, !expiry.isGiven else { throw .syntax }
        try expiry.take(unit, at: index + 1)
        index += 1
      } else if hasMore, word.equalsIgnoringCase("BYINT") || word.equalsIgnoringCase("BYFLOAT") {
        guard increment == nil else { throw .syntax }
        isFloat = word.equalsIgnoringCase("BYFLOAT")
        increment = a[index + 1]
        index += 1
      } else if hasMore, lowest == nil, word.equalsIgnoringCase("LBOUND") {
        lowest = a[index + 1]
        index += 1
      } else if hasMore, highest == nil, word.equalsIgnoringCase("UBOUND") {
        highest = a[index + 1]
        index += 1
      } else if !saturates, word.equalsIgnoringCase("SATURATE") {
        saturates = true
      } else if !persists, !expiry.isGiven, word.equalsIgnoringCase("PERSIST") {
        persists = true
      } else if !onlyWithoutExpiry, word.equalsIgnoringCase("ENX") {
        onlyWithoutExpiry = true
      } else if exists == nil, word.equalsIgnoringCase("NX") || word.equalsIgnoringCase("XX") {
        exists = word.equalsIgnoringCase("XX")
      } else {
        throw .syntax
      }
      index += 1
    }
    if onlyWithoutExpiry && !expiry.isGiven { throw .syntax }
  }

  /// The sum of integers; nil when the bounds refuse it.
  private func integer(_ string: StringValue) throws(CommandFault) -> StringValue? {
    let low = try bound(lowest, .min)
    let high = try bound(highest, .max)
    let increment = try bound(increment, Int64(1))
    guard low <= high else { throw .outOfRange }
    guard let old = string.integer else { throw .notInteger }
    var (sum, overflow) = old.addingReportingOverflow(increment)
    if overflow { sum = increment > 0 ? .max : .min }
    if overflow || sum < low || sum > high {
      guard saturates else { return nil }
      sum = min(max(sum, low), high)
      guard !sum.subtractingReportingOverflow(old).overflow else { throw .overflow }
    }
    return StringValue(integer: sum)
  }

  private func bound(_ text: ByteSlice?, _ otherwise: Int64) throws(CommandFault) -> Int64 {
    guard let text else { return otherwise }
    guard let value = DecimalText.canonical(text) else { throw .notInteger }
    return value
  }

  /// The sum of floats; nil when the bounds refuse it.
  private func float(
    _ string: StringValue, _ context: Context
  ) throws(CommandFault) -> StringValue? {
    let low = try limit(lowest, -Double.infinity)
    let high = try limit(highest, Double.infinity)
    guard low <= high else { throw .outOfRange }
    let sum = try CounterCommands.add(
      increment ?? ByteSlice("1"), to: string.bytes(&context.scratch), context)
    guard let value = DoubleText.parse(sum, .command) else { throw .overflow }
    if low...high ~= value { return StringValue(sum) }
    guard saturates, let bound = value < low ? lowest : highest else { return nil }
    return StringValue(try CounterCommands.add(ByteSlice("0"), to: bound, context))
  }

  private func limit(_ text: ByteSlice?, _ otherwise: Double) throws(CommandFault) -> Double {
    guard let text else { return otherwise }
    guard let value = DoubleText.parse(text, .command) else { throw .notFloat }
    return value
  }
}

import Bytes

/// A moment as the command line takes and prints it.
///
/// ```text
///     2026-11-23T02:00:00Z   2026-11-23 02:00:00.250+01:00   RFC 3339
///     1763863200                                             unix seconds, also with a fraction
///     -2h   -1d12h   -90s   now                              before now: s, m, h, d, w
/// ```
public struct Moment: Sendable, Equatable, Comparable {
  /// Milliseconds since 1970 in UTC.
  public var milliseconds: Int64

  /// The moment of that many ms since 1970.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Seconds since 1970, rounded down.
  public var seconds: Int64 {
    milliseconds >= 0 ? milliseconds / 1000 : -((999 - milliseconds) / 1000)
  }

  /// Earlier is less.
  public static func < (a: Moment, b: Moment) -> Bool { a.milliseconds < b.milliseconds }

  /// Reads `text`; `now` is what relative forms count from.
  ///
  /// - Throws: ``ToolError`` of wrong use, which says what is understood.
  public init(_ text: String, now: Moment) throws(ToolError) {
    let bytes = Array(text.utf8)
    if text == "now" {
      self = now
    } else if bytes.first == 0x2D {
      self = try Moment.before(bytes, text, now)
    } else if let moment = try Moment.unix(bytes, text) {
      self = moment
    } else {
      self = try Moment.rfc3339(bytes, text)
    }
  }

  /// RFC 3339 in UTC, with milliseconds only when there are some.
  public var text: String {
    let ms = milliseconds - seconds * 1000
    let day = seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400)
    let (year, month, dayOfMonth) = Moment.civil(day)
    let rest = seconds - day * 86400
    var text =
      Moment.padded(year, 4) + "-" + Moment.padded(month, 2) + "-" + Moment.padded(dayOfMonth, 2)
    text += "T" + Moment.padded(rest / 3600, 2) + ":" + Moment.padded(rest / 60 % 60, 2)
    text += ":" + Moment.padded(rest % 60, 2)
    if ms != 0 { text += "." + Moment.padded(ms, 3) }
    return text + "Z"
  }

  // MARK: - The forms

  private static func fail(_ text: String, _ why: String) -> ToolError {
    .usage(
      "'\(text)' is no time: \(why)",
      remedy: "Try: 2026-11-23T02:00:00Z, unix seconds, or -2h")
  }

  private static func before(
    _ bytes: [UInt8], _ text: String, _ now: Moment
  ) throws(ToolError) -> Moment {
    var total: Int64 = 0
    var number: Int64?
    for byte in bytes.dropFirst() {
      if ASCII.isDigit(byte) {
        let (scaled, overflow) = (number ?? 0).multipliedReportingOverflow(by: 10)
        let (sum, carry) = scaled.addingReportingOverflow(Int64(byte - 0x30))
        if overflow || carry { throw fail(text, "the number is too large") }
        number = sum
        continue
      }
      let unit: Int64? =
        switch byte {
        case 0x73: 1
        case 0x6D: 60
        case 0x68: 3600
        case 0x64: 86400
        case 0x77: 604_800
        default: nil
        }
      guard let count = number, let unit else {
        throw fail(text, "a span is numbers with s, m, h, d or w")
      }
      let (span, overflow) = count.multipliedReportingOverflow(by: unit * 1000)
      let (sum, carry) = total.addingReportingOverflow(span)
      if overflow || carry { throw fail(text, "the span is too long") }
      total = sum
      number = nil
    }
    guard number == nil, bytes.count > 1 else {
      throw fail(text, "a span is numbers with s, m, h, d or w")
    }
    let (result, overflow) = now.milliseconds.subtractingReportingOverflow(total)
    if overflow { throw fail(text, "the span is too long") }
    return Moment(milliseconds: result)
  }

  private static func unix(_ bytes: [UInt8], _ text: String) throws(ToolError) -> Moment? {
    let parts = bytes.split(separator: 0x2E, maxSplits: 1, omittingEmptySubsequences: false)
    guard !parts[0].isEmpty, parts[0].allSatisfy(ASCII.isDigit) else { return nil }
    guard parts.count == 1 || !parts[1].isEmpty && parts[1].allSatisfy(ASCII.isDigit) else {
      return nil
    }
    var seconds: Int64 = 0
    for digit in parts[0] {
      seconds = seconds * 10 + Int64(digit - 0x30)
      if seconds > 253_402_300_799 {
        throw fail(text, "that many seconds lie beyond the year 9999; are these milliseconds?")
      }
    }
    var ms: Int64 = 0
    var scale: Int64 = 100
    for digit in parts.count > 1 ? parts[1].prefix(3) : [] {
      ms += scale * Int64(digit - 0x30)
      scale /= 10
    }
    return Moment(milliseconds: seconds * 1000 + ms)
  }

  private static func rfc3339(_ bytes: [UInt8], _ text: String) throws(ToolError) -> Moment {
    let malformed = fail(text, "expected YYYY-MM-DDThh:mm:ssZ")
    func number(_ from: Int, _ count: Int) throws(ToolError) -> Int64 {
      guard from + count <= bytes.count else { throw malformed }
      var value: Int64 = 0
      for byte in bytes[from..<from + count] {
        guard ASCII.isDigit(byte) else { throw malformed }
        value = value * 10 + Int64(byte - 0x30)
      }
      return value
    }
    func mark(_ at: Int, _ allowed: [UInt8]) throws(ToolError) {
      guard at < bytes.count, allowed.contains(bytes[at]) else { throw malformed }
    }
    let year = try number(0, 4)
    try mark(4, [0x2D])
    let month = try number(5, 2)
    try mark(7, [0x2D])
    let day = try number(8, 2)
    try mark(10, [0x54, 0x74, 0x20])
    let hour = try number(11, 2)
    try mark(13, [0x3A])
    let minute = try number(14, 2)
    try mark(16, [0x3A])
    let second = try number(17, 2)
    var at = 19
    var ms: Int64 = 0
    if at < bytes.count && bytes[at] == 0x2E {
      at += 1
      var scale: Int64 = 100
      let from = at
      while at < bytes.count, ASCII.isDigit(bytes[at]) {
        ms += scale * Int64(bytes[at] - 0x30)
        scale /= 10
        at += 1
      }
      guard at > from else { throw malformed }
    }
    guard at < bytes.count else {
      throw fail(text, "the time zone is missing; add Z for UTC, or +01:00")
    }
    var offset: Int64 = 0
    if bytes[at] == 0x5A || bytes[at] == 0x7A {
      at += 1
    } else {
      try mark(at, [0x2B, 0x2D])
      let sign: Int64 = bytes[at] == 0x2D ? -1 : 1
      let hours = try number(at + 1, 2)
      try mark(at + 3, [0x3A])
      let minutes = try number(at + 4, 2)
      guard hours < 24, minutes < 60 else { throw malformed }
      offset = sign * (hours * 3600 + minutes * 60)
      at += 6
    }
    guard at == bytes.count else { throw malformed }
    guard 1...12 ~= month, day >= 1, day <= daysIn(month, year), hour < 24, minute < 60,
      second <= 60
    else { throw fail(text, "there is no such day or hour") }
    let seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
    return Moment(milliseconds: seconds * 1000 + ms)
  }

  // MARK: - The calendar

  private static func daysIn(_ month: Int64, _ year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days since 1970-01-01 of a day in the Gregorian calendar; years begin in March here, so that
  /// the leap day is the last one.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let m = month <= 2 ? month + 9 : month - 3
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
  }

  /// The inverse of ``days(_:_:_:)``.
  static func civil(_ day: Int64) -> (Int64, Int64, Int64) {
    let shifted = day + 719_468
    let era = shifted >= 0 ? shifted / 146_097 : -((146_096 - shifted) / 146_097)
    let inEra = shifted - era * 146_097
    let year = (inEra - inEra / 1460 + inEra / 36524 - inEra / 146_096) / 365
    let inYear = inEra - (365 * year + year / 4 - year / 100)
    let m = (5 * inYear + 2) / 153
    let dayOfMonth = inYear - (153 * m + 2) / 5 + 1
    let month = m < 10 ? m + 3 : m - 9
    return (year + era * 400 + (month <= 2 ? 1 : 0), month, dayOfMonth)
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

internal import Foundation

/// A moment in whole milliseconds since 1970, written as RFC 3339 in UTC.
public struct UTCTime: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public var milliseconds: Int64

  /// A moment so many milliseconds after 1970.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// A moment so many seconds after 1970.
  public init(seconds: Int64) { milliseconds = seconds * 1000 }

  /// This moment.
  public static var now: UTCTime {
    UTCTime(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
  }

  /// Whole seconds since 1970, rounded down.
  public var seconds: Int64 { Int64((Double(milliseconds) / 1000).rounded(.down)) }

  /// Whether one moment lies before another.
  public static func < (first: UTCTime, second: UTCTime) -> Bool {
    first.milliseconds < second.milliseconds
  }

  /// Year, month, day, hour, minute, second in UTC, by the proleptic Gregorian calendar.
  package var parts: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
    let seconds = seconds
    var days = Int(seconds / 86400)
    var rest = Int(seconds % 86400)
    if rest < 0 {
      rest += 86400
      days -= 1
    }
    // Days are counted from 1 March of year 0, so that the leap day ends a year.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (
      year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, rest / 3600, rest / 60 % 60,
      rest % 60
    )
  }

  /// `2026-11-23T02:00:00Z`.
  public var description: String {
    let p = parts
    return "\(Self.digits(p.year, 4))-\(Self.digits(p.month))-\(Self.digits(p.day))T"
      + "\(Self.digits(p.hour)):\(Self.digits(p.minute)):\(Self.digits(p.second))Z"
  }

  /// `20261123T020000Z`, for names.
  package var compact: String { description.filter { $0 != "-" && $0 != ":" } }

  private static func digits(_ number: Int, _ width: Int = 2) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }

  /// Reads RFC 3339 (`2026-11-23T02:00:00Z`, with fraction or offset), unix seconds, or `-2h`
  /// before `now`; nil otherwise.
  public init?(_ text: String, now: UTCTime = .now) {
    if text.hasPrefix("-"), let age = Duration(text: String(text.dropFirst())) {
      self.init(milliseconds: now.milliseconds - Int64(age.inSeconds * 1000))
      return
    }
    if let seconds = Int64(text), abs(seconds) < 1 << 40 {
      self.init(seconds: seconds)
      return
    }
    let bytes = Array(text.utf8)
    func number(_ from: Int, _ count: Int) -> Int? {
      guard from + count <= bytes.count else { return nil }
      var value = 0
      for byte in bytes[from..<from + count] {
        guard byte >= 0x30, byte <= 0x39 else { return nil }
        value = value * 10 + Int(byte - 0x30)
      }
      return value
    }
    guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D,
      bytes[10] == 0x54 || bytes[10] == 0x20 || bytes[10] == 0x74,
      bytes[13] == 0x3A, bytes[16] == 0x3A, let year = number(0, 4), let month = number(5, 2),
      let day = number(8, 2), let hour = number(11, 2), let minute = number(14, 2),
      let second = number(17, 2), (1...12).contains(month), day >= 1, hour < 24, minute < 60,
      second < 61
    else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard day <= lengths[month - 1] else { return nil }
    var position = 19
    var fraction = 0
    if bytes[position] == 0x2E {
      position += 1
      var scale = 100
      while position < bytes.count, let digit = number(position, 1) {
        fraction += digit * scale
        scale /= 10
        position += 1
      }
    }
    var offset = 0
    guard position < bytes.count else { return nil }
    if bytes[position] == 0x5A || bytes[position] == 0x7A {
      guard position + 1 == bytes.count else { return nil }
    } else {
      guard bytes.count == position + 6, bytes[position] == 0x2B || bytes[position] == 0x2D,
        bytes[position + 3] == 0x3A, let hours = number(position + 1, 2),
        let minutes = number(position + 4, 2)
      else { return nil }
      offset = (hours * 60 + minutes) * (bytes[position] == 0x2D ? -60 : 60)
    }
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days =
      era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    let total = days * 86400 + hour * 3600 + minute * 60 + second - offset
    self.init(milliseconds: Int64(total) * 1000 + Int64(fraction))
  }

  /// Reads the text of `description`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let time = UTCTime(text, now: UTCTime(milliseconds: 0)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no time: \(text)")
    }
    self = time
  }

  /// Writes the text of `description`, with milliseconds when there are some.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    let fraction = ((milliseconds % 1000) + 1000) % 1000
    let text = description
    try container.encode(
      fraction == 0 ? text : "\(text.dropLast()).\(Self.digits(Int(fraction), 3))Z")
  }
}

extension Duration {
  /// Reads `90`, `90s`, `500ms`, `15m`, `26h`, `7d`, `2w`, or several one after the other
  /// (`1h30m`); nil otherwise.
  package init?(text: String) {
    var total = Duration.zero
    var rest = Substring(text)
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let number = Int64(digits), number < 1 << 40 else { return nil }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(unit.count)
      switch unit {
      case "ms": total += .milliseconds(number)
      case "", "s": total += .seconds(number)
      case "m", "min": total += .seconds(number * 60)
      case "h": total += .seconds(number * 3600)
      case "d": total += .seconds(number * 86400)
      case "w": total += .seconds(number * 604_800)
      default: return nil
      }
    }
    self = total
  }
}

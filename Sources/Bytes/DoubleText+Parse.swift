#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension DoubleText {
  /// Which texts are numbers.
  public enum Rule: Sendable {
    /// What commands accept as a score or an increment: the whole text is a number without blanks
    /// before or after, no NaN, and no overflow or underflow of the range of doubles.
    case command
    /// What loading a file accepts: as C's `strtod`, blanks may stand before the number, anything
    /// after it is ignored, and what is out of range becomes infinity or 0. NaN passes; a text that
    /// does not begin with a number does not.
    case file
    /// What commands accept as the border of a range of scores: the whole text has to be a number
    /// to `strtod`, but blanks may stand before it, what is out of range becomes infinity or 0, and
    /// no text at all is 0. No NaN.
    case border
  }

  /// The double that `text` stands for, rounded as C's `strtod` does; nil where `rule` refuses it.
  ///
  /// Besides decimals this is `inf`, `infinity` and (for files) `nan`, in any case and with a sign,
  /// and hexadecimal floats such as `0x1p3`, since servers take all that `strtod` takes.
  public static func parse(_ text: ByteSlice, _ rule: Rule) -> Double? {
    if let value = parsePlain(text) { return value }
    if let (value, length) = parseDecimal(text), length == text.count || rule == .file {
      return value
    }
    return parseSlowly(text, rule)
  }

  /// Whether `text` is digits with at most one point among them, and maybe a minus in front: such a text
  /// is the same number for all who read it. Above 24 bytes, more than `%.17g` gives, the answer is no.
  public static func isPlainDecimal(_ text: ByteSlice) -> Bool {
    let count = text.count
    guard count > 0, count <= 24 else { return false }
    var at = text[0] == 0x2D ? 1 : 0
    guard at < count, ASCII.isDigit(text[at]), ASCII.isDigit(text[count - 1]) else { return false }
    var points = 0
    while at < count {
      let byte = text[at]
      if byte &- 0x30 >= 10 {
        guard byte == 0x2E else { return false }
        points &+= 1
      }
      at &+= 1
    }
    return points <= 1
  }

  /// The number that a text of at most 20 bytes is that is up to 19 digits, maybe with a point among them and
  /// a minus in front: what scores mostly are. Nil says nothing about `text`.
  @inline(__always) private static func parsePlain(_ text: ByteSlice) -> Double? {
    let count = text.count
    guard count > 0, count <= 20 else { return nil }
    let negative = text[0] == 0x2D
    let first = negative ? 1 : 0
    var at = first
    var digits: UInt64 = 0
    var point = count
    while at < count {
      let byte = text[at]
      let digit = byte &- 0x30
      if digit < 10 {
        digits = digits &* 10 &+ UInt64(digit)
      } else {
        guard byte == 0x2E, point == count, at > first, at < count &- 1 else { return nil }
        point = at
      }
      at &+= 1
    }
    let places = point == count ? 0 : count &- 1 &- point
    guard first < count, count &- first < (places == 0 ? 20 : 21) else { return nil }
    guard let magnitude = nearest(digits, -places) else { return nil }
    return negative ? -magnitude : magnitude
  }

  /// The number at the start of `text` and how many bytes it takes, where that is quick and exact:
  /// at most 19 digits, and 128 bits of the power of ten decide the rounding. Otherwise nil, which
  /// says nothing about `text`.
  private static func parseDecimal(_ text: ByteSlice) -> (Double, length: Int)? {
    let count = text.count
    var at = 0
    var negative = false
    if at < count, text[at] == 0x2D || text[at] == 0x2B {
      negative = text[at] == 0x2D
      at += 1
    }
    var digits: UInt64 = 0
    var seen = 0
    var significant = 0
    var exponent = 0
    while at < count, text[at] &- 0x30 < 10 {
      digits = digits &* 10 &+ UInt64(text[at] &- 0x30)
      if digits != 0 { significant += 1 }
      seen += 1
      at += 1
    }
    // Hexadecimal, or nothing that begins with a digit (`.5` goes the slow way too).
    guard seen > 0, at == count || text[at] | 0x20 != 0x78 else { return nil }
    if at < count, text[at] == 0x2E {
      at += 1
      while at < count, text[at] &- 0x30 < 10 {
        digits = digits &* 10 &+ UInt64(text[at] &- 0x30)
        if digits != 0 { significant += 1 }
        exponent -= 1
        at += 1
      }
    }
    guard significant <= 19 else { return nil }
    if at + 1 < count, text[at] | 0x20 == 0x65 {
      var place = at + 1
      var down = false
      if text[place] == 0x2D || text[place] == 0x2B {
        down = text[place] == 0x2D
        place += 1
      }
      var power = 0
      let first = place
      while place < count, text[place] &- 0x30 < 10 {
        power = power * 10 + Int(text[place] &- 0x30)
        if power > 10_000 { return nil }
        place += 1
      }
      if place > first {
        exponent += down ? -power : power
        at = place
      }
    }
    guard let magnitude = nearest(digits, exponent) else { return nil }
    return (negative ? -magnitude : magnitude, at)
  }

  /// The double nearest to `digits` * 10^`power`, or nil where that takes more than 128 bits to
  /// tell or is not a normal number.
  @inline(__always) private static func nearest(_ digits: UInt64, _ power: Int) -> Double? {
    if digits == 0 { return 0 }
    if digits <= 1 << 53 {
      // Both are exact doubles, so that one operation rounds once (W. D. Clinger).
      if power == 0 { return Double(digits) }
      if power > 0, power <= 22 { return Double(digits) * smallPower(power) }
      if power < 0, power >= -22 { return Double(digits) / smallPower(-power) }
    }
    guard power >= -307, power <= 288 else { return nil }
    let shift = digits.leadingZeroBitCount
    let factor = PowersOfTen.table[power]
    let (high, middle) = product(digits << UInt64(shift), factor)
    // 191 or 192 bits; the upper 54 are kept, the 54th says how to round.
    let wide = high >> 63 == 1 ? 1 : 0
    let cut = UInt64(9 + wide)
    var significand = high >> cut
    let rest = high & ((1 << cut) - 1)
    // The product may be up to two units of `middle` too small. Where that could carry into the
    // kept bits, or where nothing but zeros follow (perhaps a tie), others decide.
    if rest == (1 << cut) - 1 && middle >= UInt64.max - 1 { return nil }
    if rest == 0 && middle <= 1 { return nil }
    significand = (significand >> 1) + (significand & 1)
    let exponent = PowersOfTen.binaryExponent(power) - shift + 128 + Int(cut) + 1
    // A significand that was rounded up to 2^53 carries into the exponent, as it should.
    let biased = UInt64(exponent + 1075)
    return Double(bitPattern: biased << 52 + (significand - 1 << 52))
  }

  /// 10^`power` for 0...22, which doubles hold exactly; the compiler makes a table of it.
  @inline(__always) private static func smallPower(_ power: Int) -> Double {
    switch power {
    case 0: 1
    case 1: 1e1
    case 2: 1e2
    case 3: 1e3
    case 4: 1e4
    case 5: 1e5
    case 6: 1e6
    case 7: 1e7
    case 8: 1e8
    case 9: 1e9
    case 10: 1e10
    case 11: 1e11
    case 12: 1e12
    case 13: 1e13
    case 14: 1e14
    case 15: 1e15
    case 16: 1e16
    case 17: 1e17
    case 18: 1e18
    case 19: 1e19
    case 20: 1e20
    case 21: 1e21
    default: 1e22
    }
  }

  @inline(never) private static func parseSlowly(_ text: ByteSlice, _ rule: Rule) -> Double? {
    let count = text.count
    if count == 0 { return rule == .border ? 0 : nil }
    if rule == .command, isspace(Int32(text[0])) != 0 { return nil }
    return parseByLibrary(text, rule)
  }

  private static func parseByLibrary(_ text: ByteSlice, _ rule: Rule) -> Double? {
    let count = text.count
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { copy in
      for index in 0..<count { unsafe copy[index] = CChar(bitPattern: text[index]) }
      unsafe copy[count] = 0
      let start = unsafe copy.baseAddress.unsafelyUnwrapped
      var end: UnsafeMutablePointer<CChar>?
      errno = 0
      let value = unsafe strtod(start, &end)
      let length = unsafe end.map { unsafe $0 - start } ?? 0
      if rule == .file { return length > 0 ? value : nil }
      guard length == count, !value.isNaN else { return nil }
      if rule == .command, errno == ERANGE, value.isInfinite || value == 0 { return nil }
      return value
    }
  }
}

internal import CShims

/// Doubles as text, both ways, without allocation and exactly as servers do it.
///
/// | style | who | 0.1 | 1e300 | 100000000 |
/// |---|---|---|---|---|
/// | ``Style/printf`` | Redis up to 7.0 (`%.17g`) | `0.10000000000000001` | `1.0000000000000001e+300` | `100000000` |
/// | ``Style/server`` | Redis 7.2+, Valkey (Grisu2) | `0.1` | `1e+300` | `1e+8` |
/// | ``Style/shortest`` | exports of ours | `0.1` | `1e+300` | `100000000` |
///
/// `printf` enters the digest of old servers and `server` that of new ones, so both are exact to
/// the byte (debug-digest.md 5). `shortest` has the fewest digits that read back to the same double,
/// and of those the nearest; `server` differs from it in a digit now and then.
///
/// What INCRBYFLOAT and HINCRBYFLOAT store is the text of a C `long double` (`%.17Lf` without the
/// zeros at its end). Logs carry the result, never the sum, so nothing here needs that format.
public enum DoubleText {
  /// How a double is written.
  public enum Style: Sendable {
    /// C's `%.17g`: what servers up to 7.0 print and digest.
    case printf
    /// Grisu2 of the library fpconv: what Redis 7.2 and later and Valkey print and digest.
    case server
    /// The shortest text that reads back to the same double, plain below 10^17.
    case shortest
  }

  /// No text is longer than this: sign, 17 digits, point, 5 zeros or `e-308`.
  public static let longest = 32

  /// Writes `value` at `target`, which must have room for ``longest`` bytes; returns how many were
  /// written. `inf`, `-inf` and `nan` are written so; a NaN never has a sign.
  @unsafe public static func write(
    _ value: Double, _ style: Style, to target: UnsafeMutableRawPointer
  ) -> Int {
    let magnitude = value.magnitude
    // Only integers pass; infinities and NaN compare false or fail the second test.
    if magnitude < 4_503_599_627_370_496, magnitude.rounded(.towardZero) == magnitude {
      let integer = UInt64(magnitude)
      if style != .server || integer == 0 || integer % 100_000_000 != 0 {
        let sign = unsafe writeSign(of: value, to: target)
        return unsafe sign + DecimalText.write(integer, to: target + sign)
      }
    }
    return unsafe writeSlowly(value, style, to: target)
  }

  /// The same without the short cut for integers.
  @unsafe @inline(never) static func writeSlowly(
    _ value: Double, _ style: Style, to target: UnsafeMutableRawPointer
  ) -> Int {
    if value.isNaN {
      unsafe store("nan", to: target)
      return 3
    }
    let sign = unsafe writeSign(of: value, to: target)
    let place = unsafe target + sign
    if value.isInfinite {
      unsafe store("inf", to: place)
      return sign + 3
    }
    if value == 0 {
      unsafe place.storeBytes(of: 0x30, as: UInt8.self)
      return sign + 1
    }
    switch style {
    case .printf:
      guard let (digits, exponent) = seventeenDigits(value.magnitude) else {
        // A tie that 128 bits can't decide: C knows.
        return unsafe Int(redis_backup_print17(value, target, longest))
      }
      let plain = exponent + 16 >= -4 && exponent <= 0
      let (short, kept) = withoutZeros(digits, exponent)
      return unsafe sign
        + (plain
          ? layOutPlain(short, kept, to: place) : layOutScientific(short, kept, 2, to: place))
    case .server:
      return unsafe sign + writeGrisu(value.magnitude, negative: sign == 1, to: place)
    case .shortest:
      let (digits, exponent) = shortestDigits(value.magnitude)
      let lead = exponent + DecimalText.digitCount(digits) - 1
      return unsafe sign
        + (lead >= -5 && lead < 17
          ? layOutPlain(digits, exponent, to: place)
          : layOutScientific(digits, exponent, 1, to: place))
    }
  }

  @unsafe @inline(__always) private static func writeSign(
    of value: Double, to target: UnsafeMutableRawPointer
  ) -> Int {
    guard value.sign == .minus else { return 0 }
    unsafe target.storeBytes(of: 0x2D, as: UInt8.self)
    return 1
  }

  @unsafe private static func store(_ text: StaticString, to target: UnsafeMutableRawPointer) {
    unsafe target.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
  }

  /// `digits` * 10^`exponent` with the zeros at the end of the digits moved to the exponent.
  static func withoutZeros(_ digits: UInt64, _ exponent: Int) -> (digits: UInt64, exponent: Int) {
    var digits = digits
    var exponent = exponent
    while digits % 10_000 == 0 {
      digits /= 10_000
      exponent += 4
    }
    while digits % 10 == 0 {
      digits /= 10
      exponent += 1
    }
    return (digits, exponent)
  }

  /// Writes `digits` * 10^`exponent` without an exponent: `1200`, `1.25`, `0.00125`.
  @unsafe static func layOutPlain(
    _ digits: UInt64, _ exponent: Int, to target: UnsafeMutableRawPointer
  ) -> Int {
    let count = DecimalText.digitCount(digits)
    if exponent >= 0 {
      _ = unsafe DecimalText.write(digits, to: target)
      unsafe fillZeros(exponent, at: target + count)
      return count + exponent
    }
    let whole = count + exponent
    if whole > 0 {
      _ = unsafe DecimalText.write(digits, to: target + 1)
      for index in 0..<whole {
        let digit = unsafe target.load(fromByteOffset: index + 1, as: UInt8.self)
        unsafe target.storeBytes(of: digit, toByteOffset: index, as: UInt8.self)
      }
      unsafe target.storeBytes(of: 0x2E, toByteOffset: whole, as: UInt8.self)
      return count + 1
    }
    unsafe store("0.", to: target)
    unsafe fillZeros(-whole, at: target + 2)
    _ = unsafe DecimalText.write(digits, to: target + (2 - whole))
    return 2 - whole + count
  }

  /// Writes `digits` * 10^`exponent` as `d.ddde+XX` with at least `width` digits of exponent.
  @unsafe static func layOutScientific(
    _ digits: UInt64, _ exponent: Int, _ width: Int, to target: UnsafeMutableRawPointer
  ) -> Int {
    let count = unsafe DecimalText.write(digits, to: target + 1)
    let first = unsafe target.load(fromByteOffset: 1, as: UInt8.self)
    unsafe target.storeBytes(of: first, as: UInt8.self)
    var at = 1
    if count > 1 {
      unsafe target.storeBytes(of: 0x2E, toByteOffset: 1, as: UInt8.self)
      at = count + 1
    }
    let power = exponent + count - 1
    unsafe target.storeBytes(of: 0x65, toByteOffset: at, as: UInt8.self)
    unsafe target.storeBytes(of: power < 0 ? 0x2D : 0x2B, toByteOffset: at + 1, as: UInt8.self)
    at += 2
    if width > 1 && power.magnitude < 10 {
      unsafe target.storeBytes(of: 0x30, toByteOffset: at, as: UInt8.self)
      at += 1
    }
    return unsafe at + DecimalText.write(UInt64(power.magnitude), to: target + at)
  }

  @unsafe private static func fillZeros(_ count: Int, at target: UnsafeMutableRawPointer) {
    for index in 0..<count {
      unsafe target.storeBytes(of: 0x30, toByteOffset: index, as: UInt8.self)
    }
  }
}

extension OutputBuffer {
  /// Writes the text of `value`.
  public mutating func write(double value: Double, _ style: DoubleText.Style) {
    used &+= unsafe DoubleText.write(value, style, to: room(DoubleText.longest))
  }
}

extension ScratchBuffer {
  /// Adds the text of `value`.
  public mutating func append(double value: Double, _ style: DoubleText.Style) {
    grow(by: unsafe DoubleText.write(value, style, to: unusedStart(DoubleText.longest)))
  }
}

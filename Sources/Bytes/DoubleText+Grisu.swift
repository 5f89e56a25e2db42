/// Grisu2 as the library fpconv runs it, which Redis 7.2 and later and Valkey print doubles with.
///
/// The digits are nearly always the shortest, but not quite: about one random double in a thousand
/// gets a digit more or another last digit. A digest has to repeat those, so the arithmetic is
/// repeated step by step (debug-digest.md 5.1 and 5.2), all of it modulo 2^64.
extension DoubleText {
  /// A number f * 2^e.
  private struct Scaled {
    var f: UInt64
    var e: Int

    /// The product, cut to the upper 64 bits and rounded at the bit below them.
    static func * (a: Scaled, b: Scaled) -> Scaled {
      let (high, low) = a.f.multipliedFullWidth(by: b.f)
      return Scaled(f: high &+ (low >> 63), e: a.e + b.e + 64)
    }
  }

  /// Writes a finite `value` > 0; `negative` says that a sign stands before it.
  @unsafe static func writeGrisu(
    _ value: Double, negative: Bool, to target: UnsafeMutableRawPointer
  ) -> Int {
    let (digits, exponent) = grisuDigits(value)
    let count = DecimalText.digitCount(digits)
    let power = (exponent + count - 1).magnitude
    if exponent >= 0 && power < UInt(count + 7) {
      return unsafe layOutPlain(digits, exponent, to: target)
    }
    if exponent < 0 && (exponent > -7 || power < 4) {
      return unsafe layOutPlain(digits, exponent, to: target)
    }
    var shown = digits
    var shownExponent = exponent
    for _ in 0..<max(0, count - (negative ? 17 : 18)) {
      shown /= 10
      shownExponent += 1
    }
    return unsafe layOutScientific(shown, shownExponent, 1, to: target)
  }

  /// The digits as an integer, and the power of ten to multiply it by.
  static func grisuDigits(_ value: Double) -> (digits: UInt64, exponent: Int) {
    let (significand, exponent) = parts(value)
    var upper = Scaled(f: 2 * significand + 1, e: exponent - 1)
    let up = upper.f.leadingZeroBitCount
    upper.f <<= UInt64(up)
    upper.e -= up
    let closer = significand == 1 << 52 ? 2 : 1
    var lower = Scaled(f: significand << UInt64(closer) - 1, e: exponent - closer)
    lower.f <<= UInt64(lower.e - upper.e)
    lower.e = upper.e
    let zeros = significand.leadingZeroBitCount
    var middle = Scaled(f: significand << UInt64(zeros), e: exponent - zeros)

    let (power, cached) = cachedPower(for: upper.e)
    middle = middle * cached
    upper = upper * cached
    lower = lower * cached
    lower.f &+= 1
    upper.f &-= 1
    return generate(middle, upper, lower, -power)
  }

  /// The power of ten that brings a number with the exponent `exponent` into digit range.
  private static func cachedPower(for exponent: Int) -> (power: Int, Scaled) {
    let estimate = Int(-Double(exponent + 87) * 0.30102999566398114)
    var index = (estimate + 348) / 8
    while true {
      let power = -348 + 8 * index
      let (high, low) = PowersOfTen.table[power]
      // Rounded to nearest; no power in the table is so near to 2^n that this overflows.
      let cached = Scaled(f: high + low >> 63, e: PowersOfTen.binaryExponent(power) + 64)
      let sum = exponent + cached.e + 64
      if sum < -60 {
        index += 1
      } else if sum > -32 {
        index -= 1
      } else {
        return (power, cached)
      }
    }
  }

  private static func generate(
    _ value: Scaled, _ upper: Scaled, _ lower: Scaled, _ startExponent: Int
  ) -> (digits: UInt64, exponent: Int) {
    let wide = upper.f &- value.f
    var delta = upper.f &- lower.f
    let shift = UInt64(-upper.e)
    let one: UInt64 = 1 << shift
    var whole = upper.f >> shift
    var fraction = upper.f & (one - 1)
    var digits: UInt64 = 0
    var kappa = 10
    var divisor: UInt64 = 1_000_000_000
    while kappa > 0 {
      let digit = whole / divisor
      digits = digits * 10 + digit
      whole -= digit * divisor
      kappa -= 1
      let rest = whole << shift &+ fraction
      if rest <= delta {
        round(&digits, delta, rest, divisor << shift, wide)
        return (digits, startExponent + kappa)
      }
      divisor /= 10
    }
    var unit: UInt64 = 1
    while true {
      fraction &*= 10
      delta &*= 10
      kappa -= 1
      unit &*= 10
      digits = digits &* 10 &+ fraction >> shift
      fraction &= one - 1
      if fraction < delta {
        round(&digits, delta, fraction, one, wide &* unit)
        return (digits, startExponent + kappa)
      }
    }
  }

  /// Lowers the last digit while that brings the text nearer to the value.
  private static func round(
    _ digits: inout UInt64, _ delta: UInt64, _ start: UInt64, _ step: UInt64, _ wide: UInt64
  ) {
    var rest = start
    while rest < wide, delta &- rest >= step,
      rest &+ step < wide || wide &- rest > rest &+ step &- wide
    {
      digits -= 1
      rest &+= step
    }
  }
}

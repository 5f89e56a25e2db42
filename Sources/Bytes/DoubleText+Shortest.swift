/// The fewest digits that read back to the same double, and of those the nearest to it.
///
/// After R. Giulietti, "The Schubfach way to render doubles": with 4v scaled by the power of ten
/// that leaves the interval of all texts for v between 2 and 20 units wide, at most one multiple
/// of ten and at most two integers are candidates. The scaled borders are computed with 128 bits
/// of the power of ten, rounded up, and "rounded to odd", so that comparing them with integers
/// never errs.
extension DoubleText {
  /// The digits as an integer without zeros at its end, and the power of ten to multiply it by,
  /// of a finite `value` > 0.
  static func shortestDigits(_ value: Double) -> (digits: UInt64, exponent: Int) {
    let (significand, exponent) = parts(value)
    let closer = significand == 1 << 52 && value.exponentBitPattern > 1
    let even = significand & 1 == 0
    let middle = significand << 2
    let lower = closer ? middle - 1 : middle - 2
    let upper = middle + 2
    // floor(log10(2^exponent)), or of 3/4 of that where the lower neighbour is nearer.
    let scale = (exponent * 1_262_611 - (closer ? 524_031 : 0)) >> 22
    var factor = PowersOfTen.table[-scale]
    // Rounded up, as the proof wants it; powers the table holds exactly stay.
    if -scale < 0 || -scale > PowersOfTen.lastExact {
      let (low, carry) = factor.low.addingReportingOverflow(1)
      factor = (factor.high + (carry ? 1 : 0), low)
    }
    let shift = UInt64(exponent + PowersOfTen.floorLog2(-scale) + 1)
    let scaledLower = roundedToOdd(factor, lower << shift) + (even ? 0 : 1)
    let scaled = roundedToOdd(factor, middle << shift)
    let scaledUpper = roundedToOdd(factor, upper << shift) - (even ? 0 : 1)

    let unit = scaled / 4
    if unit >= 10 {
      let ten = unit / 10
      let lowInside = scaledLower <= 40 * ten
      let highInside = 40 * ten + 40 <= scaledUpper
      if lowInside != highInside {
        return withoutZeros(highInside ? ten + 1 : ten, scale + 1)
      }
    }
    let lowInside = scaledLower <= 4 * unit
    let highInside = 4 * unit + 4 <= scaledUpper
    if lowInside != highInside {
      return withoutZeros(highInside ? unit + 1 : unit, scale)
    }
    let half = 4 * unit + 2
    let up = scaled > half || (scaled == half && unit & 1 == 1)
    return withoutZeros(up ? unit + 1 : unit, scale)
  }

  /// The upper 64 bits of `factor` * `number` / 2^64, the last bit set when any below it is.
  @inline(__always) private static func roundedToOdd(
    _ factor: (high: UInt64, low: UInt64), _ number: UInt64
  ) -> UInt64 {
    let (high, middle) = product(number, factor)
    return high | (middle > 1 ? 1 : 0)
  }
}

extension DoubleText {
  /// The 17 digits that `%.17g` shows of a finite `value` > 0, as an integer in
  /// [10^16, 10^17), and the power of ten to multiply it by; nil where 128 bits of the power of
  /// ten can't decide how to round (about once in 2^60 doubles, and at some exact ties).
  ///
  /// With v = f * 2^e, f of 64 bits, and the power p of 10^(16 - floor(log10 v)) cut to 128 bits,
  /// the product f * p of 192 bits is at most 2^64 units too small. Its integer part is the
  /// answer, its fraction says how to round; ties go to the even digit, as in C.
  static func seventeenDigits(_ value: Double) -> (digits: UInt64, exponent: Int)? {
    var (significand, exponent) = parts(value)
    let shift = significand.leadingZeroBitCount
    significand <<= UInt64(shift)
    exponent -= shift
    // Either right or one too small.
    var lead = PowersOfTen.floorLog10(twoTo: exponent + 63)
    while true {
      let power = 16 - lead
      let factor = PowersOfTen.table[power]
      let (high, middle) = product(significand, factor)
      // The units bit of the product is bit `point` of `high`; it has 60 bits at most.
      let point = -(exponent + PowersOfTen.binaryExponent(power)) - 128
      var digits = high >> UInt64(point)
      if digits >= 100_000_000_000_000_000 {
        lead += 1
        continue
      }
      let fraction = high & ((1 << UInt64(point)) - 1)
      let half: UInt64 = 1 << UInt64(point - 1)
      let exact = power >= 0 && power <= PowersOfTen.lastExact
      if fraction == half - 1 && middle == UInt64.max && !exact { return nil }
      if fraction >= half {
        let tie = exact && fraction == half && middle == 0 && significand &* factor.low == 0
        if !tie || digits & 1 == 1 { digits += 1 }
      }
      if digits == 100_000_000_000_000_000 { return (10_000_000_000_000_000, lead + 1 - 16) }
      return (digits, lead - 16)
    }
  }

  /// The upper two of the three words of `factor` * `significand`.
  @inline(__always) static func product(
    _ significand: UInt64, _ factor: (high: UInt64, low: UInt64)
  ) -> (high: UInt64, middle: UInt64) {
    let (carry, _) = significand.multipliedFullWidth(by: factor.low)
    let (high, low) = significand.multipliedFullWidth(by: factor.high)
    let (middle, overflow) = low.addingReportingOverflow(carry)
    // Can't wrap: the product of 64 and 128 bits has 192.
    return (high &+ (overflow ? 1 : 0), middle)
  }

  /// `value` = significand * 2^exponent for a finite `value` > 0.
  @inline(__always) static func parts(_ value: Double) -> (significand: UInt64, exponent: Int) {
    let fraction = value.significandBitPattern
    let biased = Int(value.exponentBitPattern)
    return biased == 0 ? (fraction, -1074) : (fraction | 1 << 52, biased - 1075)
  }
}

/// The powers of ten from 10^-348 to 10^340, each as its upper 128 bits, cut off (not rounded).
///
/// ```text
/// 10^k = (high * 2^64 + low + r) * 2^binaryExponent(k)     0 <= r < 1, r = 0 for 0 <= k <= 55
/// ```
///
/// They are computed exactly at the first use (a tenth of a millisecond): upwards by multiplying
/// a long integer by 5, downwards by dividing 2^1088 by 5 again and again.
@safe
struct PowersOfTen: @unchecked Sendable {
  static let least = -348
  static let greatest = 340
  /// Up to this power the 128 bits hold it exactly.
  static let lastExact = 55

  static let table = PowersOfTen()

  // SAFETY: 2 words for each power, allocated once for the life of the program.
  private let words: UnsafeMutablePointer<UInt64>

  /// The upper 128 bits of 10^`power`, which must be in the range of the table.
  @inline(__always) subscript(power: Int) -> (high: UInt64, low: UInt64) {
    precondition(power >= PowersOfTen.least && power <= PowersOfTen.greatest)
    let at = (power - PowersOfTen.least) * 2
    return unsafe (words[at], words[at + 1])
  }

  /// The weight of the last of the 128 bits of 10^`power`.
  @inline(__always) static func binaryExponent(_ power: Int) -> Int { floorLog2(power) - 127 }

  /// floor(log2(10^`power`)), right for |power| <= 1233.
  @inline(__always) static func floorLog2(_ power: Int) -> Int { (power * 1_741_647) >> 19 }

  /// floor(log10(2^`exponent`)), right for |exponent| <= 1650.
  @inline(__always) static func floorLog10(twoTo exponent: Int) -> Int {
    (exponent * 1_262_611) >> 22
  }

  private init() {
    unsafe words = .allocate(capacity: (PowersOfTen.greatest - PowersOfTen.least + 1) * 2)
    var number = [UInt64](repeating: 0, count: 18)
    number[0] = 1
    for power in 0...PowersOfTen.greatest {
      if power > 0 { PowersOfTen.multiplyByFive(&number) }
      store(power, number)
    }
    number = [UInt64](repeating: 0, count: 18)
    number[17] = 1
    for power in 1 ... -PowersOfTen.least {
      PowersOfTen.divideByFive(&number)
      store(-power, number)
    }
  }

  private func store(_ power: Int, _ number: [UInt64]) {
    var top = number.count - 1
    while number[top] == 0 { top -= 1 }
    let shift = UInt64(number[top].leadingZeroBitCount)
    func word(_ index: Int) -> UInt64 { index >= 0 ? number[index] : 0 }
    func shifted(_ index: Int) -> UInt64 {
      shift == 0 ? word(index) : word(index) << shift | word(index - 1) >> (64 - shift)
    }
    let at = (power - PowersOfTen.least) * 2
    unsafe words[at] = shifted(top)
    unsafe words[at + 1] = shifted(top - 1)
  }

  private static func multiplyByFive(_ number: inout [UInt64]) {
    var carry: UInt64 = 0
    for index in number.indices {
      let (high, low) = number[index].multipliedFullWidth(by: 5)
      let (sum, overflow) = low.addingReportingOverflow(carry)
      number[index] = sum
      carry = high + (overflow ? 1 : 0)
    }
  }

  private static func divideByFive(_ number: inout [UInt64]) {
    var rest: UInt64 = 0
    for index in number.indices.reversed() {
      (number[index], rest) = UInt64(5).dividingFullWidth((rest, number[index]))
    }
  }
}

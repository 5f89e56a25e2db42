/// Integers as decimal text, both ways, without allocation.
public enum DecimalText {
  /// Two digits for each of 0...99.
  @safe private static let pairs: StaticString = """
    00010203040506070809101112131415161718192021222324252627282930313233343536373839\
    40414243444546474849505152535455565758596061626364656667686970717273747576777879\
    8081828384858687888990919293949596979899
    """

  /// Writes `value` at `target`, which must have room for 20 bytes; returns how many were written.
  @unsafe public static func write(_ value: Int64, to target: UnsafeMutableRawPointer) -> Int {
    if value >= 0 { return unsafe write(UInt64(value), to: target) }
    unsafe target.storeBytes(of: 0x2D, as: UInt8.self)
    return unsafe 1 + write(value.magnitude, to: target + 1)
  }

  /// Writes `value` at `target`, which must have room for 20 bytes; returns how many were written.
  @unsafe public static func write(_ value: UInt64, to target: UnsafeMutableRawPointer) -> Int {
    if value < 10 {
      unsafe target.storeBytes(of: 0x30 + UInt8(value), as: UInt8.self)
      return 1
    }
    let digits = digitCount(value)
    let table = unsafe UnsafeRawPointer(pairs.utf8Start)
    var rest = value
    var at = digits
    while rest >= 100 {
      let (quotient, two) = rest.quotientAndRemainder(dividingBy: 100)
      at -= 2
      // SAFETY: two < 100, the table has 200 bytes.
      let pair = unsafe table.loadUnaligned(fromByteOffset: Int(two) * 2, as: UInt16.self)
      unsafe target.storeBytes(of: pair, toByteOffset: at, as: UInt16.self)
      rest = quotient
    }
    if rest >= 10 {
      let pair = unsafe table.loadUnaligned(fromByteOffset: Int(rest) * 2, as: UInt16.self)
      unsafe target.storeBytes(of: pair, toByteOffset: 0, as: UInt16.self)
    } else {
      unsafe target.storeBytes(of: 0x30 + UInt8(rest), as: UInt8.self)
    }
    return digits
  }

  /// How many decimal digits `value` has.
  public static func digitCount(_ value: UInt64) -> Int {
    var count = 1
    var rest = value
    while rest >= 10_000 {
      rest /= 10_000
      count += 4
    }
    if rest >= 1000 { return count + 3 }
    if rest >= 100 { return count + 2 }
    return rest >= 10 ? count + 1 : count
  }

  /// The integer whose canonical text this is: an optional `-`, no leading zeros, no `-0`, in the
  /// range of 64 bits; otherwise nil. This is what servers accept as "an integer" in values and
  /// what they turn into integer encodings.
  public static func canonical(_ text: ByteSlice) -> Int64? {
    let count = text.count
    guard count > 0, count <= 20 else { return nil }
    let negative = text[0] == 0x2D
    let first = negative ? 1 : 0
    guard count > first else { return nil }
    let lead = text[first] &- 0x30
    guard lead <= 9 else { return nil }
    if lead == 0 { return count == 1 ? 0 : nil }
    var value: UInt64 = 0
    for index in first..<count {
      let digit = text[index] &- 0x30
      guard digit <= 9 else { return nil }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(UInt64(digit))
      if overflow || carry { return nil }
      value = sum
    }
    if negative {
      return value <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- value) : nil
    }
    return Int64(exactly: value)
  }

  /// The number of decimal digits only, as in AOF headers and manifests; nil for anything else or
  /// above `Int.max`.
  public static func unsigned(_ text: ByteSlice) -> Int? {
    guard text.count > 0, text.count <= 20 else { return nil }
    var value = 0
    for index in 0..<text.count {
      let digit = text[index] &- 0x30
      guard digit <= 9 else { return nil }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(Int(digit))
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }
}

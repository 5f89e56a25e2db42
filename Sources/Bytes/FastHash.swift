/// Hashes of byte strings for tables: 64-bit multiply and fold, about a nanosecond for a key.
///
/// Not for adversaries: whoever writes the log can make keys collide; the tables that use it
/// bound their probe length by growing.
extension ByteSlice {
  /// A 64-bit hash of the bytes; the same within one version of this library only.
  @inlinable public var fastHash: UInt64 {
    // The length is spread over all bits: in the low ones it could undo the bytes' own difference.
    var state: UInt64 =
      0x9E37_79B9_7F4A_7C15 ^ (UInt64(truncatingIfNeeded: count) &* 0x9FB2_1C65_1E98_DF25)
    var at = 0
    while count &- at >= 16 {
      state = ByteSlice.fold(
        word(at) ^ 0xA076_1D64_78BD_642F, word(at &+ 8) ^ state)
      at &+= 16
    }
    let left = count &- at
    var a: UInt64 = 0
    var b: UInt64 = 0
    if left >= 8 {
      a = word(at)
      b = word(count &- 8)
    } else if left >= 4 {
      a = UInt64(half(at))
      b = UInt64(half(count &- 4))
    } else if left > 0 {
      a = UInt64(self[at]) << 16 | UInt64(self[at &+ left >> 1]) << 8 | UInt64(self[count &- 1])
    }
    return ByteSlice.fold(a ^ 0xE703_7ED1_A0B4_28DB, b ^ state)
  }

  @inlinable func word(_ offset: Int) -> UInt64 {
    // SAFETY: the callers above keep offset + 8 <= count.
    unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }

  @inlinable func half(_ offset: Int) -> UInt32 {
    // SAFETY: the callers above keep offset + 4 <= count.
    unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }

  @inlinable static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}

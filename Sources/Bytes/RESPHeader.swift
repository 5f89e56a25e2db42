/// The short headers of RESP, `*3\r\n` and `$17\r\n`, which are nearly all there are in a log:
/// recognised and decoded by one eight-byte load.
extension ByteSlice {
  /// The number behind `marker` in a header of one to three digits at `offset`, and the length of
  /// the header, packed as `number << 3 | length`; -1 when something else stands there, or when
  /// fewer than eight bytes are left.
  @inlinable @inline(__always)
  public func shortHeader(_ marker: UInt8, at offset: Int) -> Int {
    guard offset >= 0 && offset &+ 8 <= count else { return -1 }
    // SAFETY: eight bytes lie from `offset` on, as just compared; `offset` can't wrap, since it
    // is at most `count`.
    let word = unsafe UInt64(
      littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    let first = UInt8(truncatingIfNeeded: word >> 8) &- 0x30
    guard UInt8(truncatingIfNeeded: word) == marker && first < 10 else { return -1 }
    if UInt16(truncatingIfNeeded: word >> 16) == 0x0A0D { return Int(first) << 3 | 4 }
    let second = UInt8(truncatingIfNeeded: word >> 16) &- 0x30
    guard second < 10 else { return -1 }
    if UInt16(truncatingIfNeeded: word >> 24) == 0x0A0D {
      return (Int(first) &* 10 &+ Int(second)) << 3 | 5
    }
    let third = UInt8(truncatingIfNeeded: word >> 24) &- 0x30
    guard third < 10 && UInt16(truncatingIfNeeded: word >> 32) == 0x0A0D else { return -1 }
    return (Int(first) &* 100 &+ Int(second) &* 10 &+ Int(third)) << 3 | 6
  }

  /// Whether `\r\n` stands at `offset`; false when fewer than two bytes are left.
  @inlinable @inline(__always)
  public func isLineEnd(at offset: Int) -> Bool {
    guard offset >= 0 && offset &+ 2 <= count else { return false }
    // SAFETY: two bytes lie from `offset` on, as just compared.
    return unsafe UInt16(
      littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) == 0x0A0D
  }

  /// The first eight bytes from `offset` on as a little-endian integer, zeros where the slice
  /// has fewer.
  @inlinable @inline(__always)
  public func paddedWord(at offset: Int) -> UInt64 {
    guard offset >= 0 && offset < count else { return 0 }
    if offset &+ 8 <= count { return load(at: offset) }
    return shortWord(at: offset)
  }

  @usableFromInline @inline(never)
  func shortWord(at offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in offset..<count { word |= UInt64(self[index]) << UInt64((index &- offset) &* 8) }
    return word
  }
}

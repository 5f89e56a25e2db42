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

  /// The first eight bytes as a little-endian integer, zeros where there are fewer.
  @inlinable @inline(__always)
  public var firstWord: UInt64 {
    // SAFETY: every load lies inside `count` bytes, by the comparison in front of it. Overlapping
    // loads put the same byte in the same place twice.
    if count >= 8 { return unsafe UInt64(littleEndian: start.loadUnaligned(as: UInt64.self)) }
    if count >= 4 {
      let head = unsafe UInt32(littleEndian: start.loadUnaligned(as: UInt32.self))
      let tail = unsafe UInt32(
        littleEndian: start.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
      return UInt64(head) | UInt64(tail) &<< UInt64(truncatingIfNeeded: (count &- 4) &* 8)
    }
    if count == 0 { return 0 }
    let middle = count &>> 1
    let last = count &- 1
    let first = unsafe UInt64(start.load(as: UInt8.self))
    let second = unsafe UInt64(start.load(fromByteOffset: middle, as: UInt8.self))
    let third = unsafe UInt64(start.load(fromByteOffset: last, as: UInt8.self))
    return first | second &<< UInt64(truncatingIfNeeded: middle &* 8)
      | third &<< UInt64(truncatingIfNeeded: last &* 8)
  }

  /// Reads words in the form `$<length>\r\n<bytes>\r\n` whose lengths have one to three digits,
  /// from `offset` on, as many as `target` has room for; stops in front of any other form, and
  /// where fewer than eight bytes are left. The words are written to `target` and `offset` is moved
  /// behind them.
  ///
  /// - Returns: how many words were read.
  @unsafe @inlinable @inline(__always)
  public func readShortWords(
    at offset: inout Int, into target: UnsafeMutableBufferPointer<ByteSlice>
  ) -> Int {
    guard offset >= 0, count >= 8 else { return 0 }
    // SAFETY: `next` moves from one checked end to the next: eight bytes are loaded only up to
    // `lastLoad`, and a word is taken only when its line end lies in front of `end`.
    let end = unsafe start + count
    let lastLoad = unsafe end - 8
    var next = unsafe start + offset
    var filled = 0
    while filled < target.count {
      guard unsafe next <= lastLoad else { break }
      let word = unsafe UInt64(littleEndian: next.loadUnaligned(as: UInt64.self))
      var length = Int(truncatingIfNeeded: word >> 8 & 0xFF) &- 0x30
      guard UInt8(truncatingIfNeeded: word) == 0x24, UInt(bitPattern: length) < 10 else { break }
      let header: Int
      if UInt16(truncatingIfNeeded: word >> 16) == 0x0A0D {
        header = 4
      } else {
        let second = Int(truncatingIfNeeded: word >> 16 & 0xFF) &- 0x30
        guard UInt(bitPattern: second) < 10 else { break }
        length = length &* 10 &+ second
        if UInt16(truncatingIfNeeded: word >> 24) == 0x0A0D {
          header = 5
        } else {
          let third = Int(truncatingIfNeeded: word >> 24 & 0xFF) &- 0x30
          guard UInt(bitPattern: third) < 10, UInt16(truncatingIfNeeded: word >> 32) == 0x0A0D
          else { break }
          length = length &* 10 &+ third
          header = 6
        }
      }
      let bytes = unsafe next + header
      guard unsafe length &+ 2 <= end - bytes else { break }
      let behind = unsafe bytes + length
      guard unsafe UInt16(littleEndian: behind.loadUnaligned(as: UInt16.self)) == 0x0A0D else {
        break
      }
      unsafe (target.baseAddress.unsafelyUnwrapped + filled).initialize(
        to: ByteSlice(unsafeStart: bytes, count: length))
      filled &+= 1
      unsafe next = behind + 2
    }
    offset = unsafe next - start
    return filled
  }

  /// Passes `many` words, at least one, of the form that ``readShortWords(at:into:)`` reads, from
  /// `offset` on, which is moved behind them; only for who wants no more of them than the first.
  ///
  /// - Returns: where the first lies; nil, with `offset` where it was, when any is of another form, or
  ///   fewer than eight bytes are left from one on.
  @inlinable @inline(__always)
  public func passShortWords(_ many: Int, at offset: inout Int) -> Range<Int>? {
    var next = offset
    var first: Range<Int>?
    for _ in 0..<many {
      let head = shortHeader(0x24, at: next)
      guard head >= 0 else { return nil }
      let from = next &+ (head & 7)
      let end = from &+ (head >> 3)
      guard isLineEnd(at: end) else { return nil }
      if first == nil { first = from..<end }
      next = end &+ 2
    }
    offset = next
    return first
  }
}

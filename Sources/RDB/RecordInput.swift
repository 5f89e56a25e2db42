public import Bytes

/// Lengths and strings (rdb-format.md 3 and 4).
///
/// ```text
/// 00llllll                          length of 6 bits
/// 01llllll llllllll                 14 bits, big endian
/// 10000000 + 4 bytes                32 bits, big endian
/// 10000001 + 8 bytes                64 bits, big endian
/// 11000000 / 01 / 10 + 1, 2, 4      a string that is a signed little-endian integer
/// 11000011 len len bytes            a string compressed with LZF: packed length, length
/// ```
@usableFromInline struct RecordInput: ~Copyable {
  @usableFromInline var cursor: ByteCursor
  /// What is being done, for errors.
  @usableFromInline var activity = RDBError.Activity.header

  /// The first thing found wrong inside a string whose length is known.
  private var fault: RDBError?
  /// Whether something was found wrong.
  private(set) var hasFault = false

  init(_ cursor: consuming ByteCursor) { self.cursor = cursor }

  @inline(never) private mutating func note(_ kind: RDBError.Kind, at offset: Int) {
    if !hasFault { fault = fail(kind, at: offset) }
    hasFault = true
  }

  /// What was found wrong, which is then forgotten.
  @inline(never) mutating func takeFault() -> RDBError {
    hasFault = false
    return fault ?? fail(.badLZF)
  }

  /// Forgets what was found wrong.
  mutating func clearFault() { hasFault = false }

  /// The error for input that ends where more is needed.
  @inline(never) func truncated() -> RDBError {
    if let failure = cursor.failure { return fail(.unreadable(failure)) }
    return RDBError(.truncated, at: cursor.size ?? cursor.offset + cursor.readable, while: activity)
  }

  @inline(never) func fail(_ kind: RDBError.Kind) -> RDBError {
    RDBError(kind, at: cursor.offset, while: activity)
  }

  @inline(never) func fail(_ kind: RDBError.Kind, at offset: Int) -> RDBError {
    RDBError(kind, at: offset, while: activity)
  }

  /// A plain length.
  @inline(__always) mutating func readLength() throws(RDBError) -> UInt64 {
    guard let first = cursor.byte() else { throw truncated() }
    if first < 0x40 { return UInt64(first) }
    return try readLongLength(first)
  }

  @inline(never) mutating func readLongLength(_ first: UInt8) throws(RDBError) -> UInt64 {
    if first < 0x80 {
      guard let second = cursor.byte() else { throw truncated() }
      return UInt64(first & 0x3F) << 8 | UInt64(second)
    }
    if first == 0x80 {
      guard let value = cursor.load(as: UInt32.self) else { throw truncated() }
      return UInt64(value.byteSwapped)
    }
    if first == 0x81 {
      guard let value = cursor.load(as: UInt64.self) else { throw truncated() }
      return value.byteSwapped
    }
    throw fail(.badLength(first), at: cursor.offset - 1)
  }

  /// A length that counts bytes or elements which must still come: one that can't is truncation.
  @inline(__always) mutating func readCount() throws(RDBError) -> Int {
    let length = try readLength()
    guard let count = Int(exactly: length) else { throw fail(.impossibleCount(length)) }
    return count
  }

  /// The length of a plain string below 16 KiB, and of its length field, from the first two bytes.
  /// Computed, not decided: whether the length takes one byte or two is a coin toss for the
  /// processor, and nearly every string of a dump comes through here.
  @inline(__always) static func shortLength(_ pair: UInt16) -> (header: Int, count: Int)? {
    guard pair & 0x80 == 0 else { return nil }
    let wide = UInt64(pair >> 6 & 1)
    let count =
      UInt64(pair & 0x3F) &<< (wide &<< 3) | (UInt64(pair) &>> 8 & (0 &- wide))
    return (1 &+ Int(wide), Int(count))
  }

  /// Passes a string without looking at it.
  @inline(__always) mutating func skipString() throws(RDBError) {
    if let pair = cursor.readablePair, let short = RecordInput.shortLength(pair) {
      guard cursor.skip(short.header &+ short.count) else { throw truncated() }
      return
    }
    try skipLongString()
  }

  @inline(never) private mutating func skipLongString() throws(RDBError) {
    guard let first = cursor.byte() else { throw truncated() }
    let count: Int
    switch first {
    case ..<0x40: count = Int(first)
    case 0xC0: count = 1
    case 0xC1: count = 2
    case 0xC2: count = 4
    case 0xC3:
      let packed = try readCount()
      let length = try readCount()
      if length > LZF.mostBytes(from: packed) { note(.badLZF, at: cursor.offset) }
      count = packed
    case 0xC4...0xFF: throw fail(.badString(first), at: cursor.offset - 1)
    default:
      let length = try readLongLength(first)
      guard let exact = Int(exactly: length) else { throw fail(.impossibleCount(length)) }
      count = exact
    }
    guard cursor.skip(count) else { throw truncated() }
  }

  /// A string of a record. Integers and compressed strings are written into `scratch`; plain ones
  /// are slices of the input, copied into `scratch` too when `keeping` and the input is a moving
  /// window.
  @inline(__always) mutating func readString(
    into scratch: inout ScratchBuffer, keeping: Bool
  ) throws(RDBError) -> ByteSlice {
    let string = try readElement(into: &scratch, keeping: keeping)
    if hasFault { throw takeFault() }
    return string
  }

  /// A string inside a value: the same, but one that does not decompress is only noted, so that the
  /// position stays known, and comes out empty.
  @inline(__always) mutating func readElement(
    into scratch: inout ScratchBuffer, keeping: Bool
  ) throws(RDBError) -> ByteSlice {
    if let pair = cursor.readablePair, let short = RecordInput.shortLength(pair) {
      cursor.advance(short.header)
      guard let slice = cursor.slice(short.count) else { throw truncated() }
      return keeping && !cursor.isStable ? scratch.copy(slice) : slice
    }
    return try readLongString(into: &scratch, keeping: keeping)
  }

  @inline(never) private mutating func readLongString(
    into scratch: inout ScratchBuffer, keeping: Bool
  ) throws(RDBError) -> ByteSlice {
    guard let first = cursor.byte() else { throw truncated() }
    guard first < 0xC0 else { return try readSpecialString(first, into: &scratch) }
    let length = first < 0x40 ? UInt64(first) : try readLongLength(first)
    guard let count = Int(exactly: length) else { throw fail(.impossibleCount(length)) }
    guard let slice = cursor.slice(count) else { throw truncated() }
    return keeping && !cursor.isStable ? scratch.copy(slice) : slice
  }

  @inline(never) private mutating func readSpecialString(
    _ first: UInt8, into scratch: inout ScratchBuffer
  ) throws(RDBError) -> ByteSlice {
    let start = cursor.offset - 1
    let integer: Int64
    switch first {
    case 0xC0:
      guard let value = cursor.load(as: Int8.self) else { throw truncated() }
      integer = Int64(value)
    case 0xC1:
      guard let value = cursor.load(as: Int16.self) else { throw truncated() }
      integer = Int64(value)
    case 0xC2:
      guard let value = cursor.load(as: Int32.self) else { throw truncated() }
      integer = Int64(value)
    case 0xC3:
      let packed = try readCount()
      let length = try readLength()
      guard let source = cursor.slice(packed) else { throw truncated() }
      guard let count = Int(exactly: length),
        LZF.decompress(source, length: count, into: &scratch)
      else {
        note(.badLZF, at: start)
        return ByteSlice()
      }
      return scratch.slice
    default: throw fail(.badString(first), at: start)
    }
    scratch.clear()
    scratch.append(decimal: integer)
    return scratch.slice
  }
}

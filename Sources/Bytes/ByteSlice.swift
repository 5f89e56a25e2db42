internal import CShims

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A run of bytes in memory that somebody else owns: a mapped file, the window of a stream, a
/// scratch buffer.
///
/// Two words, copied freely, no reference counting. A slice does not keep its bytes alive; whoever
/// hands one out says how long it is valid ("until the next call", "as long as the input is
/// open"). Within that time every access is checked against `count`, so a wrong index traps
/// instead of reading elsewhere: lengths that come from a file are compared with `count` first.
@safe
public struct ByteSlice: @unchecked Sendable, BitwiseCopyable {
  // SAFETY: `start` addresses `count` readable bytes for as long as the owner promised.
  @usableFromInline let start: UnsafeRawPointer
  /// How many bytes there are.
  public let count: Int

  /// The bytes from `start` on; the caller vouches that they stay readable.
  @inlinable public init(unsafeStart start: UnsafeRawPointer, count: Int) {
    precondition(count >= 0)
    unsafe self.start = start
    self.count = count
  }

  /// No bytes.
  @inlinable public init() {
    // SAFETY: never read, since `count` is 0.
    unsafe self.start = UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    self.count = 0
  }

  /// The bytes of a literal, valid for ever.
  @inlinable public init(_ literal: StaticString) {
    // SAFETY: a static string with a pointer representation lives as long as the program.
    precondition(literal.hasPointerRepresentation)
    unsafe self.init(
      unsafeStart: UnsafeRawPointer(literal.utf8Start), count: literal.utf8CodeUnitCount)
  }

  /// Whether there are no bytes.
  @inlinable public var isEmpty: Bool { count == 0 }

  /// The byte at `index`.
  @inlinable public subscript(index: Int) -> UInt8 {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    return unsafe start.load(fromByteOffset: index, as: UInt8.self)
  }

  /// Whether `length` bytes lie from `offset` on.
  @inlinable public func holds(_ length: Int, at offset: Int) -> Bool {
    offset >= 0 && length >= 0 && offset <= count && length <= count &- offset
  }

  /// `length` bytes from `offset` on, which must lie inside.
  @inlinable public func slice(at offset: Int, count length: Int) -> ByteSlice {
    precondition(holds(length, at: offset))
    return unsafe ByteSlice(unsafeStart: start + offset, count: length)
  }

  /// All but the first `length` bytes.
  @inlinable public func dropFirst(_ length: Int) -> ByteSlice {
    slice(at: length, count: count - length)
  }

  /// The first `length` bytes.
  @inlinable public func prefix(_ length: Int) -> ByteSlice { slice(at: 0, count: length) }

  /// The little-endian integer of type `T` at `offset`, which must lie inside.
  @inlinable public func load<T: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: T.Type = T.self
  ) -> T {
    precondition(holds(MemoryLayout<T>.size, at: offset))
    return unsafe T(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// The index of the first `byte` at or after `from`.
  public func firstIndex(of byte: UInt8, from: Int = 0) -> Int? {
    precondition(from >= 0 && from <= count)
    guard count > from, let hit = unsafe memchr(start + from, Int32(byte), count - from) else {
      return nil
    }
    return unsafe UnsafeRawPointer(hit) - start
  }

  /// Where `wanted` begins for the first time at or after `from`.
  public func firstRange(of wanted: ByteSlice, from: Int = 0) -> Int? {
    precondition(from >= 0 && from <= count)
    guard wanted.count > 0, count - from >= wanted.count,
      let hit = unsafe redis_backup_find(start + from, count - from, wanted.start, wanted.count)
    else { return nil }
    return unsafe UnsafeRawPointer(hit) - start
  }

  /// Whether these are the bytes of `literal`.
  @inlinable public func equals(_ literal: StaticString) -> Bool { self == ByteSlice(literal) }

  /// Whether these are the ASCII letters of `literal`, whatever their case.
  public func equalsIgnoringCase(_ literal: StaticString) -> Bool {
    let other = ByteSlice(literal)
    guard count == other.count else { return false }
    for index in 0..<count where ASCII.lowercased(self[index]) != ASCII.lowercased(other[index]) {
      return false
    }
    return true
  }

  /// Whether the first bytes are those of `literal`.
  public func starts(with literal: StaticString) -> Bool {
    let other = ByteSlice(literal)
    return count >= other.count && prefix(other.count) == other
  }

  /// Negative, zero or positive as these bytes sort before, with or after `other`.
  public func compare(_ other: ByteSlice) -> Int {
    let common = min(count, other.count)
    if common > 0 {
      let order = unsafe memcmp(start, other.start, common)
      if order != 0 { return Int(order) }
    }
    return count - other.count
  }

  /// A copy of the bytes.
  public var bytes: [UInt8] {
    unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
  }

  /// The bytes as text, invalid UTF-8 replaced. For people, not for data.
  public var text: String {
    unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
  }

  /// Calls `body` with the raw bytes.
  @unsafe @inlinable public func withUnsafeBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try unsafe body(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// Where `inner`, which must be a part of these bytes, begins in them.
  @inlinable public func offset(of inner: ByteSlice) -> Int {
    let offset = unsafe inner.start - start
    precondition(offset >= 0 && offset + inner.count <= count)
    return offset
  }
}

extension ByteSlice {
  /// Where `inner` begins in these bytes, when it is a part of them.
  @inlinable public func offset(ofPart inner: ByteSlice) -> Int? {
    let offset = unsafe Int(bitPattern: inner.start) &- Int(bitPattern: start)
    return holds(inner.count, at: offset) ? offset : nil
  }
}

extension ByteSlice: Equatable {
  /// Whether both hold the same bytes.
  @inlinable @inline(__always) public static func == (a: ByteSlice, b: ByteSlice) -> Bool {
    a.count == b.count && a.hasSameBytes(as: b)
  }

  /// As many bytes of `other`, which has as many, compared: those of short names by two loads each,
  /// which may overlap.
  @inlinable @inline(__always) func hasSameBytes(as other: ByteSlice) -> Bool {
    guard count >= 4, count <= 16 else { return hasSameRun(as: other) }
    // SAFETY: every load lies inside the `count` bytes of both.
    if count >= 8 {
      return (word(0) ^ other.word(0)) | (word(count &- 8) ^ other.word(count &- 8)) == 0
    }
    return (half(0) ^ other.half(0)) | (half(count &- 4) ^ other.half(count &- 4)) == 0
  }

  @usableFromInline func hasSameRun(as other: ByteSlice) -> Bool {
    unsafe count == 0 || memcmp(start, other.start, count) == 0
  }
}

extension ByteSlice: Hashable {
  /// Feeds the bytes to a hasher; the index of the keyspace uses ``fastHash`` instead.
  public func hash(into hasher: inout Hasher) {
    unsafe hasher.combine(bytes: UnsafeRawBufferPointer(start: start, count: count))
  }
}

extension Array where Element == UInt8 {
  /// Calls `body` with a slice over these bytes, which is valid during the call only.
  public func withByteSlice<R, E: Error>(_ body: (ByteSlice) throws(E) -> R) throws(E) -> R {
    let result: Result<R, E> = unsafe withUnsafeBytes { raw in
      guard let base = raw.baseAddress else {
        return Result { () throws(E) in try body(ByteSlice()) }
      }
      let slice = unsafe ByteSlice(unsafeStart: base, count: raw.count)
      return Result { () throws(E) in try body(slice) }
    }
    return try result.get()
  }
}

/// The few facts about ASCII that the formats need.
public enum ASCII {
  /// `byte` in lower case when it is a letter.
  @inlinable public static func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
  }
  /// `byte` in upper case when it is a letter.
  @inlinable public static func uppercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x61 < 26 ? byte & 0xDF : byte
  }
  /// Whether `byte` is one of `0`...`9`.
  @inlinable public static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
}

/// Memory that is used again and again: decompressed strings, numbers as text, copies of keys.
///
/// Slices of it are valid until the next call that writes to it.
@safe
public struct ScratchBuffer: ~Copyable {
  // SAFETY, for all of this file: `memory` addresses `capacity + slack` bytes owned by this struct, of
  // which the first `count <= capacity` are set. The slack is where wide copies may end.
  @usableFromInline var memory: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  /// How many bytes are in use.
  public internal(set) var count: Int {
    @inlinable get { used }
    @inlinable set { used = newValue }
  }
  @usableFromInline var used = 0
  @usableFromInline static let slack = 64

  /// An empty buffer with room for `capacity` bytes.
  public init(capacity: Int = 256) {
    self.capacity = max(capacity, 64)
    unsafe memory = .allocate(byteCount: self.capacity + ScratchBuffer.slack, alignment: 64)
  }

  deinit { unsafe memory.deallocate() }

  /// The bytes in use; valid until the next call that writes.
  @inlinable public var slice: ByteSlice {
    unsafe ByteSlice(unsafeStart: UnsafeRawPointer(memory), count: used)
  }

  /// Forgets the bytes; the memory stays.
  @inlinable public mutating func clear() { used = 0 }

  /// Makes room for `extra` more bytes.
  @inline(__always) @inlinable public mutating func reserve(_ extra: Int) {
    if capacity &- used < extra { enlarge(by: extra) }
  }

  @usableFromInline @inline(never) mutating func enlarge(by extra: Int) {
    let larger = max(capacity * 2, used + extra)
    let fresh = UnsafeMutableRawPointer.allocate(
      byteCount: larger + ScratchBuffer.slack, alignment: 64)
    unsafe fresh.copyMemory(from: memory, byteCount: used)
    unsafe memory.deallocate()
    unsafe memory = unsafe fresh
    capacity = larger
  }

  /// Adds the bytes of `slice`, which must not be a part of this buffer.
  @inlinable public mutating func append(_ slice: ByteSlice) {
    reserve(slice.count)
    unsafe OutputBuffer.copy(slice.start, to: memory + used, slice.count)
    used &+= slice.count
  }

  /// Adds one byte.
  @inlinable public mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe memory.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
    used &+= 1
  }

  /// Adds `value` in little-endian order.
  @inlinable public mutating func append<T: FixedWidthInteger & BitwiseCopyable>(
    littleEndian value: T
  ) {
    reserve(MemoryLayout<T>.size)
    unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: used, as: T.self)
    used &+= MemoryLayout<T>.size
  }

  /// Adds the decimal text of `value`.
  @inlinable public mutating func append(decimal value: Int64) {
    reserve(20)
    used &+= unsafe DecimalText.write(value, to: memory + used)
  }

  /// Adds the decimal text of `value`.
  @inlinable public mutating func append(decimal value: UInt64) {
    reserve(20)
    used &+= unsafe DecimalText.write(value, to: memory + used)
  }

  /// Replaces the content with `slice`, and returns the copy.
  public mutating func copy(_ slice: ByteSlice) -> ByteSlice {
    clear()
    append(slice)
    return self.slice
  }

  /// Overwrites the byte at `index`, which must be in use.
  public mutating func set(_ index: Int, to byte: UInt8) {
    precondition(index >= 0 && index < count)
    unsafe memory.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
  }

  /// Overwrites a little-endian integer at `index`, which must lie in use.
  public mutating func set<T: FixedWidthInteger & BitwiseCopyable>(
    _ index: Int, littleEndian value: T
  ) {
    precondition(index >= 0 && index + MemoryLayout<T>.size <= count)
    unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: index, as: T.self)
  }

  /// Shortens the content to its first `length` bytes.
  public mutating func truncate(to length: Int) {
    precondition(length >= 0 && length <= count)
    count = length
  }

  /// Room for `extra` bytes behind the content, for a producer that then calls ``grow(by:)``.
  @unsafe public mutating func unusedStart(_ extra: Int) -> UnsafeMutableRawPointer {
    reserve(extra)
    return unsafe memory + count
  }

  /// Takes `extra` bytes written behind the content into it.
  public mutating func grow(by extra: Int) {
    precondition(extra >= 0 && extra <= capacity - count)
    count += extra
  }
}

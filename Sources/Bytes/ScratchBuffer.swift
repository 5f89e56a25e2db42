/// Memory that is used again and again: decompressed strings, numbers as text, copies of keys.
///
/// Slices of it are valid until the next call that writes to it.
@safe
public struct ScratchBuffer: ~Copyable {
  // SAFETY: `memory` addresses `capacity` bytes owned by this struct; the first `count` are set.
  @usableFromInline var memory: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  /// How many bytes are in use.
  public private(set) var count = 0

  /// An empty buffer with room for `capacity` bytes.
  public init(capacity: Int = 256) {
    self.capacity = max(capacity, 64)
    unsafe memory = .allocate(byteCount: self.capacity, alignment: 64)
  }

  deinit { unsafe memory.deallocate() }

  /// The bytes in use; valid until the next call that writes.
  public var slice: ByteSlice {
    unsafe ByteSlice(unsafeStart: UnsafeRawPointer(memory), count: count)
  }

  /// Forgets the bytes; the memory stays.
  public mutating func clear() { count = 0 }

  /// Makes room for `extra` more bytes.
  public mutating func reserve(_ extra: Int) {
    guard capacity - count < extra else { return }
    let larger = max(capacity * 2, count + extra)
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 64)
    unsafe fresh.copyMemory(from: memory, byteCount: count)
    unsafe memory.deallocate()
    unsafe memory = unsafe fresh
    capacity = larger
  }

  /// Adds the bytes of `slice`, which must not be a part of this buffer.
  public mutating func append(_ slice: ByteSlice) {
    guard slice.count > 0 else { return }
    reserve(slice.count)
    let target = unsafe memory + count
    unsafe slice.withUnsafeBytes { raw in
      unsafe target.copyMemory(from: raw.baseAddress.unsafelyUnwrapped, byteCount: raw.count)
    }
    count += slice.count
  }

  /// Adds one byte.
  public mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe memory.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count += 1
  }

  /// Adds `value` in little-endian order.
  public mutating func append<T: FixedWidthInteger & BitwiseCopyable>(littleEndian value: T) {
    reserve(MemoryLayout<T>.size)
    unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
    count += MemoryLayout<T>.size
  }

  /// Adds the decimal text of `value`.
  public mutating func append(decimal value: Int64) {
    reserve(20)
    count += unsafe DecimalText.write(value, to: memory + count)
  }

  /// Adds the decimal text of `value`.
  public mutating func append(decimal value: UInt64) {
    reserve(20)
    count += unsafe DecimalText.write(value, to: memory + count)
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

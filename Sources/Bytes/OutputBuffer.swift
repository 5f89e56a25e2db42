// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Collects what is written and passes it on in large pieces.
///
/// Writing never throws: the first error of the target is kept in ``failure``, later bytes are
/// dropped, and ``flush()`` throws it. Long jobs look at ``failure`` now and then (once a key or
/// command) to stop early.
@safe
public struct OutputBuffer: ~Copyable {
  // SAFETY, for all of this file: `memory` addresses `capacity + slack` bytes owned by this
  // struct, and `used <= capacity`.
  @usableFromInline var memory: UnsafeMutableRawPointer
  @usableFromInline var used = 0
  @usableFromInline let capacity: Int
  @usableFromInline static let slack = 64
  let target: any OutputTarget
  /// The bytes passed to the target so far, without those still in the buffer.
  @usableFromInline var passed = 0
  var checksumState: UInt64 = 0
  var checksumFrom = -1
  /// The first error of the target.
  public private(set) var failure: SystemError?

  /// A buffer of `capacity` bytes in front of `target`.
  public init(_ target: any OutputTarget, capacity: Int = 256 << 10) {
    self.target = target
    self.capacity = max(capacity, 1024)
    unsafe memory = .allocate(byteCount: self.capacity + OutputBuffer.slack, alignment: 64)
  }

  deinit { unsafe memory.deallocate() }

  /// How many bytes were written in all.
  @inlinable public var count: Int { passed + used }

  /// Room for `length` <= 1024 bytes at the returned place; the buffer has passed on what was in
  /// the way.
  @unsafe @inlinable mutating func room(_ length: Int) -> UnsafeMutableRawPointer {
    if used &+ length > capacity { passOn() }
    return unsafe memory + used
  }

  /// Writes one byte.
  @inlinable public mutating func write(_ byte: UInt8) {
    unsafe room(1).storeBytes(of: byte, as: UInt8.self)
    used &+= 1
  }

  /// Writes `value` in little-endian order.
  @inlinable public mutating func write<T: FixedWidthInteger & BitwiseCopyable>(
    littleEndian value: T
  ) {
    unsafe room(MemoryLayout<T>.size).storeBytes(of: value.littleEndian, as: T.self)
    used &+= MemoryLayout<T>.size
  }

  /// Writes `value` in big-endian order.
  @inlinable public mutating func write<T: FixedWidthInteger & BitwiseCopyable>(bigEndian value: T)
  {
    unsafe room(MemoryLayout<T>.size).storeBytes(of: value.bigEndian, as: T.self)
    used &+= MemoryLayout<T>.size
  }

  /// Writes the bytes of `slice`.
  @inlinable public mutating func write(_ slice: ByteSlice) {
    let length = slice.count
    if length <= capacity &- used {
      unsafe OutputBuffer.copy(slice.start, to: memory + used, length)
      used &+= length
    } else {
      writeLarge(slice)
    }
  }

  /// Writes the bytes of a literal. Always inlined, so that a short one becomes a few stores.
  @inline(__always) @inlinable public mutating func write(_ literal: StaticString) {
    let length = literal.utf8CodeUnitCount
    if literal.hasPointerRepresentation && length <= 64 {
      // SAFETY: a literal has its bytes, and the buffer room for them.
      unsafe room(64).copyMemory(from: literal.utf8Start, byteCount: length)
      used &+= length
    } else {
      write(ByteSlice(literal))
    }
  }

  /// Writes the bytes of `array`.
  public mutating func write(_ array: [UInt8]) { array.withByteSlice { write($0) } }

  /// Writes the UTF-8 of `text`; for headers and people, not for elements.
  public mutating func write(text: String) { write(Array(text.utf8)) }

  /// Writes the decimal text of `value`.
  @inlinable public mutating func write(decimal value: Int64) {
    used &+= unsafe DecimalText.write(value, to: room(20))
  }

  /// Writes the decimal text of `value`.
  @inlinable public mutating func write(decimal value: UInt64) {
    used &+= unsafe DecimalText.write(value, to: room(20))
  }

  // SAFETY: up to 32 bytes a copy may run past its end by 31, within the slack of the buffer; the
  // source is only read inside its own bytes.
  @unsafe @inlinable static func copy(
    _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ length: Int
  ) {
    if length >= 16 && length <= 32 {
      let head = unsafe source.loadUnaligned(as: SIMD2<UInt64>.self)
      let tail = unsafe source.loadUnaligned(
        fromByteOffset: length &- 16, as: SIMD2<UInt64>.self)
      unsafe target.storeBytes(of: head, as: SIMD2<UInt64>.self)
      unsafe target.storeBytes(of: tail, toByteOffset: length &- 16, as: SIMD2<UInt64>.self)
    } else if length >= 8 && length < 16 {
      let head = unsafe source.loadUnaligned(as: UInt64.self)
      let tail = unsafe source.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self)
      unsafe target.storeBytes(of: head, as: UInt64.self)
      unsafe target.storeBytes(of: tail, toByteOffset: length &- 8, as: UInt64.self)
    } else if length >= 4 && length < 8 {
      let head = unsafe source.loadUnaligned(as: UInt32.self)
      let tail = unsafe source.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self)
      unsafe target.storeBytes(of: head, as: UInt32.self)
      unsafe target.storeBytes(of: tail, toByteOffset: length &- 4, as: UInt32.self)
    } else if length > 32 {
      unsafe target.copyMemory(from: source, byteCount: length)
    } else {
      for index in 0..<length {
        let byte = unsafe source.load(fromByteOffset: index, as: UInt8.self)
        unsafe target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
      }
    }
  }

  @usableFromInline @inline(never) mutating func writeLarge(_ slice: ByteSlice) {
    passOn()
    if slice.count >= capacity {
      send(slice)
    } else {
      unsafe memory.copyMemory(from: slice.start, byteCount: slice.count)
      used = slice.count
    }
  }

  /// Passes everything on to the target.
  @usableFromInline @inline(never) mutating func passOn() {
    let filled = used
    used = 0
    send(unsafe ByteSlice(unsafeStart: UnsafeRawPointer(memory), count: filled))
  }

  private mutating func send(_ bytes: ByteSlice) {
    guard bytes.count > 0 else { return }
    if checksumFrom >= 0 {
      let skipped = max(0, checksumFrom - passed)
      if skipped < bytes.count {
        checksumState = CRC64.update(checksumState, bytes.dropFirst(skipped))
      }
    }
    passed += bytes.count
    guard failure == nil else { return }
    do throws(SystemError) { try target.write(bytes) } catch { failure = error }
  }

  /// Copies `length` bytes of a file from `offset` on, in the kernel where the target is a file.
  public mutating func copyRange(of source: RangeSource, at offset: Int, count length: Int) {
    guard length > 0 else { return }
    precondition(checksumFrom < 0, "the checksum must see the bytes")
    passOn()
    guard failure == nil else { return }
    do throws(SystemError) {
      try target.copyRange(of: source, at: offset, count: length)
      passed += length
    } catch { failure = error }
  }

  /// The CRC-64 of everything written from now on is computed.
  public mutating func startChecksum() {
    checksumFrom = count
    checksumState = 0
  }

  /// The checksum since ``startChecksum()``; ends it.
  public mutating func finishChecksum() -> UInt64 {
    passOn()
    checksumFrom = -1
    return checksumState
  }

  /// Passes everything on.
  ///
  /// - Throws: the first error of the target.
  public mutating func flush() throws(SystemError) {
    passOn()
    if let failure { throw failure }
  }
}

/// Where a ``OutputBuffer`` passes its bytes.
public protocol OutputTarget: AnyObject {
  /// Takes `bytes`, all of them.
  func write(_ bytes: ByteSlice) throws(SystemError)
  /// Takes `count` bytes of `source` from `offset` on.
  func copyRange(of source: RangeSource, at offset: Int, count: Int) throws(SystemError)
}

extension OutputTarget {
  public func copyRange(
    of source: RangeSource, at offset: Int, count: Int
  ) throws(SystemError) {
    try source.read(at: offset, count: count) { piece throws(SystemError) in try write(piece) }
  }
}

/// Keeps everything in memory.
public final class MemoryTarget: OutputTarget {
  /// What was written.
  public private(set) var bytes: [UInt8] = []
  /// An empty target.
  public init() {}
  public func write(_ bytes: ByteSlice) {
    unsafe bytes.withUnsafeBytes { unsafe self.bytes.append(contentsOf: $0) }
  }
}

/// Counts and forgets: for estimates.
public final class NullTarget: OutputTarget {
  /// A target that takes everything.
  public init() {}
  public func write(_ bytes: ByteSlice) {}
  public func copyRange(of source: RangeSource, at offset: Int, count: Int) {}
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A place in a stream of bytes, and the one way every parser of this toolkit reads.
///
/// ```text
///     windowStart      held          next                 limit
///     |  done          |  kept       |  readable now      |  more may come
/// ```
///
/// Over memory and mapped files the window is everything, and slices stay valid as long as the
/// cursor lives. Over pipes and gzip the window moves: a slice is **valid until the next call**
/// that may read, unless ``hold()`` keeps its bytes (then ask again with ``heldSlice(at:count:)``,
/// since the bytes may have moved).
///
/// Nothing here throws: a primitive that can't have its bytes says so (`nil`, `false`), leaves
/// the position where it was, and the parser throws its own error with ``offset``. When reading
/// itself failed, ``failure`` tells.
///
/// The checksum of everything passed is computed on demand (``startChecksum()``): over a mapping
/// it runs 256 to 512 KiB ahead of the position, which brings the bytes into the cache before the
/// parser wants them; over a stream it follows behind.
@safe
public struct ByteCursor: ~Copyable {
  // SAFETY, for all of this file: windowStart <= next <= limit, and [windowStart, limit) is
  // readable memory owned by `window`, which lives as long as this struct.
  @usableFromInline var next: UnsafeRawPointer
  @usableFromInline var limit: UnsafeRawPointer
  @usableFromInline var windowStart: UnsafeRawPointer
  /// Housekeeping is due when `next` passes this.
  @usableFromInline var due: UnsafeRawPointer
  /// The absolute offset of `windowStart`.
  @usableFromInline var windowOffset: Int
  /// The absolute offset from which bytes are kept, or -1.
  @usableFromInline var heldOffset = -1
  let window: ByteWindow
  var checksum = AheadChecksum()

  init(_ window: ByteWindow) {
    self.window = window
    isStable = window.kind != .stream
    unsafe windowStart = UnsafeRawPointer(window.memory)
    unsafe next = windowStart
    unsafe limit = windowStart + (window.kind == .stream ? 0 : window.capacity)
    unsafe due = windowStart
    windowOffset = 0
    if window.kind == .memory { unsafe due = limit }
  }

  /// A cursor over bytes in memory, kept alive by `owner`.
  public init(_ bytes: ByteSlice, owner: AnyObject? = nil) {
    self.init(ByteWindow(memory: bytes, owner: owner))
  }

  /// Begins anew over other bytes in memory, which the caller keeps valid.
  public mutating func restart(over bytes: ByteSlice) {
    precondition(window.kind == .memory)
    window.restart(over: bytes)
    unsafe windowStart = UnsafeRawPointer(window.memory)
    unsafe next = windowStart
    unsafe limit = windowStart + window.capacity
    unsafe due = limit
    windowOffset = 0
    heldOffset = -1
  }

  /// How many bytes lie before the position, counted from the start of the (decompressed) input.
  @inlinable public var offset: Int { unsafe windowOffset &+ (next - windowStart) }

  /// How many bytes can be read without refilling.
  @inlinable public var readable: Int { unsafe limit - next }

  /// Whether slices stay valid as long as the cursor: true for memory and mapped files.
  public let isStable: Bool

  /// The size of the whole input where it is known: not for streams.
  public var size: Int? { window.kind == .stream ? nil : window.capacity }

  /// Why the input ended early, when reading failed.
  public var failure: SystemError? { window.failure }

  /// How many bytes the window of a stream may have before it grows no further: a piece that needs more then
  /// ends the stream early, and ``refusedGrowth`` tells that from a true end.
  package var growthLimit: Int {
    get { window.growthLimit }
    set { window.growthLimit = newValue }
  }

  /// Whether the input ended because ``growthLimit`` was met.
  package var refusedGrowth: Bool { window.refusedGrowth }

  /// Whether nothing is left. May read.
  @inline(__always) @inlinable public mutating func isAtEnd() -> Bool { !ensure(1) }

  /// Whether `count` bytes can be read from here on without another call; reads more if needed.
  @inline(__always) @inlinable public mutating func ensure(_ count: Int) -> Bool {
    if unsafe limit - next >= count { return true }
    return refill(count)
  }

  /// The next byte, or nil at the end.
  @inline(__always) @inlinable public mutating func byte() -> UInt8? {
    guard ensure(1) else { return nil }
    let value = unsafe next.load(as: UInt8.self)
    unsafe next += 1
    return value
  }

  /// The byte `ahead` of the position, or nil when the input ends before it.
  @inline(__always) @inlinable public mutating func peek(_ ahead: Int = 0) -> UInt8? {
    precondition(ahead >= 0)
    guard ensure(ahead &+ 1) else { return nil }
    return unsafe next.load(fromByteOffset: ahead, as: UInt8.self)
  }

  /// The next two bytes as a little-endian number, without moving and without reading; nil when fewer
  /// are readable now.
  @inline(__always) @inlinable public var readablePair: UInt16? {
    guard unsafe limit - next >= 2 else { return nil }
    return unsafe UInt16(littleEndian: next.loadUnaligned(as: UInt16.self))
  }

  /// The next little-endian integer of type `T`, or nil when the input ends inside it.
  @inlinable public mutating func load<T: FixedWidthInteger & BitwiseCopyable>(
    as type: T.Type = T.self
  ) -> T? {
    guard ensure(MemoryLayout<T>.size) else { return nil }
    let value = unsafe next.loadUnaligned(as: T.self)
    unsafe next += MemoryLayout<T>.size
    return T(littleEndian: value)
  }

  /// The next `count` bytes as a slice, or nil when the input ends before. The whole slice has to
  /// fit the window of a stream, which grows with the bytes that really come.
  @inline(__always) @inlinable public mutating func slice(_ count: Int) -> ByteSlice? {
    guard count >= 0, ensure(count) else { return nil }
    let result = unsafe ByteSlice(unsafeStart: next, count: count)
    unsafe next += count
    return result
  }

  /// What can be read now, without moving.
  @inlinable public var readableSlice: ByteSlice {
    unsafe ByteSlice(unsafeStart: next, count: limit - next)
  }

  /// Passes `count` bytes that are readable now (see ``ensure(_:)``).
  @inlinable public mutating func advance(_ count: Int) {
    precondition(count >= 0 && count <= readable)
    unsafe next += count
  }

  /// Passes `count` bytes, however many windows that takes. On false the input ended before; the
  /// position is then at the end for streams and unchanged otherwise.
  @inline(__always) @inlinable public mutating func skip(_ count: Int) -> Bool {
    if count >= 0 && readable >= count {
      unsafe next += count
      return true
    }
    return skipSlowly(count)
  }

  /// From here on bytes stay addressable until ``release()``, however far the cursor goes.
  @inlinable public mutating func hold() { heldOffset = offset }

  /// Ends ``hold()``.
  @inlinable public mutating func release() { heldOffset = -1 }

  /// `count` bytes from the absolute `offset` on, which must lie between the held place and what
  /// was read; for stable cursors, anywhere in the input.
  @inlinable public func heldSlice(at offset: Int, count: Int) -> ByteSlice {
    let from = offset &- windowOffset
    let held = unsafe limit - windowStart
    precondition(from >= 0 && count >= 0 && from <= held && count <= held &- from)
    return unsafe ByteSlice(unsafeStart: windowStart + from, count: count)
  }

  /// To be called once per record or command: gives pages back and lets the checksum run ahead.
  @inlinable public mutating func housekeep() {
    if unsafe next >= due { housekeepNow() }
  }

  /// Moves to an absolute offset inside a stable input; while a checksum runs, only forward or
  /// back to where it started.
  public mutating func seek(to offset: Int) {
    precondition(isStable && offset >= 0 && offset <= window.capacity)
    unsafe next = windowStart + offset
    if window.kind == .mapped { unsafe due = windowStart }
    window.rewind(to: offset)
  }

  /// Whether pages behind the cursor are given back (the default over mapped files). Programs
  /// that keep slices for long turn it off: the pages would have to come again from the disk.
  public var releasesPages = true
}

// MARK: - Rare work

extension ByteCursor {
  @usableFromInline @inline(never) mutating func refill(_ count: Int) -> Bool {
    guard window.kind == .stream, count >= 0, !window.ended else { return false }
    while readable < count && !window.ended {
      let keepOffset = heldOffset >= 0 ? min(heldOffset, offset) : offset
      let keepFrom = unsafe windowStart + (keepOffset - windowOffset)
      let position = unsafe next - keepFrom
      let kept = unsafe limit - keepFrom
      let wanted = count > Int.max / 2 ? Int.max / 2 : position + count
      let full = unsafe (limit - windowStart) == window.capacity
      let dropped = unsafe keepFrom - windowStart
      if full || dropped > 0 {
        checksum.follow(to: windowOffset + dropped, windowOffset: windowOffset, self.windowSlice)
        window.compact(from: dropped, count: kept, wanted: full ? max(wanted, kept + 1) : 0)
        unsafe windowStart = UnsafeRawPointer(window.memory)
        windowOffset += dropped
        unsafe next = windowStart + position
        unsafe limit = windowStart + kept
      }
      let got = window.read(behind: unsafe limit - windowStart)
      unsafe limit += got
    }
    unsafe due = limit
    return readable >= count
  }

  private var windowSlice: ByteSlice {
    unsafe ByteSlice(unsafeStart: windowStart, count: limit - windowStart)
  }

  @usableFromInline @inline(never) mutating func skipSlowly(_ count: Int) -> Bool {
    guard window.kind == .stream, count >= 0 else { return false }
    var left = count
    while left > readable {
      left -= readable
      unsafe next = limit
      guard refill(1) else { return left == 0 }
    }
    unsafe next += left
    return true
  }

  @usableFromInline @inline(never) mutating func housekeepNow() {
    guard window.kind != .stream else {
      unsafe due = limit
      return
    }
    window.count(to: offset)
    // In turns: the checksum of a long value that was skipped must not bring all of it into memory.
    var reached = min(offset, checksum.reached)
    repeat {
      reached = offset - reached > window.stride ? reached + window.stride : offset
      if window.kind == .mapped && releasesPages {
        window.advance(to: min(reached, checksum.keeps))
      }
      checksum.runAhead(of: reached, windowSlice)
    } while reached < offset
    let step = checksum.isOn ? checksum.step : window.stride / 2
    unsafe due = limit - next > step ? next + step : limit
  }

  /// Starts the checksum of the bytes from here on.
  public mutating func startChecksum() {
    checksum.start(at: offset)
    unsafe due = next
  }

  /// The checksum of the bytes from ``startChecksum()`` to here; ends it.
  public mutating func finishChecksum() -> UInt64 {
    if offset > checksum.reached { housekeepNow() }
    return checksum.finish(at: offset, windowOffset: windowOffset, windowSlice)
  }
}

extension ByteCursor {
  /// All bytes of a stable input; valid as long as the cursor.
  public var wholeSlice: ByteSlice {
    precondition(isStable)
    return heldSlice(at: 0, count: window.capacity)
  }

  /// Lets a mapped file look as if the bits `flips` of the bytes from `offset` on were other ones.
  /// The file itself stays as it is.
  ///
  /// - Returns: false when that can't be done here.
  public mutating func overlay(_ flips: [UInt8], at offset: Int) -> Bool {
    window.overlay(flips, at: offset)
  }

  /// The pages of a mapped file, for readers of ``wholeSlice`` that go through all of it.
  public var pages: MappedPages { MappedPages(window: window) }
}

/// The pages of a mapped file that a ``ByteCursor`` reads: who goes through its bytes without the
/// cursor gives them back, so that large files take little memory. They come again when touched.
public struct MappedPages {
  let window: ByteWindow

  /// Bytes after which giving back is worth its system call.
  public static let step = 2 << 20

  /// Gives back the pages that lie within `range` as a whole.
  public func giveBack(_ range: Range<Int>) { window.giveBack(range) }

  /// Calls `body` with one range after the other, rising, that make up `range`; gives back the pages of
  /// each when it has returned. It ends early when `body` answers false.
  public func forEachPart<E: Error>(
    of range: Range<Int>, _ body: (Range<Int>) throws(E) -> Bool
  ) throws(E) {
    var at = range.lowerBound
    while at < range.upperBound {
      let end = min(at + MappedPages.step, range.upperBound)
      let goesOn = try body(at..<end)
      // From a page further in front: its first part may be of the part before.
      giveBack(max(range.lowerBound, at - 65536)..<end)
      if !goesOn { return }
      at = end
    }
  }
}

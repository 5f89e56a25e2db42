#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Memory for byte strings that all live equally long.
///
/// What is stored stays at its place until ``removeAll()`` or the end of the arena; then everything
/// goes at once. Storing costs a copy and an addition, no allocation. The pages can live in a file
/// (see ``PageBacking``); when that can't grow, further bytes are stored in memory and ``failure``
/// tells.
@safe
public struct Arena: ~Copyable {
  // SAFETY: `next` ..< `end` lies in the newest chunk and is used by nobody.
  private var next: UnsafeMutableRawPointer
  private var end: UnsafeMutableRawPointer
  /// The newest is being filled.
  private var chunks: [PageBlock] = []
  /// Pages of one long byte string each.
  private var large: [PageBlock] = []
  private let backing: PageBacking
  private var file: PageFile?
  private var chunkSize = Arena.firstChunk
  /// Bytes stored.
  public private(set) var count = 0
  /// Bytes of pages that are mapped.
  public private(set) var mappedBytes = 0
  /// Why pages are in memory although they should be in a file.
  public private(set) var failure: SystemError?

  private static let firstChunk = 256 << 10
  private static let largestChunk = 16 << 20

  /// An empty arena; it takes no memory before the first byte.
  public init(in backing: PageBacking = .memory) {
    self.backing = backing
    // SAFETY: never written through, since nothing lies between both.
    unsafe next = UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped
    unsafe end = unsafe next
  }

  /// A copy of `bytes` that stays as long as the arena.
  public mutating func store(_ bytes: ByteSlice) -> ByteSlice {
    guard bytes.count > 0 else { return ByteSlice() }
    let target = unsafe room(bytes.count)
    unsafe bytes.withUnsafeBytes { raw in
      unsafe target.copyMemory(from: raw.baseAddress.unsafelyUnwrapped, byteCount: raw.count)
    }
    return unsafe ByteSlice(unsafeStart: target, count: bytes.count)
  }

  /// The bytes of `first` and `second`, one behind the other.
  public mutating func store(_ first: ByteSlice, _ second: ByteSlice) -> ByteSlice {
    let (total, overflow) = first.count.addingReportingOverflow(second.count)
    precondition(!overflow, "out of memory")
    guard total > 0 else { return ByteSlice() }
    let target = unsafe room(total)
    unsafe first.withUnsafeBytes { raw in
      unsafe target.copyMemory(from: raw.baseAddress.unsafelyUnwrapped, byteCount: raw.count)
    }
    unsafe second.withUnsafeBytes { raw in
      unsafe (target + first.count).copyMemory(
        from: raw.baseAddress.unsafelyUnwrapped, byteCount: raw.count)
    }
    return unsafe ByteSlice(unsafeStart: target, count: total)
  }

  /// The decimal text of `value`.
  public mutating func store(decimal value: Int64) -> ByteSlice {
    let target = unsafe room(20)
    let length = unsafe DecimalText.write(value, to: target)
    unsafe next = target + length
    count -= 20 - length
    return unsafe ByteSlice(unsafeStart: target, count: length)
  }

  /// Forgets everything; slices handed out before become invalid. The first pages stay for what
  /// comes next.
  public mutating func removeAll() {
    count = 0
    large = []
    mappedBytes = 0
    guard let first = chunks.first else { return }
    chunks.removeSubrange(1...)
    chunkSize = Arena.firstChunk
    mappedBytes = first.size
    unsafe next = first.start
    unsafe end = first.start + first.size
  }

  /// `length` > 0 bytes that nobody uses.
  @unsafe private mutating func room(_ length: Int) -> UnsafeMutableRawPointer {
    if unsafe end - next < length {
      // What is large against a chunk gets pages of its own, and the chunk is filled further.
      if length > chunkSize / 4 { return unsafe ownPages(length) }
      addChunk(chunkSize)
      chunkSize = min(chunkSize * 2, Arena.largestChunk)
    }
    let place = unsafe next
    unsafe next += length
    count += length
    return unsafe place
  }

  @unsafe private mutating func ownPages(_ length: Int) -> UnsafeMutableRawPointer {
    precondition(length <= 1 << 46, "out of memory")
    let chunk = map((length + PageBlock.granule - 1) & ~(PageBlock.granule - 1))
    large.append(chunk)
    count += length
    return unsafe chunk.start
  }

  private mutating func addChunk(_ size: Int) {
    // Full chunks of a file need not stay resident.
    chunks.last?.release()
    let chunk = map(size)
    chunks.append(chunk)
    unsafe next = chunk.start
    unsafe end = chunk.start + chunk.size
  }

  private mutating func map(_ size: Int) -> PageBlock {
    mappedBytes += size
    if case .file(let directory) = backing, failure == nil {
      do throws(SystemError) {
        let file: PageFile
        if let open = self.file { file = open } else { file = try PageFile(in: directory) }
        self.file = file
        return try PageBlock(size, file: file, at: file.size)
      } catch { failure = error }
    }
    guard let chunk = try? PageBlock(size, file: nil, at: 0) else { fatalError("out of memory") }
    return chunk
  }

  /// Beyond this many bytes of the file the disk counts as full; for tests.
  mutating func limitFile(to bytes: Int) { file?.limit = bytes }
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where the bytes of a ``ByteCursor`` come from: memory, a mapped file, or a window over a
/// stream (pipe, gzip) that is refilled.
///
/// The cursor keeps the pointers of the hot path; this object owns the memory and does the rare
/// work: mapping, reading, giving pages back.
@safe
final class ByteWindow {
  enum Kind { case memory, mapped, stream }

  let kind: Kind
  /// The file or stream, closed with this object when `ownsDescriptor`.
  let descriptor: Int32
  let ownsDescriptor: Bool
  let fileSystem: any FileSystem
  /// What decompresses the stream, if anything.
  var decompressor: Decompressor?
  /// The whole mapping or the buffer of the stream.
  // SAFETY: `memory` addresses `capacity` bytes, owned by this object unless `kind` is `.memory`.
  var memory: UnsafeMutableRawPointer
  var capacity: Int
  /// The most bytes of a stream that are read at once.
  private var most = 0
  /// The first error of reading; the stream is taken to end there.
  var failure: SystemError?
  var ended = false
  /// A window of this many bytes does not grow any more: the stream then ends early, and
  /// ``refusedGrowth`` says so.
  var growthLimit = Int.max
  private(set) var refusedGrowth = false
  /// Bytes of the mapping whose pages were given back. They come by fault, many at a time: asking for
  /// them ahead (MADV_POPULATE_READ) takes the kernel longer.
  var released = 0
  /// Pages that ``overlay(_:at:)`` changed: private copies, which must stay.
  private var changed = 0..<0
  /// Counts what is passed of a mapping; streams are counted where they are read.
  private let progress: ReadProgress?
  private var counted = 0
  /// What keeps `.memory` alive.
  let owner: AnyObject?

  init(memory: ByteSlice, owner: AnyObject?) {
    kind = .memory
    descriptor = -1
    ownsDescriptor = false
    fileSystem = .system
    progress = nil
    self.owner = owner
    // SAFETY: never written through in this kind.
    unsafe self.memory = unsafe memory.withUnsafeBytes { raw in
      unsafe UnsafeMutableRawPointer(mutating: raw.baseAddress.unsafelyUnwrapped)
    }
    capacity = memory.count
    ended = true
  }

  /// Takes other bytes in place of those of `.memory`.
  func restart(over bytes: ByteSlice) {
    // SAFETY: never written through in this kind.
    unsafe memory = unsafe bytes.withUnsafeBytes { raw in
      unsafe UnsafeMutableRawPointer(mutating: raw.baseAddress.unsafelyUnwrapped)
    }
    capacity = bytes.count
  }

  /// Maps `size` > 0 bytes of a regular file.
  init(mapping descriptor: Int32, size: Int, fileSystem: any FileSystem) throws(SystemError) {
    kind = .mapped
    self.descriptor = descriptor
    ownsDescriptor = true
    self.fileSystem = fileSystem
    progress = (fileSystem as? SystemFileSystem)?.progress
    owner = nil
    let address = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      let error = SystemError.last(.mmap)
      fileSystem.close(descriptor)
      throw error
    }
    unsafe memory = address
    capacity = size
    ended = true
  }

  /// A window over whatever `descriptor` delivers, that starts with `capacity` bytes and reads at
  /// most as many at once.
  init(
    stream descriptor: Int32, owned: Bool, decompressor: Decompressor? = nil,
    fileSystem: any FileSystem,
    capacity: Int = ByteWindow.firstCapacity
  ) {
    kind = .stream
    self.descriptor = descriptor
    ownsDescriptor = owned
    self.fileSystem = fileSystem
    progress = nil
    self.decompressor = decompressor
    owner = nil
    self.capacity = capacity
    most = capacity
    unsafe memory = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit {
    switch kind {
    case .memory: break
    case .mapped: unsafe _ = munmap(memory, capacity)
    case .stream: unsafe memory.deallocate()
    }
    if ownsDescriptor { fileSystem.close(descriptor) }
  }

  /// Streams start with a window of this many bytes.
  static let firstCapacity = 1 << 18

  /// Reads more of the stream behind the `filled` bytes at the start of the window. Returns how
  /// many bytes came; 0 at the end or after an error, which is kept in ``failure``.
  func read(behind filled: Int) -> Int {
    guard !ended else { return 0 }
    let room = min(capacity - filled, most)
    let target = unsafe UnsafeMutableRawBufferPointer(start: memory + filled, count: room)
    do throws(SystemError) {
      let got: Int
      if let decompressor {
        got = try unsafe decompressor.read(descriptor, fileSystem, into: target)
      } else {
        got = try unsafe fileSystem.readSome(descriptor, target)
      }
      if got == 0 { ended = true }
      return got
    } catch {
      failure = error
      ended = true
      return 0
    }
  }

  /// Moves `count` bytes from `offset` to the start of the window, which grows to hold at least
  /// `wanted` bytes, but never by more than it holds already: a claimed length costs nothing
  /// until the bytes really come.
  func compact(from offset: Int, count: Int, wanted: Int) {
    let mustGrow = wanted > capacity && count > capacity / 2
    if mustGrow && capacity >= growthLimit {
      refusedGrowth = true
      ended = true
    }
    if mustGrow && !refusedGrowth {
      let larger = capacity * 2
      let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 64)
      unsafe fresh.copyMemory(from: memory + offset, byteCount: count)
      unsafe memory.deallocate()
      unsafe memory = unsafe fresh
      capacity = larger
    } else if offset > 0 && count > 0 {
      unsafe memmove(memory, memory + offset, count)
    }
  }

  /// Gives back the pages of a mapping before `offset`.
  func advance(to offset: Int) {
    guard kind == .mapped else { return }
    #if os(Linux)
      let behind = offset & ~(ByteWindow.page - 1)
      if behind - released >= stride / 4 {
        giveBack(released..<behind)
        released = behind
      }
    #endif
  }

  /// Gives back the whole pages of a mapping within `range`, but for those that were changed here.
  func giveBack(_ range: Range<Int>) {
    guard kind == .mapped else { return }
    #if os(Linux)
      let page = ByteWindow.page
      let from = (max(0, range.lowerBound) + page - 1) & ~(page - 1)
      let end = range.upperBound >= capacity ? capacity : range.upperBound & ~(page - 1)
      let parts =
        changed.isEmpty
        ? [from..<max(from, end)]
        : [
          from..<max(from, min(end, changed.lowerBound)),
          max(from, changed.upperBound)..<max(from, changed.upperBound, end),
        ]
      for part in parts where !part.isEmpty {
        // SAFETY: within the mapping; untouched pages come again from the file.
        unsafe _ = madvise(memory + part.lowerBound, part.count, MADV_DONTNEED)
      }
    #endif
  }

  /// The bytes of a mapping before `offset` have been passed.
  func count(to offset: Int) {
    guard let progress, offset > counted else { return }
    progress.add(offset - counted)
    counted = offset
  }

  /// The cursor is at `offset` now, maybe before pages that were given back.
  func rewind(to offset: Int) {
    let border = offset & ~(ByteWindow.page - 1)
    released = min(released, border)
  }

  /// Flips bits of a mapping, in private copies of its pages; false where that can't be done.
  func overlay(_ flips: [UInt8], at offset: Int) -> Bool {
    guard kind == .mapped, offset >= 0, flips.count > 0, flips.count <= capacity - offset else {
      return false
    }
    let from = offset & ~(ByteWindow.page - 1)
    let length = offset + flips.count - from
    // SAFETY: the pages lie inside the mapping, which is private to this object: what is written
    // goes to copies of them.
    guard unsafe mprotect(memory + from, length, PROT_READ | PROT_WRITE) == 0 else { return false }
    for (index, flip) in flips.enumerated() {
      let byte = unsafe memory.load(fromByteOffset: offset + index, as: UInt8.self)
      unsafe memory.storeBytes(of: byte ^ flip, toByteOffset: offset + index, as: UInt8.self)
    }
    unsafe _ = mprotect(memory + from, length, PROT_READ)
    let end = (from + length + ByteWindow.page - 1) & ~(ByteWindow.page - 1)
    changed =
      changed.isEmpty ? from..<end : min(changed.lowerBound, from)..<max(changed.upperBound, end)
    return true
  }

  private static let page = Int(sysconf(Int32(_SC_PAGESIZE)))
  /// Pages are given back in steps of a quarter of it; tests make it small.
  var stride = 4 << 20
}

internal import CShims

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where the pages of an ``Arena`` or a ``PagedArray`` live.
public enum PageBacking: Sendable, Equatable {
  /// In memory.
  case memory
  /// In a nameless file in this directory, mapped: under pressure (a memory limit of a container,
  /// say) the system writes pages there and takes the memory back, which it can't do with ordinary
  /// memory where there is no swap. The space on disk is reserved as it grows, so that a full disk
  /// is an error and no signal.
  case file(in: String)
}

/// A file without a name that pages are mapped from; gone with this object, whatever ends the
/// process.
final class PageFile {
  let descriptor: Int32
  private(set) var size = 0
  private let fileSystem: any FileSystem
  /// Beyond this many bytes the disk counts as full; for tests.
  var limit = Int.max

  init(in directory: String, fileSystem: any FileSystem = .system) throws(SystemError) {
    self.fileSystem = fileSystem
    #if os(Linux)
      // O_TMPFILE: never had a name. Some file systems don't know it.
      let nameless: Int32 = 0o20000000 | O_DIRECTORY | O_RDWR
      let folder = directory.isEmpty ? "." : directory
      if let handle = try? fileSystem.openFile(folder, nameless, mode: 0o600) {
        descriptor = handle
        return
      }
    #endif
    let near = FilePath.join(directory, "redis-backup-pages")
    let (name, handle) = try TemporaryName.create(near: near) { name throws(SystemError) in
      try fileSystem.openFile(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
    }
    descriptor = handle
    try fileSystem.unlink(name)
  }

  deinit { fileSystem.close(descriptor) }

  /// Makes the file `wanted` bytes long, with all its space reserved.
  func extend(to wanted: Int) throws(SystemError) {
    guard wanted > size else { return }
    if wanted > limit { throw SystemError(.fallocate, code: ENOSPC) }
    #if os(Linux)
      var code: Int32
      repeat {
        code = posix_fallocate(descriptor, off_t(size), off_t(wanted - size))
      } while code
        == EINTR
      if code != 0 { throw SystemError(.fallocate, code: code) }
    #else
      try fileSystem.truncate(descriptor, to: wanted)
    #endif
    size = wanted
  }
}

/// A run of pages that is mapped, grows, and is unmapped with this object.
@safe
final class PageBlock {
  // SAFETY: `start` addresses `size` bytes of a mapping owned by this object.
  private(set) var start: UnsafeMutableRawPointer
  private(set) var size: Int
  /// Kept open as long as its pages are mapped; nil for memory.
  let file: PageFile?
  private let offset: Int

  /// `size` bytes, all zero; a multiple of ``granule``.
  ///
  /// - Throws: ``SystemError`` when a file can't give the space.
  init(_ size: Int, file: PageFile?, at offset: Int = 0) throws(SystemError) {
    try file?.extend(to: offset + size)
    self.size = size
    self.file = file
    self.offset = offset
    unsafe start = try PageBlock.map(size, file, offset)
  }

  deinit { unsafe _ = munmap(start, size) }

  private static func map(
    _ size: Int, _ file: PageFile?, _ offset: Int
  ) throws(SystemError) -> UnsafeMutableRawPointer {
    let flags = file == nil ? MAP_PRIVATE | MAP_ANON : MAP_SHARED
    let address = unsafe mmap(
      nil, size, PROT_READ | PROT_WRITE, flags, file?.descriptor ?? -1, off_t(offset))
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw SystemError.last(.mmap)
    }
    unsafe advise(address, size, file)
    return unsafe address
  }

  /// Large tables are read at random; with pages of 2 MiB the processor finds them at once.
  @unsafe private static func advise(
    _ address: UnsafeMutableRawPointer, _ size: Int, _ file: PageFile?
  ) {
    #if os(Linux)
      if file == nil && size >= 2 << 20 { unsafe _ = madvise(address, size, MADV_HUGEPAGE) }
    #endif
  }

  /// Grows to `larger` bytes; the address may change, the content stays.
  func grow(to larger: Int) throws(SystemError) {
    try file?.extend(to: offset + larger)
    #if os(Linux)
      guard let address = unsafe redis_backup_move_pages(start, size, larger) else {
        throw SystemError.last(.mmap)
      }
      unsafe PageBlock.advise(address, larger, file)
    #else
      let address = unsafe try PageBlock.map(larger, file, offset)
      if file == nil { unsafe address.copyMemory(from: start, byteCount: size) }
      unsafe _ = munmap(start, size)
    #endif
    unsafe start = unsafe address
    size = larger
  }

  /// Takes the resident pages of a file out of this process; they come back when touched.
  func release() {
    #if os(Linux)
      if file != nil { unsafe _ = madvise(start, size, MADV_DONTNEED) }
    #endif
  }

  /// Sizes are multiples of this: a multiple of every usual page size.
  static let granule = 64 << 10
}

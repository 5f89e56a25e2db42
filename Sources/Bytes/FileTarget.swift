// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes to a descriptor.
public final class FileTarget: OutputTarget {
  /// Where the bytes go.
  public let descriptor: Int32
  private let fileSystem: any FileSystem
  private var copiesInKernel = true
  /// How many bytes were written, and up to where the disk was asked to begin.
  private var position = 0
  private var begun = 0
  /// The disk is asked to begin after so many bytes, so that `fsync` has little left to wait for.
  private static let writebackStep = 8 << 20
  /// For ranges of so many bytes room is asked for at once.
  private static let reserveFrom = 1 << 20
  /// Ranges of so many bytes go past the page cache.
  private var directFrom: Int
  private static let directStep = 2 << 20

  /// A target that writes to `descriptor`, which stays the caller's.
  ///
  /// - Parameters:
  ///   - descriptor: a file that is open for writing.
  ///   - directFrom: ranges of so many bytes are written past the page cache where the file system
  ///     lets them: the pages would have to be found, filled and written one by one, at the cost of
  ///     others' that are worth more. Only for new files that nobody else writes to.
  ///   - fileSystem: where files are, for tests that make it fail.
  public init(
    _ descriptor: Int32, directFrom: Int = .max, fileSystem: any FileSystem = .system
  ) {
    self.descriptor = descriptor
    self.directFrom = directFrom
    self.fileSystem = fileSystem
  }

  public func write(_ bytes: ByteSlice) throws(SystemError) {
    let result: Result<Void, SystemError> = unsafe bytes.withUnsafeBytes { raw in
      Result { () throws(SystemError) in try unsafe fileSystem.writeWhole(descriptor, raw) }
    }
    try result.get()
    advance(bytes.count)
  }

  private func advance(_ count: Int) {
    position += count
    guard position - begun >= FileTarget.writebackStep else { return }
    fileSystem.startWriteback(descriptor, from: begun, count: position - begun)
    begun = position
  }

  /// Copies in the kernel where source and target lie alike in their pages, which lets file
  /// systems share them. Where they can't, that costs more than reading and writing does into room
  /// that was asked for at once.
  public func copyRange(
    of source: RangeSource, at offset: Int, count: Int
  ) throws(SystemError) {
    var at = offset
    let end = offset + count
    while copiesInKernel && at < end && (at - position) % 4096 == 0 {
      do throws(SystemError) {
        let got = try fileSystem.copyRange(
          from: source.descriptor, at: at, count: min(end - at, FileTarget.writebackStep),
          to: descriptor)
        // Some kernels answer 0 where they can't copy; if the file really ends here, reading says so.
        if got == 0 { copiesInKernel = false }
        at += got
        advance(got)
      } catch {
        switch error.code {
        case EINTR: continue
        case EINVAL, EXDEV, ENOSYS, EOPNOTSUPP, EBADF, EPERM: copiesInKernel = false
        default: throw error
        }
      }
    }
    if at < end {
      if end - at >= FileTarget.reserveFrom {
        fileSystem.reserve(descriptor, from: position, count: end - at)
      }
      if end - at >= directFrom { try copyDirect(of: source, from: &at, to: end) }
      try source.read(at: at, count: end - at) { piece throws(SystemError) in try write(piece) }
    }
  }

  /// Copies past the page cache, in whole blocks of the file system; what is left of the range, for
  /// whatever reason, is the caller's to copy in the usual way.
  private func copyDirect(
    of source: RangeSource, from at: inout Int, to end: Int
  ) throws(SystemError) {
    let block = 4096
    // Up to a border between blocks.
    let head = min(-position & (block - 1), end - at)
    if head > 0 {
      try source.read(at: at, count: head) { piece throws(SystemError) in try write(piece) }
      at += head
    }
    guard fileSystem.setDirect(descriptor, true) else {
      directFrom = .max
      return
    }
    defer { _ = fileSystem.setDirect(descriptor, false) }
    // SAFETY: freed when all is done with it; each piece is a part of it.
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: FileTarget.directStep, alignment: block)
    defer { unsafe buffer.deallocate() }
    while end - at >= block {
      let length = min(buffer.count, (end - at) & ~(block - 1))
      let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])
      guard try unsafe source.fill(piece, at: at) else { throw SystemError(.pread, code: EIO) }
      let put: Int
      do throws(SystemError) {
        put = try unsafe fileSystem.write(descriptor, UnsafeRawBufferPointer(piece))
      } catch {
        if error.code == EINTR { continue }
        // Other blocks than these, or none at all.
        guard error.code == EINVAL else { throw error }
        directFrom = .max
        return
      }
      // A device that takes nothing and says nothing would keep us here for ever.
      if put <= 0 { throw SystemError(.write, code: EIO) }
      at += put
      position += put
      begun = position
      // A part of a block was written: the next one would begin inside it.
      if put & (block - 1) != 0 { return }
    }
  }
}

/// A regular file of which ranges are copied.
public final class RangeSource {
  let descriptor: Int32
  private let fileSystem: any FileSystem
  /// What owns the descriptor when this object does not.
  private let window: ByteWindow?
  /// Bytes in the file when it was opened.
  public let size: Int

  /// Opens the file at `path`.
  public init(_ path: String, fileSystem: any FileSystem = .system) throws(SystemError) {
    self.fileSystem = fileSystem
    window = nil
    descriptor = try fileSystem.openFile(path, O_RDONLY)
    do throws(SystemError) {
      size = try fileSystem.status(of: descriptor).size
    } catch {
      fileSystem.close(descriptor)
      throw error
    }
  }

  /// The very file that `cursor` has mapped, whatever its name means by now; nil when the cursor
  /// reads from memory or a stream.
  public init?(_ cursor: borrowing ByteCursor) {
    guard cursor.window.kind == .mapped else { return nil }
    fileSystem = cursor.window.fileSystem
    window = cursor.window
    descriptor = cursor.window.descriptor
    size = cursor.window.capacity
  }

  deinit { if window == nil { fileSystem.close(descriptor) } }

  /// Fills `buffer` with the bytes from `offset` on; false when the file ends before.
  @unsafe func fill(
    _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Bool {
    try unsafe fileSystem.preadWhole(descriptor, buffer, at: offset) == buffer.count
  }

  /// Calls `body` with `count` bytes from `offset` on, piece by piece. A file that has become
  /// shorter fails with `EIO`.
  func read(
    at offset: Int, count: Int, _ body: (ByteSlice) throws(SystemError) -> Void
  ) throws(SystemError) {
    var buffer = ScratchBuffer(capacity: min(count, 1 << 18))
    var at = offset
    while at < offset + count {
      buffer.clear()
      let length = min(1 << 18, offset + count - at)
      // SAFETY: `unusedStart` made room for `length` bytes.
      let start = unsafe buffer.unusedStart(length)
      let got: Int
      do throws(SystemError) {
        got = try unsafe fileSystem.pread(
          descriptor, UnsafeMutableRawBufferPointer(start: start, count: length), at: at)
      } catch {
        if error.code == EINTR { continue }
        throw error
      }
      if got == 0 { throw SystemError(.pread, code: EIO) }
      buffer.grow(by: got)
      try body(buffer.slice)
      at += got
    }
  }
}

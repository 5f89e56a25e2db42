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

  /// A target that writes to `descriptor`, which stays the caller's.
  public init(_ descriptor: Int32, fileSystem: any FileSystem = .system) {
    self.descriptor = descriptor
    self.fileSystem = fileSystem
  }

  public func write(_ bytes: ByteSlice) throws(SystemError) {
    let result: Result<Void, SystemError> = unsafe bytes.withUnsafeBytes { raw in
      Result { () throws(SystemError) in try unsafe fileSystem.writeWhole(descriptor, raw) }
    }
    try result.get()
  }

  public func copyRange(
    of source: RangeSource, at offset: Int, count: Int
  ) throws(SystemError) {
    var at = offset
    let end = offset + count
    while copiesInKernel && at < end {
      do throws(SystemError) {
        let got = try fileSystem.copyRange(
          from: source.descriptor, at: at, count: end - at, to: descriptor)
        if got == 0 { throw SystemError(.copyRange, code: EIO) }
        at += got
      } catch {
        switch error.code {
        case EINTR: continue
        case EINVAL, EXDEV, ENOSYS, EOPNOTSUPP, EBADF, EPERM: copiesInKernel = false
        default: throw error
        }
      }
    }
    if at < end {
      try source.read(at: at, count: end - at) { piece throws(SystemError) in try write(piece) }
    }
  }
}

/// A regular file of which ranges are copied.
public final class RangeSource {
  let descriptor: Int32
  private let fileSystem: any FileSystem
  /// Bytes in the file when it was opened.
  public let size: Int

  /// Opens the file at `path`.
  public init(_ path: String, fileSystem: any FileSystem = .system) throws(SystemError) {
    self.fileSystem = fileSystem
    descriptor = try fileSystem.open(path, O_RDONLY, mode: 0)
    do throws(SystemError) {
      size = try fileSystem.status(of: descriptor).size
    } catch {
      fileSystem.close(descriptor)
      throw error
    }
  }

  deinit { fileSystem.close(descriptor) }

  /// Calls `body` with `count` bytes from `offset` on, piece by piece. A file that has become
  /// shorter fails with `EIO`.
  func read(
    at offset: Int, count: Int, _ body: (ByteSlice) throws(SystemError) -> Void
  ) throws(SystemError) {
    var buffer = ScratchBuffer(capacity: min(count, 1 << 20))
    var at = offset
    while at < offset + count {
      buffer.clear()
      let length = min(1 << 20, offset + count - at)
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

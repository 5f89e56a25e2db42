#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A system call that failed: which one, and what the system answered.
public struct SystemError: Error, Sendable, Equatable {
  /// The calls of the file-system seam.
  public enum Call: String, Sendable {
    /// Each is named as in C.
    case open, read, pread, write, fsync, close, rename, link, unlink, mkdir, rmdir, stat, fstat,
      opendir, readdir, ftruncate, mmap, copyRange = "copy_file_range", chmod, chown, realpath,
      fallocate, inflate
  }
  /// What was called.
  public var call: Call
  /// The C error number, such as `ENOSPC`.
  public var code: Int32

  /// The failure of `call` with the C error number `code`.
  public init(_ call: Call, code: Int32) {
    self.call = call
    self.code = code
  }

  /// The system's own words for the error, such as "No space left on device".
  public var text: String {
    switch (call, code) {
    case (.inflate, EILSEQ): return "the compressed data is damaged or cut short"
    case (.inflate, EFBIG): return "the zstd data needs a window of more than 128 MiB"
    default: break
    }
    // SAFETY: strerror returns a C string that stays until the next call on this thread.
    return unsafe String(cString: strerror(code))
  }

  /// The failure of `call` that `errno` tells now.
  static func last(_ call: Call) -> SystemError { SystemError(call, code: errno) }
}

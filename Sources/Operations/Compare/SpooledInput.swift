internal import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What came from a pipe, in a file without a name, so that it can be read again.
///
/// The file is gone with the last descriptor, however the program ends.
final class SpooledInput {
  /// A path under which it can be opened, as often as needed, while this object lives.
  let path: String
  private let descriptor: Int32
  private let fileSystem: any FileSystem

  /// The bytes of `path` (decompressed), when it can be read only once; nil otherwise.
  ///
  /// - Throws: ``ToolError``.
  init?(ifStream path: String, _ fileSystem: any FileSystem) throws(ToolError) {
    if path == "-" {
      if isatty(0) == 1 {
        throw .usage(
          "standard input is the terminal", remedy: "Try: … | redis-backup COMMAND -, or a PATH")
      }
    } else {
      let status = try ToolError.wrap(path) { () throws(SystemError) in
        try fileSystem.status(of: path, followLinks: true)
      }
      if status.kind == .regular || status.kind == .directory { return nil }
    }
    let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    let name = FilePath.join(
      folder, ".redis-backup-\(getpid())-\(UInt64.random(in: 0 ... .max))")
    descriptor = try ToolError.wrap(folder, .output) { () throws(SystemError) in
      let handle = try fileSystem.openFile(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
      try? fileSystem.unlink(name)
      return handle
    }
    self.fileSystem = fileSystem
    self.path = "/dev/fd/\(descriptor)"
    var cursor = try ToolError.wrap(path) { () throws(SystemError) in
      try InputFile.open(path, fileSystem: fileSystem)
    }
    var output = OutputBuffer(FileTarget(descriptor, fileSystem: fileSystem))
    while cursor.ensure(1) {
      output.write(cursor.readableSlice)
      cursor.advance(cursor.readable)
      if output.failure != nil { break }
    }
    if let failure = cursor.failure { throw ToolError(failure, file: path) }
    try ToolError.wrap(folder, .output) { () throws(SystemError) in try output.flush() }
  }

  deinit { fileSystem.close(descriptor) }
}

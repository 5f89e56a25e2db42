internal import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A stream taken into a file that nobody sees, since repairing reads it several times.
struct Spooled: ~Copyable {
  private var output: AtomicOutput
  /// Bytes that came.
  let count: Int
  /// Why no more came.
  let failure: String?

  init(
    _ path: String, beside output: String?, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    let folder = output.map { FilePath.directory(of: $0) } ?? Spooled.temporaryFolder
    let name = FilePath.join(folder, "redis-backup-repair-\(getpid())")
    var file = try ToolError.wrap(name, .output) { () throws(SystemError) in
      try AtomicOutput(name, replacing: true, fileSystem: fileSystem)
    }
    var cursor = try ToolError.wrap(path) { () throws(SystemError) in
      try InputFile.open(path, fileSystem: fileSystem)
    }
    while cursor.ensure(1) {
      file.buffer.write(cursor.readableSlice)
      cursor.advance(cursor.readable)
      if file.buffer.failure != nil { break }
    }
    var why: String?
    if let error = cursor.failure {
      let failure = ToolError(error, file: path)
      // Compressed bytes that are damaged are damage; a disk that can't be read is not.
      guard failure.status == .badData else { throw failure }
      why = failure.what
    }
    do throws(SystemError) { try file.buffer.flush() } catch {
      throw ToolError(error, file: name, role: .output)
    }
    count = file.buffer.count
    failure = why
    self.output = file
  }

  private static var temporaryFolder: String {
    guard let folder = unsafe getenv("TMPDIR") else { return "/tmp" }
    return unsafe String(cString: folder)
  }

  /// The name of the file now.
  mutating func path() throws(ToolError) -> String { output.temporaryPath }
}

#if canImport(Glibc)
  package import Glibc
#else
  package import Darwin
#endif

/// The file system as the job uses it: each call names its step and path in its error, interrupted
/// calls are repeated, and what must survive a power cut is synced, directory included.
package enum Files {
  /// What `stat` says, as far as the job needs it.
  package struct Status: Sendable, Equatable {
    package var size: Int64
    package var mode: UInt32
    package var inode: UInt64
    package var device: UInt64
    package var owner: UInt32
    package var group: UInt32
    package var isDirectory: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }
    package var isRegular: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFREG) }

    init(_ raw: stat) {
      size = Int64(raw.st_size)
      mode = UInt32(raw.st_mode)
      inode = UInt64(raw.st_ino)
      device = UInt64(raw.st_dev)
      owner = UInt32(raw.st_uid)
      group = UInt32(raw.st_gid)
    }
  }

  /// The error of a system call: its kind follows from `errno`.
  package static func failure(_ code: Int32, step: String, path: String) -> JobError {
    let text = unsafe String(cString: strerror(code))
    switch code {
    case ENOENT, ENOTDIR:
      return JobError(
        .missing, step: step, place: path, text, remedy: "Check the path in the configuration.")
    case EACCES, EPERM, EROFS:
      return JobError(
        .permission, step: step, place: path, text,
        remedy: "Give the user that runs the job access to it.")
    case EEXIST, ENOTEMPTY:
      return JobError(
        .cannotCreate, step: step, place: path, text, remedy: "Choose another place or remove it.")
    case ENOSPC, EDQUOT:
      return JobError(
        .inputOutput, step: step, place: path, text,
        remedy: "Free space there or lower the retention; nothing was published.")
    default:
      return JobError(
        .inputOutput, step: step, place: path, text, remedy: "Check the disk and the mount.")
    }
  }

  /// `stat` of `path`, or nil when there is nothing.
  package static func status(_ path: String, followingLinks: Bool = true) -> Status? {
    var raw = stat()
    let result = unsafe followingLinks ? stat(path, &raw) : lstat(path, &raw)
    return result == 0 ? Status(raw) : nil
  }

  /// `stat` of an open file.
  package static func status(of descriptor: Int32) -> Status? {
    var raw = stat()
    return unsafe fstat(descriptor, &raw) == 0 ? Status(raw) : nil
  }

  /// Opens a file for reading; the caller closes it.
  package static func openForReading(_ path: String, step: String) throws(JobError) -> Int32 {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(errno, step: step, path: path) }
    return descriptor
  }

  /// Creates a file that must not exist yet; the caller closes it.
  package static func create(_ path: String, mode: mode_t = 0o600, step: String) throws(JobError)
    -> Int32
  {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw failure(errno, step: step, path: path) }
    return descriptor
  }

  /// Reads up to `buffer.count` bytes; 0 at the end of the file.
  package static func read(
    _ descriptor: Int32, into buffer: inout [UInt8], step: String, path: String
  ) throws(JobError) -> Int {
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe Self.readBytes(descriptor, $0)
      }
      if count >= 0 { return count }
      if errno != EINTR { throw failure(errno, step: step, path: path) }
    }
  }

  private static func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int
  {
    #if canImport(Glibc)
      unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
    #else
      unsafe Darwin.read(descriptor, buffer.baseAddress, buffer.count)
    #endif
  }

  /// Writes all of `bytes`.
  package static func write(_ bytes: Span<UInt8>, to descriptor: Int32, step: String, path: String)
    throws(JobError)
  {
    let code: Int32 = unsafe bytes.withUnsafeBytes { buffer in
      var rest = unsafe buffer[...]
      while unsafe !rest.isEmpty {
        #if canImport(Glibc)
          let count = unsafe Glibc.write(
            descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        #else
          let count = unsafe Darwin.write(
            descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        #endif
        if count < 0 {
          if errno == EINTR { continue }
          return errno
        }
        unsafe rest = unsafe rest.dropFirst(count)
      }
      return 0
    }
    if code != 0 { throw failure(code, step: step, path: path) }
  }

  /// The whole of a file that holds at most `limit` bytes.
  package static func readAll(_ path: String, limit: Int, step: String) throws(JobError) -> [UInt8]
  {
    let descriptor = try openForReading(path, step: step)
    defer { close(descriptor) }
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = try read(descriptor, into: &buffer, step: step, path: path)
      if count == 0 { return all }
      all += buffer[..<count]
      if all.count > limit {
        throw JobError(
          .badData, step: step, place: path, "the file is larger than \(limit) bytes",
          remedy: "This is not the file that was expected here.")
      }
    }
  }

  /// Replaces or creates `path` with `bytes`: temporary file beside it, synced, renamed, directory
  /// synced.
  package static func writeAtomically(
    _ bytes: [UInt8], to path: String, mode: mode_t = 0o600, step: String
  ) throws(JobError) {
    let temporary = "\(path).tmp-\(getpid())"
    unsafe unlink(temporary)
    let descriptor = try create(temporary, mode: mode, step: step)
    do throws(JobError) {
      defer { close(descriptor) }
      try write(bytes.span, to: descriptor, step: step, path: temporary)
      try sync(descriptor, step: step, path: temporary)
      fchmod(descriptor, mode)
    } catch {
      unsafe unlink(temporary)
      throw error
    }
    do throws(JobError) {
      try rename(temporary, to: path, step: step)
    } catch {
      unsafe unlink(temporary)
      throw error
    }
  }

  /// Flushes a file's bytes to the disk.
  package static func sync(_ descriptor: Int32, step: String, path: String) throws(JobError) {
    while fsync(descriptor) != 0 {
      if errno != EINTR { throw failure(errno, step: step, path: path) }
    }
  }

  /// Flushes a directory's entries to the disk.
  package static func syncDirectory(_ path: String, step: String) throws(JobError) {
    let descriptor = try openForReading(path, step: step)
    defer { close(descriptor) }
    while fsync(descriptor) != 0 {
      // Some network file systems can not sync a directory and say so; there is nothing better to
      // do there.
      if errno == EINVAL || errno == ENOTSUP { return }
      if errno != EINTR { throw failure(errno, step: step, path: path) }
    }
  }

  /// Renames within one file system and syncs the directory of the new name.
  package static func rename(_ old: String, to new: String, step: String) throws(JobError) {
    #if canImport(Glibc)
      let result = unsafe Glibc.rename(old, new)
    #else
      let result = unsafe Darwin.rename(old, new)
    #endif
    guard result == 0 else { throw failure(errno, step: step, path: new) }
    try syncDirectory(parent(of: new), step: step)
  }

  /// Gives a file a further name in the same file system; false where that can't be (another file
  /// system, no hard links there or not for files of others). A file that is not there throws.
  package static func link(_ path: String, to name: String, step: String) throws(JobError) -> Bool {
    #if canImport(Glibc)
      let result = unsafe Glibc.link(path, name)
    #else
      let result = unsafe Darwin.link(path, name)
    #endif
    if result == 0 { return true }
    switch errno {
    case EXDEV, EPERM, EACCES, EMLINK, ENOTSUP, ENOSYS: return false
    default: throw failure(errno, step: step, path: path)
    }
  }

  /// Creates a directory and those above it; an existing one is fine.
  package static func makeDirectory(_ path: String, mode: mode_t = 0o700, step: String)
    throws(JobError)
  {
    if let status = status(path) {
      guard status.isDirectory else { throw failure(ENOTDIR, step: step, path: path) }
      return
    }
    let above = parent(of: path)
    if above != path, status(above) == nil { try makeDirectory(above, mode: mode, step: step) }
    guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
      throw failure(errno, step: step, path: path)
    }
  }

  /// The names in a directory, sorted, without `.` and `..`.
  package static func names(in path: String, step: String) throws(JobError) -> [String] {
    guard let directory = unsafe opendir(path) else { throw failure(errno, step: step, path: path) }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { raw in
        unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file; that it does not exist is fine.
  package static func remove(_ path: String, step: String) throws(JobError) {
    guard unsafe unlink(path) == 0 || errno == ENOENT else {
      throw failure(errno, step: step, path: path)
    }
  }

  /// Removes a directory with all it holds; links are removed, not followed.
  package static func removeTree(_ path: String, step: String) throws(JobError) {
    guard let status = status(path, followingLinks: false) else { return }
    guard status.isDirectory else { return try remove(path, step: step) }
    for name in try names(in: path, step: step) { try removeTree("\(path)/\(name)", step: step) }
    guard unsafe rmdir(path) == 0 || errno == ENOENT else {
      throw failure(errno, step: step, path: path)
    }
  }

  /// The bytes that an unprivileged user may still write to the file system of `path`.
  package static func freeBytes(at path: String, step: String) throws(JobError) -> Int64 {
    var raw = statvfs()
    guard unsafe statvfs(path, &raw) == 0 else { throw failure(errno, step: step, path: path) }
    return Int64(
      clamping: UInt64(raw.f_bavail).multipliedReportingOverflow(by: UInt64(raw.f_frsize))
        .partialValue)
  }

  /// The directory part of a path.
  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last part of a path.
  package static func name(of path: String) -> String {
    String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
  }
}

extension Files {
  /// Closes a descriptor whose bytes are synced already, or no longer wanted.
  package static func closeQuietly(_ descriptor: Int32) {
    #if canImport(Glibc)
      _ = Glibc.close(descriptor)
    #else
      _ = Darwin.close(descriptor)
    #endif
  }
}

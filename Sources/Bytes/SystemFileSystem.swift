// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

internal import CShims
#if canImport(Glibc)
  public import Glibc
#else
  public import Darwin
#endif

/// The real file system.
public struct SystemFileSystem: FileSystem {
  /// Counts what is read, when somebody wants to know.
  public let progress: ReadProgress?

  /// The file system; what is read through it is counted in `progress`.
  public init(progress: ReadProgress? = nil) { self.progress = progress }

  @inline(__always) private func checked(_ result: Int, _ call: SystemError.Call)
    throws(SystemError) -> Int
  {
    if result < 0 { throw SystemError.last(call) }
    return result
  }

  public func open(_ path: String, _ flags: Int32, mode: mode_t) throws(SystemError) -> Int32 {
    #if canImport(Glibc)
      let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
    #else
      let descriptor = unsafe Darwin.open(path, flags | O_CLOEXEC, mode)
    #endif
    return Int32(try checked(Int(descriptor), .open))
  }

  public func close(_ descriptor: Int32) {
    #if canImport(Glibc)
      _ = Glibc.close(descriptor)
    #else
      _ = Darwin.close(descriptor)
    #endif
  }

  // Descriptors that others made non-blocking (a shared terminal, a pipe of some runtime) answer
  // EAGAIN; reading and writing wait until the descriptor is ready instead of failing.

  @unsafe public func read(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    while true {
      #if canImport(Glibc)
        let got = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      #else
        let got = unsafe Darwin.read(descriptor, buffer.baseAddress, buffer.count)
      #endif
      if got < 0 && errno == EAGAIN && waited(for: descriptor, Int16(POLLIN)) { continue }
      if got > 0 { progress?.add(got) }
      return try checked(got, .read)
    }
  }

  @unsafe public func pread(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int {
    #if canImport(Glibc)
      let got = unsafe Glibc.pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
    #else
      let got = unsafe Darwin.pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
    #endif
    return try checked(got, .pread)
  }

  @unsafe public func write(
    _ descriptor: Int32, _ buffer: UnsafeRawBufferPointer
  ) throws(SystemError) -> Int {
    while true {
      #if canImport(Glibc)
        let put = unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      #else
        let put = unsafe Darwin.write(descriptor, buffer.baseAddress, buffer.count)
      #endif
      if put < 0 && errno == EAGAIN && waited(for: descriptor, Int16(POLLOUT)) { continue }
      return try checked(put, .write)
    }
  }

  /// Waits until a descriptor is ready, or tells that waiting itself failed.
  private func waited(for descriptor: Int32, _ events: Int16) -> Bool {
    var request = pollfd(fd: descriptor, events: events, revents: 0)
    return unsafe poll(&request, 1, -1) > 0 || errno == EINTR
  }

  public func copyRange(
    from source: Int32, at offset: Int, count: Int, to target: Int32
  ) throws(SystemError) -> Int {
    try checked(redis_backup_copy_range(source, Int64(offset), target, count), .copyRange)
  }

  public func startWriteback(_ descriptor: Int32, from offset: Int, count: Int) {
    redis_backup_start_writeback(descriptor, Int64(offset), Int64(count))
  }

  public func reserve(_ descriptor: Int32, from offset: Int, count: Int) {
    redis_backup_reserve(descriptor, Int64(offset), Int64(count))
  }

  public func setDirect(_ descriptor: Int32, _ isDirect: Bool) -> Bool {
    redis_backup_set_direct(descriptor, isDirect ? 1 : 0) == 0
  }

  public func sync(_ descriptor: Int32) throws(SystemError) {
    _ = try checked(Int(fsync(descriptor)), .fsync)
  }

  public func rename(_ old: String, to new: String) throws(SystemError) {
    #if canImport(Glibc)
      _ = try checked(Int(unsafe Glibc.rename(old, new)), .rename)
    #else
      _ = try checked(Int(unsafe Darwin.rename(old, new)), .rename)
    #endif
  }

  public func link(_ old: String, to new: String) throws(SystemError) {
    #if canImport(Glibc)
      _ = try checked(Int(unsafe Glibc.link(old, new)), .link)
    #else
      _ = try checked(Int(unsafe Darwin.link(old, new)), .link)
    #endif
  }

  public func unlink(_ path: String) throws(SystemError) {
    #if canImport(Glibc)
      _ = try checked(Int(unsafe Glibc.unlink(path)), .unlink)
    #else
      _ = try checked(Int(unsafe Darwin.unlink(path)), .unlink)
    #endif
  }

  public func makeDirectory(_ path: String, mode: mode_t) throws(SystemError) {
    _ = try checked(Int(unsafe mkdir(path, mode)), .mkdir)
  }

  public func removeDirectory(_ path: String) throws(SystemError) {
    _ = try checked(Int(unsafe rmdir(path)), .rmdir)
  }

  public func status(of path: String, followLinks: Bool) throws(SystemError) -> FileStatus {
    var raw = stat()
    let result = unsafe followLinks ? stat(path, &raw) : lstat(path, &raw)
    _ = try checked(Int(result), .stat)
    return FileStatus(raw)
  }

  public func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    var raw = stat()
    _ = try checked(Int(unsafe fstat(descriptor, &raw)), .fstat)
    return FileStatus(raw)
  }

  public func list(_ path: String) throws(SystemError) -> [String] {
    guard let directory = unsafe opendir(path) else { throw SystemError.last(.opendir) }
    defer { unsafe _ = closedir(directory) }
    var names: [String] = []
    while true {
      // The end and an error look alike but for errno; a list that ends early would let a caller
      // believe that files are gone.
      errno = 0
      guard let entry = unsafe readdir(directory) else {
        if errno != 0 { throw SystemError.last(.readdir) }
        break
      }
      // SAFETY: readdir's entry and its terminated name stay valid until the next readdir.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
        unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  public func truncate(_ descriptor: Int32, to size: Int) throws(SystemError) {
    _ = try checked(Int(ftruncate(descriptor, off_t(size))), .ftruncate)
  }

  public func changeMode(_ descriptor: Int32, _ mode: mode_t) throws(SystemError) {
    _ = try checked(Int(fchmod(descriptor, mode)), .chmod)
  }

  public func changeOwner(_ descriptor: Int32, user: UInt32, group: UInt32) throws(SystemError) {
    _ = try checked(Int(fchown(descriptor, user, group)), .chown)
  }

  public func realPath(_ path: String) throws(SystemError) -> String {
    guard let resolved = unsafe realpath(path, nil) else { throw SystemError.last(.realpath) }
    // SAFETY: realpath allocated the terminated string for us.
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}

extension FileSystem where Self == SystemFileSystem {
  /// The real file system.
  public static var system: SystemFileSystem { SystemFileSystem() }
}

extension FileStatus {
  init(_ raw: stat) {
    let kind: Kind =
      switch raw.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .directory
      case S_IFIFO: .pipe
      case S_IFSOCK: .socket
      case S_IFLNK: .link
      default: .other
      }
    #if canImport(Glibc)
      let time = raw.st_mtim
    #else
      let time = raw.st_mtimespec
    #endif
    self.init(
      kind: kind, size: Int(raw.st_size), mode: raw.st_mode & 0o7777, user: raw.st_uid,
      group: raw.st_gid, device: UInt64(truncatingIfNeeded: raw.st_dev),
      inode: UInt64(raw.st_ino),
      modified: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }
}

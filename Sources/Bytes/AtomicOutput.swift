#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that appears under its name whole or not at all.
///
/// The bytes go to a temporary name in the same directory; ``commit(replacing:keeping:)`` syncs them, gives
/// the file its name, and syncs the directory. Until then, and after any error, nothing of that
/// name has changed; an output that is dropped without a commit removes its temporary file.
@safe
public struct AtomicOutput: ~Copyable {
  /// The name the file will have.
  public let path: String
  private let temporary: String
  private let descriptor: Int32
  private let fileSystem: any FileSystem
  private var named = false
  /// Where to write.
  public var buffer: OutputBuffer

  /// Begins the output that will be called `path`.
  ///
  /// - Parameter like: the status of a file whose mode and owner the output takes over.
  /// - Throws: ``SystemError`` of creating the temporary file; `EEXIST` when `path` is there and
  ///   `replacing` is false, so that long work is not done in vain.
  public init(
    _ path: String, replacing: Bool, like: FileStatus? = nil,
    fileSystem: any FileSystem = .system
  ) throws(SystemError) {
    if !replacing && fileSystem.exists(path) { throw SystemError(.open, code: EEXIST) }
    let (name, handle) = try TemporaryName.create(near: path) { name throws(SystemError) in
      try fileSystem.open(name, O_RDWR | O_CREAT | O_EXCL, mode: like == nil ? 0o666 : 0o600)
    }
    if let like {
      // A file of another owner can only be given away by root; the mode matters more.
      try? fileSystem.changeOwner(handle, user: like.user, group: like.group)
      do throws(SystemError) { try fileSystem.changeMode(handle, like.mode) } catch {
        fileSystem.close(handle)
        try? fileSystem.unlink(name)
        throw error
      }
    }
    self.path = path
    self.fileSystem = fileSystem
    temporary = name
    descriptor = handle
    buffer = OutputBuffer(FileTarget(handle, fileSystem: fileSystem))
  }

  deinit {
    fileSystem.close(descriptor)
    if !named { try? fileSystem.unlink(temporary) }
  }

  /// Writes what is buffered, syncs, and gives the file its name.
  ///
  /// - Parameters:
  ///   - replacing: whether a file of that name is replaced; otherwise it fails with `EEXIST`,
  ///     also when the file appeared meanwhile.
  ///   - backup: a further name under which the replaced file stays.
  /// - Throws: ``SystemError``; the name then still means what it meant before.
  public mutating func commit(
    replacing: Bool, keeping backup: String? = nil
  ) throws(SystemError) {
    try buffer.flush()
    try fileSystem.syncWhole(descriptor)
    if let backup { try fileSystem.link(path, to: backup) }
    if replacing {
      try fileSystem.rename(temporary, to: path)
      named = true
    } else {
      try fileSystem.link(temporary, to: path)
      // From here on the output exists; a temporary name that stays is removed by `deinit`.
    }
    try fileSystem.syncDirectory(FilePath.directory(of: path))
  }
}

/// A directory that appears under its name whole or not at all.
///
/// Files are made in a temporary directory beside the final place, which is renamed at the end.
@safe
public struct AtomicDirectory: ~Copyable {
  /// The name the directory will have.
  public let path: String
  /// Where its files are made now.
  public let temporary: String
  private let fileSystem: any FileSystem
  private var named = false

  /// Begins the directory that will be called `path`, which must not exist, or be empty.
  public init(
    _ path: String, fileSystem: any FileSystem = .system
  ) throws(SystemError) {
    if fileSystem.exists(path), try !fileSystem.list(path).isEmpty {
      throw SystemError(.mkdir, code: EEXIST)
    }
    let (name, _) = try TemporaryName.create(near: path) { name throws(SystemError) in
      try fileSystem.makeDirectory(name, mode: 0o777)
    }
    self.path = path
    self.fileSystem = fileSystem
    temporary = name
  }

  deinit {
    if !named { AtomicDirectory.remove(temporary, fileSystem) }
  }

  /// Begins the file `name` in the directory.
  public func file(_ name: String) throws(SystemError) -> AtomicOutput {
    try AtomicOutput(temporary + "/" + name, replacing: true, fileSystem: fileSystem)
  }

  /// Gives the directory its name.
  public mutating func commit() throws(SystemError) {
    try fileSystem.syncDirectory(temporary)
    // rename(2) replaces an empty directory and refuses any other.
    try fileSystem.rename(temporary, to: path)
    named = true
    try fileSystem.syncDirectory(FilePath.directory(of: path))
  }

  /// Removes a directory and its files; what can't be removed stays.
  static func remove(_ path: String, _ fileSystem: any FileSystem) {
    for name in (try? fileSystem.list(path)) ?? [] {
      let inner = path + "/" + name
      if (try? fileSystem.unlink(inner)) == nil { remove(inner, fileSystem) }
    }
    try? fileSystem.removeDirectory(path)
  }
}

/// Names for things that are not finished.
enum TemporaryName {
  /// Calls `make` with hidden names near `path` until one is free.
  static func create<T>(
    near path: String, _ make: (String) throws(SystemError) -> T
  ) throws(SystemError) -> (String, T) {
    let directory = FilePath.directory(of: path)
    var attempt = 0
    while true {
      let name = ".\(FilePath.name(of: path)).tmp-\(getpid())-\(attempt)"
      let candidate = directory.isEmpty ? name : directory + "/" + name
      do throws(SystemError) { return (candidate, try make(candidate)) } catch {
        attempt += 1
        if error.code != EEXIST || attempt > 1000 { throw error }
      }
    }
  }
}

/// Taking paths apart. Only `/` has a meaning.
public enum FilePath {
  /// What stands before the last `/`; empty when there is none, `/` for names in the root.
  public static func directory(of path: String) -> String {
    let trimmed = trimming(path)
    guard let slash = trimmed.lastIndex(of: "/") else { return "" }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// What stands behind the last `/`.
  public static func name(of path: String) -> String {
    let trimmed = trimming(path)
    guard let slash = trimmed.lastIndex(of: "/") else { return trimmed }
    return String(trimmed[trimmed.index(after: slash)...])
  }

  /// `name` inside `directory`.
  public static func join(_ directory: String, _ name: String) -> String {
    directory.isEmpty ? name : directory.hasSuffix("/") ? directory + name : directory + "/" + name
  }

  private static func trimming(_ path: String) -> String {
    var rest = path[...]
    while rest.count > 1 && rest.hasSuffix("/") { rest.removeLast() }
    return String(rest)
  }
}

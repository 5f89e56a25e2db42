#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

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
    if try fileSystem.statusIfThere(of: path, followLinks: false) != nil,
      try !fileSystem.list(path).isEmpty
    {
      throw SystemError(.mkdir, code: EEXIST)
    }
    let (name, _) = try TemporaryName.create(near: path) { name throws(SystemError) in
      try fileSystem.makeDirectory(name, mode: 0o777)
    }
    TemporaryRegistry.add(name)
    self.path = path
    self.fileSystem = fileSystem
    temporary = name
  }

  deinit {
    if !named { AtomicDirectory.remove(temporary, fileSystem) }
    TemporaryRegistry.forget(temporary)
  }

  /// Begins the file `name` in the directory; `bypassingCache` as for ``AtomicOutput``.
  public func file(
    _ name: String, bypassingCache: Bool = false
  ) throws(SystemError) -> AtomicOutput {
    // It belongs to what is unfinished also when it has its name.
    TemporaryRegistry.add(temporary + "/" + name)
    return try AtomicOutput(
      temporary + "/" + name, replacing: true, bypassingCache: bypassingCache,
      fileSystem: fileSystem)
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
      // Never through a symbolic link into somebody else's directory.
      let kind = (try? fileSystem.status(of: inner, followLinks: false))?.kind
      if kind == .directory {
        remove(inner, fileSystem)
      } else {
        try? fileSystem.unlink(inner)
      }
    }
    try? fileSystem.removeDirectory(path)
  }
}

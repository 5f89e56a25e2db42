#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that appears under its name whole or not at all.
///
/// The bytes go to a temporary name in the same directory; ``commit(replacing:keeping:)`` syncs
/// them, gives the file its name, and syncs the directory. Until then, and after any error, nothing
/// of that name has changed; an output that is dropped without a commit removes its temporary file.
///
/// A symbolic link is followed, as a shell's `>` does: the file behind it is replaced, and the
/// link stays. Directories, devices and pipes are refused.
@safe
public struct AtomicOutput: ~Copyable {
  /// The name the file will have, behind any symbolic links.
  public let path: String
  private let temporary: String
  private let descriptor: Int32
  private let fileSystem: any FileSystem
  private var named = false
  /// Shorter ranges are not worth it.
  private static let directFrom = 16 << 20
  /// Where to write.
  public var buffer: OutputBuffer

  /// Begins the output that will be called `path`.
  ///
  /// - Parameters:
  ///   - path: its name, in the end.
  ///   - replacing: whether a file of that name may be replaced.
  ///   - like: the status of a file whose mode and owner the output takes over.
  ///   - bypassingCache: whether large ranges of other files are written past the page cache where
  ///     that can be: less work, and other files keep their pages; but nothing of it is in memory then.
  ///   - fileSystem: where files are, for tests that make it fail.
  /// - Throws: ``SystemError`` of creating the temporary file; `EEXIST` when `path` is there and
  ///   `replacing` is false, so that long work is not done in vain; `EISDIR` or `ENOTSUP` when
  ///   `path` is there and no regular file.
  public init(
    _ path: String, replacing: Bool, like: FileStatus? = nil, bypassingCache: Bool = false,
    fileSystem: any FileSystem = .system
  ) throws(SystemError) {
    let path = try AtomicOutput.place(path, replacing: replacing, fileSystem)
    let (name, handle) = try TemporaryName.create(near: path) { name throws(SystemError) in
      try fileSystem.openFile(name, O_RDWR | O_CREAT | O_EXCL, mode: like == nil ? 0o666 : 0o600)
    }
    TemporaryRegistry.add(name)
    if let like {
      // A file of another owner can only be given away by root; the mode matters more.
      try? fileSystem.changeOwner(handle, user: like.user, group: like.group)
      do throws(SystemError) { try fileSystem.changeMode(handle, like.mode) } catch {
        fileSystem.close(handle)
        try? fileSystem.unlink(name)
        TemporaryRegistry.forget(name)
        throw error
      }
    }
    self.path = path
    self.fileSystem = fileSystem
    temporary = name
    descriptor = handle
    let directFrom = bypassingCache ? AtomicOutput.directFrom : .max
    buffer = OutputBuffer(FileTarget(handle, directFrom: directFrom, fileSystem: fileSystem))
  }

  deinit {
    fileSystem.close(descriptor)
    if !named { try? fileSystem.unlink(temporary) }
    TemporaryRegistry.forget(temporary)
  }

  /// The name behind `path`, when an output may stand there.
  private static func place(
    _ path: String, replacing: Bool, _ fileSystem: any FileSystem
  ) throws(SystemError) -> String {
    guard let status = try fileSystem.statusIfThere(of: path, followLinks: false) else {
      return path
    }
    if !replacing { throw SystemError(.open, code: EEXIST) }
    let target = status.kind == .link ? try fileSystem.realPath(path) : path
    switch try fileSystem.status(of: target, followLinks: true).kind {
    case .regular: return target
    case .directory: throw SystemError(.open, code: EISDIR)
    case .pipe, .socket, .link, .other: throw SystemError(.open, code: ENOTSUP)
    }
  }

  /// The name the file has until it is committed; it goes with this object.
  package var temporaryPath: String { temporary }

  /// A cursor at the start of what was written so far, over a mapping, for a look at it before it
  /// gets its name.
  public mutating func readBack() throws(SystemError) -> ByteCursor {
    try buffer.flush()
    return try InputFile.open(temporary, decompressing: false, fileSystem: fileSystem)
  }

  /// Writes what is buffered, syncs, and gives the file its name.
  ///
  /// - Parameters:
  ///   - replacing: whether a file of that name is replaced; otherwise it fails with `EEXIST`,
  ///     also when the file appeared meanwhile.
  ///   - backup: a further name under which the replaced file stays; must be free.
  /// - Throws: ``SystemError``; the name then still means what it meant before, and `backup` is
  ///   not there. The one exception is the very last step: when the directory can't be synced, the
  ///   new file has its name already, whole, but a power cut may still bring back the old one.
  public mutating func commit(
    replacing: Bool, keeping backup: String? = nil
  ) throws(SystemError) {
    precondition(replacing || backup == nil, "nothing is replaced, so nothing can be kept")
    try buffer.flush()
    try fileSystem.syncWhole(descriptor)
    if replacing {
      let kept = try backup.map { name throws(SystemError) in try keep(as: name) } ?? .nothing
      do throws(SystemError) { try fileSystem.rename(temporary, to: path) } catch {
        switch kept {
        case .nothing: break
        case .linked: try? fileSystem.unlink(backup ?? "")
        case .moved: try? fileSystem.rename(backup ?? "", to: path)
        }
        throw error
      }
      named = true
    } else {
      try appear()
    }
    try fileSystem.syncDirectory(FilePath.directory(of: path))
  }

  private enum Kept { case nothing, linked, moved }

  /// Gives the file that is about to be replaced the name `backup` too. Where there are no hard
  /// links (or not for files of others), it is moved there, and its name is free for a moment.
  private func keep(as backup: String) throws(SystemError) -> Kept {
    do throws(SystemError) {
      try fileSystem.link(path, to: backup)
      return .linked
    } catch {
      switch error.code {
      // Only when it is the file itself that went: the folder of `backup` may be missing too.
      case ENOENT where !fileSystem.exists(path): return .nothing
      case EPERM, ENOTSUP, ENOSYS, EMLINK:
        if fileSystem.exists(backup) { throw SystemError(.link, code: EEXIST) }
        try fileSystem.rename(path, to: backup)
        return .moved
      default: throw error
      }
    }
  }

  /// Gives the file its name, unless something of that name is there.
  private mutating func appear() throws(SystemError) {
    do throws(SystemError) { try fileSystem.link(temporary, to: path) } catch {
      switch error.code {
      case EPERM, ENOTSUP, ENOSYS, EMLINK:
        // No hard links here: look first, then rename.
        if fileSystem.exists(path) { throw SystemError(.link, code: EEXIST) }
        try fileSystem.rename(temporary, to: path)
        named = true
        return
      default: throw error
      }
    }
    // The output exists now. If its temporary name stays, `deinit` tries once more.
    do throws(SystemError) {
      try fileSystem.unlink(temporary)
      named = true
    } catch {}
  }
}

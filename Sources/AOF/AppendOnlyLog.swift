public import Bytes

/// What a path means as a log: one file, or the files that a manifest lists.
///
/// | path | log |
/// |---|---|
/// | a file that is no manifest, or `-` | that file, with or without an RDB in front |
/// | a manifest | the files it lists, beside it |
/// | a directory with one `*.manifest` | the same |
/// | a data directory | its `appendonlydir` (or the one subdirectory with a manifest), else its `appendonly.aof` |
///
/// Redis 7.0 and later take over a file of an older version (aof-format.md 4.3): `appendonly.aof`
/// beside the directory is the whole log when there is no manifest or it lists nothing to load,
/// and the base when the manifest lists exactly that name as its only file and it is not in the
/// directory yet.
public struct AppendOnlyLog: Sendable {
  /// What a file of the log is for.
  public enum Kind: Sendable {
    /// The log is this one file.
    case single
    /// The snapshot of the last rewrite.
    case base
    /// Commands since.
    case increment
  }

  /// One file of the log.
  public struct Part: Sendable {
    /// What it is for.
    public var kind: Kind
    /// Its base name; `-` is standard input.
    public var name: String
    /// Its path.
    public var path: String
    /// Its line in the manifest.
    public var entry: Manifest.Entry?
    /// Its status when the log was opened; nil for standard input, and for a file that is missing.
    public var status: FileStatus?
  }

  /// As given.
  public var path: String
  /// The path of the manifest; nil for a single file.
  public var manifestPath: String?
  /// The manifest.
  public var manifest: Manifest?
  /// The files in the order a server loads them. Not empty, unless a manifest lists nothing.
  public var parts: [Part]
  /// Whether `path` was a data directory, in which the log was found.
  public var foundInDirectory = false

  /// Whether there is a manifest.
  public var isMultiPart: Bool { manifest != nil }

  /// The directory of the files.
  public var directory: String { FilePath.directory(of: manifestPath ?? parts.first?.path ?? path) }

  /// All bytes of all files, as far as known.
  public var size: Int { parts.reduce(0) { $0 + ($1.status?.size ?? 0) } }

  /// Finds out what `path` is and which files belong to it. Opens at most a manifest.
  ///
  /// - Throws: ``LogOpenError``. A listed file that is missing is no error here: the part has no
  ///   status, and opening it fails.
  public init(
    _ path: String, fileSystem: any FileSystem = .system
  ) throws(LogOpenError) {
    if path == "-" {
      self.init(single: path, "-", nil)
      return
    }
    let status = try LogOpenError.wrap(path) { () throws(SystemError) in
      try fileSystem.status(of: path, followLinks: true)
    }
    if status.kind == .directory {
      try self.init(directory: path, fileSystem)
    } else if status.kind == .regular, try AppendOnlyLog.isManifest(path, fileSystem) {
      try self.init(manifest: path, fileSystem)
    } else {
      self.init(single: path, path, status)
    }
  }

  /// The log whose manifest, at `manifestPath`, says `manifest`; it need not be there.
  package init(
    _ manifest: Manifest, at manifestPath: String, fileSystem: any FileSystem = .system
  ) {
    path = manifestPath
    self.manifest = manifest
    self.manifestPath = manifestPath
    let directory = FilePath.directory(of: manifestPath)
    parts = manifest.loaded.map { entry in
      let file = FilePath.join(directory, entry.name)
      return Part(
        kind: entry.kind == .base ? .base : .increment, name: entry.name, path: file, entry: entry,
        status: try? fileSystem.status(of: file, followLinks: true))
    }
  }

  private init(single path: String, _ file: String, _ status: FileStatus?) {
    self.path = path
    parts = [
      Part(
        kind: .single, name: file == "-" ? "-" : FilePath.name(of: file), path: file, entry: nil,
        status: status)
    ]
  }

  private init(manifest path: String, _ fileSystem: any FileSystem) throws(LogOpenError) {
    let bytes = try LogOpenError.wrap(path) { () throws(SystemError) in
      try fileSystem.contents(of: path)
    }
    let manifest: Manifest
    do throws(ManifestError) {
      manifest = try bytes.withByteSlice { (slice) throws(ManifestError) in
        try Manifest(parsing: slice)
      }
    } catch { throw LogOpenError(.manifest(error), path: path) }
    self.path = path
    self.manifest = manifest
    manifestPath = path
    let directory = FilePath.directory(of: path)
    parts = manifest.loaded.map { entry in
      let file = FilePath.join(directory, entry.name)
      return Part(
        kind: entry.kind == .base ? .base : .increment, name: entry.name, path: file, entry: entry,
        status: try? fileSystem.status(of: file, followLinks: true))
    }
    upgrade(besides: directory, fileSystem)
  }

  private init(directory: String, _ fileSystem: any FileSystem) throws(LogOpenError) {
    if let manifest = try AppendOnlyLog.manifest(in: directory, fileSystem) {
      try self.init(manifest: manifest, fileSystem)
      path = directory
      return
    }
    let names = try LogOpenError.wrap(directory) { () throws(SystemError) in
      try fileSystem.list(directory)
    }
    var found: [String] = []
    for name in names where !name.hasPrefix(".") {
      let inner = FilePath.join(directory, name)
      guard let status = try? fileSystem.status(of: inner, followLinks: true),
        status.kind == .directory,
        let manifest = try? AppendOnlyLog.manifest(in: inner, fileSystem)
      else { continue }
      if name == "appendonlydir" {
        found = [manifest]
        break
      }
      found.append(manifest)
    }
    if found.count > 1 { throw LogOpenError(.severalManifests(found), path: directory) }
    if let manifest = found.first {
      try self.init(manifest: manifest, fileSystem)
    } else {
      let file = FilePath.join(directory, "appendonly.aof")
      guard let status = try? fileSystem.status(of: file, followLinks: true) else {
        throw LogOpenError(.nothingInDirectory, path: directory)
      }
      self.init(single: directory, file, status)
    }
    path = directory
    foundInDirectory = true
  }

  /// Takes the file of an older version into account, as a server does at its start.
  private mutating func upgrade(besides directory: String, _ fileSystem: any FileSystem) {
    guard let manifestPath else { return }
    // The server's `appendfilename`, beside its `appenddirname`.
    let prefix = FilePath.name(of: manifestPath).dropLast(".manifest".utf8.count)
    guard !prefix.isEmpty else { return }
    let old = (directory.isEmpty ? ".." : directory + "/..") + "/" + prefix
    guard let status = try? fileSystem.status(of: old, followLinks: true), status.kind == .regular
    else { return }
    if parts.isEmpty {
      parts = [
        Part(kind: .base, name: FilePath.name(of: old), path: old, entry: nil, status: status)
      ]
    } else if parts.count == 1, parts[0].kind == .base, parts[0].name == FilePath.name(of: old),
      parts[0].status == nil
    {
      parts[0].path = old
      parts[0].status = status
    }
  }

  private static func manifest(
    in directory: String, _ fileSystem: any FileSystem
  ) throws(LogOpenError) -> String? {
    let names = try LogOpenError.wrap(directory) { () throws(SystemError) in
      try fileSystem.list(directory)
    }
    let manifests = names.filter {
      $0.hasSuffix(".manifest") && !$0.hasPrefix("temp-") && !$0.hasPrefix(".")
    }
    if manifests.count > 1 {
      throw LogOpenError(
        .severalManifests(manifests.map { FilePath.join(directory, $0) }), path: directory)
    }
    return manifests.first.map { FilePath.join(directory, $0) }
  }

  private static func isManifest(
    _ path: String, _ fileSystem: any FileSystem
  ) throws(LogOpenError) -> Bool {
    // A comment has at most 1024 bytes; a few of them may stand in front of the first entry.
    var cursor = try LogOpenError.wrap(path) { () throws(SystemError) in
      try InputFile.open(path, fileSystem: fileSystem)
    }
    _ = cursor.ensure(1 << 14)
    let window = cursor.readableSlice
    return Manifest.isLikely(window.prefix(min(window.count, 1 << 14)))
  }

  /// Opens the file of part `index` at its start; an RDB may stand there.
  public func open(
    _ index: Int, fileSystem: any FileSystem = .system
  ) throws(SystemError) -> ByteCursor {
    try InputFile.open(parts[index].path, fileSystem: fileSystem)
  }
}

/// Why a path could not be taken for a log.
public struct LogOpenError: Error, Sendable {
  /// What is wrong.
  public enum Kind: Sendable {
    /// The system refused.
    case system(SystemError)
    /// The manifest breaks its grammar; servers refuse it as well.
    case manifest(ManifestError)
    /// A directory with several manifests; a server would take the one of its `appendfilename`.
    case severalManifests([String])
    /// A directory without a log.
    case nothingInDirectory
  }
  /// What is wrong.
  public var kind: Kind
  /// The file or directory.
  public var path: String

  init(_ kind: Kind, path: String) {
    self.kind = kind
    self.path = path
  }

  static func wrap<R: ~Copyable>(
    _ path: String, _ body: () throws(SystemError) -> R
  ) throws(LogOpenError) -> R {
    do throws(SystemError) { return try body() } catch {
      throw LogOpenError(.system(error), path: path)
    }
  }
}

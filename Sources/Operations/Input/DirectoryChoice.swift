import AOF
import Bytes

/// Which file of a directory is read: what a server with this directory would load.
///
/// 1. The directory holds a manifest itself: that log. It is a backup of a repository: what that holds.
/// 2. Unless its configuration says `appendonly no`: `appendonlydir/` with its manifest, then
///    `appendonly.aof` (which a server from 7.0 on takes over when there is no manifest).
/// 3. `dump.rdb`.
///
/// The names are those of the configuration, when there is one in the directory.
struct DirectoryChoice {
  var directory: DataDirectory?
  var file: String
  var manifest: Manifest?
  var status: FileStatus?
  var notes: [String] = []

  init(_ path: String, _ fileSystem: any FileSystem) throws(ToolError) {
    let names = try ToolError.wrap(path) { () throws(SystemError) in try fileSystem.list(path) }
    if let stored = try BackupFolder.file(in: path, names) {
      file = FilePath.join(path, stored)
      status = try? fileSystem.status(of: file, followLinks: true)
      return
    }
    let own = names.filter(DataDirectory.isManifestName)
    if !own.isEmpty {
      file = try DirectoryChoice.oneManifest(path, own, preferred: "appendonly.aof.manifest")
      try readManifest(fileSystem)
      return
    }
    let found = try DataDirectory(path, fileSystem)
    directory = found
    let configuration = found.configuration
    let dump = found.entry(configuration.dumpFileName)
    let hasDump = dump?.role == .rdb || dump?.role == .empty
    let usesLog = configuration.appendOnly != false

    if usesLog, let log = DirectoryChoice.logDirectory(found) {
      let inner = FilePath.join(path, log)
      let manifests = try ToolError.wrap(inner) { () throws(SystemError) in
        try fileSystem.list(inner)
      }.filter(DataDirectory.isManifestName)
      file = try DirectoryChoice.oneManifest(
        inner, manifests, preferred: configuration.appendFileName + ".manifest")
      try readManifest(fileSystem)
      note(path, "\(log)/", others(found, besides: log))
      return
    }
    let single = found.entry(configuration.appendFileName)
    if usesLog, let single, [.aof, .rdb, .empty].contains(single.role) {
      file = FilePath.join(path, single.name)
      status = try? fileSystem.status(of: file, followLinks: true)
      note(path, single.name, others(found, besides: single.name))
      return
    }
    if let dump, hasDump {
      file = FilePath.join(path, dump.name)
      status = try? fileSystem.status(of: file, followLinks: true)
      note(path, dump.name, others(found, besides: dump.name))
      return
    }
    throw DirectoryChoice.nothing(path, found)
  }

  private mutating func readManifest(_ fileSystem: any FileSystem) throws(ToolError) {
    let path = file
    let opened = try OpenedFile(path, fileSystem)
    switch opened.kind {
    case .multiPart(let read): manifest = read
    case .empty:
      throw .refused(
        .badData, "is an empty manifest; a server refuses to start with it", file: path)
    case .rdb, .aof:
      // Comments only, or not a manifest at all.
      throw .refused(.badData, "has the name of a manifest but is none", file: path)
    }
    status = try? fileSystem.status(of: path, followLinks: true)
  }

  private static func logDirectory(_ found: DataDirectory) -> String? {
    if found.entry(found.configuration.appendDirectoryName)?.role == .logDirectory {
      return found.configuration.appendDirectoryName
    }
    let all = found.entries.filter { $0.role == .logDirectory }
    return all.count == 1 ? all[0].name : nil
  }

  private static func oneManifest(
    _ path: String, _ names: [String], preferred: String
  ) throws(ToolError) -> String {
    if names.count == 1 { return FilePath.join(path, names[0]) }
    if names.contains(preferred) { return FilePath.join(path, preferred) }
    throw .refused(
      .usage, "holds several manifests: \(names.joined(separator: ", "))", file: path,
      remedy: "Try: give the path of one of them")
  }

  /// What else of the directory a server could have loaded.
  private func others(_ found: DataDirectory, besides chosen: String) -> [String] {
    let configuration = found.configuration
    let known = [
      configuration.appendDirectoryName, configuration.appendFileName, configuration.dumpFileName,
    ]
    return found.entries.filter { entry in
      guard entry.name != chosen, known.contains(entry.name) else { return false }
      return [.rdb, .aof, .logDirectory, .empty].contains(entry.role)
    }.map(\.name)
  }

  private mutating func note(_ path: String, _ chosen: String, _ others: [String]) {
    guard !others.isEmpty else { return }
    let why =
      chosen == directory?.configuration.dumpFileName
      ? "a server with `appendonly no`" : "a server with `appendonly yes`"
    notes.append(
      "\(KeyText.fileName(path)): reading \(chosen), which \(why) loads, and not "
        + others.joined(separator: ", "))
  }

  private static func nothing(_ path: String, _ found: DataDirectory) -> ToolError {
    let files = found.entries.filter { [.rdb, .aof, .logDirectory].contains($0.role) }.map(\.name)
    if !files.isEmpty {
      let shown = files.prefix(5).joined(separator: ", ") + (files.count > 5 ? ", …" : "")
      return .refused(
        .noInput, "holds no file that a server loads by default, but \(shown)", file: path,
        remedy: "Try: give the path of one of them")
    }
    let all = found.entries.map(\.name)
    let holds =
      all.isEmpty ? "is empty" : "holds \(all.prefix(5).joined(separator: ", "))"
    return .refused(
      .noInput,
      "\(holds)\(all.count > 5 ? ", …" : ""): neither appendonlydir/, appendonly.aof nor dump.rdb",
      file: path)
  }
}

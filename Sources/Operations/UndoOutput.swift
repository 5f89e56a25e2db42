import AOF
public import Bytes

/// What was written.
public struct LogRewriteResult: Sendable {
  /// The file or directory that holds the new log.
  public var path: String
  /// The names under which what was replaced is kept.
  public var kept: [String] = []
  /// Bytes of the log as it was.
  public var bytesBefore: Int
  /// Bytes of the new one.
  public var bytesAfter: Int
}

/// What is written behind the last command of a log.
public protocol LogAppendix: AnyObject {
  /// Writes whole commands, the first of which selects a database.
  func write(to output: inout OutputBuffer) throws(ToolError)
  /// How many bytes were written.
  var bytes: Int { get }
}

extension LogRewrite {
  /// Writes the new log beside the old one: a file for a file, a directory with a manifest for a
  /// multi-part log. It appears whole or not at all.
  ///
  /// - Parameters:
  ///   - path: its name.
  ///   - replacing: whether a file of that name may be replaced.
  ///   - appendix: what comes behind the last command.
  ///   - fileSystem: where files are, for tests that make it fail.
  /// - Throws: ``ToolError``; nothing of that name has changed then.
  public func write(
    to path: String, replacing: Bool, appending appendix: (any LogAppendix)? = nil,
    fileSystem: any FileSystem = .system
  ) throws(ToolError) -> LogRewriteResult {
    if log.isMultiPart {
      try writeDirectory(path, appendix, fileSystem)
    } else {
      try refuseSame(path, fileSystem)
      try writeFile(0, path, replacing: replacing, like: nil, appendix, fileSystem)
    }
    return LogRewriteResult(
      path: path, bytesBefore: log.size, bytesAfter: bytesAfter + (appendix?.bytes ?? 0))
  }

  private func refuseSame(_ path: String, _ fileSystem: any FileSystem) throws(ToolError) {
    if let target = try? fileSystem.status(of: path, followLinks: true),
      let source = log.parts[0].status, target.inode == source.inode,
      target.device == source.device
    {
      throw .refused(
        .cannotCreate, "is the file that is read", file: path, role: .output,
        remedy: "Try: --in-place, which keeps the old file under another name")
    }
  }

  private func writeFile(
    _ index: Int, _ path: String, replacing: Bool, like: FileStatus?, keeping: String? = nil,
    _ appendix: (any LogAppendix)?, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    var output = try ToolError.wrap(path, .output) { () throws(SystemError) in
      try AtomicOutput(path, replacing: replacing, like: like, fileSystem: fileSystem)
    }
    try write(index, to: &output.buffer, fileSystem: fileSystem)
    if index == parts.count - 1 { try appendix?.write(to: &output.buffer) }
    try checkUnchanged(index, fileSystem)
    do throws(SystemError) { try output.commit(replacing: replacing, keeping: keeping) } catch {
      throw ToolError(error, file: path, role: .output)
    }
  }

  /// Refuses when a file has grown or been replaced since it was opened: a server writes to it.
  private func checkUnchanged(
    _ index: Int, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    let part = log.parts[index]
    let now = try ToolError.wrap(part.path) { () throws(SystemError) in
      try fileSystem.status(of: part.path, followLinks: true)
    }
    guard let then = part.status, now.size == then.size, now.inode == then.inode,
      now.modified == then.modified
    else { throw LogRewrite.changed(part.path) }
  }

  /// The entries of the new manifest; files that were taken over from an older version get one.
  private func entries(names: [Int: String] = [:], appends: Bool) -> [Manifest.Entry] {
    var entries: [Manifest.Entry] = []
    for (index, part) in log.parts.enumerated() where !parts[index].isDropped {
      var entry =
        part.entry
        ?? Manifest.Entry(
          name: part.name, sequence: 1, kind: part.kind == .increment ? .increment : .base)
      if let name = names[index] { entry.name = name }
      // Where replication stood at the end of a file that ends elsewhere now is not known.
      if parts[index].end != nil || appends && index == parts.count - 1 { entry.endOffset = nil }
      entries.append(entry)
    }
    return entries
  }

  private func writeDirectory(
    _ path: String, _ appendix: (any LogAppendix)?, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    var directory = try ToolError.wrap(path, .output) { () throws(SystemError) in
      try AtomicDirectory(path, fileSystem: fileSystem)
    }
    for index in parts.indices where !parts[index].isDropped {
      var output = try ToolError.wrap(path, .output) { () throws(SystemError) in
        try directory.file(log.parts[index].name)
      }
      try write(index, to: &output.buffer, fileSystem: fileSystem)
      if index == parts.count - 1 { try appendix?.write(to: &output.buffer) }
      try checkUnchanged(index, fileSystem)
      do throws(SystemError) { try output.commit(replacing: true) } catch {
        throw ToolError(error, file: path, role: .output)
      }
    }
    var manifest = Manifest(entries(appends: appendix != nil))
    manifest.closingComments = log.manifest?.closingComments ?? []
    do throws(SystemError) {
      var output = try directory.file(
        FilePath.name(of: log.manifestPath ?? "appendonly.aof.manifest"))
      output.buffer.write(manifest.text)
      try output.commit(replacing: true)
      try directory.commit()
    } catch { throw ToolError(error, file: path, role: .output) }
  }

  /// Puts the new log in the place of the old one, which stays as `NAME.before-STAMP`.
  ///
  /// One changed file is renamed over. Of a multi-part log with several changed files the new ones
  /// get new names (servers take any name that the manifest lists), and the manifest is renamed
  /// over last: at every moment the directory loads, as the old log or as the new one.
  ///
  /// - Parameters:
  ///   - stamp: such as `20261124T020000Z`.
  ///   - appendix: what comes behind the last command.
  ///   - fileSystem: where files are, for tests that make it fail.
  /// - Throws: ``ToolError``; the log is then what it was.
  public func replace(
    stamp: String, appending appendix: (any LogAppendix)? = nil,
    fileSystem: any FileSystem = .system
  ) throws(ToolError) -> LogRewriteResult {
    // A file that only ends in an unfinished command stays as it is: a server cuts it itself.
    let changed = parts.indices.filter {
      !parts[$0].edits.isEmpty || parts[$0].isDropped
        || appendix != nil && $0 == parts.count - 1
    }
    var result = LogRewriteResult(
      path: log.path, bytesBefore: log.size,
      bytesAfter: parts.indices.reduce(0) {
        $0 + (changed.contains($1) ? size(of: $1) : log.parts[$1].status?.size ?? 0)
      })
    if changed.count == 1, let only = changed.first, !parts[only].isDropped {
      let part = log.parts[only]
      let backup = part.path + ".before-" + stamp
      try refuseExisting(backup, fileSystem)
      try writeFile(
        only, part.path, replacing: true, like: part.status, keeping: backup, appendix, fileSystem)
      result.kept = [backup]
      result.bytesAfter += appendix?.bytes ?? 0
      return result
    }
    guard let manifestPath = log.manifestPath else { return result }
    try replaceMany(changed, manifestPath, stamp, appendix, fileSystem)
    result.bytesAfter += appendix?.bytes ?? 0
    result.kept = [manifestPath + ".before-" + stamp]
    result.kept += changed.map { log.parts[$0].path }
    return result
  }

  private func replaceMany(
    _ changed: [Int], _ manifestPath: String, _ stamp: String, _ appendix: (any LogAppendix)?,
    _ fileSystem: any FileSystem
  ) throws(ToolError) {
    let backup = manifestPath + ".before-" + stamp
    try refuseExisting(backup, fileSystem)
    var made: [String] = []
    do throws(ToolError) {
      var names: [Int: String] = [:]
      for index in changed where !parts[index].isDropped {
        let part = log.parts[index]
        let name = LogRewrite.newName(part.name, stamp)
        let path = FilePath.join(FilePath.directory(of: manifestPath), name)
        try refuseExisting(path, fileSystem)
        // From here on a file of that name is ours, also when writing it fails at the last step.
        made.append(path)
        try writeFile(index, path, replacing: false, like: part.status, appendix, fileSystem)
        names[index] = name
      }
      var manifest = Manifest(entries(names: names, appends: appendix != nil))
      manifest.closingComments = log.manifest?.closingComments ?? []
      let status = try? fileSystem.status(of: manifestPath, followLinks: true)
      do throws(SystemError) {
        var output = try AtomicOutput(
          manifestPath, replacing: true, like: status, fileSystem: fileSystem)
        output.buffer.write(manifest.text)
        try output.commit(replacing: true, keeping: backup)
      } catch { throw ToolError(error, file: manifestPath, role: .output) }
    } catch {
      // Had the manifest been renamed, the new files would be in use.
      if !LogRewrite.lists(manifestPath, made, fileSystem) {
        for path in made { try? fileSystem.unlink(path) }
        try? fileSystem.unlink(backup)
      }
      throw error
    }
  }

  /// Whether the manifest at `path` names one of these files.
  private static func lists(
    _ path: String, _ files: [String], _ fileSystem: any FileSystem
  ) -> Bool {
    guard let bytes = try? fileSystem.contents(of: path),
      let manifest = try? bytes.withByteSlice({ (slice) throws(ManifestError) in
        try Manifest(parsing: slice)
      })
    else { return true }
    let names = Set(files.map(FilePath.name))
    return manifest.entries.contains { names.contains($0.name) }
  }

  /// `appendonly.aof.2.incr.aof` becomes `appendonly.aof.2.incr.undo-STAMP.aof`.
  static func newName(_ name: String, _ stamp: String) -> String {
    for suffix in [".aof", ".rdb"] where name.hasSuffix(suffix) {
      return String(name.dropLast(suffix.count)) + ".undo-" + stamp + suffix
    }
    return name + ".undo-" + stamp
  }

  private func refuseExisting(
    _ path: String, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    if fileSystem.exists(path) {
      throw .refused(
        .cannotCreate, "is there already", file: path, role: .output,
        remedy: "Try: again in a second")
    }
  }
}

extension Moment {
  /// For names of files: `20261124T020000Z`.
  public var compactText: String {
    Moment(milliseconds: seconds * 1000).text.filter { $0 != "-" && $0 != ":" }
  }
}

internal import AOF
internal import Bytes

/// The files that a damaged PATH means, also when its manifest is damaged or missing.
struct RepairSource {
  /// One file.
  struct File {
    var path: String
    var name: String
    /// Its line in the manifest.
    var entry: Manifest.Entry?
  }

  var files: [File] = []
  /// The name of the manifest; nil for a single file.
  var manifestName: String?
  var closingComments: [[UInt8]] = []
  /// Whether the bytes have to be taken into a file first: standard input, pipes, compressed files.
  var isStream = false
  var notes: [String] = []
  var doubts: [String] = []
  var lost: [RepairReport.Lost] = []

  init(_ path: String, _ fileSystem: any FileSystem) throws(ToolError) {
    if path == "-" {
      isStream = true
      files = [File(path: path, name: path)]
      return
    }
    let status = try ToolError.wrap(path) { () throws(SystemError) in
      try fileSystem.status(of: path, followLinks: true)
    }
    if status.kind == .directory {
      for folder in [path, FilePath.join(path, "appendonlydir")] {
        let names = (try? fileSystem.list(folder)) ?? []
        if names.contains(where: DataDirectory.isManifestName) { break }
        if rebuild(folder, names, "no manifest is there", fileSystem) { return }
      }
    }
    do throws(ToolError) {
      let input = try Input(path, fileSystem: fileSystem)
      notes = input.facts.notes
      isStream = input.facts.isCompressed || (status.kind != .regular && status.kind != .directory)
      if case .multiPart(let manifest) = input.kind {
        try take(manifest, input.file, fileSystem)
      } else {
        files = [File(path: input.file, name: FilePath.name(of: input.file))]
      }
    } catch {
      guard error.status == .badData else { throw error }
      let file = error.file ?? path
      if DataDirectory.isManifestName(file) {
        let folder = FilePath.directory(of: file)
        let names = (try? fileSystem.list(folder.isEmpty ? "." : folder)) ?? []
        if rebuild(folder, names, "the manifest is damaged", fileSystem) {
          manifestName = FilePath.name(of: file)
          return
        }
        throw error
      }
      if status.kind == .directory { throw error }
      // Neither RDB nor AOF by its first bytes: these may be what is damaged.
      files = [File(path: path, name: FilePath.name(of: path))]
    }
  }

  private mutating func take(
    _ manifest: Manifest, _ path: String, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    manifestName = FilePath.name(of: path)
    closingComments = manifest.closingComments
    let folder = FilePath.directory(of: path)
    for entry in manifest.loaded {
      let file = FilePath.join(folder, entry.name)
      // A disk that can't be read is not a file that is missing.
      let status = try ToolError.wrap(file) { () throws(SystemError) in
        try fileSystem.statusIfThere(of: file, followLinks: false)
      }
      if status != nil {
        files.append(File(path: file, name: entry.name, entry: entry))
      } else {
        lost.append(
          RepairReport.Lost(
            file: file, offset: 0, length: 0,
            reason: "the manifest lists this file, but it is missing"))
      }
    }
  }

  /// Makes a manifest of the names in `folder`; false when no files of a log are there.
  ///
  /// `PREFIX.N.base.rdb`, `PREFIX.N.base.aof`, `PREFIX.N.incr.aof` are what servers write. Of several
  /// bases the newest counts; increments that were last written before it was begun belong to an
  /// older one.
  private mutating func rebuild(
    _ folder: String, _ names: [String], _ why: String, _ fileSystem: any FileSystem
  ) -> Bool {
    var prefixes: [String: [(sequence: Int64, isBase: Bool, name: String)]] = [:]
    for name in names where !name.hasPrefix("temp-") {
      guard let parsed = RepairSource.parse(name) else { continue }
      prefixes[parsed.prefix, default: []].append((parsed.sequence, parsed.isBase, name))
    }
    guard
      let (prefix, found) = prefixes.max(by: {
        $0.value.count != $1.value.count ? $0.value.count < $1.value.count : $0.key > $1.key
      })
    else { return false }
    let bases = found.filter(\.isBase).sorted { $0.sequence < $1.sequence }
    var increments = found.filter { !$0.isBase }.sorted { $0.sequence < $1.sequence }
    func changed(_ name: String) -> Int64 {
      (try? fileSystem.status(of: FilePath.join(folder, name), followLinks: true))?.modified ?? 0
    }
    if bases.count > 1, let base = bases.last {
      let old = increments.dropLast().filter {
        changed($0.name) < changed(bases[bases.count - 2].name)
      }
      increments.removeAll { candidate in old.contains { $0.name == candidate.name } }
      doubts.append(
        "\(KeyText.fileName(folder)): several bases are there; \(base.name) is taken, and the increments "
          + increments.map(\.name).joined(separator: ", "))
    }
    if prefixes.count > 1 {
      doubts.append(
        "\(KeyText.fileName(folder)): files of several logs are there; those of \(prefix) are taken"
      )
    }
    manifestName = prefix + ".manifest"
    for part in (bases.last.map { [$0] } ?? []) + increments {
      files.append(
        File(
          path: FilePath.join(folder, part.name), name: part.name,
          entry: Manifest.Entry(
            name: part.name, sequence: part.sequence, kind: part.isBase ? .base : .increment)))
    }
    notes.append(
      "\(KeyText.fileName(folder)): \(why); it is made of the names of the files: "
        + files.map(\.name).joined(separator: ", "))
    return true
  }

  /// The parts of the name of a file of a log.
  private static func parse(_ name: String) -> (prefix: String, sequence: Int64, isBase: Bool)? {
    let words = name.split(separator: ".", omittingEmptySubsequences: false)
    guard words.count >= 4, let sequence = Int64(words[words.count - 3]), sequence > 0 else {
      return nil
    }
    let end = words.suffix(2).joined(separator: ".")
    guard ["base.rdb", "base.aof", "incr.aof"].contains(end) else { return nil }
    let prefix = words.dropLast(3).joined(separator: ".")
    return prefix.isEmpty ? nil : (prefix, sequence, end != "incr.aof")
  }
}

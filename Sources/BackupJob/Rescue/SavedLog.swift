internal import AOF
internal import Bytes

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// The files of a server's log under further names: hard links, which cost nothing and keep the bytes
/// whatever the server deletes, or copies where there can be no links.
struct SavedLog {
  /// Where a server keeps its log.
  struct Place {
    /// The directory of a multi-part log; nil for one file.
    var directory: String?
    /// The one file.
    var file: String
  }

  /// The files, manifest included.
  private(set) var files: [RescueReport.File] = []

  /// How many bytes the log has that the server would load, and those of its base among them; nil
  /// when nothing is there.
  static func size(_ place: Place) throws(JobError) -> (all: Int64, base: Int64)? {
    guard let directory = place.directory else {
      return Files.status(place.file).map { ($0.size, 0) }
    }
    guard Files.status(directory)?.isDirectory == true,
      let (_, bytes) = try manifest(in: directory)
    else { return nil }
    var all: Int64 = 0
    var base: Int64 = 0
    for entry in try parse(bytes, directory).loaded {
      let size = Files.status("\(directory)/\(entry.name)")?.size ?? 0
      all += size
      if entry.kind == .base { base += size }
    }
    return (all, base)
  }

  /// Saves the log in the new directory `target`, which appears whole or not at all.
  init(_ place: Place, in target: String) throws(JobError) {
    let temporary = "\(target).tmp-\(getpid())"
    try Files.removeTree(temporary, step: "save log")
    do throws(JobError) {
      try Files.makeDirectory(temporary, step: "save log")
      if let directory = place.directory {
        try saveDirectory(directory, in: temporary)
      } else {
        let name = Files.name(of: place.file)
        files.append(try Self.save(place.file, as: "\(temporary)/\(name)", name: name))
        try Files.syncDirectory(temporary, step: "save log")
      }
      if Files.status(target, followingLinks: false) != nil {
        throw Files.failure(EEXIST, step: "save log", path: target)
      }
      try Files.rename(temporary, to: target, step: "save log")
    } catch {
      try? Files.removeTree(temporary, step: "save log")
      throw error
    }
  }

  /// The manifest is read before and after the files are linked; when it changed meanwhile (a
  /// rewrite ended), all is done again.
  private mutating func saveDirectory(
    _ directory: String, in temporary: String
  ) throws(JobError) {
    let folder = "\(temporary)/\(Files.name(of: directory))"
    for _ in 0..<50 {
      try Files.removeTree(folder, step: "save log")
      try Files.makeDirectory(folder, step: "save log")
      files = []
      guard let (name, bytes) = try Self.manifest(in: directory) else {
        throw JobError(
          .missing, step: "save log", place: directory, "there is no manifest",
          remedy: "Check --data-dir.")
      }
      do throws(JobError) {
        for entry in try Self.parse(bytes, directory).loaded {
          files.append(
            try Self.save(
              "\(directory)/\(entry.name)", as: "\(folder)/\(entry.name)", name: entry.name))
        }
      } catch {
        if error.kind == .missing, try Self.manifest(in: directory)?.bytes != bytes { continue }
        throw error
      }
      guard try Self.manifest(in: directory)?.bytes == bytes else { continue }
      try Files.writeAtomically(bytes, to: "\(folder)/\(name)", step: "save log")
      files.append(.init(name: name, bytes: Int64(bytes.count), isLink: false))
      try Files.syncDirectory(folder, step: "save log")
      try Files.syncDirectory(temporary, step: "save log")
      return
    }
    throw JobError(
      .tryLater, step: "save log", place: directory,
      "the manifest changes faster than the files can be saved",
      remedy: "Look into the server: it rewrites its AOF all the time.")
  }

  private static func save(
    _ path: String, as target: String, name: String
  ) throws(JobError) -> RescueReport.File {
    if try Files.link(path, to: target, step: "save log") {
      return .init(name: name, bytes: Files.status(target)?.size ?? 0, isLink: true)
    }
    let source = try Files.openForReading(path, step: "save log")
    defer { Files.closeQuietly(source) }
    let descriptor = try Files.create(target, step: "save log")
    defer { Files.closeQuietly(descriptor) }
    var left = Files.status(of: source)?.size ?? 0
    let size = left
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while left > 0 {
      try Interruption.check("save log")
      let count = try Files.read(source, into: &buffer, step: "save log", path: path)
      guard count > 0 else { break }
      let take = Int(min(Int64(count), left))
      try Files.write(
        buffer.span.extracting(..<take), to: descriptor, step: "save log", path: target)
      left -= Int64(take)
    }
    try Files.sync(descriptor, step: "save log", path: target)
    return .init(name: name, bytes: size - left, isLink: false)
  }

  private static func manifest(
    in directory: String
  ) throws(JobError) -> (name: String, bytes: [UInt8])? {
    let names = try Files.names(in: directory, step: "find manifest").filter {
      $0.hasSuffix(".manifest") && !$0.hasPrefix("temp-")
    }
    guard let name = names.first, names.count == 1 else { return nil }
    return (name, try Files.readAll("\(directory)/\(name)", limit: 4 << 20, step: "read manifest"))
  }

  private static func parse(_ bytes: [UInt8], _ directory: String) throws(JobError) -> Manifest {
    do throws(ManifestError) {
      return try bytes.withByteSlice { slice throws(ManifestError) in
        try Manifest(parsing: slice)
      }
    } catch {
      throw JobError(
        .badData, step: "read manifest", place: directory, "line \(error.line): \(error.kind)",
        remedy: "Look at the directory with `redis-backup check`.")
    }
  }
}

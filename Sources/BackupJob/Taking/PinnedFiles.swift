internal import AOF
internal import Bytes

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// The files of a server's data directory, held open together: whatever the server renames or
/// deletes from then on, the bytes stay readable. This does what hard links do in the documented
/// procedure, but needs no right to write there and leaves nothing behind after a crash.
final class PinnedFiles {
  /// One file.
  struct File {
    /// Its name when restored.
    var name: String
    /// `rdb`, `aof`, `base`, `incr` or `manifest`.
    var kind: String
    /// The path it was opened at, for messages.
    var path: String
    var descriptor: Int32
    /// How many bytes belong to the backup.
    var size: Int64
  }

  private(set) var files: [File] = []
  /// The text of the manifest, when there is one.
  private(set) var manifest: [UInt8]?
  /// The manifest's name when restored.
  private(set) var manifestName = ""

  private init() {}

  deinit { for file in files { Files.closeQuietly(file.descriptor) } }

  /// Sets how many bytes of a file belong to the backup.
  func cut(_ index: Int, to size: Int64) { files[index].size = size }

  /// Pins the multi-part AOF in `directory`. The manifest is read before and after the files are
  /// opened; when it changed meanwhile (a rewrite ended), everything is done again.
  static func log(directory: String, name: String) throws(JobError) -> PinnedFiles {
    for _ in 0..<50 {
      let (path, bytes) = try manifest(in: directory)
      let pinned = PinnedFiles()
      pinned.manifest = bytes
      pinned.manifestName = "\(name)/\(Files.name(of: path))"
      let parsed: Manifest
      do throws(ManifestError) {
        parsed = try bytes.withByteSlice { slice throws(ManifestError) in
          try Manifest(parsing: slice)
        }
      } catch {
        throw JobError(
          .badData, step: "read manifest", place: "\(path):\(error.line)", "\(error.kind)",
          remedy: "Look at the directory with `redis-backup check`.")
      }
      do throws(JobError) {
        for entry in parsed.loaded {
          try pinned.open(
            "\(directory)/\(entry.name)", name: "\(name)/\(entry.name)",
            kind: entry.kind == .base ? "base" : "incr")
        }
      } catch {
        // A file that is gone was replaced by a rewrite since the manifest was read.
        if error.kind == .missing, try manifest(in: directory).bytes != bytes { continue }
        throw error
      }
      if try manifest(in: directory).bytes == bytes { return pinned }
    }
    throw JobError(
      .tryLater, step: "pin files", place: directory,
      "the manifest changes faster than the files can be opened",
      remedy: "Look into the server: it rewrites its AOF all the time.")
  }

  /// Pins the old single file.
  static func single(_ path: String, kind: String, name: String) throws(JobError) -> PinnedFiles {
    let pinned = PinnedFiles()
    try pinned.open(path, name: name, kind: kind)
    return pinned
  }

  private static func manifest(in directory: String) throws(JobError) -> (
    path: String, bytes: [UInt8]
  ) {
    let names = try Files.names(in: directory, step: "find manifest").filter {
      $0.hasSuffix(".manifest") && !$0.hasPrefix("temp-")
    }
    guard let name = names.first, names.count == 1 else {
      throw JobError(
        .missing, step: "find manifest", place: directory,
        names.isEmpty ? "there is no manifest" : "there are \(names.count) manifests",
        remedy:
          "Check source.data-dir and source.append-dir-name, and that the server has appendonly on."
      )
    }
    let path = "\(directory)/\(name)"
    return (path, try Files.readAll(path, limit: 4 << 20, step: "read manifest"))
  }

  private func open(_ path: String, name: String, kind: String) throws(JobError) {
    let descriptor = try Files.openForReading(path, step: "pin files")
    guard let status = Files.status(of: descriptor), status.isRegular else {
      Files.closeQuietly(descriptor)
      throw JobError(
        .badData, step: "pin files", place: path, "it is no regular file",
        remedy: "Check source.data-dir.")
    }
    files.append(
      File(name: name, kind: kind, path: path, descriptor: descriptor, size: status.size))
  }

  /// Sends the bytes of a file that belong to the backup into a sink, which is not finished.
  func copy(_ file: File, into sink: any ByteSink) throws(JobError) {
    var left = file.size
    lseek(file.descriptor, 0, SEEK_SET)
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while left > 0 {
      try Interruption.check("copy")
      let count = try Files.read(file.descriptor, into: &buffer, step: "copy", path: file.path)
      guard count > 0 else {
        throw JobError(
          .badData, step: "copy", place: file.path, "the file became shorter while it was copied",
          remedy: "Something truncates files of the server; look for it.")
      }
      let take = Int(min(Int64(count), left))
      try sink.write(buffer.span.extracting(..<take))
      left -= Int64(take)
    }
  }

  /// A path by which the bytes can be opened again although the name may be gone.
  func reopenable(_ file: File) -> String { "/dev/fd/\(file.descriptor)" }
}

internal import Foundation

/// A repository behind the `rclone` program: S3, SFTP, WebDAV and its other backends.
///
/// Object stores have no rename of folders, so files go to their final names and `backup.json` is
/// uploaded last: a folder without it is no backup, is never listed, and is removed by the next
/// run. rclone takes its secrets from its own configuration or from `RCLONE_CONFIG_…` variables,
/// never from arguments.
package struct RcloneStore: BackupStore {
  /// `name:path` as rclone writes it.
  package let remote: String
  package let program: String
  /// The file of rclone's configuration; nil for its default.
  package let configuration: String?
  package var place: String { "rclone:\(remote)" }

  package init(remote: String, program: String = "rclone", configuration: String? = nil) {
    var trimmed = remote
    while trimmed.hasSuffix("/") { trimmed.removeLast() }
    self.remote = trimmed
    self.program = program
    self.configuration = configuration
  }

  private static let remedy =
    "Try the same command by hand; check rclone's configuration and the network."

  /// Whether rclone's words mean that something does not exist; its backends say it differently.
  private static func saysMissing(_ error: JobError) -> Bool {
    error.message.contains("not found") || error.message.contains("doesn't exist")
  }

  private func options(_ arguments: [String]) -> [String] {
    arguments + [
      "--contimeout", "15s", "--timeout", "60s", "--retries", "3", "--low-level-retries", "3",
    ]
      + (configuration.map { ["--config", $0] } ?? [])
  }

  private func path(_ name: String) -> String {
    remote.hasSuffix(":") ? "\(remote)\(name)" : "\(remote)/\(name)"
  }

  @discardableResult
  private func run(_ arguments: String..., step: String) throws(JobError) -> [UInt8] {
    do throws(JobError) {
      return try ChildProcess.output(
        of: program, options(arguments), step: step, remedy: Self.remedy)
    } catch {
      throw JobError(
        error.kind, step: error.step, place: place, error.message, remedy: error.remedy)
    }
  }

  private struct Entry: Decodable {
    var Path: String
    var Size: Int64
    var IsDir: Bool
  }

  private func list(_ folder: String, depth: Int) throws(JobError) -> [Entry] {
    let text: [UInt8]
    do throws(JobError) {
      text = try run(
        "lsjson", folder.isEmpty ? remote : path(folder), "-R", "--max-depth", "\(depth)",
        "--no-modtime",
        "--no-mimetype", step: "list repository")
    } catch {
      if Self.saysMissing(error) { return [] }
      throw error
    }
    do { return try JSONDecoder().decode([Entry].self, from: Data(text)) } catch {
      throw JobError(
        .unavailable, step: "list repository", place: place, "rclone's answer can not be read",
        remedy: Self.remedy)
    }
  }

  package func prepare() throws(JobError) { try run("mkdir", remote, step: "open repository") }

  package func published() throws(JobError) -> [String] {
    try list("", depth: 2).compactMap { entry in
      let parts = entry.Path.split(separator: "/")
      guard parts.count == 2, parts[1] == "backup.json", BackupID.isValid(String(parts[0])) else {
        return nil
      }
      return String(parts[0])
    }.sorted()
  }

  package func unfinished() throws(JobError) -> [String] {
    let entries = try list("", depth: 2)
    var folders: Set<String> = []
    var complete: Set<String> = []
    for entry in entries {
      let parts = entry.Path.split(separator: "/").map(String.init)
      guard let folder = parts.first, BackupID.isValid(folder) else { continue }
      folders.insert(folder)
      if parts.count == 2, parts[1] == "backup.json" { complete.insert(folder) }
    }
    return folders.subtracting(complete).sorted()
  }

  package func removeUnfinished(_ name: String) throws(JobError) {
    try purge(name)
  }

  private func purge(_ name: String) throws(JobError) {
    do throws(JobError) {
      try run("purge", path(name), step: "clean up")
    } catch {
      if !Self.saysMissing(error) { throw error }
    }
  }

  package func begin(_ id: String) throws(JobError) {}

  package func file(_ name: String, of id: String) throws(JobError) -> any ByteSink {
    try ProgramSink(
      program, options(["rcat", path("\(id)/\(name)")]), step: "upload \(name)",
      remedy: Self.remedy, nil)
  }

  package func read(_ name: String, of id: String, isPublished: Bool, into sink: any ByteSink)
    throws(JobError)
  {
    let child = try ChildProcess(
      program, options(["cat", path("\(id)/\(name)")]), output: .pipe, step: "read backup")
    do throws(JobError) {
      try pump(child.output, into: sink, step: "read backup", path: place)
    } catch {
      child.terminate()
      throw error
    }
    do throws(JobError) {
      try child.succeed(step: "read backup", remedy: Self.remedy)
    } catch {
      if Self.saysMissing(error) {
        throw JobError(
          .missing, step: "read backup", place: "\(place)/\(id)/\(name)", "the file does not exist",
          remedy: "Check the id with `snapshot list`.")
      }
      throw error
    }
  }

  package func files(of id: String) throws(JobError) -> [(name: String, size: Int64)] {
    try list(id, depth: 1).filter { !$0.IsDir }.map { ($0.Path, $0.Size) }
  }

  private func upload(_ bytes: [UInt8], to name: String, step: String) throws(JobError) {
    let sink = try ProgramSink(
      program, options(["rcat", path(name)]), step: step, remedy: Self.remedy, nil)
    try sink.write(bytes.span)
    try sink.finish()
  }

  package func publish(_ id: String, record: [UInt8]) throws(JobError) {
    // From a file, not a pipe: of a pipe that ends early (this process was killed) rclone would
    // make a shorter object, and this object alone says that the backup is complete.
    let scratch = try Drill.scratchDirectory()
    defer { try? Files.removeTree(scratch, step: "publish") }
    try Files.writeAtomically(record, to: "\(scratch)/backup.json", step: "publish")
    try run("copyto", "\(scratch)/backup.json", path("\(id)/backup.json"), step: "publish")
  }

  package func remove(_ id: String) throws(JobError) {
    try run("deletefile", path("\(id)/backup.json"), step: "remove backup")
    try purge(id)
  }

  package func freeBytes() throws(JobError) -> Int64? {
    // Object stores know no limit; backends that do answer `about`.
    guard let text = try? run("about", remote, "--json", step: "free space") else { return nil }
    struct About: Decodable { var free: Int64? }
    return (try? JSONDecoder().decode(About.self, from: Data(text)))?.free
  }

  package func writeNote(_ name: String, _ bytes: [UInt8]) throws(JobError) {
    try upload(bytes, to: name, step: "write \(name)")
  }

  package func readNote(_ name: String) throws(JobError) -> [UInt8]? {
    do throws(JobError) {
      let bytes = try run("cat", path(name), step: "read \(name)")
      return bytes.isEmpty ? nil : bytes
    } catch {
      if Self.saysMissing(error) { return nil }
      throw error
    }
  }

  package func notes(in folder: String) throws(JobError) -> [String] {
    try list(folder, depth: 1).filter { !$0.IsDir }.map(\.Path).sorted()
  }

  package func removeNote(_ name: String) throws(JobError) {
    do throws(JobError) {
      try run("deletefile", path(name), step: "remove \(name)")
    } catch {
      if !Self.saysMissing(error) { throw error }
    }
  }
}

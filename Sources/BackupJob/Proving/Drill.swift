internal import Bytes
internal import Keyspace
internal import Operations

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Proves that a backup restores: a real server, in a private directory, with a private socket and
/// no port, loads it; then all that the server holds is compared with the files, and its counts and
/// digest with what was recorded.
public struct Drill: Sendable {
  /// What a drill found.
  public struct Report: Sendable {
    /// The backup.
    public var id: String
    /// The server that loaded it.
    public var server: String
    /// How long it took from the repository to a server that answers.
    public var seconds: Double
    /// How long of that the server loaded.
    public var loadSeconds: Double
    /// Keys the server holds.
    public var keys: Int64
    /// The server's digest of each part, where it gave one.
    public var digests: [String]
    /// What differs from the record; empty when nothing does.
    public var differences: [String]
    /// What was compared, in words.
    public var compared: [String]

    /// Whether the server holds what was recorded.
    public var isGood: Bool { differences.isEmpty && !compared.isEmpty }
  }

  private let context: JobContext

  /// Drills by a configuration.
  public init(_ context: JobContext) { self.context = context }

  /// Drills one backup. Throws when it could not be done at all (no server, no key): that is never
  /// a success.
  public func run(_ id: String) throws(JobError) -> Report {
    let start = ContinuousClock.now
    let record = try context.store.record(id)
    let server = try findServer(record)
    let scratch = try Self.scratchDirectory()
    defer { try? Files.removeTree(scratch, step: "drill") }
    let restored = try RestoreBackup(context).run(id, into: "\(scratch)/data")
    var report = Report(
      id: id, server: "", seconds: 0, loadSeconds: 0, keys: 0, digests: [], differences: [],
      compared: [])
    for (index, part) in record.parts.enumerated() {
      try drill(
        part, directory: restored.directories[index], server: server, scratch: scratch, &report)
    }
    report.seconds = (start.duration(to: .now).inSeconds * 1000).rounded() / 1000
    context.say(
      report.isGood ? "drill passed" : "drill failed",
      ["id": id, "server": report.server, "seconds": "\(report.seconds)", "keys": "\(report.keys)"])
    return report
  }

  /// A short path, since a unix socket's path is limited.
  static func scratchDirectory() throws(JobError) -> String {
    var base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    if base.utf8.count > 60 { base = "/tmp" }
    Files.removeAbandoned(in: base, marker: "redis-backup-drill-")
    let path = "\(base)/redis-backup-drill-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    guard unsafe mkdir(path, 0o700) == 0 else {
      throw Files.failure(errno, step: "drill", path: path)
    }
    return path
  }

  /// The configured program, else that of the product the backup came from, else the other one.
  private func findServer(_ record: BackupRecord) throws(JobError) -> String {
    if let program = context.config.drillServer { return program }
    let isValkey = record.parts.contains {
      $0.rdbVersion?.hasPrefix("VALKEY") == true || $0.source.product == "valkey"
    }
    let names = isValkey ? ["valkey-server", "redis-server"] : ["redis-server", "valkey-server"]
    let path =
      unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    for name in names {
      for folder in path.split(separator: ":") where unsafe access("\(folder)/\(name)", X_OK) == 0 {
        return "\(folder)/\(name)"
      }
    }
    throw JobError(
      .missing, step: "drill", place: names[0], "no server program was found in PATH",
      remedy: "Install redis-server or valkey-server, or name one: drill.server.")
  }

  private func drill(
    _ part: BackupRecord.Part, directory: String, server: String, scratch: String,
    _ report: inout Report
  ) throws(JobError) {
    let isLog = !part.files.contains { $0.kind == "rdb" }
    let statePath = try Self.statePath(part, directory: directory, scratch: scratch)
    let running = try PrivateServer(
      server, directory: directory, scratch: scratch, loadsLog: isLog,
      databases: max(16, (part.databases.last?.db ?? 0) + 1),
      timeout: context.config.drillTimeout)
    // It works on a private copy, so there is nothing to end in order.
    defer { running.end() }
    report.server = running.name
    report.loadSeconds += running.loadSeconds
    try compare(
      part, running.connection, directory: directory, statePath: statePath, isLog: isLog, &report)
    try compareState(part, running, server: server, directory: directory, statePath, &report)
  }

  /// Where the restored state is read while the server works in `directory`. Of a dump, and of a log
  /// of one file, it is a second name of the file: what the server saves takes the place of the one,
  /// and servers from 7.0 on move the other into a directory of their own.
  private static func statePath(
    _ part: BackupRecord.Part, directory: String, scratch: String
  ) throws(JobError) -> String {
    guard let file = part.files.first(where: { $0.kind == "rdb" || $0.kind == "aof" }) else {
      let manifest = part.files.first { $0.kind == "manifest" } ?? part.files.first
      return "\(directory)/\(manifest?.name ?? "")"
    }
    let path = "\(scratch)/state-\(UInt32.random(in: 0...UInt32.max)).\(file.kind)"
    guard unsafe link("\(directory)/\(file.name)", path) == 0 else {
      throw Files.failure(errno, step: "drill", path: path)
    }
    return path
  }

  /// Compares keys, values, expiry times of keys and fields, streams with their groups and pending
  /// entries, and functions: by commands for single keys, and by a dump that the server saves.
  private func compareState(
    _ part: BackupRecord.Part, _ running: PrivateServer, server: String, directory: String,
    _ statePath: String, _ report: inout Report
  ) throws(JobError) {
    let where_ = part.slots.map { "slots \($0): " } ?? ""
    let state: ComparedState
    do throws(ToolError) { state = try ComparedState(statePath) } catch { throw JobError(error) }
    var loaded = LoadedState()
    try ServerProof(server, timeout: context.config.drillTimeout).compareState(
      running, directory: directory, state, allowing: [], &loaded)
    report.compared += loaded.compared.map { where_ + $0 }
    report.differences += loaded.contradictions.map { where_ + $0 }
    for difference in loaded.differences.prefix(Self.mostKeys) {
      report.differences.append(
        where_ + difference.lines.map { $0.trimmingPrefix { $0 == " " } }.joined(separator: "; "))
    }
    if loaded.differing > Self.mostKeys {
      report.differences.append("\(where_)\(loaded.differing) keys differ in all")
    }
  }

  private static let mostKeys = 20

  private func compare(
    _ part: BackupRecord.Part, _ connection: Connection, directory: String, statePath: String,
    isLog: Bool, _ report: inout Report
  ) throws(JobError) {
    let where_ = part.slots.map { "slots \($0): " } ?? ""
    var databases: [BackupRecord.Database] = []
    for (name, text) in try connection.info("keyspace") where name.hasPrefix("db") {
      let fields = text.split(separator: ",").map { $0.split(separator: "=") }
      let table = Dictionary(fields.compactMap { $0.count == 2 ? ($0[0], $0[1]) : nil }) {
        first, _ in first
      }
      guard let db = Int(name.dropFirst(2)), let keys = table["keys"].flatMap({ Int64($0) }) else {
        continue
      }
      databases.append(
        .init(db: db, keys: keys, expires: table["expires"].flatMap { Int64($0) } ?? 0))
    }
    databases.sort { $0.db < $1.db }
    report.keys += databases.reduce(0) { $0 + $1.keys }
    if !isLog || !part.databases.isEmpty {
      report.compared.append("\(where_)keys and expiring keys of \(part.databases.count) databases")
      if databases != part.databases {
        let counts = { (all: [BackupRecord.Database]) in
          all.map { "db\($0.db): \($0.keys) (\($0.expires) expiring)" }.joined(separator: ", ")
        }
        report.differences.append(
          "\(where_)keys: server \(counts(databases)); recorded \(counts(part.databases))")
      }
    }
    guard part.digest != nil else { return }
    let reply = try connection.exchange(["DEBUG", "DIGEST"], timeout: context.config.drillTimeout)
    if case .error = reply { return }
    guard let digest = reply.text else { return }
    report.digests.append(digest)
    // Servers differ in how they compute it: the restored files are asked again in the style of
    // this server.
    let expected = try ownDigest(
      part, directory: directory, statePath: statePath, like: connection)
    report.compared.append("\(where_)digest of the whole state (\(expected.style))")
    if expected.digest != digest {
      report.differences.append("\(where_)digest: server \(digest), backup \(expected.digest)")
    }
  }

  /// Our digest of the restored files, as the server of `connection` would compute it; the recorded
  /// one when the style is the same.
  private func ownDigest(
    _ part: BackupRecord.Part, directory: String, statePath: String, like connection: Connection
  ) throws(JobError) -> (digest: String, style: String) {
    let info = try connection.info("server")
    let name: StaticString = info["valkey_version"] == nil ? "redis-ver" : "valkey-ver"
    let version = Array((info["valkey_version"] ?? info["redis_version"] ?? "").utf8)
    let style = version.withByteSlice { DigestStyle(auxiliary: ByteSlice(name), $0) }
    if let digest = part.digest, let recorded = part.digestStyle, recorded == style?.rawValue {
      return (digest, recorded)
    }
    let facts: FileFacts
    if let dump = part.files.first(where: { $0.kind == "rdb" }) {
      facts = try RDBInspection.run(
        path: statePath, place: dump.name, level: .full, style: style)
    } else {
      let files = part.files.filter { $0.kind != "manifest" }.map {
        LogReplay.File(
          path: $0.kind == "aof" ? statePath : "\(directory)/\($0.name)", size: Int($0.size))
      }
      facts = try LogReplay.run(files, of: part, place: directory, style: style)
    }
    return (facts.digest ?? "", facts.digestStyle ?? "")
  }
}

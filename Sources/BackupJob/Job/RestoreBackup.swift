public import Operations
public import RDB

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Writes a backup as files a server can start from.
public struct RestoreBackup: Sendable {
  /// What is written.
  public enum Form: String, Sendable, CaseIterable {
    /// A dump as `dump.rdb`, and beside it (as a hard link, which takes no space) a multi-part
    /// directory, so that the server finds its data whether `appendonly` is on or off. A log as it
    /// is.
    case both
    /// Only `dump.rdb`.
    case rdb
    /// Only the multi-part directory.
    case multiPart = "multi-part"
  }

  /// What a restore wrote.
  public struct Outcome: Sendable {
    /// The backup.
    public var record: BackupRecord
    /// The directory of each part: one, or one a shard.
    public var directories: [String]
    /// The lines for redis.conf, for each part.
    public var configuration: [[String]]
    /// Bytes written.
    public var bytes: Int64
    /// Keys written.
    public var keys: Int64 = 0
    /// What the target can't hold and was left out, in words: the first of it.
    public var lost: [String] = []
    /// How much was left out in all.
    public var lostCount = 0
  }

  /// What may be chosen.
  public struct Options: Sendable {
    /// The form of what is written.
    public var form = Form.both
    /// The moment a log is cut to; nil for all of it.
    public var toTime: UTCTime?
    /// The server that is to load it; nil for the one that wrote it.
    public var target: RDBTarget?
    /// Leave out what the target can't hold instead of refusing.
    public var lossy = false
    /// Which keys. Functions and data of modules come along only with every key.
    public var selection = KeySelection()
    /// Keys and fields whose time lies before this moment (ms since 1970) are left out.
    public var expiredBefore: Int64?
    /// The owner of the files; nil for that of the directory, where this process may give files
    /// away.
    public var owner: (user: UInt32, group: UInt32)?
    /// The mode of files.
    public var fileMode: UInt32 = 0o640
    /// The mode of directories.
    public var directoryMode: UInt32 = 0o750

    /// The defaults.
    public init() {}

    /// Whether the state is wanted as it is.
    var isAsItWas: Bool { target == nil && selection.isEverything && expiredBefore == nil }
  }

  let context: JobContext
  private var store: any BackupStore { context.store }

  /// Restoring by a configuration.
  public init(_ context: JobContext) { self.context = context }

  /// The backup that `name` means, or with `time` the newest that is not younger.
  public func find(_ name: String?, at time: UTCTime?) throws(JobError) -> String {
    let ids = try store.published()
    guard let time else { return try VerifyBackup.find(name ?? "latest", in: ids, store) }
    for id in ids.reversed() {
      if let record = try? store.record(id), record.started <= time { return id }
    }
    throw JobError(
      .missing, step: "find backup", place: store.place, "no backup is as old as \(time)",
      remedy: "See the times with `snapshot list`.")
  }

  /// Restores backup `id` into `directory`, which must not exist or be empty. Everything is written
  /// beside it, held against the recorded checksums, synced, and then renamed into place.
  public func run(_ id: String, into directory: String, options: Options = Options())
    throws(JobError) -> Outcome
  {
    let record = try store.record(id)
    let target = Self.trimmed(directory)
    try Self.refuseUsed(target)
    let temporary = "\(Files.parent(of: target))/.\(Files.name(of: target)).restoring-\(getpid())"
    try Files.removeTree(temporary, step: "restore")
    let parent = Files.parent(of: target)
    Files.removeAbandoned(in: parent, marker: ".\(Files.name(of: target)).restoring-")
    try Files.makeDirectory(parent, mode: 0o755, step: "restore")
    if record.encryption == "none" || context.config.age.identityFile != nil {
      let free = try Files.freeBytes(at: parent, step: "restore")
      guard free > record.bytes else {
        throw JobError(
          .inputOutput, step: "restore", place: parent,
          "\(free) bytes are free and \(record.bytes) are needed",
          remedy: "Free space, or restore to another disk.")
      }
    }
    do throws(JobError) {
      try Files.makeDirectory(temporary, mode: options.directoryMode, step: "restore")
      var outcome = Outcome(record: record, directories: [], configuration: [], bytes: 0)
      for part in record.parts {
        let name =
          part.slots.map { "/slots-\($0.filter { $0 != "," ? true : false }.prefix(40))" } ?? ""
        let folder = record.parts.count > 1 ? temporary + name : temporary
        try Files.makeDirectory(folder, mode: options.directoryMode, step: "restore")
        for file in part.files {
          context.say("restoring", ["file": file.name, "bytes": "\(file.size)"])
          try restore(file, of: record, into: folder)
          outcome.bytes += file.size
        }
        let final = record.parts.count > 1 ? target + name : target
        if let time = options.toTime { try cut(part, in: folder, to: time) }
        let isDump = try convert(part, in: folder, options, &outcome)
        outcome.configuration.append(
          try shape(part, isDump: isDump, in: folder, final: final, options))
        outcome.directories.append(final)
      }
      try own(temporary, options, like: Files.status(target) ?? Files.status(parent))
      // An empty directory that exists is replaced by the rename; anything else makes it fail.
      try Files.rename(temporary, to: target, step: "restore")
      return outcome
    } catch {
      try? Files.removeTree(temporary, step: "restore")
      throw error
    }
  }

  private static func trimmed(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path.hasPrefix("/") ? path : "./\(path)"
  }

  /// The path as redis.conf needs it: a server that starts elsewhere takes a relative one from there.
  private static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let current = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(current) }
    return unsafe String(cString: current) + "/"
      + (path.hasPrefix("./") ? path.dropFirst(2) : path[...])
  }

  /// Refuses a directory that holds something or that a running server works in.
  private static func refuseUsed(_ path: String) throws(JobError) {
    guard let status = Files.status(path) else { return }
    guard status.isDirectory, try Files.names(in: path, step: "restore").isEmpty else {
      throw JobError(
        .cannotCreate, step: "restore", place: path, "the directory is not empty",
        remedy:
          "Name a directory that does not exist; move it into place when the server is stopped.")
    }
    #if os(Linux)
      for process in (try? Files.names(in: "/proc", step: "restore")) ?? []
      where process.allSatisfy(\.isNumber) {
        guard let working = Files.status("/proc/\(process)/cwd"), working.inode == status.inode,
          working.device == status.device,
          let name = try? Files.readAll("/proc/\(process)/comm", limit: 64, step: "restore")
        else { continue }
        let text = String(decoding: name, as: UTF8.self)
        guard
          text.hasPrefix("redis-server") || text.hasPrefix("valkey-server")
            || text.hasPrefix("redis-sentinel")
        else {
          continue
        }
        throw JobError(
          .cannotCreate, step: "restore", place: path,
          "a running server (process \(process)) works in this directory",
          remedy: "Stop the server, or restore to another directory.")
      }
    #endif
  }

  private func restore(_ file: BackupRecord.File, of record: BackupRecord, into folder: String)
    throws(JobError)
  {
    let path = "\(folder)/\(file.name)"
    try Files.makeDirectory(Files.parent(of: path), mode: 0o750, step: "restore")
    let sink = try FileSink(path, step: "restore")
    try StoredFile.check(
      file, of: record, in: store, isPublished: true, age: context.config.age, decoding: true,
      into: sink)
  }

  /// Brings the restored files into the wanted form and returns the lines for redis.conf.
  private func shape(
    _ part: BackupRecord.Part, isDump: Bool, in folder: String, final: String, _ options: Options
  ) throws(JobError) -> [String] {
    guard isDump else { return shapeLog(part, final: final) }
    var form = options.form
    // Servers before 7.0 know no multi-part directory.
    if Self.isBefore7(part, options.target) {
      if form == .multiPart {
        throw JobError(
          .usage, step: "restore", place: final,
          "a server before 7.0 does not know logs of several files",
          remedy: "Use --as rdb, or a newer --target.")
      }
      form = .rdb
    }
    var lines = ["dir \(Self.absolute(final))"]
    if form != .multiPart { lines.append("dbfilename dump.rdb") }
    if form != .rdb {
      let log = "\(folder)/appendonlydir"
      try Files.makeDirectory(log, mode: 0o750, step: "restore")
      let base = "\(log)/appendonly.aof.1.base.rdb"
      if form == .both {
        guard unsafe link("\(folder)/dump.rdb", base) == 0 else {
          throw Files.failure(errno, step: "restore", path: base)
        }
      } else {
        try Files.rename("\(folder)/dump.rdb", to: base, step: "restore")
      }
      try Files.writeAtomically(
        [], to: "\(log)/appendonly.aof.1.incr.aof", mode: 0o640, step: "restore")
      let manifest =
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
      try Files.writeAtomically(
        Array(manifest.utf8), to: "\(log)/appendonly.aof.manifest", mode: 0o640, step: "restore")
      lines += ["appendonly yes", "appenddirname appendonlydir", "appendfilename appendonly.aof"]
    } else {
      lines.append("appendonly no")
    }
    return lines
  }

  private static func isBefore7(_ part: BackupRecord.Part, _ target: RDBTarget?) -> Bool {
    if let target { return target.family == .redis && target.major < 7 }
    guard part.source.product == "redis" else { return false }
    return part.source.version?.split(separator: ".").first.flatMap { Int($0) }.map { $0 < 7 }
      ?? false
  }

  private func shapeLog(_ part: BackupRecord.Part, final: String) -> [String] {
    var lines = ["dir \(Self.absolute(final))", "appendonly yes"]
    if let manifest = part.files.first(where: { $0.kind == "manifest" }) {
      lines.append("appenddirname \(Files.parent(of: manifest.name))")
      lines.append("appendfilename \(Files.name(of: manifest.name).dropLast(".manifest".count))")
    } else if let log = part.files.first {
      lines.append("appendfilename \(log.name)")
    }
    return lines
  }

  private func own(_ path: String, _ options: Options, like: Files.Status?) throws(JobError) {
    let names = try Files.names(in: path, step: "restore")
    for name in names {
      let inner = "\(path)/\(name)"
      if Files.status(inner, followingLinks: false)?.isDirectory == true {
        try own(inner, options, like: like)
      } else {
        try setOwner(inner, options.fileMode, options, like)
      }
    }
    try setOwner(path, options.directoryMode, options, like)
    try Files.syncDirectory(path, step: "restore")
  }

  private func setOwner(_ path: String, _ mode: UInt32, _ options: Options, _ like: Files.Status?)
    throws(JobError)
  {
    guard unsafe chmod(path, mode_t(mode)) == 0 else {
      throw Files.failure(errno, step: "restore", path: path)
    }
    if let owner = options.owner {
      guard unsafe chown(path, owner.user, owner.group) == 0 else {
        throw Files.failure(errno, step: "set owner", path: path)
      }
    } else if geteuid() == 0, let like {
      _ = unsafe chown(path, like.owner, like.group)
    }
  }
}

// The first minute after an accident. What may still destroy the data is a rewrite of the log: it
// drops every command, the accident's and those before it. So, in this order:
//
// 1. what `auto-aof-rewrite-percentage` is goes to a state file;
// 2. it is set to 0: no rewrite begins by itself any more;
// 3. the log is saved beside the server's own files, by hard links where possible. This is done even
//    when a rewrite runs: the files that it is about to delete stay under their new names.
//
// The server keeps working and is not restarted. `release` puts the setting back.

/// What was saved.
public struct RescueReport: Sendable {
  /// A file of the log.
  public struct File: Sendable {
    /// Its name.
    public var name: String
    /// How many bytes it had.
    public var bytes: Int64
    /// Whether it is a hard link; else a copy.
    public var isLink: Bool
  }

  /// The server's address.
  public var server: String
  /// What it says it is, as `redis 7.0.15`.
  public var version: String
  /// What `auto-aof-rewrite-percentage` was.
  public var setting: String
  /// Where that is written down.
  public var stateFile: String
  /// Where the log is safe.
  public var directory: String
  /// Its files.
  public var files: [File]
  /// Whether a rewrite runs or is scheduled.
  public var isRewriting: Bool

  /// Bytes of all files.
  public var bytes: Int64 { files.reduce(0) { $0 + $1.bytes } }
}

/// Saves the log of a running server.
public enum Rescue {
  /// How.
  public struct Options: Sendable {
    /// The new directory for the log; nil for one beside the server's own.
    public var output: String?
    /// Where the server's working directory is seen from here; nil for where the server sees it, and
    /// then the size of the log must be the one that the server tells.
    public var dataDirectory: String?
    /// Where the setting is remembered.
    public var stateDirectory: String

    /// Beside the server's own files.
    public init(stateDirectory: String) { self.stateDirectory = stateDirectory }
  }

  /// Where settings are remembered when nothing else is said.
  public static func stateDirectory(_ environment: [String: String]) -> String {
    if let state = environment["XDG_STATE_HOME"], !state.isEmpty { return state + "/redis-backup" }
    if let home = environment["HOME"], !home.isEmpty { return home + "/.local/state/redis-backup" }
    return "/var/lib/redis-backup"
  }

  /// Stops automatic rewrites of the server and saves its log.
  ///
  /// - Throws: `JobError`: no log, not on this machine, a server that refuses.
  public static func run(
    _ login: ServerLogin, _ options: Options
  ) throws(JobError) -> RescueReport {
    let connection = try login.connect()
    defer { connection.close() }
    let facts = try NodeFacts.ask(connection)
    let server = connection.endpoint.description
    try check(connection, facts)
    let (stateFile, setting) = try hold(connection, facts, options)
    let place = try self.place(connection, options)
    let before = try connection.info("persistence")
    let size = try SavedLog.size(place)
    let after = try connection.info("persistence")
    let isRewriting = [before, after].contains {
      $0["aof_rewrite_in_progress"] == "1" || $0["aof_rewrite_scheduled"] == "1"
    }
    let seen = place.directory ?? place.file
    guard let size else {
      throw elsewhere(
        seen, server, "is not on this machine", "automatic rewrites are off now (were \(setting))")
    }
    if options.dataDirectory == nil, !isRewriting,
      let low = before["aof_current_size"].flatMap({ Int64($0) }),
      let high = after["aof_current_size"].flatMap({ Int64($0) }), high >= low
    {
      // Servers that have made their first base themselves do not count it.
      guard (low...high).contains(size.all) || (low...high).contains(size.all - size.base) else {
        throw elsewhere(
          seen, server,
          "holds \(size.all) bytes, and the log of the server has \(high): it is not its log",
          "automatic rewrites are off now (were \(setting))")
      }
    }
    var target =
      options.output
      ?? "\(Files.parent(of: seen))/rescue-\(UTCTime.now.compact)"
    // The name that was asked for is for the whole log, when the rewrite has ended.
    if isRewriting { target += ".before-rewrite-\(UTCTime.now.compact)" }
    if Files.status(target, followingLinks: false) != nil {
      throw JobError(
        .cannotCreate, step: "save log", place: target, "it is there already",
        remedy: "Name another place with -o; automatic rewrites are off now (were \(setting)).")
    }
    let saved = try SavedLog(place, in: target)
    return RescueReport(
      server: server, version: "\(facts.product) \(facts.version)", setting: setting,
      stateFile: stateFile, directory: target, files: saved.files, isRewriting: isRewriting)
  }

  private static func check(_ connection: Connection, _ facts: NodeFacts) throws(JobError) {
    let server = connection.endpoint.description
    if facts.isLoading {
      throw JobError(
        .tryLater, step: "rescue", place: server, "the server is loading its data",
        remedy: "Try again when it has.")
    }
    guard try connection.info("persistence")["aof_enabled"] == "1" else {
      throw JobError(
        .usage, step: "rescue", place: server, "the server has appendonly off: there is no log",
        remedy: "What its last snapshot holds is in dump.rdb: copy that file now, and stop the"
          + " next snapshot with CONFIG SET save \"\".")
    }
  }

  /// Remembers the setting and sets it to 0.
  private static func hold(
    _ connection: Connection, _ facts: NodeFacts, _ options: Options
  ) throws(JobError) -> (stateFile: String, setting: String) {
    let name = RescueState.parameter
    var file: String
    var setting: String
    if let (path, state) = try RescueState.find(
      options.stateDirectory, connection.endpoint, runID: facts.runID)
    {
      file = path
      setting = state.setting
    } else {
      guard let now = try connection.call("CONFIG", "GET", name).table?[name] else {
        throw JobError(
          .unavailable, step: "CONFIG GET \(name)", place: connection.endpoint.description,
          "the server does not know this setting",
          remedy: "Copy its append-only directory by hand, now.")
      }
      setting = now
      let state = RescueState(
        endpoint: connection.endpoint.description, setting: now, runID: facts.runID, since: .now)
      file = try state.write(options.stateDirectory, connection.endpoint)
    }
    _ = try connection.call("CONFIG", "SET", name, "0")
    return (file, setting)
  }

  /// Where the server keeps its log.
  private static func place(
    _ connection: Connection, _ options: Options
  ) throws(JobError) -> SavedLog.Place {
    func setting(_ name: String) throws(JobError) -> String? {
      try connection.call("CONFIG", "GET", name).table?[name]
    }
    let seen = try setting("dir")
    let directory = options.dataDirectory ?? seen ?? "."
    let name = try setting("appendfilename") ?? "appendonly.aof"
    let file = "\(directory)/\(name)"
    guard let folder = try setting("appenddirname") else {
      return SavedLog.Place(directory: nil, file: file)
    }
    return SavedLog.Place(directory: "\(directory)/\(folder)", file: file)
  }

  private static func elsewhere(
    _ path: String, _ server: String, _ what: String, _ done: String
  ) -> JobError {
    JobError(
      .missing, step: "find log", place: path, "\(what); \(done)",
      remedy: "Run this on the machine of \(server), or name the mounted directory with --data-dir."
        + " Or copy \(path) here by hand; then rescue --release.")
  }

  /// What `release` did.
  public struct Release: Sendable {
    /// The server's address.
    public var server: String
    /// What the setting is now.
    public var setting: String
    /// Whether somebody had set something else meanwhile, which was left.
    public var wasChanged: Bool
  }

  /// Puts the setting back.
  ///
  /// - Throws: `JobError` when there is nothing to put back, or the server refuses; what was
  ///   remembered then stays.
  public static func release(
    _ login: ServerLogin, _ options: Options
  ) throws(JobError) -> Release {
    let connection = try login.connect()
    defer { connection.close() }
    let server = connection.endpoint.description
    let runID = try connection.info("server")["run_id"] ?? ""
    guard
      let (path, state) = try RescueState.find(
        options.stateDirectory, connection.endpoint, runID: runID)
    else {
      throw JobError(
        .negative, step: "release", place: server, "nothing was changed by rescue here",
        remedy: "Check the address and --state-dir (now \(options.stateDirectory)).")
    }
    let name = RescueState.parameter
    let now = try connection.call("CONFIG", "GET", name).table?[name] ?? ""
    // Whoever set something else meanwhile meant it; a server that was restarted has the value of its
    // configuration file again.
    if now == "0" { _ = try connection.call("CONFIG", "SET", name, state.setting) }
    try Files.remove(path, step: "remove state")
    return Release(
      server: server, setting: now == "0" ? state.setting : now,
      wasChanged: now != "0" && now != state.setting)
  }
}

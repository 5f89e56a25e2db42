internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

// The documented procedure for a consistent copy of a multi-part AOF: automatic rewrites off, wait
// until none runs, copy, back on. What the setting was is written to a state file before it is
// changed, so that whatever happens to this process, the next command of any kind (`snapshot status`
// too) finds the file and puts the setting back. While the holder lives it keeps a shared lock on the
// state directory, which ends with the process however that ends; who wants to put settings of others
// back takes it exclusively, and leaves everything alone when that fails.

/// Automatic rewrites of a server, switched off until `release`.
struct RewriteHold {
  private struct State: Codable {
    var endpoint: String
    var setting: String
    var runID: String
    var since: UTCTime
  }

  private static let parameter = "auto-aof-rewrite-percentage"
  private let path: String
  private let connection: Connection
  private let setting: String
  private let presence: Presence

  private static func path(_ directory: String, _ endpoint: Endpoint) -> String {
    let safe = String(
      endpoint.description.map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "_" })
    return "\(directory)/rewrite-\(safe).json"
  }

  /// Puts a setting back that an earlier run left off; true when there was one.
  @discardableResult
  static func recover(_ connection: Connection, directory: String) throws(JobError) -> Bool {
    let path = path(directory, connection.endpoint)
    guard Files.status(path) != nil else { return false }
    let bytes = try Files.readAll(path, limit: 1 << 16, step: "read state")
    guard let state = try? JSONDecoder().decode(State.self, from: Data(bytes)),
      Int(state.setting) != nil
    else {
      throw JobError(
        .badData, step: "read state", place: path,
        "the state of an interrupted run can not be read",
        remedy:
          "Set \(parameter) of \(connection.endpoint) yourself (CONFIG SET), then remove this file."
      )
    }
    let current = try connection.call("CONFIG", "GET", parameter).table?[parameter]
    // Whoever set something else meanwhile meant it; a restarted server has its configuration
    // file's value again.
    if current == "0" { _ = try connection.call("CONFIG", "SET", parameter, state.setting) }
    try Files.remove(path, step: "remove state")
    return true
  }

  /// Puts back what runs that were killed have left off on any server, as the files in `directory`
  /// say; nothing while a living run holds rewrites. `tell` is given the servers that have their
  /// setting again, and those that could not be asked, whose files stay for the next run.
  static func recoverAll(
    _ directory: String, _ settings: ConnectionSettings,
    _ tell: (_ endpoint: String, _ failure: JobError?) -> Void
  ) {
    guard Files.status(directory)?.isDirectory == true,
      let names = try? Files.names(in: directory, step: "read state")
    else { return }
    let files = names.filter { $0.hasPrefix("rewrite-") && $0.hasSuffix(".json") }
    guard !files.isEmpty, let presence = Presence(directory, exclusive: true) else { return }
    defer { presence.end() }
    for name in files.sorted() {
      let path = "\(directory)/\(name)"
      do throws(JobError) {
        // Gone meanwhile: its holder released it.
        guard Files.status(path) != nil else { continue }
        let bytes = try Files.readAll(path, limit: 1 << 16, step: "read state")
        guard let state = try? JSONDecoder().decode(State.self, from: Data(bytes)),
          let endpoint = state.endpoint.hasPrefix("/")
            ? .unix(path: state.endpoint)
            : Endpoint(hostAndPort: state.endpoint[...], defaultPort: 6379)
        else {
          throw JobError(
            .badData, step: "read state", place: path,
            "the state of an interrupted run can not be read",
            remedy: "Set \(parameter) of the server yourself (CONFIG SET), then remove this file.")
        }
        let connection = try Connection(endpoint, settings)
        defer { connection.close() }
        if try recover(connection, directory: directory) { tell(state.endpoint, nil) }
      } catch { tell(path, error) }
    }
  }

  /// The lock on the state directory.
  private final class Presence {
    private var descriptor: Int32

    /// Nil when somebody else has it; waits up to ten seconds for a shared one.
    init?(_ directory: String, exclusive: Bool) {
      descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      let deadline = Deadline(after: exclusive ? .zero : .seconds(10))
      while flock(descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 {
        if deadline.hasPassed || errno != EWOULDBLOCK {
          end()
          return nil
        }
        pause(.milliseconds(20))
      }
    }

    func end() {
      if descriptor >= 0 { close(descriptor) }
      descriptor = -1
    }

    deinit { end() }
  }

  /// Switches automatic rewrites off and waits until none runs or is scheduled.
  init(_ connection: Connection, directory: String, runID: String, timeout: Duration)
    throws(JobError)
  {
    try Files.makeDirectory(directory, step: "state directory")
    Files.removeAbandoned(in: directory)
    guard let presence = Presence(directory, exclusive: false) else {
      throw JobError(
        .tryLater, step: "state directory", place: directory,
        "it can not be locked, or another run is putting settings back",
        remedy: "Run the job again; state-dir must be on a file system with locks (flock).")
    }
    self.presence = presence
    try Self.recover(connection, directory: directory)
    guard let setting = try connection.call("CONFIG", "GET", Self.parameter).table?[Self.parameter]
    else {
      throw JobError(
        .unavailable, step: "CONFIG GET \(Self.parameter)", place: connection.endpoint.description,
        "the server does not know this setting", remedy: "Use source.method replication.")
    }
    self.connection = connection
    self.setting = setting
    path = Self.path(directory, connection.endpoint)
    let state = State(
      endpoint: connection.endpoint.description, setting: setting, runID: runID, since: .now)
    guard let bytes = try? JSONEncoder().encode(state) else {
      preconditionFailure("a state is always JSON")
    }
    try Files.writeAtomically(Array(bytes), to: path, step: "write state")
    do throws(JobError) {
      _ = try connection.call("CONFIG", "SET", Self.parameter, "0")
      let deadline = Deadline(after: timeout)
      while true {
        try Interruption.check("wait for rewrite")
        let info = try connection.info("persistence")
        if info["aof_rewrite_in_progress"] == "0", info["aof_rewrite_scheduled"] != "1" { return }
        guard !deadline.hasPassed else {
          throw JobError(
            .tryLater, step: "wait for rewrite", place: connection.endpoint.description,
            "the running rewrite did not end within \(timeout.text)",
            remedy: "Run the job again later.")
        }
        pause(.milliseconds(100))
      }
    } catch {
      try? release()
      throw error
    }
  }

  /// Switches automatic rewrites on as they were. When this fails the state file stays, for the
  /// next run.
  func release() throws(JobError) {
    _ = try connection.call("CONFIG", "SET", Self.parameter, setting)
    try Files.remove(path, step: "remove state")
    presence.end()
  }
}

internal import Foundation

// The documented procedure for a consistent copy of a multi-part AOF: automatic rewrites off, wait
// until none runs, copy, back on. What the setting was is written to a state file before it is
// changed, so that whatever happens to this process, the next run (and `snapshot status`) finds the
// file and puts the setting back.

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

  /// Switches automatic rewrites off and waits until none runs or is scheduled.
  init(_ connection: Connection, directory: String, runID: String, timeout: Duration)
    throws(JobError)
  {
    try Files.makeDirectory(directory, step: "state directory")
    Files.removeAbandoned(in: directory)
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
  }
}

/// A real server that loads files: in a private directory, with a private socket and no port.
///
/// It is a replica of nobody, so that it keeps keys whose time has passed, as they are in the files.
package final class PrivateServer {
  /// `redis-server 7.0.15`
  package let name: String
  /// The version, such as `7.0.15`.
  package let version: String
  /// Whether it is Valkey, whose versions count otherwise.
  package let isValkey: Bool
  /// How long it took until it had loaded.
  package let loadSeconds: Double
  /// A connection to it.
  package let connection: Connection
  private let child: ChildProcess

  /// Starts `program` on the files in `directory`, and waits until it has loaded them.
  ///
  /// - Parameters:
  ///   - scratch: a directory for socket and log; its path is short.
  ///   - loadsLog: whether it loads an AOF instead of a dump.
  package init(
    _ program: String, directory: String, scratch: String, loadsLog: Bool, databases: Int,
    timeout: Duration
  ) throws(JobError) {
    let (version, isValkey) = try Self.version(of: program)
    self.version = version
    self.isValkey = isValkey
    name = "\(Files.name(of: program)) \(version)"
    let socket = "\(scratch)/s"
    let logFile = "\(scratch)/log"
    var arguments = [
      "--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir", directory,
      "--logfile", logFile,
      "--daemonize", "no", "--save", "", "--databases", "\(databases)",
      "--appendonly", loadsLog ? "yes" : "no", "--auto-aof-rewrite-percentage", "0",
      // A replica keeps keys whose time has passed, as they are in the backup. Nothing answers on
      // this port.
      "--replicaof", "127.0.0.1", "9", "--replica-serve-stale-data", "yes",
    ]
    let major = Int(version.prefix { $0 != "." }) ?? 0
    if major >= 7 { arguments += ["--enable-debug-command", "yes"] }
    let start = ContinuousClock.now
    child = try ChildProcess(program, arguments, step: "drill")
    do throws(JobError) {
      connection = try Self.wait(for: child, socket: socket, logFile: logFile, timeout)
    } catch {
      child.terminate(patience: .zero)
      throw error
    }
    loadSeconds = (start.duration(to: .now).inSeconds * 1000).rounded() / 1000
  }

  /// Ends it at once; nothing is written any more.
  package func end() {
    connection.close()
    child.terminate(patience: .zero)
  }

  /// What `program --version` says.
  package static func version(
    of program: String
  ) throws(JobError) -> (version: String, isValkey: Bool) {
    let banner = String(
      decoding: try ChildProcess.output(
        of: program, ["--version"], step: "drill", remedy: "Check drill.server."),
      as: UTF8.self)
    let version =
      banner.firstRange(of: "v=").map { String(banner[$0.upperBound...].prefix { $0 != " " }) }
      ?? "0"
    return (version, banner.lowercased().hasPrefix("valkey"))
  }

  /// Waits until the server has loaded.
  private static func wait(
    for child: ChildProcess, socket: String, logFile: String, _ timeout: Duration
  ) throws(JobError) -> Connection {
    let deadline = Deadline(after: timeout)
    let settings = ConnectionSettings(commandTimeout: .seconds(120))
    while true {
      try Interruption.check("drill")
      if child.wait(until: Deadline(after: .zero)) != nil {
        let log = (try? Files.readAll(logFile, limit: 1 << 20, step: "drill")) ?? []
        let tail = String(decoding: log, as: UTF8.self).split(whereSeparator: \.isNewline).suffix(3)
        throw JobError(
          .negative, step: "drill", place: child.program,
          "the server refuses to load the backup: \(tail.joined(separator: " / "))",
          remedy: "If the server is older than the backup's, name a newer one: drill.server.")
      }
      if Files.status(socket) != nil,
        let connection = try? Connection(.unix(path: socket), settings)
      {
        if let info = try? connection.info("persistence"), info["loading"] == "0",
          info["async_loading"] ?? "0" == "0"
        {
          return connection
        }
        connection.close()
      }
      guard !deadline.hasPassed else {
        throw JobError(
          .tryLater, step: "drill", place: child.program,
          "the server did not load within \(timeout.text)",
          remedy: "Raise drill.timeout.")
      }
      pause(.milliseconds(20))
    }
  }
}

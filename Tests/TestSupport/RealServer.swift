package import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A running `redis-server` or `valkey-server`, for one test: no port, a Unix socket in a folder of its own,
/// and gone when the last reference is.
///
///     let server = try RealServer(.redis7_0, files: ["dump.rdb": Fixture.path("r7.0/types.rdb")])
///     let digest = try server.debugDigest()
package final class RealServer {
  /// The servers that `scripts/bootstrap test` installs.
  package enum Version: String, CaseIterable, Sendable, CustomStringConvertible {
    case redis6_2 = "6.2"
    case redis7_0 = "7.0"
    case valkey9_1 = "9.1"

    package var description: String { (self == .valkey9_1 ? "Valkey " : "Redis ") + rawValue }

    /// The path of the program; throws when it is not installed.
    package func path() throws -> String {
      try Self.paths[self, default: .failure(.init(rawValue))].get()
    }

    private static let paths: [Version: Result<String, TestSupportError>] = {
      let script = PackageRoot.url.appendingPathComponent("scripts/server-path").path
      var paths: [Version: Result<String, TestSupportError>] = [:]
      for version in allCases {
        do {
          let result = try Shell.run(script, [version.rawValue])
          paths[version] =
            result.status == 0 ? .success(result.lines[0]) : .failure(.init(result.errorText))
        } catch {
          paths[version] = .failure(.init("\(error)"))
        }
      }
      return paths
    }()
  }

  /// Which server this is.
  package let version: Version
  /// The folder it works in (`dir`).
  package let directory: String
  /// Its socket.
  package let socket: String
  /// Its process.
  package let process: pid_t

  private let privateFolder: TemporaryDirectory
  private var running = true
  private var connection: RedisConnection?

  /// Starts a server and waits until it has loaded its files.
  ///
  /// - Parameters:
  ///   - directory: its working folder, which stays; nil is a new one that goes with the server.
  ///   - files: what is copied into the working folder first: name there, and path of a file or folder.
  ///   - options: settings as on the command line, for example `["--appendonly", "yes"]`; they win over the
  ///     ones set here (no port, no saving, DEBUG allowed, 16 databases).
  ///   - limit: seconds within which it must be ready.
  package init(
    _ version: Version, directory: String? = nil, files: [String: String] = [:],
    options: [String] = [], limit seconds: Double = 60
  ) throws {
    let program = try version.path()
    privateFolder = try TemporaryDirectory()
    self.version = version
    socket = privateFolder.file("s")
    self.directory = directory ?? privateFolder.file("data")
    let manager = FileManager.default
    try manager.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
    for (name, source) in files {
      try manager.copyItem(atPath: source, toPath: self.directory + "/" + name)
    }

    var arguments = [
      "--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir", self.directory,
      "--save", "", "--databases", "16", "--daemonize", "no", "--logfile",
      privateFolder.file("log"),
    ]
    if version != .redis6_2 { arguments += ["--enable-debug-command", "yes"] }
    process = try Child.start(
      program, arguments + options, input: nil, output: nil, error: nil, environment: nil)
    Watchdog.shared.watch(process: process)
    try waitUntilLoaded(within: seconds)
  }

  deinit { if running { kill() } }

  private func waitUntilLoaded(within seconds: Double) throws {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if Child.wait(process, block: false) != nil {
        running = false
        Watchdog.shared.release(process: process)
        throw TestSupportError("\(version) refused to start: \(logTail)")
      }
      if let open = try? connection ?? RedisConnection(socket: socket) {
        connection = open
        if case .status("PONG")? = try? open.call([Array("PING".utf8)]) { return }
      }
      usleep(4000)
    }
    kill()
    throw TestSupportError("\(version) was not ready within \(seconds) s: \(logTail)")
  }

  /// Sends one command; an error reply is thrown.
  @discardableResult
  package func call(_ arguments: String...) throws -> RedisReply {
    try call(arguments.map { Array($0.utf8) })
  }

  /// Sends one command of any bytes; an error reply is thrown.
  @discardableResult
  package func call(_ arguments: [[UInt8]]) throws -> RedisReply {
    let reply = try attempt(arguments)
    if case .error(let text) = reply {
      let command = arguments.prefix(4).map { String(decoding: $0, as: UTF8.self) }
      throw TestSupportError("\(version) answers \(command.joined(separator: " ")): \(text)")
    }
    return reply
  }

  /// Sends one command and gives any reply, also an error.
  package func attempt(_ arguments: String...) throws -> RedisReply {
    try attempt(arguments.map { Array($0.utf8) })
  }

  /// Sends one command of any bytes and gives any reply, also an error.
  package func attempt(_ arguments: [[UInt8]]) throws -> RedisReply {
    guard let connection else { throw TestSupportError("\(version) is stopped") }
    return try connection.call(arguments)
  }

  /// Sends many commands at once and gives all replies, errors among them.
  package func attempt(batch commands: [[[UInt8]]]) throws -> [RedisReply] {
    guard let connection else { throw TestSupportError("\(version) is stopped") }
    return try connection.send(commands.flatMap(RedisConnection.encode), replies: commands.count)
  }

  /// `DEBUG DIGEST`: 40 hex digits over all databases.
  package func debugDigest() throws -> String {
    guard let digest = try call("DEBUG", "DIGEST").text else {
      throw TestSupportError("\(version) gave no digest")
    }
    return digest
  }

  /// `INFO section` as a table.
  package func info(_ section: String) throws -> [String: String] {
    var table: [String: String] = [:]
    for line in (try call("INFO", section).text ?? "").split(whereSeparator: \.isNewline) {
      let pair = line.split(separator: ":", maxSplits: 1).map(String.init)
      if pair.count == 2 { table[pair[0]] = pair[1] }
    }
    return table
  }

  /// Waits until no save and no rewrite runs, and throws when the last one failed.
  package func waitForBackgroundWork(within seconds: Double = 60) throws {
    let end = Date().addingTimeInterval(seconds)
    let busy = ["rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"]
    while Date() < end {
      let state = try info("persistence")
      if busy.allSatisfy({ state[$0] != "1" }) {
        for key in ["rdb_last_bgsave_status", "aof_last_bgrewrite_status"] where state[key] == "err"
        {
          throw TestSupportError("\(version): \(key) is err: \(logTail)")
        }
        return
      }
      usleep(10000)
    }
    throw TestSupportError("\(version) still saves or rewrites after \(seconds) s")
  }

  /// Asks the server to end, as an operator does, and waits for it. What it has logged is on disk then.
  package func shutdown(save: Bool = false) throws {
    guard running else { return }
    // The server closes the connection instead of answering.
    let reply = try? attempt("SHUTDOWN", save ? "SAVE" : "NOSAVE")
    if case .error(let text)? = reply {
      throw TestSupportError("\(version) refuses to end: \(text)")
    }
    connection = nil
    let end = Date().addingTimeInterval(30)
    while Date() < end {
      if Child.wait(process, block: false) != nil {
        running = false
        Watchdog.shared.release(process: process)
        return
      }
      usleep(2000)
    }
    kill()
    throw TestSupportError("\(version) did not end: \(logTail)")
  }

  /// Ends the server at once, as a crash does.
  package func kill() {
    guard running else { return }
    running = false
    connection = nil
    #if canImport(Glibc)
      _ = Glibc.kill(process, SIGKILL)
    #else
      _ = Darwin.kill(process, SIGKILL)
    #endif
    _ = Child.wait(process)
    Watchdog.shared.release(process: process)
  }

  /// What the server wrote to its log.
  package var log: String {
    let data = FileManager.default.contents(atPath: privateFolder.file("log")) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  private var logTail: String {
    log.split(whereSeparator: \.isNewline).suffix(4).joined(separator: " / ")
  }
}

extension RealServer {
  /// Starts a server on a snapshot.
  package static func loading(
    rdb path: String, _ version: Version, options: [String] = []
  ) throws -> RealServer {
    try RealServer(version, files: ["dump.rdb": path], options: options)
  }

  /// Starts a server on a log: a file (`appendonly.aof`), or a folder with a manifest (`appendonlydir`).
  /// The server works on a copy.
  package static func loading(
    aof path: String, _ version: Version, options: [String] = []
  ) throws -> RealServer {
    var isFolder: ObjCBool = false
    // SAFETY: the pointer lives for this call only.
    _ = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let name = isFolder.boolValue ? "appendonlydir" : "appendonly.aof"
    let log = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"]
    return try RealServer(version, files: [name: path], options: log + options)
  }
}

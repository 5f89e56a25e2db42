import Foundation
import Synchronization
import TestSupport

@testable import BackupJob

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Ports for servers: each call gives another one that nothing listens on, below those that the
/// system hands out to connections (from 32768 on), which come and go while a server starts.
private let portsGiven = Mutex(UInt16.random(in: 0..<5000))

/// A port for a server.
func freePort() -> UInt16 { nextPort(from: 10000, isFree) }

/// A port for a node of a cluster, which listens on the one 10000 above as well.
func freeClusterPort() -> UInt16 { nextPort(from: 15000) { isFree($0) && isFree($0 + 10000) } }

private func nextPort(from first: UInt16, _ isGood: (UInt16) -> Bool) -> UInt16 {
  for _ in 0..<5000 {
    let offset = portsGiven.withLock { given in
      given = (given + 1) % 5000
      return given
    }
    if isGood(first + offset) { return first + offset }
  }
  preconditionFailure("none of 5000 ports is free")
}

/// Whether a server could listen on `port` now.
private func isFree(_ port: UInt16) -> Bool {
  #if canImport(Glibc)
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  #else
    let descriptor = socket(AF_INET, SOCK_STREAM, 0)
  #endif
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  address.sin_port = port.bigEndian
  // SAFETY: the structure is a sockaddr_in and its size is given.
  return unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
}

/// A real server or Sentinel on a loopback port, in a directory of its own; killed when it is
/// dropped.
final class LoopbackServer: @unchecked Sendable {
  let port: UInt16
  let directory: TemporaryDirectory
  let child: ChildProcess
  var endpoint: Endpoint { .tcp(host: "127.0.0.1", port: port) }
  var data: String { directory.file("data") }

  /// Starts a server and waits until it answers.
  init(
    _ version: RealServer.Version = .redis7_0, options: [String] = [], configuration: String? = nil,
    settings: ConnectionSettings = ConnectionSettings(), files: [String: String] = [:],
    plainPort: Bool = true, inCluster: Bool = false
  ) throws {
    port = inCluster ? freeClusterPort() : freePort()
    directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory.file("data"), withIntermediateDirectories: true)
    for (name, source) in files {
      try FileManager.default.copyItem(atPath: source, toPath: directory.file("data") + "/" + name)
    }
    var arguments: [String] = []
    if let configuration { arguments.append(try directory.write(configuration, to: "server.conf")) }
    arguments += [
      plainPort ? "--port" : "--tls-port", "\(port)", "--bind", "127.0.0.1", "--dir",
      directory.file("data"), "--save",
      "", "--daemonize", "no", "--logfile", directory.file("log"), "--repl-diskless-sync-delay",
      "0",
    ]
    if version != .redis6_2 { arguments += ["--enable-debug-command", "yes"] }
    child = try ChildProcess(try version.path(), arguments + options, step: "start")
    Watchdog.shared.watch(process: child.processID)
    try waitUntilReady(settings)
  }

  /// Starts a Sentinel that watches `master`.
  init(
    sentinelOf master: UInt16, name: String = "mymaster", quorum: Int = 2, password: String? = nil
  ) throws {
    port = freePort()
    directory = try TemporaryDirectory()
    let text = """
      port \(port)
      bind 127.0.0.1
      dir \(directory.path)
      logfile \(directory.file("log"))
      sentinel monitor \(name) 127.0.0.1 \(master) \(quorum)
      sentinel down-after-milliseconds \(name) 600
      sentinel failover-timeout \(name) 3000
      \(password.map { "sentinel auth-pass \(name) \($0)" } ?? "")
      """
    let file = try directory.write(text, to: "sentinel.conf")
    child = try ChildProcess(
      try RealServer.Version.redis7_0.path(), [file, "--sentinel"], step: "start")
    Watchdog.shared.watch(process: child.processID)
    try waitUntilReady(ConnectionSettings())
  }

  deinit { stop() }

  private func waitUntilReady(_ settings: ConnectionSettings) throws {
    let deadline = Deadline(after: .seconds(20))
    while !deadline.hasPassed {
      if let connection = try? Connection(endpoint, settings) {
        let reply = try? connection.exchange(["PING"])
        connection.close()
        if case .simple = reply { return }
        if case .error(let text) = reply, text.hasPrefix("NOPERM") || text.hasPrefix("NOAUTH") {
          return
        }
      }
      if child.wait(until: Deadline(after: .milliseconds(20))) != nil {
        throw TestSupportError("the server ended: \(log)")
      }
    }
    throw TestSupportError("the server does not answer: \(log)")
  }

  var log: String { (try? String(decoding: directory.read("log"), as: UTF8.self)) ?? "" }

  /// One command on a connection of its own.
  @discardableResult
  func call(
    _ arguments: String...,
    settings: ConnectionSettings = ConnectionSettings(commandTimeout: .seconds(60))
  )
    throws -> RESPValue
  {
    let connection = try Connection(endpoint, settings)
    defer { connection.close() }
    let reply = try connection.exchange(arguments)
    if case .error(let text) = reply { throw TestSupportError("\(arguments.prefix(3)): \(text)") }
    return reply
  }

  /// Writes keys of several types, so that they are replicated and logged.
  func fill(_ count: Int, prefix: String = "key") throws {
    let script = """
      for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
        local key = ARGV[3] .. ':' .. i
        if i % 10 == 0 then redis.call('HSET', key, 'name', 'value' .. i, 'number', i)
        elseif i % 10 == 1 then redis.call('RPUSH', key, i, 'b', 'c')
        elseif i % 10 == 2 then redis.call('ZADD', key, i, 'a', i / 3, 'b')
        elseif i % 10 == 3 then redis.call('SADD', key, i, 'x', 'y')
        else redis.call('SET', key, 'value-' .. i .. string.rep('x', 60)) end
      end
      """
    // Small steps: a master that is busy for long counts as down.
    for start in stride(from: 1, through: count, by: 2000) {
      try call("EVAL", script, "0", "\(start)", "\(min(count, start + 1999))", prefix)
    }
  }

  /// To be called at the end of a test, so that the server is not dropped before.
  func keep() {}

  func info() throws -> [String: String] {
    let connection = try Connection(endpoint, ConnectionSettings())
    defer { connection.close() }
    return try connection.info()
  }

  /// Ends it without a chance to do anything.
  func stop() {
    kill(child.processID, SIGKILL)
    _ = child.wait()
    Watchdog.shared.release(process: child.processID)
  }
}

/// A master, two replicas, and Sentinels.
final class SentinelSet: @unchecked Sendable {
  let master: LoopbackServer
  let replicas: [LoopbackServer]
  let sentinels: [LoopbackServer]

  init(replicas count: Int = 2, sentinels: Int = 3, options: [String] = []) throws {
    let quick = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"] + options
    let master = try LoopbackServer(options: quick)
    self.master = master
    replicas = try (0..<count).map { _ in
      try LoopbackServer(options: quick + ["--replicaof", "127.0.0.1", "\(master.port)"])
    }
    self.sentinels = try (0..<sentinels).map { _ in
      try LoopbackServer(sentinelOf: master.port, quorum: max(1, sentinels / 2 + 1))
    }
    let replicas = replicas
    try waitFor("replicas connected") {
      try replicas.allSatisfy { try $0.info()["master_link_status"] == "up" }
    }
    for sentinel in self.sentinels {
      try waitFor("Sentinel knows the replicas", within: 30) {
        let connection = try Connection(sentinel.endpoint, ConnectionSettings())
        defer { connection.close() }
        let known =
          try connection.exchange(["SENTINEL", "REPLICAS", "mymaster"]).elements?.compactMap(
            \.table) ?? []
        let others =
          try connection.exchange(["SENTINEL", "SENTINELS", "mymaster"]).elements?.count ?? 0
        return known.count == count && known.allSatisfy { $0["master-link-status"] == "ok" }
          && others == self.sentinels.count - 1
      }
    }
  }

  /// To be called at the end of a test, so that nothing is dropped before.
  func keep() {}

  var url: String { url(sentinels) }

  func url(_ sentinels: [LoopbackServer]) -> String {
    "redis-sentinel://" + sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
      + "/mymaster"
  }
}

/// Waits until something is so.
func waitFor(_ what: String, within seconds: Int = 20, _ condition: () throws -> Bool) throws {
  let deadline = Deadline(after: .seconds(seconds))
  while !deadline.hasPassed {
    if try condition() { return }
    pause(.milliseconds(50))
  }
  throw TestSupportError("not within \(seconds) s: \(what)")
}

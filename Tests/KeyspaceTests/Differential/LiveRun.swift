import AOF
import Bytes
import Foundation
import Keyspace
import RDB
import TestSupport

/// Drives a server that logs with the commands of a family, and compares its whole state with what
/// its log makes.
struct LiveRun {
  /// When the server rewrites its log.
  enum Rewrite: CaseIterable {
    /// Never.
    case never
    /// In the middle, as commands.
    case commands
    /// In the middle, as a dump.
    case dump
  }

  /// What came of it.
  struct Outcome {
    /// What differs, a line each.
    var lines: [String] = []
    /// How often the server executed each command, by its name in upper case (`XGROUP CREATE`).
    var calls: [String: Int] = [:]
    /// How many keys there were at the end.
    var keys = 0
  }

  let version: RealServer.Version
  let rewrite: Rewrite
  let folder: TemporaryDirectory
  let server: RealServer
  var chance: WordSource
  /// Payloads of DUMP.
  private var payloads: [[UInt8]] = []
  private var libraries: [[UInt8]] = []
  /// The name that EVALSHA uses for the script.
  private let scriptName: String

  /// Starts a server.
  init(_ version: RealServer.Version, seed: UInt64, rewrite: Rewrite) throws {
    self.version = version
    self.rewrite = rewrite
    chance = WordSource(seed: seed &+ 77)
    folder = try TemporaryDirectory()
    server = try RealServer(
      version, directory: folder.file("data"),
      options: [
        "--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0",
        "--aof-use-rdb-preamble", rewrite == .commands ? "no" : "yes",
      ])
    try server.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    scriptName = try server.call("SCRIPT", "LOAD", LiveRun.script).text ?? ""
    if version != .redis6_2 { try server.call("FUNCTION", "LOAD", LiveRun.library) }
  }

  /// Draws and sends `count` commands, and compares.
  static func run(
    _ type: any CommandFamily.Type, seed: UInt64, _ version: RealServer.Version, count: Int,
    rewrite: Rewrite = .never
  ) throws -> Outcome {
    var run = try LiveRun(version, seed: seed, rewrite: rewrite)
    defer { run.server.kill() }
    var family = type.init(seed: seed, version)
    try run.drive(&family, count)
    return try run.compare()
  }

  private mutating func drive(_ family: inout some CommandFamily, _ count: Int) throws {
    var sent = 0
    var rewritten = rewrite == .never
    while sent < count {
      var batch: [[[UInt8]]] = []
      while batch.count < 250 { draw(&family, into: &batch) }
      sent += batch.count
      if version != .redis6_2 {
        batch.append(["FUNCTION", "LOAD", "REPLACE", LiveRun.library].map(\.utf8Bytes))
      }
      do { _ = try server.attempt(batch: batch) } catch {
        throw TestSupportError("\(error): \(server.log.suffix(6000))")
      }
      try collectPayloads()
      try block()
      if !rewritten, sent * 2 >= count {
        rewritten = true
        try server.call("BGREWRITEAOF")
        try server.waitForBackgroundWork()
      }
    }
  }

  // MARK: - Commands

  /// Executes the commands in ARGV, which are separated by `|`; KEYS[1] is the result.
  static let body = """
    local c = {}
    for i = 1, #ARGV + 1 do
      if ARGV[i] and ARGV[i] ~= '|' then c[#c + 1] = ARGV[i]
      else redis.pcall(unpack(c)); c = {} end
    end
    return KEYS[1]
    """
  static let script = body
  static let library = """
    #!lua name=run
    redis.register_function('run', function(KEYS, ARGV)
    \(body)
    end)
    """

  private mutating func draw(
    _ family: inout some CommandFamily, into batch: inout [[[UInt8]]]
  ) {
    func words(_ list: [String]) -> [[UInt8]] { list.map(\.utf8Bytes) }
    var command = words(family.command())
    if chance.chance(3), let extra = special() { command = extra }
    let name = KeyPicture.text(command[0]).uppercased()
    if name.hasPrefix("B"),
      name.hasSuffix("POP") || name.hasSuffix("PUSH") || name == "BLMOVE"
        || name.hasPrefix("BZ")
    {
      batch += [words(["MULTI"]), command, words(["EXEC"])]
      return
    }
    switch chance.random.below(100) {
    case 0...3:
      if chance.chance(10) { batch.append(words(["WATCH", "k1", "l1"])) }
      batch += [words(["MULTI"]), command]
      for _ in 0..<chance.random.below(4) { batch.append(words(family.command())) }
      batch.append(words([chance.chance(10) ? "DISCARD" : "EXEC"]))
    case 4...6:
      let head: [String]
      switch chance.random.below(3) {
      case 0: head = ["EVALSHA", scriptName, "1", "k1"]
      case 1 where version != .redis6_2: head = ["FCALL", "run", "1", "k1"]
      default: head = ["EVAL", LiveRun.script, "1", "k1"]
      }
      var script = words(head) + command
      for _ in 0..<chance.random.below(3) { script += words(["|"]) + words(family.command()) }
      batch.append(script)
    default: batch.append(command)
    }
  }

  /// RESTORE of a payload, functions, and what else needs bytes of the server.
  private mutating func special() -> [[UInt8]]? {
    let key = chance.key(chance.pick(WordSource.types)).utf8Bytes
    if version != .redis6_2, chance.chance(40) {
      switch chance.random.below(6) {
      case 0 where !libraries.isEmpty:
        return ["FUNCTION".utf8Bytes, "RESTORE".utf8Bytes, chance.pick(libraries)]
          + chance.maybe(80, [["FLUSH"], ["APPEND"], ["REPLACE"], ["BAD"]]).map(\.utf8Bytes)
      case 1: return ["FUNCTION", "DELETE", "lib\(chance.random.below(3))"].map(\.utf8Bytes)
      case 2:
        return (["FUNCTION", "FLUSH"] + chance.maybe(60, [["SYNC"], ["ASYNC"], ["BAD"]]))
          .map(\.utf8Bytes)
      default:
        let number = chance.random.below(3)
        let function = chance.chance(10) ? "f" : "f\(number)"
        let code =
          "#!lua name=\(chance.chance(5) ? "bad name" : "lib\(number)")\n"
          + "redis.register_function('\(function)', function() return \(chance.random.below(99)) end)"
        return (["FUNCTION", "LOAD"] + chance.maybe(60, [["REPLACE"]]) + [code]).map(\.utf8Bytes)
      }
    }
    guard !payloads.isEmpty else { return nil }
    var payload = chance.pick(payloads)
    if chance.chance(5) { payload[chance.random.below(payload.count)] ^= 1 }
    var options: [String] = []
    var time = "0"
    if chance.chance(30) {
      time = chance.milliseconds()
      options.append("ABSTTL")
    } else if chance.chance(30) {
      // 6.2 logs the relative time.
      time = chance.pick([version == .redis6_2 ? "0" : "1000000000", "-1", "x"])
    }
    if chance.chance(60) { options.append("REPLACE") }
    if chance.chance(10) { options += ["IDLETIME", "100"] }
    if chance.chance(10) { options += ["FREQ", chance.pick(["10", "300"])] }
    let name = chance.chance(15) ? "RESTORE-ASKING" : "RESTORE"
    return [name.utf8Bytes, key, time.utf8Bytes, payload] + options.map(\.utf8Bytes)
  }

  private mutating func collectPayloads() throws {
    let keys = (0..<12).map { _ in chance.key(chance.pick(WordSource.types)).utf8Bytes }
    let dumps = try server.attempt(batch: keys.map { ["DUMP".utf8Bytes, $0] })
    payloads += dumps.compactMap(\.bytes).filter { $0.count < 20_000 }
    payloads = payloads.suffix(60)
    guard version != .redis6_2 else { return }
    if let dump = try server.call("FUNCTION", "DUMP").bytes { libraries.append(dump) }
    libraries = libraries.suffix(8)
  }

  /// Lets a second client wait for data that then comes.
  private mutating func block() throws {
    let other = try RedisConnection(socket: server.socket)
    let waits: [([String], [String])] = [
      (["BLPOP", "block", "0"], ["RPUSH", "block", "a", "b"]),
      (["BRPOP", "block", "0"], ["RPUSH", "block", "a"]),
      (["BLMOVE", "block", "l1", "LEFT", "RIGHT", "0"], ["RPUSH", "block", "a", "b"]),
      (["BRPOPLPUSH", "block", "l2", "0"], ["LPUSH", "block", "a", "b"]),
      (["BLMPOP", "0", "1", "block", "LEFT", "COUNT", "2"], ["RPUSH", "block", "a", "b", "c"]),
      (["BZPOPMIN", "block", "0"], ["ZADD", "block", "1", "a", "2", "b"]),
      (["BZPOPMAX", "block", "0"], ["ZADD", "block", "1", "a"]),
      (["BZMPOP", "0", "1", "block", "MAX"], ["ZADD", "block", "1", "a", "2", "b"]),
      (
        ["XREADGROUP", "GROUP", "g", "waiter", "BLOCK", "0", "STREAMS", "block", ">"],
        ["XADD", "block", "5-1", "f", "v"]
      ),
    ]
    let (wait, push) = chance.pick(waits)
    _ = try server.attempt("SELECT", "0")
    _ = try server.attempt("DEL", "block")
    if wait[0] == "XREADGROUP" {
      try server.call("XGROUP", "CREATE", "block", "g", "0", "MKSTREAM")
    }
    if version == .redis6_2, wait[0].hasSuffix("MPOP") { return }
    _ = try other.send(RedisConnection.encode(wait.map(\.utf8Bytes)), replies: 0)
    try waitForBlocked(1, wait)
    try server.call(push.map(\.utf8Bytes))
    // The target may be of another type: then the client waits for another element.
    if ["BLMOVE", "BRPOPLPUSH"].contains(wait[0]) { _ = try server.attempt("DEL", wait[2]) }
    _ = try server.attempt(push.map(\.utf8Bytes))
    try waitForBlocked(0, wait)
  }

  private func waitForBlocked(_ count: Int, _ command: [String]) throws {
    let end = Date().addingTimeInterval(10)
    while try server.info("clients")["blocked_clients"] != "\(count)" {
      if Date() > end { throw TestSupportError("\(command): not \(count) clients wait") }
      usleep(500)
    }
  }
}

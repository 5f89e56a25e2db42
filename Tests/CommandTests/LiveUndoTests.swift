import Foundation
import Synchronization
import TestSupport
import Testing

/// The accident on a server that keeps working: `rescue`, `losses`, `undo --patch --apply`,
/// `rescue --release`, as an operator types them.
@Suite(.serialized) struct LiveUndoTests {
  /// Writes to a server all the time, as clients do.
  final class Traffic: Sendable {
    private let isOver = Mutex(false)
    private let count = Mutex(0)
    private let done = DispatchSemaphore(value: 0)

    init(_ socket: String) {
      Thread.detachNewThread { [self] in
        defer { done.signal() }
        guard let connection = try? RedisConnection(socket: socket) else { return }
        var number = 0
        while !isOver.withLock({ $0 }) {
          for _ in 0..<20 {
            _ = try? connection.call(["SET", "live:\(number)", "\(number)"].map { Array($0.utf8) })
            _ = try? connection.call(["INCR", "counter"].map { Array($0.utf8) })
            number += 1
          }
          count.withLock { $0 = number }
          usleep(5000)
        }
      }
    }

    /// Ends it; how many keys were written.
    func stop() -> Int {
      isOver.withLock { $0 = true }
      done.wait()
      return count.withLock { $0 }
    }
  }

  private static func words(_ text: String) -> [[UInt8]] {
    text.split(separator: " ").map { Array($0.utf8) }
  }

  private static func fill(_ server: RealServer, _ count: Int) throws {
    let later = Int64(Date().timeIntervalSince1970 * 1000) + 86_400_000
    var batch: [[[UInt8]]] = []
    for number in 0..<count {
      let key = "k:\(number)"
      switch number % 6 {
      case 0: batch.append(words("SET \(key) v\(number)"))
      case 1:
        batch.append(words("SET \(key) v\(number)"))
        batch.append(words("PEXPIREAT \(key) \(later + Int64(number))"))
      case 2:
        batch.append(
          words("HSET \(key) a \(number) b \(String(repeating: "x", count: 1 + number % 80))"))
      case 3:
        batch.append(
          words("RPUSH \(key) \((0...number % 9).map(String.init).joined(separator: " "))"))
      case 4: batch.append(words("ZADD \(key) 1.5 a \(number) b"))
      default: batch.append(words("SADD \(key) x y \(number)"))
      }
      if batch.count > 1000 || number == count - 1 {
        for reply in try server.attempt(batch: batch) {
          if case .error(let text) = reply { throw TestSupportError(text) }
        }
        batch = []
      }
    }
    if server.version == .valkey9_1 {
      try server.call("HSET", "timed", "a", "1", "b", "2")
      try server.call("HPEXPIREAT", "timed", "\(later)", "FIELDS", "1", "a")
    }
    try server.call("XADD", "stream", "5-1", "f", "v")
    try server.call("XADD", "stream", "5-2", "f", "w")
    try server.call("XGROUP", "CREATE", "stream", "g", "0")
    try server.call("XREADGROUP", "GROUP", "g", "bob", "COUNT", "1", "STREAMS", "stream", ">")
  }

  /// What `keys` hold: payload and time to live.
  private static func state(
    _ server: RealServer, _ keys: [String]
  ) throws -> [String: (dump: [UInt8]?, left: Int64)] {
    var state: [String: (dump: [UInt8]?, left: Int64)] = [:]
    for start in stride(from: 0, to: keys.count, by: 1000) {
      let part = keys[start..<min(start + 1000, keys.count)]
      let dumps = try server.attempt(batch: part.map { words("DUMP \($0)") })
      let times = try server.attempt(batch: part.map { words("PTTL \($0)") })
      for (index, key) in part.enumerated() {
        state[key] = (dumps[index].bytes, times[index].integer ?? -2)
      }
    }
    return state
  }

  /// How many keys of `before` are not what they were; times to live go on running.
  private static func differences(
    _ server: RealServer, _ before: [String: (dump: [UInt8]?, left: Int64)], since: Date
  ) throws -> Int {
    let now = try state(server, Array(before.keys))
    let passed = Int64(Date().timeIntervalSince(since) * 1000)
    var count = 0
    for (key, was) in before {
      guard let has = now[key], has.dump != nil, has.dump == was.dump else {
        count += 1
        continue
      }
      if was.left < 0 ? has.left != was.left : abs(was.left - passed - has.left) > 5000 {
        count += 1
      }
    }
    return count
  }

  private func object(_ result: Shell.Result) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any],
      "\(result.text) \(result.errorText)")
  }

  // With `everysec` a server may hold back what it writes to its log while the disk is busy.
  private let log = ["--appendonly", "yes", "--appendfsync", "always"]

  @Test(arguments: [RealServer.Version.redis7_0, .valkey9_1, .redis6_2])
  func aFlushAndADeleteAreUndoneWhileTheServerWorks(_ version: RealServer.Version) throws {
    let directory = try TemporaryDirectory()
    let server = try RealServer(version, options: log)
    let url = "unix://\(server.socket)"
    let count = 100_000
    try Self.fill(server, count)
    try server.call("SET", "counter", "1000")
    let run = try server.info("server")["run_id"]
    let keys = (0..<count).map { "k:\($0)" } + (version == .valkey9_1 ? ["timed"] : [])
    let before = try Self.state(server, keys)
    let since = Date()
    let stream = try server.call("XRANGE", "stream", "-", "+")
    let pending = try server.call("XPENDING", "stream", "g")
    #expect(before.count == keys.count && before.values.allSatisfy { $0.dump != nil })

    let traffic = Traffic(server.socket)
    usleep(200_000)
    try server.call("FLUSHALL")
    usleep(200_000)
    let safe = directory.file("safe")
    let rescue = try object(redisBackup(["rescue", url, "-o", safe, "--json"], directory))
    #expect(rescue["autoAofRewritePercentage"] as? String == "100")
    #expect(try server.call("CONFIG", "GET", "auto-aof-rewrite-percentage").items?[1].text == "0")

    let losses = try object(redisBackup(["losses", safe, "--json", "--top", "3"], directory))
    let first = try #require((losses["losses"] as? [[String: Any]])?.first)
    #expect((first["command"] as? String)?.uppercased() == "FLUSHALL")
    let index = try #require(first["index"] as? Int)
    let undo = try object(
      redisBackup(
        [
          "undo", safe, "--index", "\(index)", "--patch", directory.file("patch"), "--apply", url,
          "--json",
        ], directory))
    let applied = try #require(undo["applied"] as? [String: Any])
    #expect((applied["restored"] as? Int ?? 0) >= count)
    #expect((applied["failed"] as? [Any])?.isEmpty == true)
    #expect(try Self.differences(server, before, since: since) == 0)
    #expect(try server.call("XRANGE", "stream", "-", "+") == stream)
    #expect(try server.call("XPENDING", "stream", "g") == pending)

    // A thousand keys by one DEL.
    let some = Array(keys.prefix(1000))
    try server.call([Array("DEL".utf8)] + some.map { Array($0.utf8) })
    let again = try object(redisBackup(["losses", safe, "--json", "--command", "DEL"], directory))
    let second = try #require((again["losses"] as? [[String: Any]])?.first?["index"] as? Int)
    _ = try redisBackup(["undo", safe, "--index", "\(second)", "--apply", url], directory)
    #expect(try Self.differences(server, before, since: since) == 0)

    let written = traffic.stop()
    let live = try Self.state(server, (0..<written).map { "live:\($0)" })
    #expect(live.values.allSatisfy { $0.dump != nil })
    // The counter began anew behind the FLUSHALL, and that is the newer value.
    let counter = try #require(try server.call("GET", "counter").integer)
    #expect(counter > 0 && counter < Int64(1000 + written))
    let release = try object(redisBackup(["rescue", "--release", url, "--json"], directory))
    #expect(release["autoAofRewritePercentage"] as? String == "100")
    #expect(
      try server.call("CONFIG", "GET", "auto-aof-rewrite-percentage").items?[1].text == "100")
    #expect(try server.info("server")["run_id"] == run)
    _ = try redisBackup(["rescue", "--release", url], directory, status: 1)
  }

  @Test(arguments: [RealServer.Version.redis7_0, .valkey9_1, .redis6_2])
  func whatWasChangedMeanwhileIsLeftAlone(_ version: RealServer.Version) throws {
    let directory = try TemporaryDirectory()
    let server = try RealServer(version, options: log)
    let url = "unix://\(server.socket)"
    for name in ["same", "touched", "refreshed"] {
      try server.call("HSET", name, "a", "1", "b", "2")
      try server.call("PEXPIREAT", name, "4102444800000")
    }
    for name in ["gone", "back"] { try server.call("RPUSH", name, "a", "b") }
    try server.call("SET", "old", "1")
    for name in ["same", "touched", "refreshed"] { try server.call("HDEL", name, "a") }
    try server.call("DEL", "gone", "back")
    try server.call("RENAME", "old", "made")
    let safe = directory.file("safe")
    _ = try redisBackup(["rescue", url, "-o", safe], directory)
    // After the log was saved as a copy: nobody but the server knows of these.
    let copy = directory.file("copy")
    try FileManager.default.copyItem(atPath: safe, toPath: copy)
    try server.call("HSET", "touched", "c", "3")
    try server.call("PEXPIREAT", "refreshed", "4102444900000")
    try server.call("SET", "back", "newer")
    let select = ["undo", copy, "--command", "hdel,del,rename"]
    let dry = try object(redisBackup(select + ["--apply", url, "--dry-run", "--json"], directory))
    #expect((dry["restored"] as? [Any])?.count == 6)
    let json = try object(redisBackup(select + ["--apply", url, "--json"], directory))
    let applied = try #require(json["applied"] as? [String: Any])
    #expect(applied["restored"] as? Int == 2)
    #expect(applied["replaced"] as? Int == 1)
    let left = (applied["leftAlone"] as? [[String: Any]] ?? []).map {
      "\($0["key"] as? String ?? "") \($0["reason"] as? String ?? "")"
    }.sorted()
    #expect(
      left == [
        "back is there again", "refreshed was changed meanwhile", "touched was changed meanwhile",
      ])
    #expect(try server.call("HGET", "same", "a").text == "1")
    #expect(try server.call("HGET", "touched", "a").isNull)
    #expect(try server.call("LRANGE", "gone", "0", "-1").items?.count == 2)
    #expect(try server.call("GET", "back").text == "newer")
    #expect(try server.call("GET", "made").text == "1")
    // Once more: nothing is done twice; what the accident made goes when it is told so.
    let last = try object(
      redisBackup(select + ["--apply", url, "--remove-made", "--json"], directory))
    #expect((last["applied"] as? [String: Any])?["removed"] as? Int == 1)
    #expect((last["applied"] as? [String: Any])?["restored"] as? Int == 0)
    #expect(try server.call("EXISTS", "made").integer == 0)
  }

  @Test(arguments: [RealServer.Version.redis7_0, .valkey9_1, .redis6_2])
  func aPatchIsSentThroughAPipe(_ version: RealServer.Version) throws {
    let directory = try TemporaryDirectory()
    let server = try RealServer(version, options: log)
    let later = "4102444800000"
    try Self.fill(server, 600)
    try server.call("SELECT", "3")
    try server.call("SET", "other", "1", "PX", "100000000")
    try server.call("SELECT", "0")
    try server.call("SET", "newer", "1")
    try server.call("PEXPIREAT", "newer", later)
    let digest = try server.debugDigest()
    try server.call("FLUSHALL")
    for form in [[], ["--as-commands"]] {
      try server.call("FLUSHALL")
      let patch = directory.file("patch\(form.count)")
      // The first FLUSHALL is the accident.
      let all = ["undo", server.directory, "--command", "flushall"]
      let result = try redisBackup(all + ["--patch", patch] + form, directory)
      #expect(result.text.contains("redis-cli --pipe < "))
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: patch)))
      let toStandardOutput = try redisBackup(all + ["--patch", "-"] + form, directory)
      // Consumers of streams were seen at the moment of the replay, so a few bytes differ.
      #expect(abs(toStandardOutput.output.count - bytes.count) < 16)
      // RESTORE does not overwrite; here everything is gone.
      let pipe = try RedisConnection(socket: server.socket)
      let commands = bytes.split(separator: UInt8(ascii: "\n")).filter {
        $0.first == UInt8(ascii: "*") && $0.count < 8
      }.count
      let replies = try pipe.send(bytes, replies: form.isEmpty ? commands : 0)
      for reply in replies { if case .error(let text) = reply { Issue.record("\(text)") } }
      if !form.isEmpty { usleep(300_000) }
      #expect(try server.debugDigest() == digest, "\(form)")
    }
  }

  @Test func aServerThatRefusesPayloadsGetsCommands() throws {
    let directory = try TemporaryDirectory()
    let server = try RealServer(.redis6_2, options: log)
    try Self.fill(server, 60)
    let digest = try server.debugDigest()
    try server.call("FLUSHALL")
    let url = "unix://\(server.socket)"
    let select = ["undo", server.directory, "--command", "flushall", "--apply", url, "--json"]
    // Payloads of a newer server: refused by version, so plain commands are sent.
    let json = try object(redisBackup(select + ["--target", "redis:7.4"], directory))
    let applied = try #require(json["applied"] as? [String: Any])
    #expect(applied["restored"] as? Int == 61)
    #expect((applied["asCommands"] as? Int ?? 0) > 0)
    #expect((applied["failed"] as? [Any])?.isEmpty == true, "\(applied)")
    #expect(try server.debugDigest() == digest)
  }

  @Test func passwordsAndReplicas() throws {
    let directory = try TemporaryDirectory()
    let server = try RealServer(.redis7_0, options: log)
    try server.call("CONFIG", "SET", "requirepass", "geheim")
    let url = "unix://\(server.socket)"
    #expect(try redisBackup(["rescue", url], directory, status: 77).text.isEmpty)
    let inURL = try redisBackup(["rescue", "redis://:geheim@localhost:1"], directory, status: 64)
    #expect(!inURL.errorText.contains("geheim"))
    let file = try directory.write("geheim\n", to: "password")
    let out = directory.file("safe")
    _ = try redisBackup(["rescue", url, "--password-file", file, "-o", out], directory)
    let result = try Shell.redisBackup(
      "rescue", "--release", url,
      environment: ["XDG_STATE_HOME": directory.file("state"), "REDISCLI_AUTH": "geheim"])
    #expect(result.status == 0, "\(result.errorText)")
    let replica = try RealServer(.redis7_0, options: ["--replicaof", "127.0.0.1", "1"])
    let demo = Fixture.path("demo/appendonly.aof")
    let refused = try redisBackup(
      ["undo", demo, "--command", "DEL", "--apply", "unix://\(replica.socket)"], directory,
      status: 64)
    #expect(refused.errorText.contains("replica"))
    _ = try redisBackup(
      ["undo", demo, "--command", "DEL", "--apply", "unix://\(directory.file("none"))"], directory,
      status: 69)
  }
}

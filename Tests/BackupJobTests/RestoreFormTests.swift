import Foundation
import Operations
import RDB
import TestSupport
import Testing

@testable import BackupJob

/// Restoring into another form, for another server, a part of it; each time a real server loads it.
@Suite(.serialized) struct RestoreFormTests {
  private static let library =
    "#!lua name=lib\nredis.register_function('f', function() return 1 end)"

  private func loaded(
    _ outcome: RestoreBackup.Outcome, log: Bool, _ version: RealServer.Version = .redis7_0
  ) throws -> LoopbackServer {
    try LoopbackServer(
      version, options: ["--dir", outcome.directories[0], "--appendonly", log ? "yes" : "no"])
  }

  /// A log as a dump, for another server and of some keys, all with the same data behind.
  @Test func aLogInEveryForm() throws {
    let server = try LoopbackServer(options: ["--appendonly", "yes"])
    defer { server.keep() }
    try server.fill(500)
    try server.call("BGREWRITEAOF")
    try waitFor("rewritten") { try server.info()["aof_rewrite_in_progress"] == "0" }
    try server.fill(100, prefix: "later")
    try server.call("SET", "timed", "x", "PXAT", "4102444800123")
    let digest = try #require(server.call("DEBUG", "DIGEST").text)
    let directory = try TemporaryDirectory()
    let context = try makeContext(
      yaml("redis://127.0.0.1:\(server.port)", source: "method: aof\ndata-dir: \(server.data)"),
      directory)
    let restore = RestoreBackup(context)
    let id = try CreateBackup(context).run().record.id
    var options = RestoreBackup.Options()

    options.form = .rdb
    let dump = try restore.run(id, into: directory.file("rdb"), options: options)
    #expect(tree(directory.file("rdb")) == ["dump.rdb"])
    #expect(dump.keys == 601)
    #expect(dump.configuration[0].contains("appendonly no"))
    let one = try loaded(dump, log: false)
    #expect(try one.call("DEBUG", "DIGEST").text == digest)
    #expect(try one.call("PEXPIRETIME", "timed").number == 4_102_444_800_123)

    options.form = .both
    options.target = RDBTarget("redis:6.2")
    let older = try restore.run(id, into: directory.file("older"), options: options)
    #expect(tree(directory.file("older")) == ["dump.rdb"], "6.2 knows no multi-part directory")
    #expect(try loaded(older, log: false, .redis6_2).call("DEBUG", "DIGEST").text == digest)

    options.form = .multiPart
    #expect(
      jobError { _ = try restore.run(id, into: directory.file("no"), options: options) }?.kind
        == .usage)
    #expect(Files.status(directory.file("no")) == nil)

    options.target = RDBTarget("valkey:9.1")
    options.selection.keys = [Glob("later:*")]
    let some = try restore.run(id, into: directory.file("some"), options: options)
    #expect(some.keys == 100)
    #expect(Files.status(directory.file("some/dump.rdb")) == nil)
    let valkey = try loaded(some, log: true, .valkey9_1)
    #expect(try valkey.call("DBSIZE").number == 100)
    #expect(try valkey.call("EXISTS", "later:7").number == 1)
  }

  @Test func aDumpInEveryForm() throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(300)
    try server.call("FUNCTION", "LOAD", Self.library)
    let digest = try #require(server.call("DEBUG", "DIGEST").text)
    let directory = try TemporaryDirectory()
    let context = try makeContext(yaml("redis://127.0.0.1:\(server.port)"), directory)
    let restore = RestoreBackup(context)
    let id = try CreateBackup(context).run().record.id
    var options = RestoreBackup.Options()
    options.form = .multiPart
    let parts = try restore.run(id, into: directory.file("parts"), options: options)
    let one = try loaded(parts, log: true)
    #expect(try one.call("DEBUG", "DIGEST").text == digest)
    #expect(try one.call("FUNCTION", "LIST").elements?.count == 1)

    // 6.2 has no functions: nothing is made unless that is wanted.
    options.form = .both
    options.target = RDBTarget("redis:6.2")
    let error = jobError {
      _ = try restore.run(id, into: directory.file("older"), options: options)
    }
    #expect(error?.kind == .negative)
    #expect(error?.message.contains("function") == true, "\(String(describing: error))")
    #expect(tree(directory.path).allSatisfy { !$0.contains("older") && !$0.contains("restoring") })
    options.lossy = true
    let older = try restore.run(id, into: directory.file("older"), options: options)
    #expect(older.lostCount == 1)
    #expect(try loaded(older, log: false, .redis6_2).call("DEBUG", "DIGEST").text == digest)
  }

  /// The state of a moment as a dump.
  @Test func aMomentOfALogAsADump() throws {
    let server = try LoopbackServer(options: [
      "--appendonly", "yes", "--aof-timestamp-enabled", "yes",
    ])
    defer { server.keep() }
    try server.fill(40)
    pause(.milliseconds(2100))
    let between = UTCTime(seconds: UTCTime.now.seconds - 1)
    try server.call("FLUSHALL")
    let directory = try TemporaryDirectory()
    let context = try makeContext(
      yaml("redis://127.0.0.1:\(server.port)", source: "method: aof\ndata-dir: \(server.data)"),
      directory)
    let id = try CreateBackup(context).run().record.id
    var options = RestoreBackup.Options()
    options.toTime = between
    options.form = .rdb
    let outcome = try RestoreBackup(context).run(id, into: directory.file("out"), options: options)
    #expect(outcome.keys == 40)
    #expect(try loaded(outcome, log: false).call("DBSIZE").number == 40)
  }

  @Test func whatIsInUseIsRefused() throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(10)
    let directory = try TemporaryDirectory()
    let context = try makeContext(yaml("redis://127.0.0.1:\(server.port)"), directory)
    let id = try CreateBackup(context).run().record.id
    #expect(try FileManager.default.contentsOfDirectory(atPath: server.data).isEmpty)
    let used = jobError { _ = try RestoreBackup(context).run(id, into: server.data) }
    #expect(used?.kind == .cannotCreate)
    #expect(used?.message.contains("a running server") == true, "\(String(describing: used))")
    try FileManager.default.createDirectory(
      atPath: directory.file("full"), withIntermediateDirectories: false)
    try directory.write("x", to: "full/x")
    let full = jobError { _ = try RestoreBackup(context).run(id, into: directory.file("full")) }
    #expect(full?.kind == .cannotCreate)
    #expect(tree(directory.file("full")) == ["x"])
  }

  /// The same from the command line.
  @Test func theCommand() throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(100)
    let directory = try TemporaryDirectory()
    let file = try directory.write(
      yaml("redis://127.0.0.1:\(server.port)").replacingOccurrences(
        of: "$DIR", with: directory.path), to: "c.yaml")
    func tool(_ arguments: String...) throws -> Shell.Result {
      try Shell.run(PackageRoot.redisBackup, ["snapshot"] + arguments + ["-c", file])
    }
    #expect(try tool("create", "-q").status == 0)
    let made = try tool(
      "restore", "latest", "-o", directory.file("out"), "--target", "redis:6.2", "--key", "key:1*",
      "--type", "string,hash", "--json")
    #expect(made.status == 0, "\(made.errorText)")
    let answer = try #require(
      try JSONSerialization.jsonObject(with: Data(made.text.utf8)) as? [String: Any])
    let matching = try Shell.run(
      PackageRoot.redisBackup,
      ["keys", directory.file("out/dump.rdb"), "--key", "key:1*", "--type", "string,hash"])
    #expect(answer["keys"] as? Int == matching.text.split(separator: "\n").count)
    #expect(
      try tool("restore", "latest", "-o", directory.file("x"), "--target", "redis:x").status == 64)
  }
}

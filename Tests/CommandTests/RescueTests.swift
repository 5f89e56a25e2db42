import Foundation
import TestSupport
import Testing

/// `rescue` beside real servers: what it saves, what it refuses, and that it can be taken back.
@Suite(.serialized) struct RescueTests {
  private func percentage(_ server: RealServer) throws -> String? {
    try server.call("CONFIG", "GET", "auto-aof-rewrite-percentage").items?[1].text
  }

  @Test(arguments: [RealServer.Version.redis6_2, .redis7_0, .valkey9_1])
  func theLogIsSafeFromARewrite(_ version: RealServer.Version) throws {
    let directory = try TemporaryDirectory()
    let server = try RealServer(
      version,
      options: [
        "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "150",
      ])
    let url = "unix://\(server.socket)"
    try server.call("SET", "a", "1")
    try server.call("DEL", "a")
    let safe = directory.file("safe")
    let text = try redisBackup(["rescue", url, "-o", safe], directory).text
    #expect(text.contains("redis-backup losses") && text.contains("--release"))
    #expect(text.contains("was 150") && text.contains("hard links"))
    #expect(try percentage(server) == "0")
    // Once more: the first value is kept, not the 0; and no output is overwritten.
    _ = try redisBackup(["rescue", url, "-o", safe], directory, status: 73)
    _ = try redisBackup(["rescue", url, "-o", directory.file("again")], directory)
    // What the server deletes now stays there.
    try server.call("BGREWRITEAOF")
    try server.waitForBackgroundWork()
    let log = try redisBackup(["log", safe, "--command", "DEL"], directory)
    #expect(log.lines.count == 1)
    _ = try redisBackup(["undo", safe, "--command", "DEL", "--apply", url], directory)
    #expect(try server.call("GET", "a").text == "1")
    let done = try redisBackup(["rescue", "--release", url], directory).text
    #expect(done.contains("150"))
    #expect(try percentage(server) == "150")
    #expect(try directory.names().sorted() == ["again", "safe", "state"])
  }

  @Test(arguments: [RealServer.Version.redis6_2, .redis7_0, .valkey9_1])
  func aRunningRewriteIsWaitedFor(_ version: RealServer.Version) throws {
    let directory = try TemporaryDirectory()
    var options = [
      "--appendonly", "yes", "--appendfsync", "always", "--rdb-key-save-delay", "2000",
    ]
    options += ["--aof-use-rdb-preamble", "yes"]
    let server = try RealServer(version, options: options)
    let url = "unix://\(server.socket)"
    _ = try server.attempt(
      batch: (0..<1000).map { number in ["SET", "k\(number)", "1"].map { Array($0.utf8) } })
    try server.call("SET", "a", "1")
    try server.call("DEL", "a")
    try server.call("BGREWRITEAOF")
    let safe = directory.file("safe")
    let result = try redisBackup(["rescue", url, "-o", safe], directory, status: 75)
    #expect(result.errorText.contains("rewrite"))
    #expect(result.errorText.contains("aof_rewrite_in_progress:0"))
    #expect(try percentage(server) == "0")
    // The log with the accident was saved nevertheless, under another name.
    let names = try directory.names().filter { $0.hasPrefix("safe") }
    #expect(names.count == 1 && names[0].hasPrefix("safe.before-rewrite-"))
    try server.call("CONFIG", "SET", "rdb-key-save-delay", "0")
    try server.waitForBackgroundWork()
    let saved = try redisBackup(["log", directory.file(names[0]), "--command", "DEL"], directory)
    #expect(saved.lines.count == 1)
    _ = try redisBackup(["rescue", url, "-o", safe], directory)
    _ = try redisBackup(["rescue", "--release", url], directory)
    #expect(try percentage(server) == "100")
  }

  @Test func theSettingComesBackAfterACrashAndARestart() throws {
    let directory = try TemporaryDirectory()
    let server = try RealServer(
      .redis7_0, options: ["--appendonly", "yes", "--appendfsync", "always"])
    let url = "unix://\(server.socket)"
    try server.call("SET", "a", "1")
    // A rescue that finds no log has written its state and changed the setting before.
    let nowhere = directory.file("nowhere")
    let failed = try redisBackup(["rescue", url, "--data-dir", nowhere], directory, status: 66)
    #expect(failed.errorText.contains("not on this machine"))
    #expect(failed.errorText.contains("were 100"))
    #expect(try percentage(server) == "0")
    // Another address of the same server.
    let other = directory.file("s")
    try FileManager.default.createSymbolicLink(atPath: other, withDestinationPath: server.socket)
    _ = try redisBackup(["rescue", "--release", "unix://\(other)"], directory)
    #expect(try percentage(server) == "100")
    // Somebody has set something else meanwhile.
    _ = try redisBackup(["rescue", url, "-o", directory.file("safe")], directory)
    try server.call("CONFIG", "SET", "auto-aof-rewrite-percentage", "50")
    let done = try redisBackup(["rescue", "--release", url], directory)
    #expect(done.text.contains("somebody else"))
    #expect(try percentage(server) == "50")
    #expect(try redisBackup(["rescue", "--release", url], directory, status: 1).text.isEmpty)
  }

  @Test func theFilesOfAnotherServerAreNotTaken() throws {
    let directory = try TemporaryDirectory()
    let one = try RealServer(
      .redis7_0, options: ["--appendonly", "yes", "--appendfsync", "always"])
    let two = try RealServer(
      .redis7_0, directory: directory.file("data"),
      options: ["--appendonly", "yes", "--appendfsync", "always"])
    for number in 0..<100 { try one.call("SET", "k\(number)", "1") }
    try two.call("SET", "a", "1")
    // A container's server says a path that means another directory here.
    let name = one.directory + "/appendonlydir"
    try FileManager.default.moveItem(atPath: name, toPath: name + ".hidden")
    try FileManager.default.createSymbolicLink(
      atPath: name, withDestinationPath: two.directory + "/appendonlydir")
    let url = "unix://\(one.socket)"
    let result = try redisBackup(["rescue", url], directory, status: 66)
    #expect(result.errorText.contains("is not its log"))
    #expect(result.errorText.contains("--data-dir"))
    _ = try redisBackup(["rescue", "--release", url], directory)
    let off = try RealServer(.redis7_0)
    let none = try redisBackup(["rescue", "unix://\(off.socket)"], directory, status: 64)
    #expect(none.errorText.contains("appendonly off"))
  }
}

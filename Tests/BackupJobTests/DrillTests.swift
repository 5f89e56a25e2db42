import Foundation
import TestSupport
import Testing

@testable import BackupJob

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Drills find what the digest of a server does not see.
@Suite(.serialized) struct DrillTests {
  private static let library =
    "#!lua name=lib\nredis.register_function('f', function() return 1 end)"

  /// A server program that loads `other` instead of what it is given.
  private func impostor(_ other: String, _ directory: TemporaryDirectory) throws -> String {
    let script = try directory.write(
      """
      #!/bin/sh
      previous=
      for argument in "$@"; do
        if [ "$previous" = --dir ]; then rm -f "$argument/dump.rdb"; cp "\(other)" "$argument/dump.rdb"; fi
        previous=$argument
      done
      exec "\(try RealServer.Version.redis7_0.path())" "$@"
      """, to: "impostor")
    unsafe chmod(script, 0o755)
    return script
  }

  private func change(
    _ changes: [[String]], expecting words: String
  ) throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.call("SET", "timed", "x", "PXAT", "4102444800000")
    try server.call("XADD", "stream", "1-1", "f", "v")
    try server.call("XADD", "stream", "2-1", "f", "v")
    try server.call("XGROUP", "CREATE", "stream", "group", "0")
    try server.call("XREADGROUP", "GROUP", "group", "alice", "COUNT", "1", "STREAMS", "stream", ">")
    try server.call("FUNCTION", "LOAD", Self.library)
    let directory = try TemporaryDirectory()
    let url = "redis://127.0.0.1:\(server.port)"
    let honest = try makeContext(
      yaml(url, more: "drill:\n  server: \(try RealServer.Version.redis7_0.path())"), directory)
    let id = try CreateBackup(honest).run().record.id
    let good = try Drill(honest).run(id)
    #expect(good.isGood, "\(good.differences)")
    #expect(good.compared.contains { $0.hasPrefix("digest of the whole state") })
    #expect(good.compared.contains { $0 == "1 expiry times, 0 of fields, 1 streams" })
    #expect(good.compared.contains { $0 == "1 libraries of functions" })
    #expect(good.compared.contains { $0 == "all that the server saves, 2 keys" })

    let before = try #require(server.call("DEBUG", "DIGEST").text)
    let connection = try Connection(server.endpoint, ConnectionSettings())
    for command in changes { _ = try connection.exchange(command) }
    #expect(try server.call("DEBUG", "DIGEST").text == before, "the digest does not see it")
    // The copy for the backup may still be ending.
    try waitFor("no save runs") { try server.info()["rdb_bgsave_in_progress"] == "0" }
    try server.call("SAVE")
    let program = try impostor("\(server.data)/dump.rdb", directory)
    let deceived = try makeContext(yaml(url, more: "drill:\n  server: \(program)"), directory)
    let report = try Drill(deceived).run(id)
    #expect(report.digests == good.digests)
    #expect(!report.isGood)
    #expect(report.differences.contains { $0.contains(words) }, "\(report.differences)")
  }

  @Test func anotherExpiryTime() throws {
    try change([["PEXPIREAT", "timed", "4102444800001"]], expecting: "PEXPIRETIME 4102444800001")
  }

  @Test func otherPendingEntries() throws {
    try change(
      [["XREADGROUP", "GROUP", "group", "bob", "COUNT", "1", "STREAMS", "stream", ">"]],
      expecting: "pending")
  }

  @Test func anotherGroup() throws {
    try change([["XGROUP", "CREATE", "stream", "second", "0"]], expecting: "groups")
  }

  @Test func otherFunctions() throws {
    try change([["FUNCTION", "FLUSH"]], expecting: "FUNCTION LIST: 0 libraries")
  }

  /// Times of hash fields, on the server that has them.
  @Test func timesOfFields() throws {
    let server = try LoopbackServer(.valkey9_1)
    defer { server.keep() }
    try server.call("HSET", "hash", "a", "1", "b", "2")
    try server.call("HPEXPIREAT", "hash", "4102444800000", "FIELDS", "1", "a")
    let directory = try TemporaryDirectory()
    let program = try RealServer.Version.valkey9_1.path()
    let context = try makeContext(
      yaml("redis://127.0.0.1:\(server.port)", more: "drill:\n  server: \(program)"), directory)
    let id = try CreateBackup(context).run().record.id
    let report = try Drill(context).run(id)
    #expect(report.isGood, "\(report.differences)")
    #expect(report.compared.contains { $0 == "0 expiry times, 1 of fields, 0 streams" })
  }
}

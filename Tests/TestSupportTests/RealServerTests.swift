import Foundation
import TestSupport
import Testing

@Suite struct RealServerTests {
  @Test(arguments: RealServer.Version.allCases)
  func startsAnswersAndEnds(version: RealServer.Version) throws {
    let server = try RealServer(version)
    let empty = try server.debugDigest()
    #expect(empty == String(repeating: "0", count: 40))
    #expect(try server.call("SET", "test", "Nice to meet you") == .status("OK"))
    #expect(try server.call("GET", "test").text == "Nice to meet you")
    #expect(try server.debugDigest() != empty)
    #expect(try server.call("GET", "other").isNull)
    #expect(try server.call("RPUSH", "list", "a", "b").integer == 2)
    let items = try server.call("LRANGE", "list", "0", "-1").items
    #expect(items == [.bulk(Array("a".utf8)), .bulk(Array("b".utf8))])
    #expect(throws: TestSupportError.self) { try server.call("INCR", "list") }
    #expect(try server.attempt("INCR", "list").text?.hasPrefix("WRONGTYPE") == true)
    let number = server.version == .valkey9_1 ? "valkey_version" : "redis_version"
    #expect(try server.info("server")[number]?.hasPrefix(version.rawValue) == true)
    try server.shutdown()
    #expect(server.log.contains("bye bye"))
    #expect(throws: TestSupportError.self) { try server.call("PING") }
  }

  @Test(arguments: RealServer.Version.allCases)
  func keepsItsLogAndLoadsItAgain(version: RealServer.Version) throws {
    let folder = try TemporaryDirectory()
    let first = try RealServer(version, directory: folder.path, options: ["--appendonly", "yes"])
    // Larger than a pipe's or a socket's buffer.
    let large = [UInt8](repeating: 0x78, count: 3_000_000)
    try first.call([Array("SET".utf8), Array("large".utf8), large])
    let batch = (0..<1000).map { ["SET", "k\($0)", "v\($0)"].map { Array($0.utf8) } }
    #expect(try first.attempt(batch: batch).allSatisfy { $0 == .status("OK") })
    try first.call("BGREWRITEAOF")
    try first.waitForBackgroundWork()
    try first.call("SET", "after", "rewrite")
    let digest = try first.debugDigest()
    try first.shutdown()

    let path = folder.file(version == .redis6_2 ? "appendonly.aof" : "appendonlydir")
    let second = try RealServer.loading(aof: path, version)
    #expect(try second.debugDigest() == digest)
    #expect(try second.call("GET", "large").bytes == large)
    #expect(try second.call("DBSIZE").integer == 1002)
  }

  @Test func saysWhyAServerDoesNotStart() throws {
    let folder = try TemporaryDirectory()
    try folder.write("no commands", to: "appendonly.aof")
    let error = #expect(throws: TestSupportError.self) {
      try RealServer.loading(aof: folder.file("appendonly.aof"), .redis6_2)
    }
    #expect(error?.description.contains("Bad file format") == true)
  }

  @Test func leavesNothingBehind() throws {
    var server: RealServer? = try RealServer(.redis7_0)
    let process = try #require(server?.process)
    let socket = try #require(server?.socket)
    server = nil
    #expect(kill(process, 0) == -1)
    #expect(!FileManager.default.fileExists(atPath: socket))
  }
}

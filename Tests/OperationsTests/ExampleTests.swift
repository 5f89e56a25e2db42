import Bytes
import Examples
import Foundation
import Keyspace
import Operations
import RDB
import TestSupport
import Testing

/// The examples of the library do what they say.
@Suite struct ExampleTests {
  @Test func readingDumps() throws {
    let path = Fixture.path("r7.0/types.rdb")
    let found = try keysWithoutExpiry(of: path)
    let objects = try ExportTests.objects(ExportTests.export(path, Export.Options()))
    let wanted = objects.filter { $0["pexpireat"] == .null }
    #expect(found.map(\.name).count == wanted.count && !found.isEmpty)
    let members = wanted.filter { $0["type"].text == "zset" }.reduce(0) {
      $0 + $1["value"].items.count
    }
    #expect(found.reduce(0) { $0 + $1.members } == members && members > 0)
  }

  @Test func readingOneHash() throws {
    let path = Fixture.path("r7.0/types.rdb")
    let objects = try ExportTests.objects(ExportTests.export(path, Export.Options()))
    let hash = try #require(
      objects.first {
        $0["type"].text == "hash" && $0["db"] == .integer(0) && $0["key"].text != nil
      })
    let found = try #require(try fields(of: hash["key"].text ?? "", in: path))
    #expect(found.count == hash["value"].items.count && !found.isEmpty)
    #expect(try fields(of: "no such key", in: path) == nil)
  }

  @Test func firstFaults() throws {
    let path = Fixture.path("r7.0/types.rdb")
    #expect(try firstFault(of: path) == nil)
    try withTemporaryDirectory { directory in
      let whole = try Fixture.bytes("r7.0/types.rdb")
      let cut = try directory.write(whole.dropLast(20), to: "cut.rdb")
      let fault = try #require(try firstFault(of: cut))
      #expect(fault.hasPrefix(cut + ": "), "\(fault)")
    }
  }

  @Test func patchingARunningServer() throws {
    try withTemporaryDirectory { directory in
      let log =
        command("SELECT", "0") + command("SET", "a", "1") + command("RPUSH", "b", "x", "y")
        + command("DEL", "a", "b") + command("SET", "c", "3")
      let path = try directory.write(log, to: "a.aof")
      let losses = try commandsThatDestroyedKeys(in: path)
      #expect(losses.map(\.number) == [4] && losses.map(\.keys) == [2])
      let target = try #require(RDBTarget("redis:6.2"))
      let patch = directory.file("patch")
      #expect(try writePatch(undoing: 4, of: path, for: target, to: patch) == 2)
      let server = try RealServer(
        .redis6_2, files: ["appendonly.aof": path], options: ["--appendonly", "yes"])
      let sent = try Shell.run(
        "redis-cli", ["-s", server.socket, "--pipe"], stdin: try directory.read("patch"))
      #expect(sent.status == 0, "\(sent.text)\(sent.errorText)")
      #expect(try server.call("LRANGE", "b", "0", "-1").items?.count == 2)
    }
  }

  @Test func undoingAccidents() throws {
    try withTemporaryDirectory { directory in
      let log =
        command("SELECT", "0") + command("SET", "a", "1") + command("SET", "b", "2")
        + command("FLUSHALL") + command("SET", "c", "3")
      let path = try directory.write(log, to: "a.aof")
      #expect(try undo("FLUSHALL", in: path, to: directory.file("b.aof")) == 2)
      #expect(try Logs.words(directory.file("b.aof")).count == 4)
      #expect(try directory.read("a.aof") == log)
      #expect(try undo("SPOP", in: path, to: directory.file("c.aof")) == 0)
    }
  }

  @Test func writingDumps() throws {
    try withTemporaryDirectory { directory in
      let dump = directory.file("a.rdb")
      let target = try #require(RDBTarget("redis:6.2"))
      try writeDump(["name": "value", "number": "12"], for: target, to: dump)
      let server = try RealServer(.redis6_2, files: ["dump.rdb": dump])
      #expect(try server.call("GET", "number").text == "12")
      #expect(try server.debugDigest() == Digest.of(DataInput(dump), style: .redis70).digest)
    }
  }

  @Test func restorePipelines() throws {
    try withTemporaryDirectory { directory in
      let target = try #require(RDBTarget("redis:6.2"))
      let memory = MemoryTarget()
      var output = OutputBuffer(memory)
      let lost = try restorePipeline(
        of: Fixture.path("r7.0/types.rdb"), database: 0, for: target, to: &output)
      #expect(lost.allSatisfy { !$0.loss.contains(.key) })
      let log = try directory.write(memory.bytes, to: "a.aof")
      let server = try RealServer(
        .redis6_2, files: ["appendonly.aof": log], options: ["--appendonly", "yes"])
      let size = try server.call("DBSIZE").integer ?? 0
      #expect(size > 10)
    }
  }
}

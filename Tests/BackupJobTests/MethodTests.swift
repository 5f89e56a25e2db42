import Foundation
import TestSupport
import Testing

@testable import BackupJob

/// Each way of taking data, from real servers of each version; drilled and compared by the server's
/// own digest.
@Suite(.serialized) struct MethodTests {
  @Test(arguments: RealServer.Version.allCases)
  func byReplication(_ version: RealServer.Version) throws {
    let server = try LoopbackServer(version)
    defer { server.keep() }
    try server.fill(3000)
    try server.call("SET", "expiring", "x", "EX", "1000")
    try server.call("XADD", "stream", "1-1", "f", "v")
    let digest = try #require(server.call("DEBUG", "DIGEST").text)
    let directory = try TemporaryDirectory()
    let text = yaml(
      "redis://127.0.0.1:\(server.port)", more: "drill:\n  server: \(try version.path())")
    let context = try makeContext(text, directory)
    let record = try CreateBackup(context).run().record
    let part = record.parts[0]
    #expect(part.keys == 3002)
    #expect(part.databases == [.init(db: 0, keys: 3002, expires: 1)])
    #expect(part.digest == digest)
    #expect(record.verification.level == "full")
    #expect(try VerifyBackup(context).run(record.id, level: .full).isGood)
    let drill = try Drill(context).run(record.id)
    #expect(drill.isGood, "\(drill.differences)")
    #expect(drill.digests == [digest])
    #expect(drill.compared.contains { $0.hasPrefix("all that the server saves, 3002 keys") })
  }

  /// A drill with a newer server of another family: the digest is computed in its style.
  @Test func drillInAnotherFamily() throws {
    let server = try LoopbackServer(.redis7_0)
    defer { server.keep() }
    try server.fill(500)
    let directory = try TemporaryDirectory()
    let text = yaml(
      "redis://127.0.0.1:\(server.port)",
      more: "drill:\n  server: \(try RealServer.Version.valkey9_1.path())")
    let context = try makeContext(text, directory)
    let record = try CreateBackup(context).run().record
    let drill = try Drill(context).run(record.id)
    #expect(drill.isGood, "\(drill.differences)")
    #expect(drill.server.contains("valkey"))
  }

  @Test(arguments: [RealServer.Version.redis7_0, .valkey9_1])
  func byTheAppendOnlyFiles(_ version: RealServer.Version) throws {
    let server = try LoopbackServer(
      version,
      options: [
        "--appendonly", "yes", "--aof-timestamp-enabled", "yes", "--auto-aof-rewrite-percentage",
        "77",
      ])
    defer { server.keep() }
    try server.fill(2000)
    try server.call("BGREWRITEAOF")
    // A stamp is written once a second, so the new file gets one.
    pause(.milliseconds(1100))
    try server.fill(1000, prefix: "later")
    let digest = try #require(server.call("DEBUG", "DIGEST").text)
    let directory = try TemporaryDirectory()
    let context = try makeContext(
      yaml(
        "redis://127.0.0.1:\(server.port)", source: "method: aof\ndata-dir: \(server.data)",
        more: "drill:\n  server: \(try version.path())"), directory)
    let record = try CreateBackup(context).run().record
    #expect(
      try server.call("CONFIG", "GET", "auto-aof-rewrite-percentage").elements?.last?.text == "77")
    let part = record.parts[0]
    #expect(Set(part.files.map(\.kind)) == ["base", "incr", "manifest"])
    #expect(part.keys == 3000)
    #expect(part.digest == digest)
    #expect(part.logTime != nil)
    #expect(tree(directory.file("repo/.state")).isEmpty)
    #expect(try VerifyBackup(context).run(record.id, level: .full).isGood)
    let drill = try Drill(context).run(record.id)
    #expect(drill.isGood, "\(drill.differences)")
    #expect(drill.digests == [digest])
  }

  @Test func aLogIsCutToAMoment() throws {
    let server = try LoopbackServer(options: [
      "--appendonly", "yes", "--aof-timestamp-enabled", "yes",
    ])
    defer { server.keep() }
    try server.fill(40)
    pause(.milliseconds(1100))
    let between = UTCTime.now
    pause(.milliseconds(2100))
    try server.call("FLUSHALL")
    let directory = try TemporaryDirectory()
    let text = yaml(
      "redis://127.0.0.1:\(server.port)", source: "method: aof\ndata-dir: \(server.data)")
    let context = try makeContext(text, directory)
    let id = try CreateBackup(context).run().record.id
    #expect(try RestoreBackup(context).findLog(reaching: between) == id)
    var options = RestoreBackup.Options()
    options.toTime = between
    let outcome = try RestoreBackup(context).run(id, into: directory.file("out"), options: options)
    let restored = try LoopbackServer(options: [
      "--dir", outcome.directories[0], "--appendonly", "yes",
    ])
    defer { restored.keep() }
    #expect(try restored.call("DBSIZE").number == 40)
    let whole = try RestoreBackup(context).run(id, into: directory.file("whole"))
    let flushed = try LoopbackServer(options: [
      "--dir", whole.directories[0], "--appendonly", "yes",
    ])
    defer { flushed.keep() }
    #expect(try flushed.call("DBSIZE").number == 0)
  }

  /// Rewrites all the time, writes all the time: every copy is a whole log that a server loads.
  @Test func theLogStaysWholeUnderWritesAndRewrites() throws {
    let server = try LoopbackServer(options: ["--appendonly", "yes"])
    defer { server.keep() }
    let isEnded = Flag()
    let writer = Worker<Int>("writer") { () throws(JobError) in
      let connection = try Connection(
        server.endpoint, ConnectionSettings(commandTimeout: .seconds(30)))
      var count = 0
      while !isEnded.isSet {
        _ = try connection.exchange([
          "SET", "k\(count % 5000)", String(repeating: "v", count: count % 300),
        ])
        if count % 200 == 0 { _ = try connection.exchange(["BGREWRITEAOF"]) }
        if count % 7 == 0 {
          _ = try connection.exchange(["MULTI"])
          _ = try connection.exchange(["INCR", "n"])
          _ = try connection.exchange(["INCR", "m"])
          _ = try connection.exchange(["EXEC"])
        }
        count += 1
      }
      return count
    }
    let directory = try TemporaryDirectory()
    for method in ["file", "aof", "file", "aof", "file"] {
      let context = try makeContext(
        yaml(
          "redis://127.0.0.1:\(server.port)", source: "method: \(method)\ndata-dir: \(server.data)",
          more: "drill:\n  server: \(try RealServer.Version.redis7_0.path())"), directory)
      let record = try CreateBackup(context).run().record
      let drill = try Drill(context).run(record.id)
      #expect(drill.isGood, "\(method): \(drill.differences)")
      #expect(record.files.contains { $0.kind == "manifest" })
    }
    _ = isEnded.first()
    #expect(try writer.value() > 0)
  }

  /// A run that is killed while rewrites are off leaves a state file; the next run puts the setting
  /// back.
  @Test func theRewriteSettingIsPutBackByTheNextRun() throws {
    let server = try LoopbackServer(options: [
      "--appendonly", "yes", "--auto-aof-rewrite-percentage", "55",
    ])
    defer { server.keep() }
    let directory = try TemporaryDirectory()
    let state = directory.file("state")
    let connection = try Connection(server.endpoint, ConnectionSettings())
    _ = try RewriteHold(connection, directory: state, runID: "x", timeout: .seconds(5))
    #expect(
      try server.call("CONFIG", "GET", "auto-aof-rewrite-percentage").elements?.last?.text == "0")
    #expect(tree(state).count == 1)
    let context = try makeContext(
      yaml(
        "redis://127.0.0.1:\(server.port)", source: "method: aof\ndata-dir: \(server.data)",
        more: "state-dir: \(state)"),
      directory)
    _ = try CreateBackup(context).run()
    #expect(
      try server.call("CONFIG", "GET", "auto-aof-rewrite-percentage").elements?.last?.text == "55")
    #expect(tree(state).isEmpty)
  }

  @Test func dumpFileOfAVolumeWithoutServer() throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(100)
    try server.call("SAVE")
    let directory = try TemporaryDirectory()
    let text = """
      source:
        method: file
        data-dir: \(server.data)
      repository:
        path: $DIR/repo
        min-free: 0
      """
    let context = try makeContext(text, directory)
    let record = try CreateBackup(context).run().record
    #expect(record.keys == 100)
    #expect(record.files.map(\.kind) == ["rdb"])
  }

  @Test func aWholeClusterIsOneSet() throws {
    let nodes = try (0..<3).map { _ in
      try LoopbackServer(options: ["--cluster-enabled", "yes"], inCluster: true)
    }
    defer { nodes.forEach { $0.keep() } }
    for (index, node) in nodes.enumerated() {
      let first = index * 5461
      let last = index == 2 ? 16383 : first + 5460
      try node.call("CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(last)")
      if index > 0 { try nodes[0].call("CLUSTER", "MEET", "127.0.0.1", "\(node.port)") }
    }
    let url = "redis://127.0.0.1:\(nodes[0].port)"
    let directory = try TemporaryDirectory()
    let context = try makeContext(
      yaml(url, more: "drill:\n  server: \(try RealServer.Version.redis7_0.path())"), directory)
    try waitFor("cluster is whole") {
      try nodes.allSatisfy {
        try $0.call("CLUSTER", "INFO").text?.contains("cluster_state:ok") == true
      }
    }
    // Keys with tags that fall into each third of the slots.
    for node in nodes {
      for number in 0..<3000 {
        _ = try? node.call("SET", "key:\(number)", "v")
        if number > 300 { break }
      }
    }
    let counts = try nodes.map { try $0.call("DBSIZE").number ?? 0 }
    let record = try CreateBackup(context).run().record
    #expect(record.parts.map(\.slots) == ["0-5460", "5461-10921", "10922-16383"])
    #expect(record.parts.map(\.keys) == counts)
    #expect(counts.allSatisfy { $0 > 0 })
    let outcome = try RestoreBackup(context).run(record.id, into: directory.file("out"))
    #expect(outcome.directories.count == 3)
    #expect(outcome.directories.allSatisfy { Files.status("\($0)/dump.rdb") != nil })
    let one = try makeContext(yaml(url, source: "shard: 1"), directory)
    #expect(try CreateBackup(one).run().record.parts.map(\.slots) == ["5461-10921"])
  }
}

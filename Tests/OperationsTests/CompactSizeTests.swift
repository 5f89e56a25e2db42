import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// What is made here is no larger than what the server itself makes of the same data.
@Suite(.serialized) struct CompactSizeTests {
  /// Commands that make values of every type, small and large, of which many are overwritten.
  static func commands(_ version: RealServer.Version) -> [[[UInt8]]] {
    var chance = SplitMix64(seed: 4)
    var all: [[String]] = []
    func word(_ most: Int) -> String {
      String(
        (0..<Int.random(in: 1...most, using: &chance)).map { _ in
          "abcdefghij klmnopqrstuvwxyz0123456789".randomElement(using: &chance) ?? "a"
        })
    }
    func words(_ most: Int) -> [String] {
      (0..<Int.random(in: 1...most, using: &chance)).map { _ in word(12) }
    }
    for database in [0, 3, 11] {
      all.append(["SELECT", "\(database)"])
      for number in 0..<300 {
        let key = "\(number):\(word(6))"
        all.append(["SET", "string:\(number % 200)", word(number % 7 == 0 ? 3000 : 40)])
        all.append([
          "SET", "number:\(key)", "\(Int64.random(in: -999_999...99_999_999, using: &chance))",
        ])
        all.append(["INCRBYFLOAT", "float:\(key)", "\(Double.random(in: -5...5, using: &chance))"])
        all.append([
          "SETBIT", "bits:\(number % 40)", "\(Int.random(in: 0...3000, using: &chance))", "1",
        ])
        all.append(["PFADD", "hll:\(number % 10)"] + words(20))
        all.append(["RPUSH", "list:\(number % 60)"] + words(80))
        all.append(["SADD", "set:\(number % 60)"] + words(60))
        all.append(
          ["SADD", "intset:\(key)"]
            + (0..<50).map { _ in "\(Int.random(in: -70000...70000, using: &chance))" })
        all.append(
          ["ZADD", "zset:\(number % 60)"]
            + words(50).flatMap { ["\(Double.random(in: -100...100, using: &chance))", $0] })
        all.append(["GEOADD", "geo:\(number % 5)", "\(number % 90).25", "\(number % 40).5", key])
        all.append(["HSET", "hash:\(number % 60)"] + words(40).flatMap { [$0, word(30)] })
        for _ in 0..<6 {
          all.append(["XADD", "stream:\(number % 12)", "*", "f", word(20), "g", word(5)])
        }
        if number % 3 == 0 {
          all.append(["SET", "expiring:\(key)", word(20), "EX", "\(100_000 + number)"])
          all.append(["PEXPIRE", "list:\(number % 60)", "900000000"])
        }
        if number % 9 == 0 { all.append(["DEL", "set:\(number % 60)", "string:\(number % 50)"]) }
        if number % 4 == 0 { all.append(["LPOP", "list:\(number % 60)"]) }
        if number % 20 == 0, version == .valkey9_1 {
          all.append(["HSET", "fields:\(number)", "a", "1", "b", word(9), "c", word(9)])
          all.append(["HPEXPIRE", "fields:\(number)", "900000000", "FIELDS", "2", "a", "c"])
        }
      }
      for number in 0..<12 {
        all.append(["XGROUP", "CREATE", "stream:\(number)", "workers", "0"])
        all.append([
          "XREADGROUP", "GROUP", "workers", "joe", "COUNT", "9", "STREAMS", "stream:\(number)", ">",
        ])
        all.append([
          "XREADGROUP", "GROUP", "workers", "ann", "COUNT", "4", "STREAMS", "stream:\(number)", ">",
        ])
        if number % 2 == 0 { all.append(["XTRIM", "stream:\(number)", "MAXLEN", "60"]) }
      }
    }
    let library = "#!lua name=lib\nredis.register_function('f', function(k, a) return 1 end)"
    all.append(["FUNCTION", "LOAD", library])
    return all.map { $0.map { Array($0.utf8) } }
  }

  /// The commands that let pending entries be claimed whose messages are gone: how many, and all their
  /// bytes with those of the commands that take the messages away again.
  private static func standIns(_ path: String) throws -> (count: Int, bytes: Int) {
    var entries = try LogEntries(try AppendOnlyLog.open(path), try LogSelection())
    var count = 0
    var bytes = 0
    while try entries.next() {
      let a = entries.arguments
      let isStandIn = a.count == 5 && a[0].equals("XADD") && a[3].equals("x") && a[4].equals("y")
      if isStandIn { count += 1 }
      if isStandIn || a[0].equals("XTRIM") || a[0].equals("XDEL") {
        bytes += entries.command.length
      }
    }
    return (count, bytes)
  }

  @Test(arguments: [RealServer.Version.redis7_0, .valkey9_1])
  func noLargerThanTheServersOwnRewrite(_ version: RealServer.Version) throws {
    let directory = try TemporaryDirectory()
    let server = try RealServer(
      version,
      options: [
        "--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0",
        "--aof-use-rdb-preamble", "no",
      ])
    let commands = Self.commands(version)
    for start in stride(from: 0, to: commands.count, by: 200) {
      let replies = try server.attempt(
        batch: Array(commands[start..<min(start + 200, commands.count)]))
      for reply in replies {
        if case .error(let text) = reply { Issue.record("\(text)") }
      }
    }
    let log = directory.file("appendonlydir")
    try FileManager.default.copyItem(atPath: server.directory + "/appendonlydir", toPath: log)
    try server.call("BGREWRITEAOF")
    try server.waitForBackgroundWork()
    let files = try FileManager.default.contentsOfDirectory(
      atPath: server.directory + "/appendonlydir")
    let base = try #require(files.filter { $0.hasSuffix(".base.aof") }.max())
    let theirs = try #require(
      FileManager.default.attributesOfItem(atPath: server.directory + "/appendonlydir/" + base)[
        .size]
        as? Int)
    // A log of commands does not say that it is Valkey's; without the target, fields that expire are
    // written as Redis 7.4 takes them, too (HPEXPIREAT instead of HSETEX), which is longer.
    var options = Compact.Options()
    if version == .valkey9_1 { options.target = "valkey:9.1" }
    let report = try Compact.run(log, to: directory.file("out.aof"), options)
    // Pending entries whose messages XTRIM took away: a server's own rewrite loses them, ours does not.
    // What that takes is known to the byte, and no part of the comparison.
    let kept = try Self.standIns(directory.file("out.aof"))
    print(
      "\(version): \(report.bytesAfter) bytes, \(kept.bytes) of them for \(kept.count) pending entries of "
        + "deleted messages; its own rewrite \(theirs)")
    #expect(theirs > 500_000 && report.bytesBefore > theirs)
    #expect(report.lost.isEmpty)
    #expect(kept.count > 100)
    // Valkey: not a byte more. Redis 7.0 writes scores with more digits than they need.
    #expect(report.bytesAfter - kept.bytes <= theirs)
    #expect(Double(report.bytesAfter - kept.bytes) > Double(theirs) * 0.99)
    // And it is all there.
    let wanted = try server.debugDigest()
    #expect(try RealServer.loading(aof: directory.file("out.aof"), version).debugDigest() == wanted)
  }
}

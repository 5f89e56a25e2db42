import AOF
import Bytes
import Foundation
import Keyspace
import Operations
import RDB
import TestSupport
import Testing

/// Single cases of `compact --keep-unknown`.
@Suite struct KeepUnknownCornerTests {
  /// The commands of what becomes of a log, a line each.
  private func lines(
    _ commands: [String], _ change: (inout Compact.Options) -> Void = { _ in }
  ) throws -> [String] {
    try withTemporaryDirectory { directory in
      let bytes = commands.flatMap { command($0.split(separator: " ").map(String.init)) }
      let path = try directory.write(bytes, to: "log")
      _ = try UnknownLog.compact(path, to: directory.file("out"), change)
      return try Logs.words(directory.file("out")).map { $0.joined(separator: " ") }
    }
  }

  @Test func withoutUnknownCommandsNothingChanges() throws {
    let directory = try TemporaryDirectory()
    let log = UnknownLog(seed: 7, commands: 600, unknownPerMille: 0)
    // In a transaction that no server executes, they count for nothing.
    let open = command("MULTI") + command("BF.ADD", "a", "b") + command("SET", "a", "1")
    for (number, end) in [[], open].enumerated() {
      let path = try directory.write(UnknownLog.bytes(log.commands) + end, to: "log\(number)")
      for form in Compact.Form.allCases where form != .rdb {
        let plain = directory.file("plain\(number)\(form)")
        let kept = directory.file("kept\(number)\(form)")
        var report: Compact.Report?
        if number == 0 {
          var options = Compact.Options()
          options.form = form
          _ = try Compact.run(path, to: plain, options)
          report = try UnknownLog.compact(path, to: kept) { $0.form = form }
          #expect(
            try form == .aof
              ? Logs.snapshot(directory.path)["plain0aof"]
                == Logs.snapshot(directory.path)["kept0aof"]
              : Logs.snapshot(plain) == Logs.snapshot(kept))
        } else if form == .aof {
          report = try UnknownLog.compact(path, to: kept)
          #expect(try directory.read("kept1aof") == directory.read("plain0aof"))
        }
        #expect(report?.verbatim == nil)
      }
    }
    // A dump is made of it as ever.
    #expect(
      try UnknownLog.compact(directory.file("log0"), to: directory.file("dump")) { $0.form = .rdb }
        .keys > 0)
  }

  @Test func onlyTheKeysThatCanBeMeantAreKept() throws {
    #expect(
      try lines([
        "SET a 1", "INCR a", "SET b 1", "INCR b", "BF.ADD a x", "INCR a", "INCR b", "SELECT 2",
        "SET a 5", "INCR a",
      ]) == [
        "SELECT 0", "SET a 1", "INCR a", "BF.ADD a x", "INCR a",
        "SELECT 0", "SET b 3", "SELECT 2", "SET a 6",
      ])
    // Where the key of a command is known that can't be replayed, it is that one.
    #expect(
      try lines(["SET e 1", "INCR e", "VADD v VALUES 1 3 e", "DEL v e"]) == [
        "SELECT 0", "VADD v VALUES 1 3 e", "DEL v e",
      ])
  }

  @Test func aRenameTakesKeysAlongAndDeletesDoNot() throws {
    #expect(
      try lines([
        "SET b 1", "SET b 2", "SET c 1", "SET c 2", "RENAME b d", "DEL c d", "SET c 3", "SET e 1",
        "FOO d", "DEL e c",
      ]) == [
        "SELECT 0", "SET b 1", "SET b 2", "RENAME b d", "DEL c d", "FOO d",
      ])
  }

  @Test func whatEmptiesDatabasesStaysInItsPlace() throws {
    #expect(
      try lines([
        "SET a 1", "FOO a", "SET z 1", "FLUSHALL", "SET a 2", "SWAPDB 0 1", "SELECT 1", "SET y 1",
        "FOO a", "FLUSHDB", "SET x 1",
      ]) == [
        "SELECT 0", "SET a 1", "FOO a", "FLUSHALL", "SET a 2", "SWAPDB 0 1", "SELECT 1", "FOO a",
        "FLUSHDB", "SELECT 1", "SET x 1",
      ])
  }

  @Test func sortTakesTheKeysOfItsPatternsAlong() throws {
    // w_1 is kept, so the SORT is, and with it all that its pattern may name.
    #expect(
      try lines([
        "SET w_1 1", "SET w_2 5", "SET w_2 4", "SET v 1", "SET v 2", "RPUSH l 1 2", "FOO w_1",
        "SORT l BY w_* STORE d", "SORT v_ BY v_* GET q_* STORE v_2",
      ]) == [
        "SELECT 0", "SET w_1 1", "SET w_2 5", "SET w_2 4", "RPUSH l 1 2", "FOO w_1",
        "SORT l BY w_* STORE d", "SELECT 0", "SET v 2",
      ])
  }

  @Test func functionsAreLoadedBeforeWhoMayUseThem() throws {
    let code = "#!lua name=lib\nreturn 1"
    try withTemporaryDirectory { directory in
      let bytes =
        command("SET", "a", "1") + command(["FUNCTION", "LOAD", code])
        + command("SCRIPT", "LOAD", "return 1") + command("FOO", "k")
        + command("FUNCTION", "FLUSH") + command("INCR", "a")
      let path = try directory.write(bytes, to: "log")
      _ = try UnknownLog.compact(path, to: directory.file("out"))
      #expect(
        try Logs.words(directory.file("out")) == [
          ["SELECT", "0"], ["FUNCTION", "LOAD", code], ["SCRIPT", "LOAD", "return 1"],
          ["FOO", "k"], ["FUNCTION", "FLUSH"], ["SELECT", "0"], ["SET", "a", "2"],
        ])
    }
  }

  @Test func keptKeysDoNotExpireAndAreNoErrors() throws {
    let commands = [
      "SET a 1 PXAT 1000", "SET b 1 PXAT 1000", "FOO a x", "RENAME x y", "INCR y", "SET c 1",
    ]
    // Nobody knows whether FOO makes x, so that its RENAME is no error.
    #expect(
      try lines(commands) {
        $0.expiredBefore = 5000
        $0.strict = true
      } == [
        "SELECT 0", "SET a 1 PXAT 1000", "FOO a x", "RENAME x y", "INCR y", "SELECT 0", "SET c 1",
      ])
    #expect(throws: ToolError.self) { try lines(["FOO a", "RENAME x y"]) { $0.strict = true } }
  }

  @Test func scriptsAreRefusedAsEver() throws {
    for commands in [
      ["FOO a", "EVAL return 0"], ["MULTI", "FOO a", "EVAL return 0", "EXEC"],
      ["MULTI", "EVAL return 0", "EXEC", "FOO a"],
    ] {
      do {
        _ = try lines(commands)
        Issue.record("\(commands) was taken")
      } catch let error as ToolError {
        #expect(error.line.contains("EVAL"), "\(error.line)")
      }
    }
  }

  /// Joined from the end to the beginning: no pass over the log for each link of the chain.
  @Test func longChainsAndManyPatterns() throws {
    let directory = try TemporaryDirectory()
    var bytes = command("FOO", "k0")
    let count = 100_000
    for number in stride(from: count, to: 0, by: -1) {
      bytes += command("RENAMENX", "k\(number)", "k\(number - 1)")
    }
    for number in 0..<1000 {
      bytes += command("SORT", "s", "BY", "p\(number)_*", "GET", "*->f", "STORE", "t")
      bytes += command("SWAPDB", "\(number)", "\(number + 1)")
    }
    let path = try directory.write(bytes, to: "log")
    let report = try UnknownLog.compact(path, to: directory.file("out"))
    #expect(report.verbatim?.knownCommands == count + 2000)
    // Every key but those of the second dimension: k0 … and s, t.
    #expect(report.verbatim?.keys == count + 3)
    #expect(report.keys == 0)
  }

  @Test func filesInsteadOfMemoryAndStreams() throws {
    let directory = try TemporaryDirectory()
    let log = UnknownLog(seed: 12, commands: 900, unknownPerMille: 6)
    let path = try directory.write(UnknownLog.bytes(log.commands), to: "log")
    let report = try UnknownLog.compact(path, to: directory.file("out"))
    #expect(report.verbatim != nil)
    _ = try UnknownLog.compact(path, to: directory.file("limited")) {
      $0.memoryLimit = 1
      $0.temporaryDirectory = directory.path
    }
    #expect(try directory.read("limited") == directory.read("out"))
    let dry = try UnknownLog.compact(path, to: directory.file("dry")) { $0.dryRun = true }
    #expect(dry.bytesAfter == report.bytesAfter && dry.commandsAfter == report.commandsAfter)
    #expect(dry.verbatim?.keys == report.verbatim?.keys)
    #expect(try Shell.run("/bin/sh", ["-c", "gzip -k '\(path)'"]).status == 0)
    _ = try UnknownLog.compact(path + ".gz", to: directory.file("unpacked"))
    #expect(try directory.read("unpacked") == directory.read("out"))
  }

  /// What is read back is compared byte by byte: no change of the part that was kept goes unseen.
  @Test func everyChangedByteIsSeen() throws {
    let directory = try TemporaryDirectory()
    let before = UnknownLog(seed: 8, commands: 150, unknownPerMille: 0)
    let log = UnknownLog(seed: 9, commands: 150, unknownPerMille: 20)
    let old = try directory.write(UnknownLog.bytes(before.commands), to: "old")
    _ = try UnknownLog.compact(old, to: directory.file("dump")) { $0.form = .rdb }
    let path = try directory.write(
      try directory.read("dump") + UnknownLog.bytes(log.commands), to: "log")
    _ = try UnknownLog.compact(path, to: directory.file("out"))
    var bytes = try directory.read("out")
    var options = ReplayedLog.Options()
    options.keepsUnknown = true
    let read = try ReplayedLog(path, options)
    let part = try #require(read.keyspace.verbatim)
    var writer = CommandWriter(
      OutputBuffer(NullTarget()), target: read.keyspace.likelyTarget(isMultiPart: false))
    part.write(to: &writer, from: read.keyspace)
    func check() -> Int? {
      bytes.withByteSlice { part.check($0, from: read.keyspace, isLossy: false) }
    }
    let end = try #require(check())
    #expect(end > 500 && end < bytes.count)
    for place in 0..<end {
      bytes[place] ^= 1
      #expect(check() == nil, "byte \(place)")
      bytes[place] ^= 1
    }
    bytes.removeLast(bytes.count - end + 1)
    #expect(check() == nil)
  }
}

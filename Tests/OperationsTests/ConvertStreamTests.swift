import Bytes
import Foundation
import RDB
import TestSupport
import Testing

@testable import Operations

/// What commands can hold only by tricks, or not at all.
@Suite struct ConvertStreamTests {
  static func claim(_ id: String, _ consumer: String = "c", count: String = "3") -> [UInt8] {
    command(
      "XCLAIM", "s", "g", consumer, "0", id, "TIME", "1700000000000", "RETRYCOUNT", count, "JUSTID",
      "FORCE")
  }

  /// A stream of which messages below, between and above the live ones are pending and gone.
  static let log: [UInt8] = {
    var log = command("SELECT", "0")
    for id in 1...8 { log += command("XADD", "s", "\(id)-1", "field", "value \(id)") }
    log += command("XGROUP", "CREATE", "s", "g", "8-1", "ENTRIESREAD", "8")
    for id in [1, 2, 4, 5, 8] { log += claim("\(id)-1", id % 2 == 0 ? "c" : "d", count: "\(id)") }
    log += command("XTRIM", "s", "MAXLEN", "6")
    log += command("XDEL", "s", "4-1", "8-1")
    return log
  }()

  private func isSame(_ a: String, _ b: String) throws {
    var options = Verify.Options()
    options.ignored = []
    let report = try Verify.run(ComparedState(a), ComparedState(b), options)
    #expect(report.isEqual, "\(report.differences)")
    #expect(
      report.excused.allSatisfy { !$0.contains("pending") && !$0.contains("message") },
      "\(report.excused)")
  }

  @Test(arguments: ["redis:7.0", "redis:7.4", "redis:8.8", "valkey:9.1"])
  func pendingEntriesOfGoneMessagesStay(_ target: String) throws {
    try withTemporaryDirectory { directory in
      let log = try directory.write(ConvertStreamTests.log, to: "log.aof")
      var options = Convert.Options()
      options.target = RDBTarget(target)
      // Times of activity, of which 7.0 knows nothing.
      options.lossy = true
      _ = try Convert.run(DataInput(log), to: directory.file("a.rdb"), options)
      options.form = .aof
      let fromDump = try Convert.run(
        DataInput(directory.file("a.rdb")), to: directory.file("b.aof"), options)
      let fromLog = try Convert.run(DataInput(log), to: directory.file("c.aof"), options)
      #expect(
        fromDump.unclaimed == 0 && fromDump.lost.isEmpty && fromDump.notes.isEmpty, "\(fromDump)")
      #expect(fromLog.unclaimed == 0)
      try isSame(log, directory.file("c.aof"))
      try isSame(directory.file("a.rdb"), directory.file("b.aof"))
      // What they hold is what the log held.
      try isSame(log, directory.file("b.aof"))
      // An export is a dump in other words.
      var all = Export.Options()
      all.all = true
      let text = try ExportTests.export(directory.file("a.rdb"), all)
      let export = try directory.write(text, to: "a.jsonl")
      let fromExport = try Import.run(export, to: directory.file("d.aof"), options)
      #expect(fromExport.unclaimed == 0)
      try isSame(log, directory.file("d.aof"))
    }
  }

  /// A stream of which nothing is left but the group.
  @Test func anEmptiedStreamKeepsItsPendingEntries() throws {
    try withTemporaryDirectory { directory in
      let log = try directory.write(
        command("SELECT", "0") + command("XADD", "s", "5-0", "a", "b")
          + command("XGROUP", "CREATE", "s", "g", "5-0", "ENTRIESREAD", "1")
          + ConvertStreamTests.claim("5-0") + command("XDEL", "s", "5-0"), to: "log.aof")
      var options = Convert.Options()
      options.form = .aof
      options.target = RDBTarget("redis:7.2")
      _ = try Convert.run(DataInput(log), to: directory.file("b.aof"), options)
      try isSame(log, directory.file("b.aof"))
    }
  }

  @Test func aRealServerHasThemAgain() throws {
    try withTemporaryDirectory { directory in
      let log = try directory.write(ConvertStreamTests.log, to: "log.aof")
      var options = Convert.Options()
      options.form = .resp
      options.target = RDBTarget("redis:7.0")
      _ = try Convert.run(DataInput(log), to: directory.file("b.resp"), options)
      let server = try RealServer(.redis7_0)
      let commands = try Logs.words(directory.file("b.resp")).map { $0.map { Array($0.utf8) } }
      for answer in try server.attempt(batch: commands) {
        if case .error(let text) = answer { Issue.record("\(text)") }
      }
      let pending = try server.call("XPENDING", "s", "g", "-", "+", "10")
      let ids = pending.items?.map { $0.items?.first?.text }
      #expect(ids == ["1-1", "2-1", "4-1", "5-1", "8-1"])
      let length = "\(try server.call("XLEN", "s"))"
      #expect(length.contains("4"), "\(length)")
      let info = try server.call("XINFO", "STREAM", "s").items?.map(\.text) ?? []
      #expect(info.contains("8-1"))
    }
  }

  /// A key with an idle time, one with a use counter, one with metadata of a module.
  static func dump(_ records: [UInt8], _ magic: String) -> [UInt8] {
    Array(magic.utf8) + [0xFE, 0] + records + [0xFF] + [UInt8](repeating: 0, count: 8)
  }

  @Test func idleTimesAndUseCounters() throws {
    let bytes = ConvertStreamTests.dump(
      [248, 60, 0, 1, 0x61, 1, 0x78, 249, 7, 0, 1, 0x62, 1, 0x79], "REDIS0009")
    try withTemporaryDirectory { directory in
      let dump = try directory.write(bytes, to: "a.rdb")
      var options = Convert.Options()
      options.form = .aof
      options.restoresPayloads = true
      let kept = try Convert.run(DataInput(dump), to: directory.file("a.aof"), options)
      #expect(kept.notes.isEmpty)
      let words = try Logs.words(directory.file("a.aof")).filter { $0[0] == "RESTORE" }
      #expect(words.count == 2)
      #expect(words[0].suffix(2) == ["IDLETIME", "60"] && words[1].suffix(2) == ["FREQ", "7"])
      options.restoresPayloads = false
      let lost = try Convert.run(DataInput(dump), to: directory.file("b.aof"), options)
      #expect(!lost.isRefused)
      #expect(
        lost.notes.contains { $0.contains("idle times and use counters (2 keys)") }, "\(lost.notes)"
      )
    }
  }

  @Test(arguments: ["r2.8", "r7.0", "r7.4", "r8.8", "v9.1"], Convert.Form.allCases)
  func outputsAreReadBack(_ label: String, _ form: Convert.Form) throws {
    try withTemporaryDirectory { directory in
      var options = Convert.Options()
      options.form = form
      options.verifies = true
      let path = Fixture.path("\(label)/types.rdb")
      let report = try Convert.run(
        DataInput(path, now: options.now), to: directory.file("a"), options)
      #expect(!report.isRefused && report.keys > 0 && report.notes.isEmpty, "\(report.notes)")
      options.lossy = true
      options.target = RDBTarget(form == .multiPart ? "redis:7.0" : "redis:5.0")
      let lossy = try Convert.run(
        DataInput(path, now: options.now), to: directory.file("b"), options)
      #expect(!lossy.isRefused)
    }
  }

  /// A disk that changes a byte is noticed before the output has its name.
  @Test func outputsThatDifferGetNoName() throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(
        ConvertStreamTests.dump([0, 1, 0x61, 1, 0x78], "REDIS0009"), to: "a.rdb")
      let other = try directory.write(
        ConvertStreamTests.dump([0, 1, 0x61, 1, 0x79], "REDIS0009"), to: "b.rdb")
      var report = Convert.Report(target: try #require(RDBTarget("redis:7.0")))
      var options = Convert.Options()
      options.form = .aof
      try Convert.prove(path, called: "x", against: path, options, &report, .system)
      do throws(ToolError) {
        try Convert.prove(other, called: "x", against: path, options, &report, .system)
        Issue.record("a difference was not seen")
      } catch { #expect(error.line.contains("1 keys differ"), "\(error.line)") }
    }
  }

  @Test func metadataOfModulesIsTold() throws {
    // One class of version 0 that may be ignored, without content.
    let bytes = ConvertStreamTests.dump(
      [243, 1, 1, 0, 0, 0, 0, 0, 1, 0x61, 1, 0x78], "REDIS0013")
    try withTemporaryDirectory { directory in
      let dump = try directory.write(bytes, to: "a.rdb")
      var options = Convert.Options()
      options.form = .aof
      let direct = try Convert.run(DataInput(dump), to: directory.file("a.aof"), options)
      #expect(direct.isRefused && direct.lostCount == 1)
      try Logs.multiPart(directory.file("log"), base: bytes, increments: [[]])
      for form in [Convert.Form.aof, .rdb] {
        options.form = form
        let replayed = try Convert.run(
          DataInput(directory.file("log")), to: directory.file("b"), options)
        #expect(replayed.isRefused)
        #expect(replayed.lost.contains { $0.what.contains("metadata of modules") }, "\(replayed)")
      }
      do throws(ToolError) {
        _ = try Compact.run(directory.file("log"), to: directory.file("c"))
        Issue.record("compact loses metadata silently")
      } catch { #expect(error.line.contains("metadata of modules"), "\(error.line)") }
    }
  }
}

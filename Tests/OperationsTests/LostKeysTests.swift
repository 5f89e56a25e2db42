import AOF
import Bytes
import Foundation
import RDB
import TestSupport
import Testing

@testable import Operations

/// Which keys an accident destroyed, and the commands that bring them back.
@Suite struct LostKeysTests {
  private let head = command("SELECT", "0")
  private let now: Int64 = 1_800_000_000_000

  private func lost(
    _ path: String, _ selection: LogSelection, from source: String? = nil
  ) throws -> (Accident, LostKeys) {
    let accident = try Accident(
      AppendOnlyLog.open(path), selection.commands, selection.keys)
    var options = LostKeys.Options(now: now)
    options.keys = selection.keys
    options.source = source
    return (accident, try LostKeys(accident, options))
  }

  /// `db0 a gone` for each key of the log of these bytes.
  private func fates(
    _ bytes: [UInt8], _ selection: LogSelection
  ) throws -> [String] {
    try withTemporaryDirectory { directory in
      let path = try directory.write(bytes, to: "a.aof")
      let found = try lost(path, selection).1
      // The names lie in what was found.
      return withExtendedLifetime(found) {
        found.keys.map { "db\($0.database) \($0.key.text) \($0.fate)" }.sorted()
      }
    }
  }

  /// What of the log's data is there when its lost keys are put back behind it.
  private func restored(
    _ bytes: [UInt8], _ selection: LogSelection, _ scope: RecoveryPlan.Scope = .accident,
    _ form: RecoveryPlan.Form = .payloads
  ) throws -> [String] {
    try withTemporaryDirectory { directory in
      let path = try directory.write(bytes, to: "a.aof")
      let (accident, keys) = try lost(path, selection)
      var plan = RecoveryPlan()
      plan.scope = scope
      plan.form = form
      let appendix = RecoveryAppendix(keys, plan, accident, now: Moment(milliseconds: now))
      _ = try accident.write(appendix, to: directory.file("b.aof"), replacing: false)
      return try exported(directory.file("b.aof"))
    }
  }

  private func exported(_ path: String) throws -> [String] {
    try ExportTests.export(path, Export.Options()).split(separator: "\n").map(String.init).sorted()
  }

  @Test func whatIsGoneAndUntouchedComesBack() throws {
    let log =
      head + command("SET", "a", "1") + command("HSET", "h", "f", "v", "g", "w")
      + command("DEL", "a", "h") + command("SET", "b", "1")
    let selection = try Logs.selection(names: "DEL")
    #expect(try fates(log, selection) == ["db0 a gone", "db0 h gone"])
    let back = try restored(log, selection)
    #expect(back.count == 3)
    #expect(back.contains { $0.contains(#""key":"a""#) && $0.contains(#""value":"1""#) })
    #expect(back.contains { $0.contains(#""key":"h""#) && $0.contains(#"["f","v",null]"#) })
  }

  @Test func aNewerValueIsNewerAndOneThatWasDeletedAgainIsNoLoss() throws {
    let log =
      head + command("SET", "a", "1") + command("SET", "b", "1") + command("SET", "c", "1")
      + command("DEL", "a", "b", "c") + command("SET", "a", "2") + command("SET", "b", "2")
      + command("UNLINK", "b")
    let selection = try Logs.selection(names: "DEL")
    #expect(try fates(log, selection) == ["db0 c gone"])
    let counter =
      head + command("SET", "n", "100") + command("DEL", "n") + command("INCR", "n")
      + command("INCR", "n")
    #expect(try fates(counter, selection) == ["db0 n newer"])
    #expect(try restored(counter, selection).first?.contains(#""value":"2""#) == true)
    var all = RecoveryPlan.Scope.accident
    all.newer = true
    // What it would be without the accident: later writes are not lost.
    #expect(try restored(counter, selection, all).first?.contains(#""value":"102""#) == true)
  }

  @Test func whatTheAccidentLeftIsReplacedAndWhatItMadeRemoved() throws {
    let log =
      head + command("HSET", "h", "f", "v", "g", "w") + command("SET", "a", "1")
      + command("SET", "b", "2") + command("HDEL", "h", "f") + command("RENAME", "a", "c")
      + command("SET", "b", "oops")
    let selection = try Logs.selection(index: "5-7")
    #expect(
      try fates(log, selection) == [
        "db0 a gone", "db0 b changed", "db0 c made", "db0 h changed",
      ])
    let back = try restored(log, selection)
    #expect(back.count == 3)
    #expect(!back.contains { $0.contains(#""key":"c""#) })
    #expect(back.contains { $0.contains(#""key":"b""#) && $0.contains(#""value":"2""#) })
    let gone = try restored(log, selection, RecoveryPlan.Scope())
    #expect(gone.count == 4)
    #expect(gone.contains { $0.contains(#""key":"b""#) && $0.contains("oops") })
  }

  @Test func severalBlowsAgainstOneKeyAreUndoneTogether() throws {
    let log =
      head + command("HSET", "h", "f", "1", "g", "2") + command("HDEL", "h", "f")
      + command("HSET", "h", "i", "3") + command("HDEL", "h", "g")
    let back = try restored(log, Logs.selection(names: "HDEL"))
    #expect(back.first?.contains(#"["f","1",null]"#) == true)
    #expect(back.first?.contains(#"["g","2",null]"#) == true)
    #expect(back.first?.contains(#"["i","3",null]"#) == true)
  }

  @Test func oneKeyOfSeveralAndOneKeyOfAFlush() throws {
    let log =
      head + command("MSET", "a", "1", "b", "2", "u:1", "3", "u:2", "4") + command("DEL", "a", "b")
      + command("FLUSHALL")
    let one = try Logs.selection(names: "DEL,FLUSHALL", keys: ["b"])
    #expect(try fates(log, one) == ["db0 b gone"])
    let users = try Logs.selection(names: "FLUSHALL", keys: ["u:*"])
    #expect(try fates(log, users) == ["db0 u:1 gone", "db0 u:2 gone"])
    #expect(try restored(log, users).count == 2)
  }

  @Test func scriptsEffectsInATransaction() throws {
    let log =
      head + command("RPUSH", "l", "a", "b") + command("SET", "k", "1") + command("MULTI")
      + command("DEL", "l") + command("INCR", "k") + command("EXEC")
    let selection = try Logs.selection(names: "DEL")
    #expect(try fates(log, selection) == ["db0 l gone"])
    for form in [RecoveryPlan.Form.payloads, .commands] {
      let back = try restored(log, selection, .accident, form)
      #expect(back.contains { $0.contains(#""value":["a","b"]"#) })
      #expect(back.contains { $0.contains(#""value":"2""#) })
    }
  }

  @Test func timesToLiveAndExpiredKeys() throws {
    let log =
      head + command("SET", "a", "1", "PXAT", "\(now + 5000)")
      + command("SET", "b", "1", "PXAT", "\(now - 1)") + command("FLUSHDB")
    let selection = try Logs.selection(names: "FLUSHDB")
    #expect(try fates(log, selection) == ["db0 a gone", "db0 b expired"])
    for form in [RecoveryPlan.Form.payloads, .commands] {
      let back = try restored(log, selection, .accident, form)
      #expect(back.count == 1)
      #expect(back.first?.contains("\(now + 5000)") == true)
    }
  }

  @Test func databasesThatWereSwappedMovedAndCopied() throws {
    let log =
      head + command("SET", "a", "1") + command("SET", "b", "1") + command("SELECT", "1")
      + command("SET", "a", "2") + command("SELECT", "0") + command("DEL", "a")
      + command("COPY", "b", "c", "DB", "3") + command("SWAPDB", "0", "1")
    #expect(try fates(log, Logs.selection(index: "7")) == ["db1 a gone"])
    // Everything is elsewhere without the swap, and nothing has touched it since.
    let swap = try fates(log, Logs.selection(names: "SWAPDB"))
    #expect(swap.contains("db0 a made") && swap.contains("db0 b gone"), "\(swap)")
    // Behind an accident, a swap makes keys newer.
    let before = head + command("SET", "k", "1") + command("SET", "k", "oops")
    let selection = try Logs.selection(index: "3")
    #expect(try fates(before, selection) == ["db0 k changed"])
    #expect(try fates(before + command("SWAPDB", "0", "1"), selection) == ["db1 k newer"])
    #expect(try fates(before + command("COPY", "x", "k", "DB", "0"), selection) == ["db0 k newer"])
  }

  @Test func selectionsAskForWhatWasLost() throws {
    let log =
      head + command("SET", "s", "12345") + command("RPUSH", "l", "a") + command("FLUSHALL")
    var selection = try Logs.selection(names: "FLUSHALL")
    try selection.keys.addTypes("list")
    #expect(try fates(log, selection) == ["db0 l gone"])
    var large = try Logs.selection(names: "FLUSHALL")
    large.keys.minimumSize = 5
    #expect(try fates(log, large) == ["db0 s gone"])
    let all = #expect(throws: ToolError.self) { try fates(log, Logs.selection(keys: ["s"])) }
    #expect(all?.status == .usage)
    let last = try Logs.selection(names: "SET,RPUSH", last: 1)
    #expect(try fates(log + command("SET", "z", "1"), last) == ["db0 z made"])
  }

  @Test func anUnfinishedEndIsLeftOut() throws {
    let log =
      head + command("SET", "a", "1") + command("DEL", "a") + command("MULTI") + command("DEL", "b")
    let back = try restored(log, Logs.selection(index: "3"))
    #expect(back.count == 1 && back[0].contains(#""key":"a""#))
    let none = try fates(log, Logs.selection(index: "5"))
    #expect(none.isEmpty)
  }

  @Test func theLogGoesOnInItsLastFile() throws {
    try withTemporaryDirectory { directory in
      let folder = directory.file("log")
      try Logs.multiPart(
        folder, base: head + command("SET", "a", "1"),
        increments: [
          stamp(100) + head + command("DEL", "a"), stamp(110) + head + command("SET", "b", "1"),
        ])
      let (accident, keys) = try lost(folder, Logs.selection(names: "DEL"))
      var plan = RecoveryPlan()
      plan.scope = .accident
      plan.form = .commands
      let appendix = RecoveryAppendix(keys, plan, accident, now: Moment(milliseconds: now))
      let before = try Logs.snapshot(folder)
      let result = try accident.replace(appendix, stamp: "20261124T000000Z")
      let after = try Logs.snapshot(folder)
      let name = "appendonly.aof.2.incr.aof"
      #expect(
        after[name]
          == (before[name] ?? []) + stamp(Int(now / 1000)) + head + command("SET", "a", "1"))
      #expect(after[name + ".before-20261124T000000Z"] == before[name])
      #expect(result.kept.count == 1)
      #expect(
        result.bytesAfter
          == after.filter { !$0.key.contains("before") && !$0.key.contains("manifest") }.values
          .reduce(0) { $0 + $1.count })
      #expect(try Logs.check(folder).isOK)
      #expect(try exported(folder).count == 2)
    }
  }

  @Test func anOlderBackupHasWhatARewriteDropped() throws {
    try withTemporaryDirectory { directory in
      let old = try directory.write(
        head + command("SET", "a", "1") + command("SET", "b", "old") + command("RPUSH", "l", "x"),
        to: "old.aof")
      let path = try directory.write(
        head + command("SET", "b", "new") + command("SET", "c", "1"), to: "a.aof")
      var options = LostKeys.Options(now: now)
      options.source = old
      let keys = try LostKeys(missingFrom: path, options)
      #expect(
        keys.keys.map { "\($0.key.text) \($0.fate)" }.sorted() == ["a gone", "b newer", "l gone"])
      let report = try keys.writePatch(
        RecoveryPlan(), to: directory.file("p"), replacing: false, standardOutput: NullTarget())
      #expect(report.restored == 2)
      // The patch is a log that goes behind the other.
      _ = try directory.write(
        try directory.read("a.aof") + directory.read("p"), to: "both.aof")
      #expect(try exported(directory.file("both.aof")).count == 4)
      // With the accident in the log, only what it named.
      let log = try directory.write(
        head + command("SET", "c", "1") + command("DEL", "l"), to: "c.aof")
      let (_, named) = try lost(log, Logs.selection(names: "DEL"), from: old)
      #expect(named.keys.map { "\($0.key.text) \($0.fate)" } == ["l gone"])
      // A dump is as good.
      let dump = Fixture.path("live/live_7.0.rdb")
      options.source = dump
      let all = try LostKeys(missingFrom: path, options)
      #expect(all.count(.gone) + all.count(.expired) == 32)
    }
  }

  @Test func keysOfAPreambleAreFoundToo() throws {
    let path = Fixture.path("r7.0/aof-preamble/appendonlydir")
    try withTemporaryDirectory { directory in
      let folder = directory.file("log")
      try FileManager.default.copyItem(atPath: path, toPath: folder)
      let wanted = try exported(folder)
      let log = try AppendOnlyLog.open(folder)
      let last = try #require(log.parts.last)
      let handle = try #require(FileHandle(forWritingAtPath: last.path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(head + command("FLUSHALL")))
      try handle.close()
      #expect(try exported(folder).isEmpty)
      for form in [RecoveryPlan.Form.payloads, .commands] {
        let (accident, keys) = try lost(folder, Logs.selection(names: "FLUSHALL", last: 1))
        var plan = RecoveryPlan()
        plan.form = form
        let appendix = RecoveryAppendix(keys, plan, accident, now: Moment(milliseconds: now))
        let out = directory.file("out-\(form)")
        _ = try accident.write(appendix, to: out, replacing: false)
        let expired = keys.count(.expired)
        #expect(try exported(out).count == wanted.count - expired)
        // A log does not say when consumers were seen, and sets have no order.
        let isTold = { (line: String) in
          !line.contains(#""type":"stream""#) && !line.contains(#""type":"set""#)
        }
        #expect(Set(try exported(out).filter(isTold)).isSubset(of: wanted), "\(form)")
      }
    }
  }

  @Test func whatTheTargetCanNotHoldIsTold() throws {
    let log =
      head + command("HSET", "h", "f", "v")
      + command("HPEXPIREAT", "h", "\(now + 5000)", "FIELDS", "1", "f") + command("DEL", "h")
    try withTemporaryDirectory { directory in
      let path = try directory.write(log, to: "a.aof")
      let (_, keys) = try lost(path, Logs.selection(names: "DEL"))
      var plan = RecoveryPlan()
      plan.target = RDBTarget("redis:7.0")
      for form in [RecoveryPlan.Form.payloads, .commands] {
        plan.form = form
        plan.lossy = false
        let error = #expect(throws: ToolError.self) {
          try keys.writePatch(
            plan, to: directory.file("p"), replacing: true, standardOutput: NullTarget())
        }
        #expect(error?.status == .badData)
        #expect(error?.line.contains("hash field") == true, "\(error?.line ?? "")")
        plan.lossy = true
        let report = try keys.writePatch(
          plan, to: directory.file("p"), replacing: true, standardOutput: NullTarget())
        #expect(report.restored == 1)
        #expect(report.lost.count == 1)
      }
      #expect(try directory.names().sorted() == ["a.aof", "p"])
    }
  }
}

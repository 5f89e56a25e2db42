import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

@Suite struct UndoTests {
  private let head = command("SELECT", "0")

  @Test func aCommandGoesAndAllElseStays() throws {
    let before = head + stamp(100) + command("SET", "test", "x")
    let after = stamp(101) + command("SELECT", "1") + command("SET", "b", "y")
    let result = try Logs.undo(
      before + command("DEL", "test") + after, Logs.selection(names: "DEL"))
    #expect(result == before + after)
  }

  @Test func onlySomeKeysOfACommandGo() throws {
    let cases: [([String], [String])] = [
      (["DEL", "a1", "b", "a2"], ["DEL", "b"]),
      (["unlink", "b", "a1"], ["unlink", "b"]),
      (["MSET", "a1", "1", "b", "2", "a2", "3"], ["MSET", "b", "2"]),
      (["MSETNX", "b", "1", "a1", "2"], ["MSETNX", "b", "1"]),
      (
        ["MSETEX", "3", "b", "1", "a1", "2", "c", "3", "PXAT", "99"],
        ["MSETEX", "2", "b", "1", "c", "3", "PXAT", "99"]
      ),
    ]
    for (words, wanted) in cases {
      let result = try Logs.undo(
        head + command(words) + command("INCR", "n"), Logs.selection(keys: ["a*"]))
      #expect(result == head + command(wanted) + command("INCR", "n"), "\(words)")
    }
  }

  @Test func commandsWhoseKeysHangTogetherGoWhole() throws {
    for words in [
      ["RENAME", "b", "a"], ["SMOVE", "a", "b", "m"], ["SUNIONSTORE", "b", "c", "a"],
      ["DEL", "a"], ["MSET", "a", "1"], ["BITOP", "AND", "b", "a"], ["HDEL", "a", "f", "g"],
      ["BLPOP", "b", "a", "0"], ["JSON.DEL", "a"],
    ] {
      let result = try Logs.undo(
        head + command(words) + command("SET", "b", "1"), Logs.selection(keys: ["a"]))
      #expect(result == head + command("SET", "b", "1"), "\(words)")
    }
  }

  @Test func commandsWithoutKeysDoNotMatchKeys() throws {
    let log = head + command("FLUSHALL") + command("DEL", "a")
    #expect(
      try Logs.undo(log, Logs.selection(keys: ["*"])) == head + command("FLUSHALL"))
    #expect(try Logs.undo(log, Logs.selection(names: "flushall")) == head + command("DEL", "a"))
  }

  @Test func anEmptiedTransactionGoesAndItsSelectStays() throws {
    let transaction = { (inner: [UInt8]) in command("MULTI") + inner + command("EXEC") }
    let log =
      head
      + transaction(command("DEL", "a") + command("SELECT", "1") + stamp(7) + command("DEL", "b"))
      + command("SET", "in1", "x")
    #expect(
      try Logs.undo(log, Logs.selection(names: "DEL"))
        == head + command("SELECT", "1") + stamp(7) + command("SET", "in1", "x"))
    // Something stays: so does the pair.
    #expect(
      try Logs.undo(log, Logs.selection(keys: ["a"]))
        == head + transaction(command("SELECT", "1") + stamp(7) + command("DEL", "b"))
        + command("SET", "in1", "x"))
    // A pair that was empty before (2.4 writes them) is left alone.
    let old = head + transaction([]) + command("DEL", "a") + transaction([])
    #expect(
      try Logs.undo(old, Logs.selection(names: "DEL"))
        == head + transaction([]) + transaction([]))
    // A command that loses keys only keeps the pair.
    #expect(
      try Logs.undo(head + transaction(command("DEL", "a", "b")), Logs.selection(keys: ["a"]))
        == head + transaction(command("DEL", "b")))
  }

  @Test func numbersOfMultiAndExecMeanTheirCommands() throws {
    let log =
      head + command("MULTI") + command("DEL", "a") + command("EXEC") + command("SET", "a", "1")
    #expect(
      try Logs.undo(log, Logs.selection(index: "2-4")) == head + command("SET", "a", "1"))
    let error = #expect(throws: ToolError.self) {
      try Logs.undo(log, Logs.selection(index: "1,2,4"))
    }
    #expect(error?.status == .no)
    #expect(error?.line.contains("SELECT, MULTI and EXEC") == true)
  }

  @Test func nothingMatchedIsNoAndNothingIsWritten() throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(head + command("SET", "a", "1"), to: "a.aof")
      let plan = try UndoPlan(AppendOnlyLog.open(path), Logs.selection(names: "DEL"))
      #expect(plan.isEmpty)
      #expect(plan.emptyReason.status == .no)
      #expect(try directory.names() == ["a.aof"])
    }
    let error = #expect(throws: ToolError.self) {
      try Logs.undo(head, LogSelection())
    }
    #expect(error?.status == .usage)
  }

  @Test func lastTakesTheLastOfThoseThatMatch() throws {
    let log =
      head + command("DEL", "a") + command("DEL", "b") + command("SET", "x", "1")
      + command("DEL", "c")
    #expect(
      try Logs.undo(log, Logs.selection(names: "DEL", last: 2))
        == head + command("DEL", "a") + command("SET", "x", "1"))
  }

  @Test func timesAndOffsetsSelect() throws {
    let first = head + command("DEL", "early") + stamp(100) + command("DEL", "a")
    let log = first + stamp(105) + command("DEL", "b") + stamp(110) + command("DEL", "c")
    #expect(
      try Logs.undo(log, Logs.selection(since: 101, until: 109))
        == first + stamp(105) + stamp(110) + command("DEL", "c"))
    let offset = first.count - command("DEL", "a").count
    #expect(
      try Logs.undo(log, Logs.selection(offsets: "\(offset)-\(offset)")).count
        == log.count - command("DEL", "a").count)
  }

  @Test func anUnfinishedTailIsLeftOut() throws {
    let good = head + command("SET", "a", "1")
    let tail = command("MULTI") + command("DEL", "b")
    #expect(
      try Logs.undo(good + command("DEL", "a") + tail, Logs.selection(names: "DEL")) == good)
    let plan = try withTemporaryDirectory { directory in
      let path = try directory.write(good + command("DEL", "a") + tail, to: "a.aof")
      return try UndoPlan(AppendOnlyLog.open(path), Logs.selection(names: "DEL"))
    }
    #expect(plan.removed.count == 1)
    #expect(plan.unfinishedBytes == tail.count)
    #expect(throws: ToolError.self) {
      try Logs.undo(
        good + command("DEL", "a") + Array("garbage".utf8), Logs.selection(names: "DEL"))
    }
  }

  @Test func everyFileOfAMultiPartLogIsHandled() throws {
    try withTemporaryDirectory { directory in
      let folder = directory.file("appendonlydir")
      let base = command("SELECT", "0") + command("SET", "a", "1")
      let first = command("SELECT", "0") + command("DEL", "a") + command("SET", "b", "1")
      let second = command("SELECT", "0") + command("SET", "c", "1") + command("DEL", "c")
      try Logs.multiPart(folder, base: base, increments: [first, second])
      let selection = try Logs.selection(names: "DEL")
      let log = try AppendOnlyLog.open(folder)
      let plan = try UndoPlan(log, selection)
      #expect(plan.removed.map(\.command.index) == [4, 8])
      _ = try plan.rewrite.write(to: directory.file("out"), replacing: false)
      let out = try Logs.snapshot(directory.file("out"))
      #expect(out["appendonly.aof.1.base.aof"] == base)
      #expect(out["appendonly.aof.1.incr.aof"] == command("SELECT", "0") + command("SET", "b", "1"))
      #expect(out["appendonly.aof.2.incr.aof"] == command("SELECT", "0") + command("SET", "c", "1"))
      #expect(
        out["appendonly.aof.manifest"] == (try Logs.snapshot(folder))["appendonly.aof.manifest"])
      #expect(out.count == 4)
      // In place: one changed file keeps its name.
      let one = try UndoPlan(log, Logs.selection(index: "8"))
      let result = try one.rewrite.replace(stamp: "T1")
      #expect(result.kept == [folder + "/appendonly.aof.2.incr.aof.before-T1"])
      #expect(try Logs.words(folder).count == 7)
      // Several: new names, the manifest last.
      let both = try UndoPlan(AppendOnlyLog.open(folder), Logs.selection(names: "SET"))
      let many = try both.rewrite.replace(stamp: "T2")
      #expect(many.kept.first == folder + "/appendonly.aof.manifest.before-T2")
      #expect(
        try Logs.words(folder) == [
          ["SELECT", "0"], ["SELECT", "0"], ["DEL", "a"], ["SELECT", "0"],
        ])
      let files = try Logs.snapshot(folder)
      #expect(files["appendonly.aof.1.incr.aof"] == first)
      #expect(files["appendonly.aof.1.incr.undo-T2.aof"] != nil)
      #expect(files.keys.allSatisfy { !$0.contains(".tmp-") })
      #expect(try Logs.check(folder).isOK)
    }
  }

  @Test func aFileThatGrowsMeanwhileIsNotReplaced() throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(head + command("DEL", "a"), to: "a.aof")
      let plan = try UndoPlan(AppendOnlyLog.open(path), Logs.selection(names: "DEL"))
      let grown = head + command("DEL", "a") + command("SET", "b", "1")
      try directory.write(grown, to: "a.aof")
      let error = #expect(throws: ToolError.self) { try plan.rewrite.replace(stamp: "T") }
      #expect(error?.status == .tryAgain)
      #expect(try directory.read("a.aof") == grown)
      #expect(try directory.names() == ["a.aof"])
    }
  }

  @Test func theOutputIsNeverTheInput() throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(head + command("DEL", "a"), to: "a.aof")
      let plan = try UndoPlan(AppendOnlyLog.open(path), Logs.selection(names: "DEL"))
      #expect(throws: ToolError.self) { try plan.rewrite.write(to: path, replacing: true) }
      #expect(try directory.read("a.aof") == head + command("DEL", "a"))
    }
  }

  /// Any selection on any log leaves a log whose commands are those that were not selected.
  @Test func randomSelectionsLeaveTheRest() throws {
    var random = SplitMix64(seed: 7)
    for _ in 0..<300 {
      var log: [UInt8] = []
      var all: [[String]] = []
      var inTransaction = false
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        let key = "k\(Int.random(in: 0..<5, using: &random))"
        var words: [String]
        switch Int.random(in: 0..<8, using: &random) {
        case 0: words = ["SELECT", "\(Int.random(in: 0..<3, using: &random))"]
        case 1: words = inTransaction ? ["EXEC"] : ["MULTI"]
        case 2: log += stamp(Int.random(in: 1..<1000, using: &random)); continue
        case 3: words = ["DEL", key]
        default:
          words = [
            "SET", key, String(repeating: "v", count: Int.random(in: 0..<300, using: &random)),
          ]
        }
        if words == ["MULTI"] {
          inTransaction = true
        } else if words == ["EXEC"] {
          inTransaction = false
        }
        all.append(words)
        log += command(words)
      }
      if inTransaction {
        all.append(["EXEC"])
        log += command("EXEC")
      }
      let picked = Set(all.indices.filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
      let text = picked.sorted().map { String($0 + 1) }.joined(separator: ",")
      let isStructural = { (words: [String]) in ["SELECT", "MULTI", "EXEC"].contains(words[0]) }
      guard picked.contains(where: { !isStructural(all[$0]) }) else { continue }
      let wanted = all.indices.filter { !picked.contains($0) && !isStructural(all[$0]) }
      try withTemporaryDirectory { directory in
        let result = try Logs.undo(log, Logs.selection(index: text))
        let path = try directory.write(result, to: "r.aof")
        var entries = try LogEntries(try AppendOnlyLog.open(path), try LogSelection())
        var left: [[String]] = []
        while try entries.next() {
          let words = (0..<entries.arguments.count).map { entries.arguments[$0].text }
          if !isStructural(words) { left.append(["\(entries.command.database)"] + words) }
        }
        // With their databases.
        var database = "0"
        var expected: [[String]] = []
        for (index, words) in all.enumerated() {
          if words[0] == "SELECT" { database = words[1] }
          if wanted.contains(index) { expected.append([database] + words) }
        }
        #expect(left == expected)
        #expect(try result.isEmpty || Logs.check(path).isOK)
      }
    }
  }
}

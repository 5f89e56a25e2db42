import AOF
import Bytes
import Keyspace
import Operations
import TestSupport
import Testing

/// Postponing commands on keys that may differ must not change what an undo is said to do.
@Suite struct PostponedPairTests {
  /// All that a replay of both states says, key by key.
  private func outcome(
    _ log: AppendOnlyLog, _ removals: [TwinReplay.Removal], postponing: Bool
  ) throws -> [String] {
    let twin = TwinReplay(removals, now: 0, postponing: postponing)
    defer { twin.finish() }
    try LogReplay.read(log, into: twin.before, .system)
    var lines: [String] = []
    let ending = twin.conclude {
      lines.append(
        "\($0.database) \($0.key.text) \($0.before) \($0.after) \($0.hasOtherContent) \($0.kind)")
    }
    // Keys are told of in the order of the table, in which one that was there for a while and held
    // nothing in the end may have kept its place or not.
    lines.sort()
    lines.append("\(ending.before.text) \(ending.before.keys)")
    lines.append("\(ending.after.text) \(ending.after.keys)")
    lines.append("\(twin.conflictCount) \(twin.losesMoreWrites)")
    for conflict in twin.conflicts {
      let command = conflict.command
      lines.append(
        "\(conflict.kind) \(command.index) \(command.file) \(command.offset) \(command.time) "
          + "\(command.word.first) \(conflict.key.text) \(conflict.database) "
          + "\(conflict.commands) \(conflict.keys) \(conflict.fault.map { "\($0)" } ?? "-")")
    }
    return lines
  }

  /// A random log with seconds, and with more commands on one key than are postponed; `SELECT` is not
  /// in front.
  private func bytes(_ random: inout SplitMix64) -> (bytes: [UInt8], commands: Int) {
    var bytes = command("SELECT", "0")
    var count = 1
    var second = 1_700_000_000
    for _ in 0...random.below(4) {
      for words in ImpactTests.randomLog(&random) {
        if random.below(20) == 0 {
          second += random.below(3)
          bytes += Array("#TS:\(second)\r\n".utf8)
        }
        bytes += command(words)
        count += 1
      }
      let key = ["a", "b", "c"][random.below(3)]
      let words = [
        ["RPUSH", key, "e"], ["INCR", key], ["HINCRBY", key, "f", "1"], ["SADD", key, "m"],
        ["APPEND", key, "x"],
      ][random.below(5)]
      for _ in 0..<random.below(150) {
        bytes += command(words)
        count += 1
      }
    }
    return (bytes, count)
  }

  @Test(arguments: 0..<8) func theReportIsTheSame(_ seed: Int) throws {
    try withTemporaryDirectory { directory in
      for number in 0..<80 {
        var random = SplitMix64(seed: UInt64(seed * 1000 + number))
        let (bytes, count) = bytes(&random)
        let path = try directory.write(bytes, to: "a.aof")
        let log = try AppendOnlyLog.open(path)
        var removed: Set<Int> = []
        for _ in 0...random.below(4) { removed.insert(2 + random.below(count - 1)) }
        let removals = removed.sorted().map { TwinReplay.Removal(index: $0) }
        let postponed = try outcome(log, removals, postponing: true)
        let executed = try outcome(log, removals, postponing: false)
        #expect(postponed == executed, "seed \(seed * 1000 + number)")
        if postponed != executed { return }
      }
    }
  }

  /// Databases that are emptied, the second time while keys of both differ already.
  @Test func databasesAreEmptiedTwice() throws {
    try withTemporaryDirectory { directory in
      var bytes = command("SELECT", "0")
      for number in 0..<200 { bytes += command("SET", "k\(number)", "v") }
      // These leave entries that hold nothing.
      bytes += command("DEL", "k3") + command("SADD", "k200", "m") + command("SREM", "k200", "m")
      bytes += command("FLUSHALL")
      for number in 0..<200 { bytes += command("APPEND", "k\(199 - number)", "w") }
      bytes += command("SET", "k4", "new") + command("DEL", "k5", "k6")
      bytes += command("FLUSHDB")
      for number in 0..<100 { bytes += command("INCR", "k\(number * 2)") }
      bytes += command("SADD", "k200", "m") + command("SET", "k3", "v")
      let path = try directory.write(bytes, to: "a.aof")
      let log = try AppendOnlyLog.open(path)
      let removals = [205, 408].map { TwinReplay.Removal(index: $0) }
      #expect(
        try outcome(log, removals, postponing: true)
          == outcome(log, removals, postponing: false))
      let plan = try UndoPlan(log, Logs.selection(names: "FLUSHALL,FLUSHDB"))
      #expect(plan.removed.map(\.command.index) == removals.map(\.index))
      let impact = try UndoImpact(plan)
      _ = try plan.rewrite.write(to: directory.file("b.aof"), replacing: false)
      #expect(try impact.digestAfter == ImpactTests.hash(directory.file("b.aof")))
    }
  }

  /// The first of them in the log are told of, in whatever order their keys were looked at.
  @Test func moreConflictsThanAreKept() throws {
    try withTemporaryDirectory { directory in
      let keys = TwinReplay.mostConflicts + 50
      var bytes = command("SELECT", "0")
      for number in 0..<keys { bytes += command("SET", "k\(number)", "1") }
      bytes += command("FLUSHALL")
      for number in 0..<keys { bytes += command("INCR", "k\(keys - 1 - number)") }
      let path = try directory.write(bytes, to: "a.aof")
      let selection = try Logs.selection(names: "FLUSHALL")
      let impact = try UndoImpact(UndoPlan(AppendOnlyLog.open(path), selection))
      #expect(impact.twin.conflictCount == keys)
      #expect(
        impact.twin.conflicts.map(\.command.index)
          == Array(keys + 3..<keys + 3 + TwinReplay.mostConflicts))
      #expect(impact.twin.conflicts.first?.key.text == "k\(keys - 1)")
      #expect(impact.refusal == nil)

      // One that loses a write, behind those that are told of.
      bytes += command("SET", "late", "1")
      let more = try directory.write(
        command("SELECT", "0") + command("SET", "late", "1") + bytes.dropFirst(23)
          + command("DEL", "late") + command("RPUSH", "late", "x"), to: "b.aof")
      let losing = try UndoImpact(
        UndoPlan(
          AppendOnlyLog.open(more),
          Logs.selection(index: "\(keys + 3),\(2 * keys + 4),\(2 * keys + 5)")))
      #expect(losing.twin.conflictCount == keys + 1)
      #expect(losing.twin.losesMoreWrites)
      #expect(losing.refusal?.line.hasPrefix("later writes would be lost") == true)
    }
  }

  /// `MSETNX` that loses a key was refused because of it, and is no longer.
  @Test func theRestOfAnMSETNXIsDone() throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(
        command("SELECT", "0") + command("INCR", "a") + command("MSETNX", "a", "1", "b", "2"),
        to: "a.aof")
      let plan = try UndoPlan(
        AppendOnlyLog.open(path), Logs.selection(index: "2-3", keys: ["a"]))
      #expect(plan.partlyRemoved.count == 1)
      let impact = try UndoImpact(plan)
      _ = try plan.rewrite.write(to: directory.file("b.aof"), replacing: false)
      #expect(impact.restored == 1)
      #expect(try impact.digestAfter == ImpactTests.hash(directory.file("b.aof")))
    }
  }
}

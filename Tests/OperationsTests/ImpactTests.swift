import AOF
import Bytes
import Foundation
import Keyspace
import Operations
import TestSupport
import Testing

/// What an undo says of its effect, and what becomes of later commands that act differently.
@Suite struct ImpactTests {
  /// A log in which `removed` (numbers from 1, SELECT being 1) is taken out, and what is to come of it.
  struct Case: CustomStringConvertible, Sendable {
    var name: String
    var log: [[String]]
    var removed: Int
    /// As `kind command key commands`; `!` in front when writes are lost.
    var conflict: String
    /// Commands that make what is wanted with `keep-later`, `keep-restored` and, unless it is refused,
    /// `report`.
    var later: [[String]]
    var restored: [[String]]
    var reported: [[String]]?
    var description: String { name }
  }

  static let cases: [Case] = [
    Case(
      name: "a key that was made anew",
      log: [["HSET", "h", "a", "1", "b", "2"], ["DEL", "h"], ["HSET", "h", "a", "9"]], removed: 3,
      conflict: "recreated 4 h 1",
      later: [["HSET", "h", "a", "9"]], restored: [["HSET", "h", "a", "1", "b", "2"]],
      reported: [["HSET", "h", "a", "9", "b", "2"]]),
    Case(
      name: "a key that was overwritten anew",
      log: [
        ["HSET", "o", "a", "1"], ["DEL", "o"], ["SET", "o", "new"],
        ["EXPIREAT", "o", "4102444800"],
      ],
      removed: 3, conflict: "recreated 4 o 1",
      later: [["SET", "o", "new"], ["EXPIREAT", "o", "4102444800"]],
      restored: [["HSET", "o", "a", "1"]],
      reported: [["SET", "o", "new"], ["EXPIREAT", "o", "4102444800"]]),
    Case(
      name: "a counter",
      log: [["SET", "n", "100"], ["DEL", "n"], ["INCR", "n"], ["INCR", "n"]],
      removed: 3, conflict: "counter 4 n 2",
      later: [["SET", "n", "2"]], restored: [["SET", "n", "100"]], reported: [["SET", "n", "102"]]),
    Case(
      name: "a counter in a hash",
      log: [
        ["HSET", "hc", "f", "5", "g", "1"], ["HDEL", "hc", "f"], ["HINCRBY", "hc", "f", "2"],
        ["HSET", "hc", "x", "y"],
      ], removed: 3, conflict: "counter 4 hc 1",
      later: [["HSET", "hc", "f", "2", "g", "1", "x", "y"]],
      restored: [["HSET", "hc", "f", "5", "g", "1"]],
      reported: [["HSET", "hc", "f", "7", "g", "1", "x", "y"]]),
    Case(
      name: "an appended string",
      log: [["SET", "a", "abc"], ["DEL", "a"], ["APPEND", "a", "d"]],
      removed: 3, conflict: "counter 4 a 1",
      later: [["SET", "a", "d"]], restored: [["SET", "a", "abc"]], reported: [["SET", "a", "abcd"]]),
    Case(
      name: "SET NX", log: [["SET", "k", "old"], ["DEL", "k"], ["SET", "k", "new", "NX"]],
      removed: 3,
      conflict: "!refused 4 k 1", later: [["SET", "k", "new"]], restored: [["SET", "k", "old"]]),
    Case(
      name: "RENAMENX",
      log: [["SET", "t", "old"], ["DEL", "t"], ["SET", "s", "new"], ["RENAMENX", "s", "t"]],
      removed: 3, conflict: "!refused 5 t 1",
      later: [["SET", "t", "new"]], restored: [["SET", "t", "old"], ["SET", "s", "new"]]),
    Case(
      name: "ZADD NX",
      log: [
        ["ZADD", "z", "1", "m", "2", "n"], ["ZREM", "z", "m"],
        ["ZADD", "z", "NX", "7", "m", "8", "o"],
      ], removed: 3, conflict: "!refused 4 z 1",
      later: [["ZADD", "z", "7", "m", "2", "n", "8", "o"]],
      restored: [["ZADD", "z", "1", "m", "2", "n"]]),
    Case(
      name: "WRONGTYPE", log: [["HSET", "w", "f", "v"], ["DEL", "w"], ["RPUSH", "w", "x", "y"]],
      removed: 3, conflict: "!wrong-type 4 w 1",
      later: [["RPUSH", "w", "x", "y"]], restored: [["HSET", "w", "f", "v"]]),
    Case(
      name: "WRONGTYPE behind an overwrite",
      log: [
        ["RPUSH", "v", "1", "2"], ["SET", "v", "oops"], ["APPEND", "v", "!"],
        ["EXPIREAT", "v", "4102444800"],
      ], removed: 3, conflict: "!wrong-type 4 v 1",
      later: [["SET", "v", "oops!"], ["EXPIREAT", "v", "4102444800"]],
      restored: [["RPUSH", "v", "1", "2"]]),
    Case(
      name: "an id that is too small",
      log: [["XADD", "x", "5-0", "f", "v"], ["DEL", "x"], ["XADD", "x", "1-0", "f", "w"]],
      removed: 3,
      conflict: "!fails 4 x 1", later: [["XADD", "x", "1-0", "f", "w"]],
      restored: [["XADD", "x", "5-0", "f", "v"]]),
    Case(
      name: "elements by their place",
      log: [["RPUSH", "l", "a", "b", "c"], ["LPOP", "l"], ["LPOP", "l"]], removed: 3,
      conflict: "position 4 l 1",
      later: [["RPUSH", "l", "c"]], restored: [["RPUSH", "l", "a", "b", "c"]],
      reported: [["RPUSH", "l", "b", "c"]]),
    Case(
      name: "removed again",
      log: [["SET", "r", "v"], ["DEL", "r"], ["SET", "q", "1"], ["DEL", "r", "q"]], removed: 3,
      conflict: "removed-again 5 r 1", later: [], restored: [["SET", "r", "v"]], reported: []),
    Case(
      name: "one key of several",
      log: [["SET", "m", "1"], ["DEL", "m"], ["MULTI"], ["MSET", "m", "2", "p", "3"], ["EXEC"]],
      removed: 3, conflict: "recreated 5 m 1",
      later: [["MSET", "m", "2", "p", "3"]], restored: [["MSET", "m", "1", "p", "3"]],
      reported: [["MSET", "m", "2", "p", "3"]]),
  ]

  static func bytes(_ commands: [[String]]) -> [UInt8] {
    command("SELECT", "0") + commands.flatMap { command($0) }
  }

  /// The state that a log amounts to, as a number and as keys.
  static func hash(_ path: String) throws -> String {
    let keyspace = Keyspace(now: 0)
    try LogReplay.read(AppendOnlyLog.open(path), into: keyspace, .system)
    var hash = StateHash()
    for database in keyspace.databases {
      keyspace.forEachKey(in: database) { hash.add($0, database, $1) }
    }
    return hash.text
  }

  private func lines(_ impact: UndoImpact) -> [String] {
    impact.twin.conflicts.map {
      "\($0.losesWrites ? "!" : "")\($0.kind.name) \($0.command.index) \($0.key.text) \($0.commands)"
    }
  }

  @Test(arguments: cases) func conflictsAreToldAndSolved(_ item: Case) throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(ImpactTests.bytes(item.log), to: "a.aof")
      let log = try AppendOnlyLog.open(path)
      let selection = try Logs.selection(index: "\(item.removed)")
      for policy in UndoImpact.ConflictPolicy.allCases {
        var plan = try UndoPlan(log, selection)
        let impact = try UndoImpact(plan, policy: policy)
        #expect(impact.digestBefore == (try ImpactTests.hash(path)))
        if policy == .report { #expect(lines(impact) == [item.conflict]) }
        let wanted =
          switch policy {
          case .report: item.reported
          case .keepLater: item.later
          case .keepRestored: item.restored
          }
        #expect((impact.refusal == nil) == (wanted != nil), "\(policy)")
        guard let wanted else { continue }
        try plan.resolve(impact)
        let out = directory.file("\(policy).aof")
        _ = try plan.rewrite.write(to: out, replacing: false)
        #expect(try Logs.check(out).isOK)
        let answer = try directory.write(ImpactTests.bytes(wanted), to: "\(policy)-wanted.aof")
        // Of streams the numbers beside the entries follow from all that ever happened.
        #expect(try ImpactTests.hash(out) == ImpactTests.hash(answer), "\(policy)")
        #expect(impact.digestAfter == (try ImpactTests.hash(out)), "\(policy)")
      }
    }
  }

  /// All cases in one log, solved, and loaded by real servers.
  @Test(arguments: [RealServer.Version.redis6_2, .redis7_0, .valkey9_1])
  func serversLoadWhatIsSolved(_ version: RealServer.Version) throws {
    let directory = try TemporaryDirectory()
    var commands: [[String]] = []
    var removed: [String] = []
    for item in ImpactTests.cases {
      removed.append("\(commands.count + item.removed)")
      commands += item.log
    }
    let path = try directory.write(ImpactTests.bytes(commands), to: "all.aof")
    let log = try AppendOnlyLog.open(path)
    for policy in [UndoImpact.ConflictPolicy.keepLater, .keepRestored] {
      var plan = try UndoPlan(log, Logs.selection(index: removed.joined(separator: ",")))
      let impact = try UndoImpact(plan, policy: policy)
      try plan.resolve(impact)
      let out = directory.file("\(policy).aof")
      _ = try plan.rewrite.write(to: out, replacing: false)
      let wanted = try directory.write(
        ImpactTests.bytes(
          ImpactTests.cases.flatMap { policy == .keepLater ? $0.later : $0.restored }),
        to: "\(policy)-wanted.aof")
      let server = try RealServer.loading(aof: out, version)
      let answer = try RealServer.loading(aof: wanted, version)
      #expect(try server.debugDigest() == answer.debugDigest(), "\(policy)")
      #expect(!server.log.contains("CRITICAL"), "\(policy)")
    }
  }

  @Test func theReportIsExact() throws {
    try withTemporaryDirectory { directory in
      let log: [[String]] = [
        ["SET", "n", "100"], ["RPUSH", "list", "a", "b", "c"], ["HSET", "h", "f", "v"],
        ["SET", "other", "x"], ["FLUSHALL"], ["INCR", "n"], ["SADD", "h", "m"], ["INCR", "n"],
        ["SET", "new", "1"],
      ]
      let path = try directory.write(ImpactTests.bytes(log), to: "a.aof")
      let opened = try AppendOnlyLog.open(path)
      let impact = try UndoImpact(UndoPlan(opened, Logs.selection(names: "FLUSHALL")))
      #expect(impact.keysBefore == 3)
      #expect(impact.keysAfter == 5)
      #expect(impact.unaffected == 1)
      let memory = MemoryTarget()
      var output = OutputBuffer(memory)
      impact.writeText(limit: 10, log: opened, to: &output)
      try output.flush()
      let offset = { (number: Int) in ImpactTests.bytes(Array(log.prefix(number - 2))).count }
      #expect(
        String(decoding: memory.bytes, as: UTF8.self) == """
          2 keys restored, 2 changed, 1 unaffected
            restored  db0  "list"  list of 3 elements
            restored  db0  "other"  string of 1 bytes
            changed  db0  "n"  string: 1 → 3 bytes
            changed  db0  "h"  set of 1 member → hash of 1 field
          later commands that act differently:
            command 7  \(offset(7))  db0  INCR "n": works on the value that is there, which is another \
          one now (2 commands)
            command 8  \(offset(8))  db0  SADD "h": WRONGTYPE: a server logs an error and what it wrote \
          is lost

          """)
      let refusal = try #require(impact.refusal)
      #expect(refusal.status == .no)
      #expect(
        refusal.line.hasPrefix(
          "later writes would be lost, so nothing is written (first: command 8"))
    }
  }

  @Test func whatIsInTheBaseCountsAsBeingThere() throws {
    try withTemporaryDirectory { directory in
      try Logs.multiPart(
        directory.file("d"), base: command("SELECT", "0") + command("SET", "a", "1"),
        increments: [
          command("SELECT", "0") + command("DEL", "a"),
          command("SELECT", "0") + command("SET", "b", "1"),
        ])
      let impact = try UndoImpact(
        UndoPlan(AppendOnlyLog.open(directory.file("d")), Logs.selection(names: "DEL")))
      #expect(impact.restored == 1)
      #expect(impact.unaffected == 1)
      #expect(impact.twin.conflicts.isEmpty)
    }
  }

  @Test func aLogThatCantBeReplayedSaysSo() throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(
        ImpactTests.bytes([["SET", "a", "1"], ["DEL", "a"], ["EVAL", "return 1", "0"]]), to: "a.aof"
      )
      let plan = try UndoPlan(AppendOnlyLog.open(path), Logs.selection(names: "DEL"))
      let error = #expect(throws: ToolError.self) { try UndoImpact(plan) }
      #expect(error?.status == .badData)
      #expect(error?.line.contains("EVAL") == true)
    }
  }

  // MARK: - Anything at all

  /// Random commands on a few keys; some fail, which counts as well.
  static func randomLog(_ random: inout SplitMix64) -> [[String]] {
    func key() -> String { ["a", "b", "c", "d", "e", "f"][random.below(6)] }
    func value() -> String { ["1", "2", "x", "yy", "10"][random.below(5)] }
    func member() -> String { ["m1", "m2", "m3"][random.below(3)] }
    func number() -> String { "\(random.below(8) - 3)" }
    func one() -> [String] {
      switch random.below(46) {
      case 0: ["SET", key(), value()]
      case 1: ["SET", key(), value(), "NX"]
      case 2: ["SET", key(), value(), "XX", "KEEPTTL"]
      case 3: ["SETNX", key(), value()]
      case 4: ["APPEND", key(), value()]
      case 5: ["INCRBY", key(), number()]
      case 6: ["GETSET", key(), value()]
      case 7: ["MSET", key(), value(), key(), value()]
      case 8: ["MSETNX", key(), value(), key(), value()]
      case 9, 10: ["DEL", key(), key()]
      case 11: ["RPUSH", key(), value(), value()]
      case 12: ["LPUSHX", key(), value()]
      case 13: ["LPOP", key()]
      case 14: ["LTRIM", key(), number(), number()]
      case 15: ["LREM", key(), number(), value()]
      case 16: ["LSET", key(), "0", value()]
      case 17: ["RPOPLPUSH", key(), key()]
      case 18: ["SADD", key(), member(), member()]
      case 19: ["SREM", key(), member()]
      case 20: ["SMOVE", key(), key(), member()]
      case 21: ["SUNIONSTORE", key(), key(), key()]
      case 22: ["SINTERSTORE", key(), key(), key()]
      case 23: ["ZADD", key(), number(), member()]
      case 24: ["ZADD", key(), "NX", number(), member()]
      case 25: ["ZINCRBY", key(), number(), member()]
      case 26: ["ZUNIONSTORE", key(), "2", key(), key()]
      case 27: ["HSET", key(), member(), value()]
      case 28: ["HSETNX", key(), member(), value()]
      case 29: ["HDEL", key(), member()]
      case 30: ["HINCRBY", key(), member(), number()]
      case 31: ["PEXPIREAT", key(), "4102444800000"]
      case 32: ["PERSIST", key()]
      case 33: ["EXPIREAT", key(), "4102444900", "NX"]
      case 34: ["RENAME", key(), key()]
      case 35: ["RENAMENX", key(), key()]
      case 36: ["COPY", key(), key(), "DB", "1", "REPLACE"]
      case 37: ["MOVE", key(), "1"]
      case 38: ["SORT", key(), "BY", "w*", "STORE", key()]
      case 39: ["SELECT", "\(random.below(2))"]
      case 40: ["XADD", key(), "\(random.below(9))-\(random.below(9))", "f", value()]
      case 41: ["XGROUP", "CREATE", key(), "g", "0"]
      case 42: ["PFADD", key(), member()]
      case 43: ["BITOP", "OR", key(), key(), key()]
      case 44: ["SETBIT", key(), "7", "1"]
      default:
        random.below(3) > 0
          ? ["UNLINK", key()] : [["FLUSHDB"], ["FLUSHALL"], ["SWAPDB", "0", "1"]][random.below(3)]
      }
    }
    var log: [[String]] = []
    for _ in 0..<10 + random.below(50) {
      if random.below(25) == 0 {
        log.append(["MULTI"])
        for _ in 0...random.below(3) { log.append(one()) }
        log.append(["EXEC"])
      } else {
        log.append(one())
      }
    }
    return log
  }

  @Test(arguments: 0..<8) func theDigestTellsWhatIsWritten(_ seed: Int) throws {
    try withTemporaryDirectory { directory in
      for number in 0..<60 {
        var random = SplitMix64(seed: UInt64(seed * 1000 + number))
        let log = ImpactTests.randomLog(&random)
        var numbers: Set<Int> = []
        for _ in 0...random.below(3) { numbers.insert(2 + random.below(log.count)) }
        let path = try directory.write(ImpactTests.bytes(log), to: "a.aof")
        let selection = try Logs.selection(
          index: numbers.sorted().map(String.init).joined(separator: ","),
          keys: random.below(4) == 0 ? ["a", "b"] : [])
        let plan = try UndoPlan(AppendOnlyLog.open(path), selection)
        if plan.isEmpty { continue }
        let before = try ImpactTests.hash(path)
        for policy in UndoImpact.ConflictPolicy.allCases {
          var plan = plan
          let impact = try UndoImpact(plan, policy: policy)
          try plan.resolve(impact)
          let out = directory.file("b.aof")
          _ = try plan.rewrite.write(to: out, replacing: true)
          #expect(impact.digestBefore == before, "seed \(seed * 1000 + number)")
          let after = try ImpactTests.hash(out)
          #expect(impact.digestAfter == after, "seed \(seed * 1000 + number), \(policy)")
          if impact.digestAfter != after { return }
        }
      }
    }
  }
}

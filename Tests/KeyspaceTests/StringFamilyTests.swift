import Bytes
import Foundation
import TestSupport
import Testing

@testable import Keyspace

/// Draws words of commands.
struct WordSource {
  var random: SplitMix64
  /// Moments that no test reaches, and some that are long past.
  let future = Differential.now + 1_000_000_000

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }

  mutating func pick<T>(_ choices: [T]) -> T { choices[random.below(choices.count)] }

  /// Few keys, so that commands meet.
  mutating func key() -> String { "k\(random.below(9))" }

  mutating func value() -> String {
    switch random.below(10) {
    case 0: ""
    case 1: "\(random.below(100))"
    case 2: "-\(random.below(100))"
    case 3: pick(["9223372036854775807", "-9223372036854775808", "00", "1e3", "3.5", " 1", "+1"])
    case 4: String(repeating: "x", count: random.below(100))
    case 5: pick(["a", "b", "c"])
    default: "\(random.below(1_000_000))"
    }
  }

  mutating func integer() -> String {
    switch random.below(12) {
    case 0: "9223372036854775807"
    case 1: "-9223372036854775808"
    case 2: pick(["x", "", "1.5", "+1", "01", "99999999999999999999"])
    case 3, 4: "-\(random.below(50))"
    default: "\(random.below(50))"
    }
  }

  /// A moment as unix seconds.
  mutating func seconds() -> String {
    switch random.below(10) {
    case 0: pick(["0", "-1", "x", "9223372036854775807", "-9223372036854775808"])
    case 1: "\(random.below(1_000_000) + 1)"
    default: "\(future / 1000 + Int64(random.below(100)) * 1000)"
    }
  }

  /// A moment as unix milliseconds.
  mutating func milliseconds() -> String {
    switch random.below(10) {
    case 0: pick(["0", "-5", "x", "9223372036854775807", "-9223372036854775808"])
    case 1: "\(random.below(1_000_000) + 1)"
    default: "\(future + Int64(random.below(100)) * 1_000_000)"
    }
  }

  /// A duration in seconds, far from now.
  mutating func duration() -> String {
    switch random.below(10) {
    case 0: pick(["0", "-1", "x", "9223372036854775807"])
    default: "\(1_000_000 + random.below(100) * 1000)"
    }
  }

  mutating func expiryOption() -> [String] {
    switch random.below(8) {
    case 0: ["EX", duration()]
    case 1: ["px", duration() + "000"]
    case 2: ["EXAT", seconds()]
    case 3: ["PXAT", milliseconds()]
    case 4: ["KEEPTTL"]
    default: []
    }
  }

  mutating func anyCase(_ word: String) -> String { chance(20) ? word.lowercased() : word }
}

/// Draws commands on strings and keys.
struct StringFamily {
  var words: WordSource
  let version: RealServer.Version
  /// Whether commands may be ones that servers rewrite before they log them.
  init(seed: UInt64, _ version: RealServer.Version) {
    words = WordSource(seed: seed)
    self.version = version
  }

  mutating func command() -> [String] {
    let key = words.key()
    switch words.random.below(46) {
    case 0, 1: return ["SET", key, words.value()]
    case 2, 3, 4:
      var command = ["SET", key, words.value()]
      if words.chance(40) { command.append(words.anyCase(words.pick(["NX", "XX"]))) }
      if words.chance(20) { command.append("GET") }
      command += words.expiryOption()
      if words.chance(10) { command += words.expiryOption() }
      if words.chance(3) { command.append("BAD") }
      return command
    case 5: return ["SETNX", key, words.value()]
    case 6: return ["SETEX", key, words.duration(), words.value()]
    case 7: return ["PSETEX", key, words.duration(), words.value()]
    case 8: return ["GETSET", key, words.value()]
    case 9: return ["GETDEL", key]
    // Valkey looks at the time before it looks for the key, Redis after that.
    case 10:
      return ["GETEX", key]
        + words.pick([["EX", "1000000"], ["PXAT", "\(words.future)"], ["KEEPTTL"], []])
    case 11: return ["GETEX", key, "PERSIST"]
    case 12, 13: return ["APPEND", key, words.value()]
    case 14, 15:
      return [
        "SETRANGE", key, words.chance(10) ? words.integer() : "\(words.random.below(60))",
        words.value(),
      ].map { $0 == "9223372036854775807" ? "-1" : $0 }
    case 16, 17: return ["INCR", key]
    case 18: return ["DECR", key]
    case 19: return ["INCRBY", key, words.integer()]
    case 20: return ["DECRBY", key, words.integer()]
    case 21:
      return [
        "INCRBYFLOAT", key,
        words.pick(["1.1", "0.1", "-3.7", "1e10", "1e4000", "x", "inf", "nan", "0x10", "5", "1e-9"]
        ),
      ]
    case 22:
      return ["MSET", key, words.value(), words.key(), words.value()]
        + (words.chance(5) ? ["x"] : [])
    case 23: return ["MSETNX", key, words.value(), words.key(), words.value()]
    case 24:
      var command = ["EXPIRE", key, words.duration()]
      if version != .redis6_2, words.chance(50) { command.append(condition()) }
      return command
    case 25: return ["PEXPIRE", key, words.duration() + "000"]
    case 26: return ["EXPIREAT", key, words.seconds(), condition()]
    case 27, 28: return ["PEXPIREAT", key, words.milliseconds()]
    case 29, 30: return ["pexpireat", key, words.milliseconds(), condition()]
    case 31: return ["PEXPIREAT", key, words.milliseconds(), condition(), condition()]
    case 32: return ["PERSIST", key]
    case 33: return ["RENAME", key, words.key()]
    case 34: return ["RENAMENX", key, words.key()]
    case 35: return ["MOVE", key, "\(words.random.below(4))"]
    case 36, 37:
      var command = ["COPY", key, words.key()]
      if words.chance(30) { command += ["DB", "\(words.random.below(4))"] }
      if words.chance(50) { command.append("REPLACE") }
      if words.chance(5) { command.append("BAD") }
      return command
    case 38: return [words.pick(["DEL", "UNLINK"]), key, words.key()]
    case 39: return ["DEL", key]
    case 40: return ["SELECT", "\(words.random.below(3))"]
    case 41: return words.chance(40) ? ["SWAPDB", "0", "\(words.random.below(3))"] : ["TYPE", key]
    case 42 where words.chance(10):
      return [words.pick(["FLUSHDB", "FLUSHALL"])] + words.pick([[], ["ASYNC"], ["sync"], ["BAD"]])
    case 42: return words.chance(5) ? ["PUBLISH", key, "x"] : ["HSET", key, "f", words.value()]
    case 43: return ["RPUSH", key, words.value(), words.value()]
    case 44: return valkeyOnly(key)
    default: return ["SADD", key, words.value()]
    }
  }

  private mutating func condition() -> String { words.pick(["NX", "XX", "GT", "lt"]) }

  private mutating func valkeyOnly(_ key: String) -> [String] {
    guard version == .valkey9_1 else { return ["EXISTS", key] }
    switch words.random.below(3) {
    case 0: return ["SET", key, words.value(), "IFEQ", words.pick(["a", "b", "c"])]
    case 1: return ["DELIFEQ", key, words.pick(["a", "b", "c"])]
    default:
      return ["MSETEX", "2", key, words.value(), words.key(), words.value()]
        + (words.chance(50) ? [words.pick(["NX", "XX"])] : []) + words.expiryOption()
    }
  }
}

@Suite struct StringFamilyTests {
  static let versions: [RealServer.Version] = [.redis7_0, .valkey9_1]

  @Test(arguments: versions) func loadersDoTheSame(_ version: RealServer.Version) throws {
    for seed in 1...6 * Differential.rounds {
      var log = CommandLog()
      var family = StringFamily(seed: seed, version)
      while log.commands.count < 2000 {
        let isTransaction = family.words.chance(4)
        if isTransaction { log.add("MULTI") }
        for _ in 0..<(isTransaction ? family.words.random.below(5) : 1) {
          log.add(family.command().map { Array($0.utf8) })
        }
        if isTransaction { log.add("EXEC") }
        if family.words.chance(1) { log.add("EXEC") }
      }
      let keyspace = try Differential.replay(log.bytes, now: Differential.now)
      #expect(Differential.picture(keyspace, without: 0).count >= 1)
      #expect(keyspace.faultCount > 100)
      let lines = try Differential.loading(log, version)
      if !lines.isEmpty {
        let first = try Differential.firstDifference(log) {
          try Differential.loading($0, version)
        }
        Issue.record("seed \(seed): \(first)")
        break
      }
    }
  }

  /// Conditions that no server here has, and INCREX, by their descriptions.
  @Test func stringsOfRedis8() {
    let h = CommandHarness()
    h.run("SET a x PXAT 5000")
    #expect(h.run("SET a y IFEQ z") == .done(.unchanged))
    #expect(h.run("SET a y IFNE x KEEPTTL") == .done(.unchanged))
    #expect(h.run("SET a y IFNE z KEEPTTL") == .done(.changed))
    #expect(h.string("a") == "y" && h.state("a").expiresAt == 5000)
    let digest = Array("y".utf8).withByteSlice { XXH3.hash($0) }
    let text = String(digest, radix: 16)
    let hex = String(repeating: "0", count: 16 - text.count) + text
    #expect(h.run("SET a w IFDNE \(hex)") == .done(.unchanged))
    #expect(h.run("SET a w IFDEQ \(hex.uppercased())") == .done(.changed))
    #expect(h.string("a") == "w" && h.state("a").expiresAt == nil)
    #expect(h.run("SET a w IFDEQ xyz") == .fault(.syntax))
    #expect(h.run("SET a w NX IFEQ w") == .fault(.syntax))
    #expect(h.run("SET b w IFEQ w") == .done(.unchanged))
    #expect(h.run("SET b w IFNE w") == .done(.changed))
    h.run("HSET h f v")
    #expect(h.run("SET h w IFEQ w") == .fault(.wrongType))
    #expect(h.run("DELEX b IFNE w") == .done(.unchanged))
    #expect(h.run("DELEX b IFEQ w") == .done(.changed))
    #expect(h.run("DELEX b") == .done(.unchanged))
    #expect(h.run("DELEX h") == .done(.changed))
    #expect(h.run("DELEX a WHAT w") == .fault(.syntax))

    #expect(h.run("INCREX n") == .done(.changed))
    #expect(h.run("INCREX n BYINT 9 UBOUND 5 EX 10") == .done(.unchanged))
    #expect(h.string("n") == "1" && h.state("n").expiresAt == nil)
    #expect(h.run("INCREX n BYINT 9 UBOUND 5 SATURATE EX 10") == .done(.changed))
    #expect(h.string("n") == "5" && h.state("n").expiresAt == 1_700_000_010_000)
    #expect(h.run("INCREX n BYINT -9 LBOUND -1 SATURATE PXAT 99 ENX") == .done(.changed))
    #expect(h.string("n") == "-1" && h.state("n").expiresAt == 1_700_000_010_000)
    #expect(h.run("INCREX n BYFLOAT 1.75 PERSIST") == .done(.changed))
    #expect(h.string("n") == "0.75" && h.state("n").expiresAt == nil)
    #expect(h.run("INCREX n BYFLOAT 100 UBOUND 42.5 SATURATE") == .done(.changed))
    #expect(h.string("n") == "42.5")
    #expect(h.run("INCREX n") == .fault(.notInteger))
    #expect(h.run("INCREX n BYINT 1 BYFLOAT 1") == .fault(.syntax))
    #expect(h.run("INCREX m ENX") == .fault(.syntax))
    #expect(!h.state("m").exists)
  }

  /// Every command of the families that the servers here have is drawn by one of the tests.
  @Test func everyCommandIsDrawn() {
    var counts: [String: Int] = [:]
    var strings = StringFamily(seed: 1, .valkey9_1)
    var bitmaps = BitmapFamily(seed: 1, wild: true)
    var sorts = SortFamily(seed: 1, .valkey9_1)
    for _ in 0..<20_000 {
      for command in [strings.command(), bitmaps.command(), sorts.command()] {
        counts[command[0].uppercased(), default: 0] += 1
      }
    }
    // By tests of their own, or of no server here, or never in a log.
    let others: Set<String> = [
      "RESTORE", "RESTORE-ASKING", "FUNCTION", "INCREX", "DELEX", "SFLUSH", "TRIMSLOTS", "CLUSTER",
      "MIGRATE",
    ]
    let tables = [
      StringCommands.table, CounterCommands.table, BitmapCommands.table, HyperLogLogCommands.table,
      KeyCommands.table, SortCommands.table, RestoreCommands.table, DatabaseCommands.table,
      FunctionCommands.table,
    ]
    for entry in tables.joined() where !others.contains("\(entry.name)") {
      #expect(counts["\(entry.name)", default: 0] >= 20, "\(entry.name)")
    }
  }

  @Test func slotsOfClusters() {
    let h = CommandHarness()
    for index in 0..<100 { h.run("SET {a}\(index) v") }
    for index in 0..<50 { h.run("SET {b}\(index) v") }
    let slots = ["a", "b"].map { Array($0.utf8).withByteSlice { HashSlot.of($0) } }
    #expect(h.run("CLUSTER FLUSHSLOT \(slots[0] + 1)") == .done(.unchanged))
    #expect(h.run("CLUSTER FLUSHSLOT \(slots[0]) SYNC") == .done(.changed))
    #expect(!h.state("{a}7").exists && h.state("{b}7").exists)
    #expect(h.run("CLUSTER FLUSHSLOT 16384") == .fault(.outOfRange))
    #expect(h.run("CLUSTER SETSLOT 1 NODE x") == .done(.unchanged))
    #expect(h.run("SFLUSH 5 4") == .fault(.outOfRange))
    #expect(h.run("SFLUSH 0 \(slots[1]) SYNC") == .done(.changed))
    #expect(!h.state("{b}7").exists)
    h.run("SET {b}1 v")
    #expect(h.run("TRIMSLOTS RANGES 2 \(slots[1]) \(slots[1])") == .fault(.syntax))
    #expect(h.run("TRIMSLOTS RANGES 1 \(slots[1]) \(slots[1])") == .done(.changed))
    #expect(!h.state("{b}1").exists)
  }

  @Test(arguments: versions) func logsOfServersMakeTheirState(_ version: RealServer.Version) throws
  {
    for seed in 1...4 * Differential.rounds {
      var log = CommandLog()
      var family = StringFamily(seed: seed &+ 100_000, version)
      for _ in 0..<5000 { log.add(family.command().map { Array($0.utf8) }) }
      let lines = try Differential.living(log, version)
      if !lines.isEmpty {
        let first = try Differential.firstDifference(log) { try Differential.living($0, version) }
        Issue.record("seed \(seed): \(first)")
        break
      }
    }
  }
}

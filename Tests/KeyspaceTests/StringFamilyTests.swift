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
    case 10: return ["GETEX", key] + words.expiryOption()
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
        words.pick(["1.1", "0.1", "-3.7", "1e10", "1e4000", "x", "inf", "nan", "0x10", "5", "1e-9"]),
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
    case 41: return words.chance(40) ? ["SWAPDB", "0", "\(words.random.below(3))"] : ["GET", key]
    case 42: return words.chance(10) ? ["FLUSHDB"] : ["HSET", key, "f", words.value()]
    case 43: return ["RPUSH", key, words.value(), words.value()]
    case 44: return valkeyOnly(key)
    default: return ["SADD", key, words.value()]
    }
  }

  private mutating func condition() -> String { words.pick(["NX", "XX", "GT", "lt"]) }

  private mutating func valkeyOnly(_ key: String) -> [String] {
    guard version == .valkey9_1 else { return ["STRLEN", key] }
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
    for seed in 1...6 as ClosedRange<UInt64> {
      var log = CommandLog()
      var family = StringFamily(seed: seed, version)
      for _ in 0..<2000 { log.add(family.command().map { Array($0.utf8) }) }
      let keyspace = try Differential.replay(log.bytes, now: Differential.now)
      #expect(Differential.picture(keyspace, without: 0).count >= 6)
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

  @Test(arguments: versions) func logsOfServersMakeTheirState(_ version: RealServer.Version) throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      var log = CommandLog()
      var family = StringFamily(seed: seed &+ 100, version)
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

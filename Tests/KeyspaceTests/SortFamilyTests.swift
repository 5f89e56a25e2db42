import Bytes
import Foundation
import TestSupport
import Testing

@testable import Keyspace

/// Draws SORT … STORE with what it reads.
struct SortFamily {
  var words: WordSource

  let version: RealServer.Version

  init(seed: UInt64, _ version: RealServer.Version) {
    words = WordSource(seed: seed)
    self.version = version
  }

  private mutating func element() -> String {
    switch words.random.below(12) {
    // Valkey 9 takes only plain decimals as weights; the replay takes what any server takes.
    case 0 where version == .valkey9_1: words.pick(["a", "10", "1.5", "-3", "inf", "1e2"])
    case 0: words.pick(["a", "b", "", "10", "1.5", "-3", "inf", " 7", "0x10", "1e2"])
    default: "\(words.random.below(20))"
    }
  }

  /// What GET makes may be empty, and does not go where it is sorted again.
  private mutating func destination(_ command: [String]) -> String {
    words.pick(command.contains("GET") ? ["d1", "d2", "d3"] : ["d1", "d2", "l1"])
  }

  private mutating func pattern() -> String {
    words.pick(["w*", "w*", "h*->f", "h*->g", "#", "none", "h*->", "w*->f", "*", "nosuch*"])
  }

  mutating func command() -> [String] {
    let key = words.pick(["l1", "l2", "s1", "s2", "z1", "z2"])
    switch words.random.below(20) {
    case 0, 1: return ["RPUSH", words.pick(["l1", "l2"]), element(), element(), element()]
    case 2: return ["SADD", words.pick(["s1", "s2"]), element(), element(), element()]
    case 3, 4:
      return ["ZADD", words.pick(["z1", "z2"]), "\(words.random.below(10))", element()]
    case 5, 6: return ["SET", "w\(words.random.below(20))", element()]
    case 7, 8: return ["HSET", "h\(words.random.below(20))", words.pick(["f", "g"]), element()]
    case 9: return ["DEL", words.pick([key, "w\(words.random.below(20))"])]
    case 10: return ["INCR", "w\(words.random.below(20))"]
    default:
      var command = ["SORT", words.chance(5) ? "h1" : key]
      if words.chance(50) { command += ["BY", pattern()] }
      if words.chance(30) {
        command += [
          "LIMIT", words.pick(["0", "1", "3", "-2", "100"]), words.pick(["2", "0", "-1"]),
        ]
      }
      while words.chance(40) { command += ["GET", pattern()] }
      if words.chance(40) { command.append("DESC") }
      // Equal weights under ALPHA with BY are left to chance by servers.
      if words.chance(40), !command.contains("BY") { command.append("alpha") }
      if words.chance(90) { command += ["STORE", destination(command)] }
      return command
    }
  }
}

@Suite struct SortFamilyTests {
  @Test(arguments: StringFamilyTests.versions)
  func loadersDoTheSame(_ version: RealServer.Version) throws {
    for seed in 1...6 * Differential.rounds {
      var log = CommandLog()
      var family = SortFamily(seed: seed, version)
      for _ in 0..<3000 { log.add(family.command().map { Array($0.utf8) }) }
      let keyspace = try Differential.replay(log.bytes, now: Differential.now)
      #expect(Differential.picture(keyspace, without: 0).count >= 10)
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
}

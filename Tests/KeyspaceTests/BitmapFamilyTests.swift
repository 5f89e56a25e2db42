import Bytes
import Foundation
import TestSupport
import Testing

@testable import Keyspace

/// Draws commands on bits and HyperLogLogs.
struct BitmapFamily {
  var words: WordSource
  /// Whether offsets may be beyond all limits: loading servers take them, and get stuck.
  let wild: Bool

  init(seed: UInt64, wild: Bool) {
    words = WordSource(seed: seed)
    self.wild = wild
  }

  private mutating func type() -> String {
    switch words.random.below(12) {
    case 0: words.pick(["u64", "i65", "x8", "u0", "i"])
    case 1: "i64"
    case 2: "u63"
    default: words.pick(["u", "i"]) + "\(words.random.below(63) + 1)"
    }
  }

  private mutating func offset() -> String {
    switch words.random.below(10) {
    case 0: words.pick(["-1", "x", wild ? "99999999999" : "-2", "#-1"])
    case 1, 2: "#\(words.random.below(20))"
    default: "\(words.random.below(300))"
    }
  }

  private mutating func elements(_ most: Int) -> [String] {
    (0..<words.random.below(most)).map { _ in "e\(words.random.below(200_000))" }
  }

  mutating func command() -> [String] {
    let key = words.key()
    let count = "h\(words.random.below(5))"
    switch words.random.below(24) {
    case 0, 1: return ["SETBIT", key, "\(words.random.below(500))", words.pick(["0", "1"])]
    case 2:
      return ["SETBIT", key, words.integer(), words.pick(["0", "1", "2", "x"])].map {
        $0.count > 15 ? "-3" : $0
      }
    case 3, 4, 5, 6:
      var command = ["BITFIELD", key]
      for _ in 0..<words.random.below(4) {
        switch words.random.below(5) {
        case 0: command += ["GET", type(), offset()]
        case 1: command += ["OVERFLOW", words.pick(["WRAP", "sat", "FAIL"])]
        case 2: command += ["SET", type(), offset(), words.integer()]
        default: command += ["INCRBY", type(), offset(), words.integer()]
        }
      }
      return command
    case 7, 8:
      let operations = ["AND", "OR", "XOR", "not"]
      var command = ["BITOP", words.pick(operations), key]
      for _ in 0...words.random.below(3) { command.append(words.key()) }
      return command
    case 9, 10: return ["SET", key, words.value()]
    case 11: return ["PEXPIREAT", key, words.milliseconds()]
    case 12: return ["DEL", words.key(), count]
    case 13, 14, 15: return ["PFADD", count] + elements(60)
    case 16: return ["PFADD", count] + elements(3)
    case 17, 18: return ["PFCOUNT", count]
    case 19: return ["PFCOUNT", count, "h1"]
    case 20, 21:
      var command = ["PFMERGE", words.chance(50) ? count : "m\(words.random.below(4))"]
      for _ in 0..<words.random.below(4) { command.append("h\(words.random.below(5))") }
      return command
    case 22:
      return words.chance(20)
        ? ["PFDEBUG", words.pick(["GETREG", "TODENSE", "ENCODING"]), count]
        : ["APPEND", key, words.value()]
    default: return words.chance(30) ? ["PFADD", key] + elements(3) : ["HSET", key, "f", "v"]
    }
  }
}

@Suite struct BitmapFamilyTests {
  @Test(arguments: StringFamilyTests.versions)
  func loadersDoTheSame(_ version: RealServer.Version) throws {
    for seed in 1...5 * Differential.rounds {
      var log = CommandLog()
      var family = BitmapFamily(seed: seed, wild: false)
      for _ in 0..<3000 { log.add(family.command().map { Array($0.utf8) }) }
      let keyspace = try Differential.replay(log.bytes, now: Differential.now)
      #expect(Differential.picture(keyspace, without: 0).count >= 6)
      #expect(keyspace.faultCount > 100)
      var forms: Set<String> = []
      for database in keyspace.databases {
        keyspace.forEachKey(in: database) { _, state in
          var scratch = ScratchBuffer()
          guard case .string(let string)? = state.value else { return }
          let bytes = string.bytes(&scratch)
          if HyperLogLog.isValid(bytes) { forms.insert(bytes[4] == 0 ? "dense" : "sparse") }
        }
      }
      #expect(forms.count == 2)
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

  @Test(arguments: StringFamilyTests.versions)
  func logsOfServersMakeTheirState(_ version: RealServer.Version) throws {
    for seed in 1...3 * Differential.rounds {
      var log = CommandLog()
      var family = BitmapFamily(seed: seed &+ 100_000, wild: true)
      for _ in 0..<5000 { log.add(family.command().map { Array($0.utf8) }) }
      let lines = try Differential.living(log, version)
      if !lines.isEmpty {
        let first = try Differential.firstDifference(log) { try Differential.living($0, version) }
        Issue.record("seed \(seed): \(first)")
        break
      }
    }
  }

  /// The operations of Redis 8.2 that no server here has: against their definition, bit by bit.
  @Test func operationsOfRedis8_2() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<200 {
      let sources = (0..<random.below(3) + 2).map { _ in
        (0..<random.below(40)).map { _ in UInt8(random.below(256)) }
      }
      for name in ["DIFF", "DIFF1", "ANDOR", "ONE"] {
        let harness = CommandHarness()
        for (index, source) in sources.enumerated() {
          harness.run(words: [Array("SET".utf8), Array("s\(index)".utf8), source])
        }
        let names = sources.indices.map { Array("s\($0)".utf8) }
        harness.run(words: [Array("BITOP".utf8), Array(name.utf8), Array("d".utf8)] + names)
        let length = sources.map(\.count).max() ?? 0
        let expected = (0..<length).map { at -> UInt8 in
          let bytes = sources.map { at < $0.count ? $0[at] : 0 }
          return (0..<8).reduce(0 as UInt8) { result, bit in
            let bits = bytes.map { $0 >> UInt8(bit) & 1 == 1 }
            let others = bits.dropFirst().contains(true)
            let isSet =
              switch name {
              case "DIFF": bits[0] && !others
              case "DIFF1": !bits[0] && others
              case "ANDOR": bits[0] && others
              default: bits.filter { $0 }.count == 1
              }
            return isSet ? result | 1 << UInt8(bit) : result
          }
        }
        if length == 0 {
          #expect(!harness.state("d").exists)
          continue
        }
        guard case .string(let string)? = harness.state("d").value else {
          Issue.record("\(name) made no string")
          continue
        }
        var scratch = ScratchBuffer()
        let made = string.bytes(&scratch).bytes
        #expect(made == expected, "\(name)")
      }
    }
  }
}

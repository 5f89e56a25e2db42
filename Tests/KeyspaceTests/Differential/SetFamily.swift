import TestSupport

/// Draws commands on sets.
struct SetFamily: CommandFamily {
  var words: WordSource

  init(seed: UInt64, _ version: RealServer.Version) { words = WordSource(seed: seed) }

  private mutating func members() -> [String] {
    switch words.random.below(25) {
    case 0: (0..<600).map { "\($0)" }
    case 1: (0..<140).map { "member \($0)" }
    case 2...8: (0...words.random.below(4)).map { _ in "\(words.random.below(20))" }
    default: words.members(4)
    }
  }

  mutating func command() -> [String] {
    let key = words.key("s")
    switch words.random.below(20) {
    case 0...5: return ["SADD", key] + members()
    case 6, 7: return ["SREM", key] + words.members(4)
    case 8, 9: return ["SPOP", key]
    case 10: return ["SPOP", key, words.count()]
    case 11, 12: return ["SMOVE", key, words.key("s"), words.member()]
    case 13, 14: return ["SINTERSTORE", key] + words.keys("s")
    case 15: return ["SUNIONSTORE", key] + words.keys("s")
    case 16, 17: return ["SDIFFSTORE", key] + words.keys("s")
    default: return words.upheaval("s")
    }
  }
}

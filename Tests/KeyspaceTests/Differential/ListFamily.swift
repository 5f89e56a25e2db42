import TestSupport

/// Draws commands on lists.
struct ListFamily: CommandFamily {
  var words: WordSource

  init(seed: UInt64, _ version: RealServer.Version) { words = WordSource(seed: seed) }

  private mutating func side() -> String { words.anyCase(words.pick(["LEFT", "RIGHT"])) }

  /// Elements of all sizes.
  private mutating func elements() -> [String] {
    switch words.random.below(25) {
    case 0: (0..<150).map { "\($0)" }
    case 1: [String(repeating: "long", count: 2500)]
    default: words.members(4)
    }
  }

  mutating func command() -> [String] {
    let key = words.key("l")
    let other = words.key("l")
    switch words.random.below(30) {
    case 0, 1, 2, 3: return ["RPUSH", key] + elements()
    case 4, 5, 6: return ["LPUSH", key] + elements()
    case 7: return ["LPUSHX", key] + elements()
    case 8: return ["RPUSHX", key] + elements()
    case 9, 10: return [words.pick(["LPOP", "RPOP"]), key] + words.maybe(50, [[words.count()]])
    case 11, 12: return ["LSET", key, words.index(), words.member()]
    case 13, 14: return ["LREM", key, words.index(), words.member()]
    case 15, 16: return ["LTRIM", key, words.index(), words.index()]
    case 17, 18:
      let place = words.anyCase(
        words.pick(["BEFORE", "AFTER", "after"]) + (words.chance(3) ? "X" : ""))
      return ["LINSERT", key, place, words.member(), words.member()]
    case 19: return ["RPOPLPUSH", key, words.chance(20) ? key : other]
    case 20, 21: return ["LMOVE", key, words.chance(20) ? key : other, side(), side()]
    case 22:
      return ["LMPOP"] + words.numbered([key, other]) + [side()]
        + words.maybe(50, [["COUNT", words.count()]])
    case 23: return [words.pick(["BLPOP", "BRPOP"]), key, other, "0.01"]
    case 24: return ["BRPOPLPUSH", key, other, "0.01"]
    case 25: return ["BLMOVE", key, other, side(), side(), "0.01"]
    case 26:
      return ["BLMPOP", "0.01"] + words.numbered([key, other]) + [side()]
        + words.maybe(50, [["COUNT", words.count()]])
    case 27: return ["SORT", key, "ALPHA", "STORE", other]
    default: return words.upheaval("l")
    }
  }
}

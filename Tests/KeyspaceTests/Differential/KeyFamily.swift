import TestSupport

/// Draws commands on keys of all types and on databases, and what makes such keys.
struct KeyFamily: CommandFamily {
  var words: WordSource
  private let version: RealServer.Version
  private var top = 1

  init(seed: UInt64, _ version: RealServer.Version) {
    words = WordSource(seed: seed)
    self.version = version
  }

  private mutating func any() -> String { words.key(words.pick(WordSource.types)) }

  private mutating func condition() -> [String] {
    version == .redis6_2
      ? []
      : words.maybe(
        40, [["NX"], ["XX"], ["GT"], ["LT"], ["gt"], ["NX", "XX"], ["GT", "LT"], ["BAD"]])
  }

  private mutating func make() -> [String] {
    switch words.random.below(7) {
    case 0: return ["RPUSH", words.key("l")] + words.members(3)
    case 1: return ["SADD", words.key("s")] + words.members(3)
    case 2: return ["ZADD", words.key("z"), "\(words.random.below(9))", words.member()]
    case 3: return ["HSET", words.key("h"), words.member(), words.value()]
    case 4:
      top += 1
      return ["XADD", words.key("x"), "\(top)-1", "f", words.value()]
    case 5: return ["XGROUP", "CREATE", words.key("x"), "g", "0", "MKSTREAM"]
    default: return ["SET", words.key("k"), words.value()] + words.expiryOption()
    }
  }

  mutating func command() -> [String] {
    let key = any()
    switch words.random.below(40) {
    case 0...11: return make()
    case 12, 13: return ["EXPIRE", key, words.duration()] + condition()
    case 14, 15: return ["PEXPIRE", key, words.duration() + "000"] + condition()
    case 16, 17: return ["EXPIREAT", key, words.seconds()] + condition()
    case 18, 19: return ["PEXPIREAT", key, words.milliseconds()] + condition()
    case 20, 21: return ["PERSIST", key]
    case 22, 23: return ["RENAME", key, any()]
    case 24: return ["RENAMENX", key, any()]
    case 25, 26:
      return [
        "MOVE", key,
        words.chance(5) ? words.pick(["x", "-1", "99", "16"]) : "\(words.random.below(4))",
      ]
    case 27, 28, 29:
      return ["COPY", key, any()]
        + words.maybe(40, [["DB", "\(words.random.below(4))"], ["DB", "99"], ["DB", "x"]])
        + words.maybe(50, [["REPLACE"], ["BAD"]])
    case 30, 31: return [words.pick(["DEL", "UNLINK"]), key, any()]
    case 32, 33, 34:
      return [
        "SELECT", words.chance(3) ? words.pick(["99", "-1", "x"]) : "\(words.random.below(4))",
      ]
    case 35:
      return [
        "SWAPDB", "\(words.random.below(4))",
        words.chance(5) ? words.pick(["99", "x"]) : "\(words.random.below(4))",
      ]
    case 36 where words.chance(25):
      return ["FLUSHDB"] + words.maybe(50, [["ASYNC"], ["SYNC"], ["BAD"]])
    case 37 where words.chance(8):
      return ["FLUSHALL"] + words.maybe(50, [["ASYNC"], ["SYNC"], ["BAD"]])
    default:
      return [words.pick(["TOUCH", "EXISTS", "TYPE", "OBJECT"])]
        + ["ENCODING", key].suffix(words.chance(50) ? 2 : 1)
    }
  }
}

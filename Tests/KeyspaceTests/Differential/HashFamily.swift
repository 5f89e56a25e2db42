import TestSupport

/// Draws commands on hashes, with times to live of fields where the server has them.
struct HashFamily: CommandFamily {
  var words: WordSource
  private let version: RealServer.Version

  init(seed: UInt64, _ version: RealServer.Version) {
    words = WordSource(seed: seed)
    self.version = version
  }

  private mutating func pairs() -> [String] {
    if words.chance(4) { return (0..<140).flatMap { ["field \($0)", "\($0)"] } }
    return (0...words.random.below(3)).flatMap { _ in [words.member(), words.value()] }
  }

  private mutating func fields(_ list: [String], _ each: Int = 1) -> [String] {
    ["FIELDS", words.chance(3) ? words.pick(["0", "-1", "x", "9"]) : "\(list.count / each)"] + list
  }

  private mutating func float() -> String {
    switch words.random.below(10) {
    case 0: words.pick(["x", "inf", "-inf", "nan", "", " 1", "1e4000", "0x10", "1e-30"])
    case 1: words.pick(["1e17", "-1e17", "1e300", "123456789012345678901234567890"])
    default: words.pick(["1.1", "0.1", "-3.7", "5", "1e3", "-0.00001", "3.0", "10.5"])
    }
  }

  private mutating func expiry() -> [String] {
    switch words.random.below(6) {
    case 0: ["EX", words.duration()]
    case 1: ["px", words.duration() + "000"]
    case 2: ["EXAT", words.seconds()]
    case 3: ["KEEPTTL"]
    default: ["PXAT", words.milliseconds()]
    }
  }

  mutating func command() -> [String] {
    let key = words.key("h")
    switch words.random.below(version == .valkey9_1 ? 34 : 18) {
    case 0...3: return ["HSET", key] + pairs() + (words.chance(2) ? ["odd"] : [])
    case 4: return ["HMSET", key] + pairs()
    case 5: return ["HSETNX", key, words.member(), words.value()]
    case 6, 7, 8: return ["HDEL", key] + words.members(3)
    case 9, 10, 11: return ["HINCRBY", key, words.member(), words.integer()]
    case 12, 13, 14: return ["HINCRBYFLOAT", key, words.member(), float()]
    case 15, 16: return words.upheaval("h")
    case 17: return ["HSET", key, words.member(), words.pick(["3.0", "5e3", "0.1", "10", "x"])]
    case 18, 19, 20:
      return ["HSETEX", key]
        + words.maybe(30, [["FNX"], ["FXX"], ["NX"], ["XX"], ["FNX", "FXX"]])
        + (words.chance(80) ? expiry() : []) + fields(pairs(), 2)
    case 21, 22:
      return ["HPEXPIREAT", key, words.milliseconds()] + condition() + fields(words.members(3))
    case 23: return ["HEXPIREAT", key, words.seconds()] + condition() + fields(words.members(3))
    case 24, 25: return ["HEXPIRE", key, words.duration()] + condition() + fields(words.members(3))
    case 26:
      return ["HPEXPIRE", key, words.duration() + "000"] + condition() + fields(words.members(3))
    case 27, 28: return ["HPERSIST", key] + fields(words.members(3))
    case 29, 30, 31:
      return ["HGETEX", key] + (words.chance(70) ? expiry() : words.maybe(70, [["PERSIST"]]))
        + fields(words.members(3))
    default: return ["HGETDEL", key] + fields(words.members(3))
    }
  }

  private mutating func condition() -> [String] {
    words.maybe(40, [["NX"], ["XX"], ["GT"], ["LT"], ["gt"], ["NX", "XX"]])
  }
}

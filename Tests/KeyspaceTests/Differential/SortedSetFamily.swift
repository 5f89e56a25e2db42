import TestSupport

/// Draws commands on sorted sets.
struct SortedSetFamily: CommandFamily {
  var words: WordSource

  init(seed: UInt64, _ version: RealServer.Version) { words = WordSource(seed: seed) }

  private mutating func score() -> String {
    switch words.random.below(14) {
    case 0:
      words.pick([
        "inf", "-inf", "+inf", "nan", "Infinity", "0x10", "1e308", "-1e308", "1e400", "abc", "",
        " 1", "1 ", "-0", "1e-320", ".5", "5.", "1e-400", "0x1p-3",
      ])
    case 1: "\(words.random.below(1_000_000)).\(words.random.below(1000))"
    case 2: "-\(words.random.below(10))"
    case 3: "0.\(words.random.below(10))"
    case 4: "1e\(words.random.below(25))"
    default: "\(words.random.below(10))"
    }
  }

  private mutating func bound() -> String {
    (words.chance(25) ? "(" : "") + (words.chance(15) ? words.pick(["+inf", "-inf"]) : score())
  }

  private mutating func lexBound() -> String {
    switch words.random.below(10) {
    case 0: "-"
    case 1: "+"
    case 2: words.pick(["x", "", "(", "["])
    default: words.pick(["(", "["]) + words.member()
    }
  }

  /// A key whose members have one score, as ranges of members need it: for others the answer of
  /// servers depends on chance.
  private mutating func lexKey() -> String { "y\(words.random.below(3))" }

  private mutating func pairs() -> [String] {
    if words.chance(4) { return (0..<140).flatMap { ["\($0 % 50)", "member \($0)"] } }
    return (0...words.random.below(3)).flatMap { _ in [score(), words.member()] }
  }

  private mutating func input() -> String { words.key(words.chance(15) ? "s" : "z") }

  private mutating func algebra(_ name: String) -> [String] {
    let inputs = (0...words.random.below(3)).map { _ in input() }
    var command = [name, words.key("z")] + words.numbered(inputs)
    if name != "ZDIFFSTORE" {
      if words.chance(30) {
        command +=
          ["WEIGHTS"]
          + inputs.map { _ in
            words.chance(90) ? words.pick(["1", "2", "-1.5", "0", "inf"]) : score()
          }
      }
      if words.chance(30) {
        command += [words.anyCase("AGGREGATE"), words.pick(["SUM", "MIN", "max", "AVG", "sum"])]
      }
    }
    return command
  }

  mutating func command() -> [String] {
    let key = words.key("z")
    switch words.random.below(34) {
    case 32, 33: return ["ZADD", lexKey(), "0", words.member(), "0", words.member()]
    case 0...4: return ["ZADD", key] + pairs()
    case 5, 6, 7:
      var command = ["ZADD", key]
      while words.chance(60) {
        command.append(words.anyCase(words.pick(["NX", "XX", "GT", "LT", "CH"])))
      }
      if words.chance(25) { return command + ["INCR", score(), words.member()] }
      return command + pairs()
    case 8, 9: return ["ZINCRBY", key, score(), words.member()]
    case 10, 11: return ["ZREM", key] + words.members(3)
    case 12: return ["ZREMRANGEBYSCORE", key, bound(), bound()]
    case 13: return ["ZREMRANGEBYRANK", key, words.index(), words.index()]
    case 14: return ["ZREMRANGEBYLEX", lexKey(), lexBound(), lexBound()]
    case 15, 16:
      return [words.pick(["ZPOPMIN", "ZPOPMAX"]), key] + words.maybe(50, [[words.count()]])
    case 17:
      return ["ZMPOP"] + words.numbered([key, words.key("z")]) + [
        words.pick(["MIN", "MAX", "min"])
      ]
        + words.maybe(50, [["COUNT", words.count()]])
    case 18: return [words.pick(["BZPOPMIN", "BZPOPMAX"]), key, words.key("z"), "0.01"]
    case 19:
      return ["BZMPOP", "0.01"] + words.numbered([key]) + [words.pick(["MIN", "MAX"])]
        + words.maybe(50, [["COUNT", words.count()]])
    case 20, 21:
      return ["ZRANGESTORE", key, words.key("z"), words.index(), words.index()]
        + words.maybe(30, [["REV"]])
    case 22:
      let bounds = [bound(), bound()]
      return ["ZRANGESTORE", key, words.key("z")] + bounds + ["BYSCORE"]
        + words.maybe(40, [["REV"]])
        + words.maybe(40, [["LIMIT", words.index(), words.index()]])
    case 23:
      return ["ZRANGESTORE", lexKey(), lexKey(), lexBound(), lexBound(), "BYLEX"]
        + words.maybe(40, [["REV"]]) + words.maybe(40, [["LIMIT", words.index(), words.index()]])
    case 24, 25: return algebra("ZUNIONSTORE")
    case 26, 27: return algebra("ZINTERSTORE")
    case 28: return algebra("ZDIFFSTORE")
    case 29: return ["SADD", words.key("s")] + words.members(4)
    default: return words.upheaval("z")
    }
  }
}

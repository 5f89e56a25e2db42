import TestSupport

/// Draws commands on streams and their groups.
struct StreamFamily: CommandFamily {
  var words: WordSource
  private let version: RealServer.Version
  private var top = 1

  init(seed: UInt64, _ version: RealServer.Version) {
    words = WordSource(seed: seed)
    self.version = version
  }

  /// An id near those in use.
  private mutating func id() -> String {
    switch words.random.below(20) {
    case 0:
      words.pick([
        "0-0", "0", "-", "+", "$", "x", "", "5-", "-5", "18446744073709551615-18446744073709551615",
        "18446744073709551616", "1-2-3", "(5",
      ])
    case 1: "\(1 + words.random.below(top))"
    default: "\(1 + words.random.below(top))-\(words.random.below(3))"
    }
  }

  private mutating func newID() -> String {
    switch words.random.below(20) {
    case 0: id()
    case 1 where words.chance(20): "*"
    case 2 where version != .redis6_2: "\(top)-*"
    default:
      {
        if words.chance(70) { top += 1 }
        return "\(top)-\(words.random.below(3))"
      }()
    }
  }

  private mutating func ids() -> [String] { (0...words.random.below(4)).map { _ in id() } }

  private mutating func group() -> String { "g\(words.random.below(3))" }
  private mutating func consumer() -> String { words.pick(["c1", "c2", "c3", "Carol"]) }

  private mutating func trim() -> [String] {
    let limit = words.maybe(15, [["LIMIT", words.count()]])
    let sign = words.maybe(50, [["="], ["~"]])
    return
      (words.chance(60)
      ? ["MAXLEN"] + sign + [words.chance(80) ? "\(words.random.below(30))" : words.count()]
      : ["MINID"] + sign + [id()])
      + limit
  }

  private mutating func fields() -> [String] {
    if words.chance(60) { return ["temperature", words.value(), "b", words.member()] }
    return (0...words.random.below(3)).flatMap { _ in [words.member(), words.value()] }
  }

  private mutating func read() -> [String] {
    words.maybe(40, [["ENTRIESREAD", words.pick(["0", "1", "5", "-1", "-2", "1000", "x"])]])
  }

  mutating func command() -> [String] {
    let key = words.key("x")
    switch words.random.below(40) {
    case 0...9:
      return ["XADD", key] + words.maybe(10, [["NOMKSTREAM"]]) + (words.chance(20) ? trim() : [])
        + [newID()] + fields()
    case 10, 11: return ["XDEL", key] + ids()
    case 12, 13: return ["XTRIM", key] + trim()
    case 14:
      return ["XSETID", key, words.chance(60) ? "\(top + words.random.below(2))-2" : id()]
        + (version == .redis6_2
          ? []
          : words.maybe(
            60,
            [
              ["ENTRIESADDED", "\(words.random.below(60))"],
              ["ENTRIESADDED", "50", "MAXDELETEDID", id()], ["MAXDELETEDID", id()],
            ]))
    case 15, 16, 17:
      return [
        "XGROUP", "CREATE", key, group(), words.chance(30) ? "$" : words.chance(40) ? "0" : id(),
      ]
        + words.maybe(50, [["MKSTREAM"]]) + (version == .redis6_2 ? [] : read())
    case 18:
      return ["XGROUP", "SETID", key, group(), words.chance(30) ? "$" : id()]
        + (version == .redis6_2 ? [] : read())
    case 19:
      return words.chance(50)
        ? ["XGROUP", "DESTROY", key, group()]
        : ["XGROUP", "CREATECONSUMER", key, group(), consumer()]
    case 20: return ["XGROUP", "CREATECONSUMER", key, group(), consumer()]
    case 21: return ["XGROUP", "DELCONSUMER", key, group(), consumer()]
    case 22...29:
      var command = ["XREADGROUP", "GROUP", group(), consumer()]
      command += words.maybe(70, [["COUNT", words.count()]]) + words.maybe(20, [["NOACK"]])
      command += ["STREAMS", key]
      if words.chance(15) { return command + [words.key("x"), ">", words.pick([">", "0"])] }
      return command + [words.chance(85) ? ">" : id()]
    case 30, 31, 32: return ["XACK", key, group()] + ids()
    case 33, 34, 35:
      var command =
        ["XCLAIM", key, group(), consumer(), words.pick(["0", "0", "0", "1000000", "-5", "x"])]
        + ids()
      while words.chance(40) {
        command += words.pick([
          ["FORCE"], ["JUSTID"], ["RETRYCOUNT", words.count()],
          ["TIME", "\(1_600_000_000_000 + words.random.below(1000))"],
          ["LASTID", id()], ["IDLE", "5000"], ["TIME", "99999999999999"], ["BAD"],
        ])
      }
      return command
    case 36, 37:
      return [
        "XAUTOCLAIM", key, group(), consumer(), words.pick(["0", "0", "0", "100000", "x"]),
        words.chance(60) ? "0-0" : id(),
      ]
        + words.maybe(50, [["COUNT", words.count()]]) + words.maybe(40, [["JUSTID"]])
    default: return words.upheaval("x")
    }
  }
}

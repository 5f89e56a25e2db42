import TestSupport

/// Draws commands of one family.
protocol CommandFamily {
  init(seed: UInt64, _ version: RealServer.Version)
  /// The source of chance.
  var words: WordSource { get set }
  /// The words of the next command.
  mutating func command() -> [String]
}

extension StringFamily: CommandFamily {}

/// Bits and HyperLogLogs. Offsets stay within what a server can hold.
struct BitFamily: CommandFamily {
  private var family: BitmapFamily

  init(seed: UInt64, _ version: RealServer.Version) {
    family = BitmapFamily(seed: seed, wild: false)
  }

  var words: WordSource {
    get { family.words }
    set { family.words = newValue }
  }

  mutating func command() -> [String] { family.command() }
}

extension SortFamily: CommandFamily {}

extension WordSource {
  /// The letters that keys of a type begin with: list, set, sorted set, hash, stream, string.
  static let types = ["l", "s", "z", "h", "x", "k"]

  /// A key that mostly holds the type of `letter`, and sometimes another.
  mutating func key(_ letter: String) -> String {
    let letter = chance(4) ? pick(WordSource.types) : letter
    return letter + "\(random.below(letter == "x" ? 3 : 5))"
  }

  /// A member, field or element: few of them, so that they meet, of all encodings.
  mutating func member() -> String {
    switch random.below(14) {
    case 0: ""
    case 1:
      pick(["9223372036854775807", "-9223372036854775808", "-1", "007", "1.0", " ", "-", "+"])
    case 2: "\(random.below(100_000))"
    case 3: String(repeating: pick(["y", "z"]), count: 60 + random.below(10))
    case 4, 5, 6: "\(random.below(12))"
    default: pick(["a", "b", "c", "d", "e", "aa", "ab", "B"])
    }
  }

  mutating func members(_ most: Int) -> [String] { (0...random.below(most)).map { _ in member() } }

  /// A count, mostly small and positive.
  mutating func count() -> String {
    switch random.below(12) {
    case 0: pick(["0", "-1", "x", "", "1.5", "9223372036854775807", "-9223372036854775808"])
    case 1: "\(random.below(200))"
    default: "\(1 + random.below(4))"
    }
  }

  /// An index from either end.
  mutating func index() -> String {
    switch random.below(12) {
    case 0: pick(["x", "9223372036854775807", "-9223372036854775808", "1e3", ""])
    case 1, 2, 3: "-\(random.below(8))"
    default: "\(random.below(8))"
    }
  }

  /// `numkeys key …`, sometimes with a wrong number.
  mutating func numbered(_ keys: [String]) -> [String] {
    [chance(3) ? pick(["0", "-1", "x", "100"]) : "\(keys.count)"] + keys
  }

  mutating func keys(_ letter: String, _ most: Int = 3) -> [String] {
    (0...random.below(most)).map { _ in key(letter) }
  }

  /// `word`, or nothing in most cases.
  mutating func maybe(_ percent: Int, _ choices: [[String]]) -> [String] {
    chance(percent) ? pick(choices) : []
  }

  /// What takes keys away or lets them expire, now and then, whatever the family.
  mutating func upheaval(_ letter: String) -> [String] {
    let key = key(letter)
    switch random.below(6) {
    case 0, 1: return [pick(["DEL", "UNLINK"])] + keys(letter)
    case 2: return ["PEXPIREAT", key, milliseconds()]
    case 3: return ["SET", key, value()]
    case 4: return ["RENAME", key, self.key(letter)]
    default: return ["COPY", key, self.key(letter)] + maybe(50, [["REPLACE"]])
    }
  }
}

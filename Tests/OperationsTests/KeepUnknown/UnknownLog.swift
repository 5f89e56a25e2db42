import Operations
import TestSupport

/// A key of a database.
struct PlacedKey: Hashable, Sendable {
  var db: Int
  var name: String
}

/// A command of a made-up log, with what it touches as its maker knows it: nothing here asks the
/// program that is tested.
struct MadeCommand: Sendable {
  enum Touch: Sendable {
    case nothing
    /// These, and all whose names begin with one of the prefixes.
    case keys([PlacedKey], prefixes: [String] = [])
    case deletion([PlacedKey])
    case everything
    case scripts
    case unknown([PlacedKey])
  }
  var db: Int
  var words: [String]
  var touch: Touch

  var isUnknown: Bool { if case .unknown = touch { true } else { false } }
}

/// Ordinary traffic in several databases with commands of modules in between.
///
/// The unknown commands are those of ``aliases``: a server that was told to call its own commands so
/// (`rename-command`) executes them.
struct UnknownLog {
  /// What the unknown commands do, for those who know them.
  static let aliases = [
    "BF.ADD": "APPEND", "FOO": "SINTERSTORE", "JSON.SET": "HINCRBY", "TS.MADD": "LPUSH",
    "MOD-ULE.LONGER.THAN.SIXTEEN": "GETSET",
  ]

  /// Single commands, and transactions.
  private(set) var units: [[MadeCommand]] = []
  private var chance: SplitMix64
  private var database = 0
  private var streamID = 1
  private let unknownPerMille: Int
  private let databases = [0, 1, 5]
  /// Keys of one neighbourhood meet often, those of different ones seldom.
  static let neighbourhoods = 60

  init(seed: UInt64, commands: Int, unknownPerMille: Int) {
    chance = SplitMix64(seed: seed)
    self.unknownPerMille = unknownPerMille
    var made = 0
    while made < commands {
      if chance.below(12) == 0 { database = databases[chance.below(3)] }
      if chance.below(50) == 0 {
        let count = 1 + chance.below(4)
        let start = database
        var unit: [MadeCommand] = []
        for _ in 0..<count {
          if chance.below(6) == 0 { database = databases[chance.below(3)] }
          unit.append(next())
        }
        units.append(
          [MadeCommand(db: start, words: ["MULTI"], touch: .nothing)] + unit
            + [MadeCommand(db: database, words: ["EXEC"], touch: .nothing)])
        made += count + 2
      } else {
        units.append([next()])
        made += 1
      }
    }
  }

  /// All commands in order.
  var commands: [MadeCommand] { units.flatMap { $0 } }

  /// The bytes, with SELECT where the database changes; without the unknown commands on demand.
  static func bytes(_ commands: [MadeCommand], withoutUnknown: Bool = false) -> [UInt8] {
    var out: [UInt8] = []
    var database = 0
    for made in commands {
      if made.db != database {
        database = made.db
        out += command("SELECT", "\(database)")
      }
      if !(withoutUnknown && made.isUnknown) { out += command(made.words) }
    }
    return out
  }

  // MARK: - Commands

  /// A key of a small neighbourhood, so that not everything hangs together.
  private mutating func key(_ near: Int) -> String { "\(near):\(chance.below(5))" }

  private mutating func next() -> MadeCommand {
    let near = chance.below(UnknownLog.neighbourhoods)
    if chance.below(1000) < unknownPerMille { return unknown(near) }
    let db = database
    let a = key(near)
    let b = key(near)
    let c = key(chance.below(60) == 0 ? chance.below(UnknownLog.neighbourhoods) : near)
    let value = "\(chance.below(40))"
    func placed(_ names: [String]) -> [PlacedKey] { names.map { PlacedKey(db: db, name: $0) } }
    func one(_ words: String...) -> MadeCommand {
      MadeCommand(db: db, words: words, touch: .keys(placed([words[1]])))
    }
    func many(_ keys: [String], _ words: String...) -> MadeCommand {
      MadeCommand(db: db, words: words, touch: .keys(placed(keys)))
    }
    switch chance.below(62) {
    case 0, 1, 2: return one("SET", a, value)
    case 3: return one("set", a, value, "PXAT", "4102444800\(chance.below(900) + 100)")
    case 4, 5: return one("INCRBY", a, value)
    case 6: return one("SETRANGE", a, "\(chance.below(6))", "x\(value)")
    case 7, 8, 9: return one("RPUSH", a, value, "y\(value)")
    case 10: return one("LPOP", a)
    case 11, 12, 13: return one("SADD", a, value, "m\(value)", "z")
    case 14: return one("SREM", a, value)
    case 15, 16: return one("HSET", a, "f\(value)", value, "n", "\(chance.below(9))")
    case 17: return one("HDEL", a, "f\(value)")
    case 18, 19: return one("ZADD", a, value, "m\(value)")
    case 20: return one("PFADD", a, value, "p\(value)")
    case 21, 22:
      streamID += 1
      return one("XADD", a, "\(streamID)-1", "f", value)
    case 23: return many([a], "XGROUP", "CREATE", a, "g\(value)", "0")
    case 24: return one("PEXPIREAT", a, "4102444800\(chance.below(900) + 100)")
    case 25: return one("PERSIST", a)
    case 26: return one("GEOADD", a, "13.\(value)", "38.1", "place\(value)")
    case 27: return many([a, b], "RENAME", a, b)
    case 28: return many([a, c], "RENAMENX", a, c)
    case 29: return many([a, b], "COPY", a, b, "REPLACE")
    case 30:
      let target = databases[chance.below(3)]
      return MadeCommand(
        db: db, words: ["COPY", a, c, "DB", "\(target)"],
        touch: .keys(placed([a]) + [PlacedKey(db: target, name: c)]))
    case 31:
      let target = databases[chance.below(3)]
      return MadeCommand(
        db: db, words: ["MOVE", a, "\(target)"],
        touch: .keys(placed([a]) + [PlacedKey(db: target, name: a)]))
    case 32: return many([a, b, c], "SUNIONSTORE", a, b, c)
    case 33: return many([a, b], "SDIFFSTORE", a, b, a)
    case 34: return many([a, b, c], "ZUNIONSTORE", a, "2", b, c, "WEIGHTS", "1", "2")
    case 35: return many([a, b], "ZRANGESTORE", a, b, "0", "3")
    case 36: return many([a, b, c], "BITOP", "XOR", a, b, c)
    case 37: return many([a, b], "PFMERGE", a, b)
    case 38: return many([a, b], "LMOVE", a, b, "LEFT", "RIGHT")
    case 39: return many([a, b], "RPOPLPUSH", a, b)
    case 40: return many([a, b], "SMOVE", a, b, value)
    case 41, 42: return many([a, b], "MSET", a, value, b, "w\(value)")
    case 43: return many([a, c], "MSETNX", a, value, c, value)
    case 44: return many([a, b], "LMPOP", "2", a, b, "LEFT", "COUNT", "2")
    case 45:
      return many([a, b], "GEOSEARCHSTORE", a, b, "FROMLONLAT", "13", "38", "BYRADIUS", "99", "km")
    case 46: return many([a, b], "GEORADIUS", b, "13", "38", "900", "km", "STORE", a)
    case 47: return many([a, b], "SORT", a, "ALPHA", "STORE", b)
    case 48:
      // Keys of another neighbourhood that elements name.
      let other = chance.below(4) == 0 ? chance.below(UnknownLog.neighbourhoods) : near
      return MadeCommand(
        db: db, words: ["SORT", a, "BY", "nosort", "GET", "\(other):*", "GET", "#", "STORE", b],
        touch: .keys(placed([a, b]), prefixes: ["\(other):"]))
    case 49, 50, 51:
      let names = [a, b, key(chance.below(UnknownLog.neighbourhoods))]
      return MadeCommand(db: db, words: ["DEL"] + names, touch: .deletion(placed(names)))
    case 52: return MadeCommand(db: db, words: ["UNLINK", a], touch: .deletion(placed([a])))
    case 53:
      if chance.below(8) > 0 { return MadeCommand(db: db, words: ["STRLEN", a], touch: .nothing) }
      return MadeCommand(db: db, words: ["FLUSHDB"], touch: .everything)
    case 54:
      if chance.below(20) > 0 { return one("SETNX", a, value) }
      return MadeCommand(db: db, words: ["FLUSHALL", "ASYNC"], touch: .everything)
    case 55:
      if chance.below(4) > 0 { return one("ZINCRBY", a, "1.5", "m\(value)") }
      return MadeCommand(
        db: db,
        words: ["SWAPDB", "\(databases[chance.below(3)])", "\(databases[chance.below(3)])"],
        touch: .everything)
    case 56:
      if chance.below(3) > 0 { return one("GETDEL", a) }
      let code = "#!lua name=lib\(value)\nredis.register_function('f\(value)', function() end)"
      return MadeCommand(db: db, words: ["FUNCTION", "LOAD", "REPLACE", code], touch: .scripts)
    case 57: return one("BITFIELD", a, "SET", "u8", value, "7")
    case 58: return one("SETBIT", a, value, "1")
    case 59: return MadeCommand(db: db, words: ["PUBLISH", a, value], touch: .nothing)
    case 60: return one("LTRIM", a, "0", "3")
    default: return one("HINCRBYFLOAT", a, "f\(value)", "0.5")
    }
  }

  private mutating func unknown(_ near: Int) -> MadeCommand {
    let a = key(near)
    let value = "\(chance.below(40))"
    let words: [String]
    switch chance.below(6) {
    case 0, 1: words = ["BF.ADD", a, "item\(value)"]
    case 2: words = ["foo", a, key(near), key(near)]
    case 3: words = ["JSON.SET", a, "n", value]
    case 4: words = ["TS.MADD", a, value, "17000"]
    default: words = ["MOD-ULE.LONGER.THAN.SIXTEEN", a, "{\"\(value)\": [1,\r\n2]}"]
    }
    let db = database
    return MadeCommand(
      db: db, words: words,
      touch: .unknown(words.dropFirst().map { PlacedKey(db: db, name: $0) }))
  }
}

/// What has to be kept of a made-up log, by the rule itself: round after round until nothing is added.
struct KeptByRule {
  private(set) var keys: Set<PlacedKey> = []
  private(set) var prefixes: Set<PlacedKey> = []
  private var groups: [Int: Int] = [:]
  /// Commands that are kept: unknown ones, and others (with MULTI and EXEC).
  private(set) var unknown = 0
  private(set) var known = 0
  /// Kept keys that known commands, or `base`, name.
  private(set) var named: Set<PlacedKey> = []

  init(_ units: [[MadeCommand]], base: [PlacedKey] = []) {
    for made in units.joined() where made.words[0] == "SWAPDB" {
      let one = group(Int(made.words[1]) ?? 0)
      let two = group(Int(made.words[2]) ?? 0)
      for db in [0, 1, 5] where group(db) == max(one, two) { groups[db] = min(one, two) }
    }
    if !units.joined().contains(where: \.isUnknown) { return }
    while true {
      let before = (keys.count, prefixes.count)
      for unit in units where isKept(unit) {
        for made in unit {
          switch made.touch {
          case .keys(let touched, let named):
            for key in touched { keys.insert(placed(key)) }
            for prefix in named { prefixes.insert(placed(PlacedKey(db: made.db, name: prefix))) }
          case .unknown(let touched): for key in touched { keys.insert(placed(key)) }
          case .deletion(let touched) where unit.count > 1:
            for key in touched { keys.insert(placed(key)) }
          default: break
          }
        }
      }
      if before == (keys.count, prefixes.count) { break }
    }
    for unit in units where isKept(unit) {
      for made in unit {
        switch made.touch {
        case .unknown: unknown += 1
        case .keys(let touched, _), .deletion(let touched):
          known += 1
          for key in touched where holds(key) { named.insert(placed(key)) }
        default: known += 1
        }
      }
    }
    for key in base where holds(key) { named.insert(placed(key)) }
  }

  private func group(_ db: Int) -> Int { groups[db] ?? db }
  private func placed(_ key: PlacedKey) -> PlacedKey {
    PlacedKey(db: group(key.db), name: key.name)
  }

  /// Whether a key is kept.
  func holds(_ key: PlacedKey) -> Bool {
    keys.contains(placed(key))
      || prefixes.contains { $0.db == group(key.db) && key.name.hasPrefix($0.name) }
  }

  private func isKept(_ unit: [MadeCommand]) -> Bool {
    unit.contains { made in
      switch made.touch {
      case .nothing: false
      case .everything, .scripts, .unknown: true
      case .deletion(let touched): touched.contains(where: holds)
      case .keys(let touched, let named):
        touched.contains(where: holds)
          || named.contains { name in
            prefixes.contains { $0.db == group(made.db) && $0.name == name }
              || keys.contains { $0.db == group(made.db) && $0.name.hasPrefix(name) }
          }
      }
    }
  }
}

extension UnknownLog {
  /// `compact --keep-unknown`.
  static func compact(
    _ path: String, to out: String, _ change: (inout Compact.Options) -> Void = { _ in }
  ) throws -> Compact.Report {
    var options = Compact.Options()
    options.keepsUnknown = true
    change(&options)
    return try Compact.run(path, to: out, options)
  }
}

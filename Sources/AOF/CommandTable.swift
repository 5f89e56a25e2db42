import Bytes

/// What is known of a command by its name.
public struct CommandInfo: Sendable {
  /// What a command does to the data.
  public enum Effect: Sendable {
    /// Makes a key that was not there.
    case create
    /// Replaces whatever was there.
    case overwrite
    /// Changes a value.
    case modify
    /// Removes elements or keys.
    case delete
    /// Changes a time to live.
    case expire
    /// Moves a value to another name or database.
    case rename
    /// Empties databases or slots.
    case flush
    /// Changes which database is meant: SELECT, SWAPDB.
    case keyspace
    /// Consumer groups only.
    case streamGroup
    /// Scripts and functions.
    case script
    /// MULTI, EXEC.
    case transaction
    /// Nothing that is kept.
    case nothing
  }

  /// Which.
  public let id: CommandID
  /// In upper case; with a blank and the subcommand where that decides (`XGROUP CREATE`).
  public let name: StaticString
  /// How many words it has, name included; negative: at least so many; 0: not known.
  public let arity: Int
  /// Where its keys are.
  public let keys: KeyRule
  /// What it does.
  public let effect: Effect
  /// Whether it can remove or overwrite data.
  public let isDestructive: Bool

  init(
    _ id: CommandID, _ name: StaticString, _ arity: Int, _ keys: KeyRule, _ effect: Effect,
    destructive: Bool
  ) {
    self.id = id
    self.name = name
    self.arity = arity
    self.keys = keys
    self.effect = effect
    isDestructive = destructive
  }

  /// Whether a command may have so many words.
  public func allows(words: Int) -> Bool {
    arity >= 0 ? arity == 0 || words == arity : words >= -arity
  }
}

/// Where the keys of a command are among its words; 0 is the name.
public enum KeyRule: Sendable, Equatable {
  /// It has none.
  case none
  /// From the first to the last, each so many words on; a negative last counts from the end.
  case range(Int, Int, Int)
  /// Their number is the word `at`; they follow it, each `step` words on.
  case counted(at: Int, step: Int)
  /// A destination, their number, then they: ZUNIONSTORE.
  case destination
  /// Word 1, and what follows STORE or STOREDIST from word `from` on: SORT, GEORADIUS.
  case store(from: Int)
  /// Word 3, or all that follow KEYS when that is empty.
  case migrate
  /// The first half of what follows STREAMS.
  case streams
}

/// Finds commands by their names.
///
/// A small perfect-enough hash table over the folded names; one lookup is a multiply, a load and
/// two or three compares.
public struct CommandTable: Sendable {
  // 0 is free, else the raw value of an id plus 1. Containers point at their first subcommand.
  private let slots: [UInt8]
  private let words: [CommandWord]
  private let subcommands: [CommandWord?]
  private let infos: [CommandInfo]
  // Whether a name has more than 16 bytes or other bytes than letters, which folding confuses.
  private let needsCompare: [Bool]
  // Whether the word alone decides: no subcommands, no bytes that folding confuses.
  private let isSimple: [Bool]
  // -1 for what is not known.
  private let arities: [Int]

  /// The one table; keep a copy in a local where it is asked per command.
  public static let shared = CommandTable()

  private init() {
    infos = CommandTable.entries
    var slots = [UInt8](repeating: 0, count: 512)
    var words: [CommandWord] = []
    var subcommands: [CommandWord?] = []
    for (index, info) in infos.enumerated() {
      let name = ByteSlice(info.name)
      let blank = name.firstIndex(of: 0x20)
      let word = CommandWord(blank.map { name.prefix($0) } ?? name)
      words.append(word)
      subcommands.append(blank.map { CommandWord(name.dropFirst($0 + 1)) })
      // Entries are sorted, so that a container is followed by its subcommands.
      if index > 0, words[index - 1] == word { continue }
      var slot = CommandTable.hash(word)
      while slots[slot] != 0 { slot = (slot + 1) & 511 }
      slots[slot] = UInt8(index + 1)
    }
    self.slots = slots
    arities = infos.map { $0.arity == 0 ? -1 : $0.arity }
    needsCompare = infos.map { info in
      let name = ByteSlice(info.name)
      for index in 0..<name.count where ASCII.lowercased(name[index]) &- 0x61 >= 26 { return true }
      return name.count > 16
    }
    var isSimple = needsCompare.map { !$0 }
    for index in isSimple.indices.dropFirst() where words[index] == words[index - 1] {
      isSimple[index] = false
      isSimple[index - 1] = false
    }
    self.isSimple = isSimple
    self.words = words
    self.subcommands = subcommands
  }

  @inline(__always) private static func hash(_ word: CommandWord) -> Int {
    let mixed = (word.first ^ (word.second &* 0x9FB2_1C65_1E98_DF25)) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 55)
  }

  /// All that are known, by name.
  public var all: [CommandInfo] { infos }

  /// The facts of `id`.
  public subscript(id: CommandID) -> CommandInfo { infos[Int(id.rawValue)] }

  /// The command of that name; nil for one that no known server has (a module's).
  public func find(_ word: CommandWord, _ arguments: Arguments) -> CommandInfo? {
    var slot = CommandTable.hash(word)
    while true {
      let entry = slots[slot]
      if entry == 0 { return nil }
      let index = Int(entry) - 1
      if words[index] == word { return resolve(index, word, arguments) }
      slot = (slot + 1) & 511
    }
  }

  /// Whether some known command has that first word.
  public func knows(_ word: CommandWord) -> Bool {
    var slot = CommandTable.hash(word)
    while slots[slot] != 0 {
      if words[Int(slots[slot]) - 1] == word { return true }
      slot = (slot + 1) & 511
    }
    return false
  }

  /// What ``arity(_:_:)`` says of a name that no known server has.
  public static let unknownArity = Int.min + 1

  /// The ``CommandInfo/arity`` of the command of that name; ``unknownArity`` when there is none.
  /// Copies less than ``find(_:_:)``.
  public func arity(_ word: CommandWord, _ arguments: Arguments) -> Int {
    var slot = CommandTable.hash(word)
    while true {
      let entry = slots[slot]
      if entry == 0 { return CommandTable.unknownArity }
      let index = Int(entry) - 1
      if words[index] == word {
        if isSimple[index] { return arities[index] }
        guard let info = resolve(index, word, arguments) else { return CommandTable.unknownArity }
        return info.arity == 0 ? -1 : info.arity
      }
      slot = (slot + 1) & 511
    }
  }

  /// The arity of the command of that name where the name alone decides it; 0 for all others, and for
  /// names that no known server has.
  package func plainArity(_ word: CommandWord) -> Int {
    var slot = CommandTable.hash(word)
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if words[index] == word { return isSimple[index] ? arities[index] : 0 }
      slot = (slot + 1) & 511
    }
    return 0
  }

  private func resolve(
    _ first: Int, _ word: CommandWord, _ arguments: Arguments
  ) -> CommandInfo? {
    var index = first
    var container: CommandInfo?
    let second = arguments.count > 1 ? CommandWord(arguments[1]) : nil
    while index < infos.count && words[index] == word {
      guard let wanted = subcommands[index] else {
        if needsCompare[index], !arguments.name.equalsIgnoringCase(infos[index].name) { return nil }
        container = infos[index]
        index += 1
        continue
      }
      if wanted == second { return infos[index] }
      index += 1
    }
    return container
  }
}

/// The places of the keys of one command, one after another, without allocation.
public struct KeyPlaces: Sendable {
  private var next: Int
  private var last: Int
  private var step: Int
  /// A single place after (`ZUNIONSTORE`: before) the run; 0 for none.
  private var extra: Int

  /// The places in `arguments` by `rule`. Words that are missing have none.
  public init(_ rule: KeyRule, _ arguments: Arguments) {
    let count = arguments.count
    next = 1
    last = 0
    step = 1
    extra = 0
    switch rule {
    case .none: break
    case .range(let first, let end, let stride):
      next = first
      step = max(stride, 1)
      last = end < 0 ? count + end : min(end, count - 1)
    case .counted(let at, let stride):
      setRun(at: at, step: stride, arguments)
    case .destination:
      setRun(at: 2, step: 1, arguments)
      if count > 1 { extra = 1 }
    case .store(let from):
      last = min(1, count - 1)
      var index = from
      while index + 1 < count {
        let word = arguments[index]
        if word.equalsIgnoringCase("STORE") || word.equalsIgnoringCase("STOREDIST") {
          extra = index + 1
        }
        index += 1
      }
    case .migrate:
      if count > 3 && !arguments[3].isEmpty {
        next = 3
        last = 3
      } else if let keys = KeyPlaces.find("KEYS", from: 4, arguments) {
        next = keys + 1
        last = count - 1
      }
    case .streams:
      if let streams = KeyPlaces.find("STREAMS", from: 4, arguments) {
        next = streams + 1
        last = streams + (count - streams - 1) / 2
      }
    }
    if last >= count { last = count - 1 }
  }

  private mutating func setRun(at: Int, step stride: Int, _ arguments: Arguments) {
    guard at < arguments.count, let number = DecimalText.unsigned(arguments[at]), number > 0,
      number <= arguments.count
    else { return }
    next = at + 1
    step = stride
    last = at + 1 + (number - 1) * stride
  }

  private static func find(
    _ keyword: StaticString, from: Int, _ arguments: Arguments
  ) -> Int? {
    guard from < arguments.count else { return nil }
    for index in from..<arguments.count where arguments[index].equalsIgnoringCase(keyword) {
      return index
    }
    return nil
  }

  /// The next place, or nil when there are no more.
  public mutating func pop() -> Int? {
    if next <= last {
      let place = next
      next += step
      return place
    }
    if extra > 0 {
      let place = extra
      extra = 0
      return place
    }
    return nil
  }
}

internal import AOF
internal import Bytes

/// A key that a command touches; POD.
struct NamedKey: BitwiseCopyable {
  /// Of its name and its group of databases.
  let hash: UInt64
  /// Its name.
  let name: ByteSlice
  /// The group of databases that exchange their keys.
  let group: Int
}

/// What a command touches.
enum Touch {
  /// No data.
  case nothing
  /// The keys in ``TouchReader/keys``, and those that ``TouchReader/patterns`` may name.
  case keys
  /// Deletes the keys in ``TouchReader/keys``, each for itself.
  case deletion
  /// All keys of databases or slots.
  case everything
  /// Functions or scripts, which any unknown command may use.
  case scripts
  /// What it touches is not known; all words that may be keys are in ``TouchReader/keys``.
  case unknown
  /// A script in the log, which can't be replayed.
  case verbatimScript
}

/// All keys whose names begin and end so, in a group of databases.
struct KeyPattern {
  let group: Int
  let prefix: ByteSlice
  let suffix: ByteSlice
  /// Whether it is every key of every database.
  var isUniversal = false

  func matches(_ key: NamedKey) -> Bool {
    if isUniversal { return true }
    return key.group == group && key.name.count >= prefix.count + suffix.count
      && key.name.prefix(prefix.count) == prefix
      && key.name.dropFirst(key.name.count - suffix.count) == suffix
  }

  func isSame(as other: KeyPattern) -> Bool {
    group == other.group && prefix == other.prefix && suffix == other.suffix
  }
}

/// Finds the keys of commands.
final class TouchReader {
  /// How the keys of a command are found.
  enum Role: UInt8 {
    case keyless, one, each, several, move, copy, sort, swap, flush, cluster, scripts,
      verbatimScript
    case select, unsupported
  }

  private let roles: [Role]
  private let registry = CommandRegistry.shared
  private let table = CommandTable.shared
  /// The databases that SWAPDB exchanges, each with one that stands for it.
  private var joined: [Int: Int] = [:]
  @safe @exclusivity(unchecked) private var lastDatabase = -1
  @safe @exclusivity(unchecked) private var lastGroup = -1
  /// Whether databases were joined since this was made false.
  var hasJoined = false
  /// What the command read last touches.
  @safe @exclusivity(unchecked) var keys = PODArray<NamedKey>()
  /// The same, of keys that patterns name.
  @safe @exclusivity(unchecked) var patterns: [KeyPattern] = []

  init() {
    roles = CommandRegistry.shared.entries.map { TouchReader.role($0) }
  }

  private static func role(_ entry: CommandEntry) -> Role {
    switch entry.action {
    case .key, .overwrite: return .one
    case .delete: return .each
    case .select: return .select
    case .multi, .exec: return .keyless
    case .script: return .verbatimScript
    case .unsupported: return .unsupported
    case .nothing: return ByteSlice(entry.name).equals("SCRIPT") ? .scripts : .keyless
    case .keyspace:
      switch "\(entry.name)" {
      case "MOVE": return .move
      case "COPY": return .copy
      case "SORT": return .sort
      case "SWAPDB": return .swap
      case "FLUSHALL", "FLUSHDB", "SFLUSH", "TRIMSLOTS": return .flush
      case "CLUSTER": return .cluster
      case "FUNCTION": return .scripts
      default: return .several
      }
    }
  }

  /// How the keys of the command of this number in the registry are found; nil for one that it does
  /// not have.
  @inline(__always)
  func role(_ number: Int) -> Role? { number < 0 ? nil : roles[number] }

  /// Whether what a command does can't be told: it is not in the registry, or there to be refused.
  func isUnknown(_ number: Int) -> Bool { number < 0 || roles[number] == .unsupported }

  /// The group of databases that `database` belongs to.
  @inline(__always)
  func group(_ database: Int) -> Int {
    if database == lastDatabase { return lastGroup }
    lastDatabase = database
    lastGroup = root(database)
    return lastGroup
  }

  private func root(_ database: Int) -> Int {
    var place = database
    while let next = joined[place], next != place { place = next }
    // The way gets short, so that a long one is gone only once.
    var other = database
    while let next = joined[other], next != place, next != other {
      joined[other] = place
      other = next
    }
    return place
  }

  private func join(_ first: Int, _ second: Int) {
    let one = root(first)
    let two = root(second)
    guard one != two else { return }
    joined[max(one, two)] = min(one, two)
    lastDatabase = -1
    hasJoined = true
  }

  /// A key of a database.
  @inline(__always)
  func touched(_ key: ByteSlice, _ database: Int) -> NamedKey {
    let group = group(database)
    return NamedKey(hash: TouchReader.hash(key, group), name: key, group: group)
  }

  @inline(__always)
  private static func hash(_ key: ByteSlice, _ group: Int) -> UInt64 {
    let mixed = key.fastHash ^ (UInt64(truncatingIfNeeded: group) &* 0xD6E8_FEB8_6659_FD93)
    let product = mixed.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }

  private func add(_ key: ByteSlice, _ database: Int) { keys.append(touched(key, database)) }

  /// Finds what a command touches; `number` is its place in the registry, negative for none.
  func read(_ a: Arguments, _ number: Int, _ command: AOFCommand) -> Touch {
    keys.truncate(to: 0)
    if !patterns.isEmpty { patterns.removeAll(keepingCapacity: true) }
    let database = command.database
    guard let role = role(number) else {
      addWords(a, database)
      return .unknown
    }
    switch role {
    case .keyless, .select: return .nothing
    case .verbatimScript: return .verbatimScript
    case .scripts: return .scripts
    case .flush: return .everything
    case .cluster: return a.isOption(1, "FLUSHSLOT") ? .everything : .nothing
    case .swap:
      if let first = try? DatabaseCommands.database(a, 1),
        let second = try? DatabaseCommands.database(a, 2)
      {
        join(first, second)
      }
      return .everything
    case .one:
      add(a[1], database)
      return .keys
    case .each:
      addWords(a, database)
      return .deletion
    case .several:
      addPlaces(a, command)
      return .keys
    case .unsupported:
      addPlaces(a, command)
      if keys.count == 0 { addWords(a, database) }
      return .unknown
    case .move:
      add(a[1], database)
      if let target = try? DatabaseCommands.database(a, 2) { add(a[1], target) }
      return .keys
    case .copy:
      add(a[1], database)
      var target = database
      for index in 3..<max(a.count, 3) where a.isOption(index, "DB") && index + 1 < a.count {
        target = (try? DatabaseCommands.database(a, index + 1)) ?? target
      }
      add(a[2], target)
      return .keys
    case .sort: return sort(a, database)
    }
  }

  /// All words but the name.
  private func addWords(_ a: Arguments, _ database: Int) {
    var index = 1
    while index < a.count {
      add(a[index], database)
      index += 1
    }
  }

  private func addPlaces(_ a: Arguments, _ command: AOFCommand) {
    guard let info = table.find(command.word, a) else {
      addWords(a, command.database)
      return
    }
    var places = KeyPlaces(info.keys, a)
    while let place = places.pop() { add(a[place], command.database) }
  }

  /// SORT reads keys that its elements name. Without STORE it changes nothing, with words that a
  /// server refuses neither.
  private func sort(_ a: Arguments, _ database: Int) -> Touch {
    guard let options = try? SortOptions(a), let destination = options.destination else {
      return .nothing
    }
    add(a[1], database)
    add(a[destination], database)
    for pattern in (options.by.map { [$0] } ?? []) + options.get {
      guard let (prefix, suffix) = pattern.sides else { continue }
      patterns.append(KeyPattern(group: group(database), prefix: prefix, suffix: suffix))
    }
    return .keys
  }
}

import AOF
import Bytes

/// Tells of keys which command touched them last: one of the accident, or one behind it.
///
/// A command counts for every key it names, also for those it only reads: a key may be taken for
/// newer than it is, never for older.
struct LastTouches {
  /// The places of the keys that are asked for, by database and name.
  private var places: [Int: [[UInt8]: Int]] = [:]
  /// Whether the last command that touched a key belongs to the accident.
  private(set) var isAccident: [Bool] = []

  /// Asks for a key; returns its place in ``isAccident``.
  mutating func ask(_ key: ByteSlice, _ database: Int) -> Int {
    isAccident.append(false)
    places[database, default: [:]][key.bytes] = isAccident.count - 1
    return isAccident.count - 1
  }

  /// Reads the log from the accident's first command on.
  mutating func read(
    _ accident: Accident, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    guard !isAccident.isEmpty, let first = accident.commands.first?.command.index else { return }
    var walker = LogWalker(accident.log, fileSystem: fileSystem)
    let table = CommandTable.shared
    var next = 0
    do throws(LogError) {
      while try walker.next() {
        let command = walker.reader.command
        if command.index < first { continue }
        if command.index > accident.commandsInLog { return }
        while next < accident.commands.count, accident.commands[next].command.index < command.index
        {
          next += 1
        }
        let isOurs =
          next < accident.commands.count
          && accident.commands[next].command.index == command.index
        let arguments = walker.reader.arguments
        guard let info = table.find(command.word, arguments), info.effect != .nothing else {
          continue
        }
        touch(info, arguments, command.database, isOurs)
      }
    } catch {
      guard error.isTruncation else { throw ToolError(error, accident.log) }
    }
  }

  private mutating func touch(
    _ info: CommandInfo, _ arguments: Arguments, _ database: Int, _ isOurs: Bool
  ) {
    switch info.id {
    case .swapdb:
      for index in 1..<arguments.count {
        guard let number = DecimalText.unsigned(arguments[index]) else { continue }
        for place in places[Int(truncatingIfNeeded: number)]?.values.map({ $0 }) ?? [] {
          isAccident[place] = isOurs
        }
      }
      return
    case .flushall:
      if isOurs { for place in isAccident.indices { isAccident[place] = true } }
      return
    case .flushdb:
      if isOurs, let all = places[database] {
        for place in all.values { isAccident[place] = true }
      }
      return
    default: break
    }
    let isElsewhere = info.id == .move || info.id == .copy
    var keys = KeyPlaces(info.keys, arguments)
    while let place = keys.pop() {
      let name = arguments[place].bytes
      if let found = places[database]?[name] { isAccident[found] = isOurs }
      guard isElsewhere else { continue }
      for all in places.values { if let found = all[name] { isAccident[found] = isOurs } }
    }
  }
}

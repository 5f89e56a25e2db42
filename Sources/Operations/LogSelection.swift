import AOF
import Bytes

/// Which commands of a log are meant, by everything the command line can say.
public struct LogSelection: Sendable {
  /// By what is in a command beside its keys.
  public var commands: CommandSelection
  /// By its database and keys.
  public var keys: KeySelection

  /// The commands that pass both.
  ///
  /// - Throws: ``ToolError`` of wrong use for what a command in a log does not tell: types, sizes
  ///   and expiry times.
  public init(
    commands: CommandSelection = CommandSelection(), keys: KeySelection = KeySelection()
  ) throws(ToolError) {
    let asked =
      keys.types != .all
      ? "--type"
      : keys.minimumSize > 0
        ? "--min-size"
        : keys.expiry != .any
          ? "--expires" : nil
    if let asked {
      throw .usage(
        "\(asked) asks for what a command in a log does not tell",
        remedy: "Try: --command, --key or --db")
    }
    self.commands = commands
    self.keys = keys
  }

  /// Whether every command passes.
  public var isEverything: Bool { commands.isEverything && keys.isEverything }
}

/// Tells which commands pass a ``LogSelection``, `--last` aside.
struct LogMatcher: ~Copyable {
  /// How a command passes.
  enum Match {
    case no
    /// All of it.
    case whole
    /// The keys at ``LogMatcher/places``, and not the others, which do not depend on them.
    case partly
  }

  private let commands: CommandSelection
  private let keys: KeySelection
  private let table = CommandTable.shared
  private let looksAtIndexes: Bool
  private let looksAtCommandNames: Bool
  private let looksAtDatabases: Bool
  private let looksAtKeyNames: Bool
  /// Whether commands of the current file may pass.
  private var fileMatches = true
  /// The places of the matching keys after ``Match/partly``.
  private(set) var places: [Int] = []
  /// The command found last, when its name had to be looked up.
  private(set) var info: CommandInfo?

  init(_ selection: LogSelection) {
    commands = selection.commands
    keys = selection.keys
    looksAtIndexes =
      !commands.indexes.isEmpty || !commands.offsets.isEmpty || commands.looksAtTimes
    looksAtCommandNames = !commands.names.isEmpty
    looksAtDatabases = !keys.databases.isEmpty
    looksAtKeyNames = keys.looksAtNames
  }

  /// To be called when the walk has come to another file.
  mutating func begin(file name: String) { fileMatches = commands.matches(file: name) }

  /// How `command` passes.
  mutating func match(_ command: AOFCommand, _ arguments: Arguments) -> Match {
    guard fileMatches else { return .no }
    if looksAtIndexes,
      !commands.matches(index: command.index, offset: command.offset, time: command.time)
    {
      return .no
    }
    if looksAtDatabases, !keys.matches(database: command.database) { return .no }
    if looksAtCommandNames,
      !commands.names.matches(
        arguments.name, subcommand: arguments.count > 1 ? arguments[1] : nil)
    {
      return .no
    }
    return looksAtKeyNames ? matchKeys(command, arguments) : .whole
  }

  private mutating func matchKeys(_ command: AOFCommand, _ arguments: Arguments) -> Match {
    info = table.find(command.word, arguments)
    guard let info else {
      // A module's command: nearly all have their key in front.
      return arguments.count > 1 && keys.matches(name: arguments[1]) ? .whole : .no
    }
    var all = KeyPlaces(info.keys, arguments)
    places.removeAll(keepingCapacity: true)
    var others = 0
    while let place = all.pop() {
      if keys.matches(name: arguments[place]) { places.append(place) } else { others += 1 }
    }
    if places.isEmpty { return .no }
    return others > 0 && PartialCommand.canLeaveOut(info.id) ? .partly : .whole
  }
}

/// Commands whose keys do not depend on each other, so that some can be left out and the rest
/// means what it meant.
///
/// | command | a key is |
/// |---|---|
/// | DEL, UNLINK | its word |
/// | MSET, MSETNX | its word and the next; a log holds only an MSETNX that set them all |
/// | MSETEX | the same, and one less in the number of keys |
///
/// Of all others (RENAME, SMOVE, SUNIONSTORE, BLPOP of old logs…) one key's fate hangs on the
/// others, so the command goes as a whole.
enum PartialCommand {
  /// Whether some keys of the command can be left out.
  static func canLeaveOut(_ id: CommandID) -> Bool {
    switch id {
    case .del, .unlink, .mset, .msetnx, .msetex: true
    default: false
    }
  }

  /// Writes the command without the keys at `places` (rising); the name stays as it stands.
  static func write(
    _ arguments: Arguments, _ id: CommandID, without places: [Int], to output: inout OutputBuffer
  ) {
    let width = id == .del || id == .unlink ? 1 : 2
    output.write(commandOf: arguments.count - places.count * width)
    var next = 0
    var index = 0
    while index < arguments.count {
      if next < places.count && places[next] == index {
        next += 1
        index += width
        continue
      }
      if id == .msetex && index == 1 {
        let number = DecimalText.unsigned(arguments[1]) ?? 0
        output.write(bulkDecimal: Int64(number - places.count))
      } else {
        output.write(bulk: arguments[index])
      }
      index += 1
    }
  }
}

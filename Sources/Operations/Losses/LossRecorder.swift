import AOF
import Bytes
import Keyspace
import RDB

/// Listens to a replay and adds up what every command destroys.
///
/// | what happens | counts as |
/// |---|---|
/// | a key goes, or its type becomes another | 1 key with all its elements and bytes |
/// | RENAME over a key | the same for what was there; what is renamed is not lost |
/// | a collection gets smaller | the elements that are missing, and their bytes |
/// | a string is replaced by another (SET, GETSET, MSET, …) | the bytes that were there |
/// | a time to live in the past is set | 1 key; that it is removed later counts no more |
/// | an element moves to another key (RPOPLPUSH, SMOVE) | nothing |
final class LossRecorder: ReplayObserver {
  private let selection: LogSelection
  private let looksAtCommands: Bool
  private let looksAtKeys: Bool
  private let firstIndex: Int
  private let fileNames: [String]
  private let table = CommandTable.shared
  /// Until when the log was written, at the latest, in unix milliseconds.
  private let newest: Int64

  private var command = AOFCommand()
  private var info: CommandInfo?
  private var knowsInfo = false
  private var source = ByteSlice()
  private var words = 0
  private var isSelected = true
  private var loss: Loss?
  /// Keys whose time to live had passed when it was set, and that were counted then.
  private var doomed: [LostKey] = []
  private var argumentName = ByteSlice()
  /// What was found.
  private(set) var groups: LossGroups

  init(
    _ selection: LogSelection, _ log: AppendOnlyLog, from firstIndex: Int, newest: Int64,
    _ groups: LossGroups
  ) {
    self.selection = selection
    var commands = selection.commands
    commands.last = nil
    looksAtCommands = !commands.isEverything
    looksAtKeys = !selection.keys.isEverything
    self.firstIndex = firstIndex
    self.newest = newest
    self.groups = groups
    fileNames = log.parts.map(\.name)
  }

  func begins(_ command: AOFCommand, _ arguments: Arguments) {
    finishCommand()
    self.command = command
    knowsInfo = false
    words = arguments.count
    source = words > 1 ? arguments[1] : ByteSlice()
    argumentName = arguments.name
    isSelected = true
    if looksAtCommands || firstIndex > 0 {
      let asked = selection.commands
      isSelected =
        command.index >= firstIndex
        && asked.matches(
          index: command.index, offset: command.offset, time: command.time)
        && asked.matches(file: fileNames[command.file])
        && asked.names.matches(arguments.name, subcommand: words > 1 ? arguments[1] : nil)
    }
    groups.begins(command)
  }

  /// What is known of the command; looked up when something was lost.
  private func commandInfo() -> CommandInfo? {
    if !knowsInfo {
      var words = ArgumentTable()
      words.append(argumentName)
      if self.words > 1 { words.append(source) }
      info = table.find(command.word, words.arguments)
      knowsInfo = true
    }
    return info
  }

  func changed(
    _ key: ByteSlice, _ database: Int, from before: KeySummary, to after: KeySummary
  ) {
    guard before.exists, isSelected else { return }
    if after.exists, after.type == before.type, after.type != .string,
      after.elements >= before.elements, after.expiresAt == before.expiresAt
    {
      return
    }
    if looksAtKeys,
      !selection.keys.matches(database: database) || !selection.keys.matches(name: key)
    {
      return
    }
    record(key, database, before, after)
  }

  @inline(never)
  private func record(
    _ key: ByteSlice, _ database: Int, _ before: KeySummary, _ after: KeySummary
  ) {
    let info = commandInfo()
    var kind = Loss.Kind.deletion
    var cause = Loss.Cause.command
    var lost = (keys: 0, elements: 0, bytes: 0)
    let isMove = LossRules.movesElement(info?.id)
    if !after.exists || after.type != before.type {
      let isRenamed = LossRules.renames(info?.id) && database == command.database && key == source
      if isRenamed && !after.exists || isMove && key == source { return }
      lost = (1, before.elements, before.bytes)
      if after.exists {
        kind = .overwrite
      } else if let effect = info?.effect, effect == .delete, !LossRules.deletesKeys(info?.id) {
        kind = before.elements == 1 && LossRules.consumes(info?.id) ? .consumption : .elements
      }
      if !after.exists, isExpired(before) { cause = .expiry }
      if let place = doomed.firstIndex(where: { $0.key == key && $0.database == database }) {
        doomed.remove(at: place)
        return
      }
    } else if LossRules.renames(info?.id) || info?.id == .copy {
      kind = .overwrite
      lost = (1, before.elements, before.bytes)
    } else if after.elements < before.elements {
      if isMove && key == source { return }
      let elements = before.elements - after.elements
      lost = (0, elements, max(0, before.bytes - after.bytes))
      kind = elements == 1 && LossRules.consumes(info?.id) ? .consumption : .elements
    } else if before.type == .string, info?.effect == .overwrite {
      kind = .overwrite
      lost = (0, 0, before.bytes)
    }
    if let moment = after.expiresAt, moment != before.expiresAt, isPast(moment) {
      kind = .deletion
      cause = .pastExpiry
      lost = (1, before.elements, before.bytes)
      doomed.append(LostKey(key: key, database: database, index: command.index))
      if doomed.count > 1000 { doomed.removeFirst() }
    }
    guard lost.keys > 0 || lost.elements > 0 || lost.bytes > 0 else { return }
    var own = Loss(command, kind, cause)
    own.keysLost = lost.keys
    own.elementsLost = lost.elements
    own.bytesLost = lost.bytes
    if var sum = loss {
      sum.keysLost += lost.keys
      sum.elementsLost += lost.elements
      sum.bytesLost += lost.bytes
      if sum.samples.count < Loss.mostSamples {
        sum.samples.append(LostKey(key: key, database: database, index: command.index))
      }
      loss = sum
    } else {
      own.commands = 1
      own.samples = [LostKey(key: key, database: database, index: command.index)]
      loss = own
    }
  }

  /// Whether the time of a key had passed when it was deleted. Servers delete such keys one by one.
  /// A log without times tells only whether it may have passed by the end of the log.
  private func isExpired(_ before: KeySummary) -> Bool {
    guard let moment = before.expiresAt, words == 2, info?.id == .del || info?.id == .unlink
    else {
      return false
    }
    if command.time >= 0 { return moment < (command.time + 1) * 1000 }
    return command.transaction == 0 && moment <= newest
  }

  /// Whether a time had passed when it was set; a log without times tells only of times before Redis
  /// existed.
  private func isPast(_ moment: Int64) -> Bool {
    moment <= (command.time >= 0 ? command.time * 1000 : 1_200_000_000_000)
  }

  private func finishCommand() {
    guard let loss else { return }
    groups.add(loss)
    self.loss = nil
  }

  /// To be called behind the last command.
  func finish() {
    finishCommand()
    groups.finish()
  }
}

/// What commands do beside what the states before and after tell.
enum LossRules {
  /// Whether it gives a value another name.
  static func renames(_ id: CommandID?) -> Bool { id == .rename || id == .renamenx || id == .move }

  /// Whether it moves an element from its first key to another.
  static func movesElement(_ id: CommandID?) -> Bool {
    switch id {
    case .rpoplpush, .brpoplpush, .lmove, .blmove, .smove: true
    default: false
    }
  }

  /// Whether it removes whole keys by their names.
  static func deletesKeys(_ id: CommandID?) -> Bool {
    switch id {
    case .del, .unlink, .getdel, .delex, .delifeq, .flushall, .flushdb: true
    default: false
    }
  }

  /// Whether it is how queues work: an element is taken to be worked on.
  static func consumes(_ id: CommandID?) -> Bool {
    switch id {
    case .lpop, .rpop, .blpop, .brpop, .lmpop, .blmpop, .zpopmin, .zpopmax, .zmpop, .bzpopmin,
      .bzpopmax, .bzmpop, .rpoplpush, .lmove:
      true
    default: false
    }
  }
}

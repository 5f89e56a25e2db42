public import AOF
public import Bytes
package import Keyspace

/// The commands of a log that did the harm, found by reading it once.
///
/// Other than for ``UndoPlan`` the keys of a selection name what is to come back, not only what a
/// command names: a FLUSHALL passes whatever keys are asked for, since it names none.
public struct Accident: Sendable {
  /// The log.
  public internal(set) var log: AppendOnlyLog
  /// The commands, in their order. Those of which only some keys are meant know which.
  public private(set) var commands: [UndoPlan.Removal] = []
  /// How many whole commands the log holds, transactions without EXEC excluded.
  public private(set) var commandsInLog = 0
  /// What of the log counts: everything but an unfinished end.
  package private(set) var rewrite: LogRewrite
  /// The time of the last command in unix seconds; -1 when no stamp tells.
  package private(set) var lastTime: Int64 = -1
  /// What a replay leaves out.
  package private(set) var omissions = ReplayOmissions()

  /// A log without an accident: what it holds at its end is what matters.
  ///
  /// - Throws: ``ToolError``: a stream, or damage.
  public init(
    wholeOf log: AppendOnlyLog, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    self.log = log
    rewrite = LogRewrite(log)
    try LogRewrite.refuseStreams(log, fileSystem)
    try read(nil, fileSystem)
  }

  /// Finds the commands that pass.
  ///
  /// - Throws: ``ToolError``: no selection of commands, a stream, damage.
  public init(
    _ log: AppendOnlyLog, _ commands: CommandSelection, _ keys: KeySelection,
    fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    self.log = log
    rewrite = LogRewrite(log)
    try LogRewrite.refuseStreams(log, fileSystem)
    var selection = try LogSelection(commands: commands)
    try LogEntries.check(log, selection)
    if commands.isEverything {
      throw .usage(
        "which commands did the harm?", remedy: "Try: --index, --last, or --command destructive")
    }
    selection.keys = keys
    // What these ask for is asked of the keys that were lost.
    selection.keys.types = .all
    selection.keys.minimumSize = 0
    selection.keys.expiry = .any
    selection.commands.last = nil
    try read(selection, fileSystem)
    if let last = commands.last, self.commands.count > last {
      self.commands.removeFirst(self.commands.count - last)
    }
    try prepare(fileSystem)
  }

  /// Why nothing was found.
  public var emptyReason: ToolError {
    .refused(
      .no, "no command passes the selection (\(commandsInLog) were looked at)", file: log.path,
      remedy: "Try: redis-backup log with the same selection; for what a rewrite has already "
        + "dropped from the log: --from an older backup")
  }

  private mutating func read(
    _ selection: LogSelection?, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    var walker = LogWalker(log, fileSystem: fileSystem)
    var matcher = selection.map { AccidentMatcher($0) }
    var part = -1
    do throws(LogError) {
      while try walker.next() {
        let command = walker.reader.command
        if walker.part != part {
          part = walker.part
          matcher?.begin(file: log.parts[part].name)
        }
        if let found = matcher?.match(command, walker.reader.arguments) { commands.append(found) }
      }
      commandsInLog = walker.reader.command.index
    } catch {
      guard error.isTruncation, error.part == log.parts.count - 1, case .aof(let aof) = error.cause
      else { throw ToolError(error, log).advising(LogRewrite.damageRemedy(log)) }
      rewrite.end(part: error.part, at: aof.goodBytes)
      commands.removeAll { $0.command.file == error.part && $0.command.offset >= aof.goodBytes }
      commandsInLog = aof.command - 1
    }
    lastTime = walker.reader.command.time
  }

  private mutating func prepare(_ fileSystem: any FileSystem) throws(ToolError) {
    var reader = CommandReader(log, fileSystem)
    for removal in commands {
      guard !removal.places.isEmpty, let id = removal.id else {
        omissions.append(removal.command.index)
        continue
      }
      try reader.read(removal.command)
      let memory = MemoryTarget()
      var output = OutputBuffer(memory, capacity: 1 << 12)
      PartialCommand.write(reader.table.arguments, id, without: removal.places, to: &output)
      // Memory never refuses.
      try? output.flush()
      omissions.append(removal.command.index, replacement: memory.bytes)
    }
  }
}

/// Tells which commands belong to an accident.
struct AccidentMatcher: ~Copyable {
  private var byName: LogMatcher
  private var byKey: LogMatcher
  private let table = CommandTable.shared
  private let looksAtKeys: Bool

  init(_ selection: LogSelection) {
    var all = selection
    all.keys = KeySelection()
    byName = LogMatcher(all)
    byKey = LogMatcher(selection)
    looksAtKeys = !selection.keys.isEverything
  }

  mutating func begin(file name: String) {
    byName.begin(file: name)
    byKey.begin(file: name)
  }

  /// The command, when it belongs to the accident. SELECT, MULTI and EXEC never do.
  mutating func match(_ command: AOFCommand, _ arguments: Arguments) -> UndoPlan.Removal? {
    if command.word.isMulti || command.word.isExec || command.word.isSelect { return nil }
    guard byName.match(command, arguments) != .no else { return nil }
    let info = table.find(command.word, arguments)
    if !looksAtKeys || info?.keys == KeyRule.none {
      return UndoPlan.Removal(command: command, places: [], id: info?.id)
    }
    switch byKey.match(command, arguments) {
    case .no: return nil
    case .whole: return UndoPlan.Removal(command: command, places: [], id: info?.id)
    case .partly:
      return UndoPlan.Removal(command: command, places: byKey.places, id: info?.id)
    }
  }
}

public import AOF
public import Bytes

/// What `undo` takes out of a log: decided by reading it once, before anything is written.
///
/// * A command that passes the selection goes.
/// * Of a command with several independent keys of which only some pass, those keys go
///   (`PartialCommand`).
/// * A MULTI/EXEC pair of which nothing is left but SELECT goes too.
/// * SELECT, MULTI, EXEC and annotations are never taken out by themselves: the database, the
///   transaction and the time of what stays remain right.
/// * What stands behind the last whole command (a server would drop it at its next start) is left
///   out of the files that are written anew.
public struct UndoPlan: Sendable {
  /// A command that goes, or loses keys.
  public struct Removal: Sendable {
    /// Which.
    public var command: AOFCommand
    /// The places of the keys it loses; empty when all of it goes.
    public var places: [Int]
    /// Which command that is, when it is a known one.
    public var id: CommandID?
  }

  /// The log.
  public private(set) var log: AppendOnlyLog
  /// The commands that go as a whole, in their order.
  public private(set) var removed: [Removal] = []
  /// The commands that lose some of their keys, in their order.
  public private(set) var partlyRemoved: [Removal] = []
  /// Later commands that go, or lose keys, because they would act differently, in their order.
  public internal(set) var dropped: [Removal] = []
  /// Later commands that others were put in front of, for the same reason, and how many bytes.
  public internal(set) var preceded: [(command: AOFCommand, bytes: Int)] = []
  /// How many MULTI/EXEC pairs go because nothing is left between them.
  public private(set) var emptiedTransactions = 0
  /// What becomes of each file.
  public internal(set) var rewrite: LogRewrite
  /// How many commands the log holds.
  public private(set) var commands = 0
  /// How many keys stand in RDB bases, where no command can be removed.
  public private(set) var keysInBase = 0
  /// How many bytes at the end belong to no whole command.
  public private(set) var unfinishedBytes = 0
  /// How many MULTI, EXEC and SELECT passed the selection, which nothing was done for.
  public private(set) var structural = 0

  /// Whether nothing passed.
  public var isEmpty: Bool { removed.isEmpty && partlyRemoved.isEmpty }

  /// The transaction being read.
  private struct Open {
    var editIndex: Int
    var multi: Range<Int>
    var kept = 0
    var removed = 0
  }

  /// Reads the log and decides.
  ///
  /// - Throws: ``ToolError``: wrong use, or a log that can't be read to its end for another reason
  ///   than an unfinished command in its last file.
  public init(
    _ log: AppendOnlyLog, _ selection: LogSelection, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    self.log = log
    rewrite = LogRewrite(log)
    try LogRewrite.refuseStreams(log, fileSystem)
    try LogEntries.check(log, selection)
    if selection.isEverything {
      throw .usage(
        "undo wants to know which commands", remedy: "Try: --index, --command, --key or --last")
    }
    var firstIndex = 0
    if let last = selection.commands.last {
      firstIndex = try LogEntries.first(ofLast: last, log, selection, fileSystem)
    }
    try read(selection, from: firstIndex, fileSystem)
  }

  private mutating func read(
    _ selection: LogSelection, from firstIndex: Int, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    var walker = LogWalker(log, fileSystem: fileSystem)
    var matcher = LogMatcher(selection)
    let table = CommandTable.shared
    var open: Open?
    var part = -1
    do throws(LogError) {
      while try walker.next() {
        if walker.part != part {
          rewrite.finishParts(before: walker.part)
          part = walker.part
          matcher.begin(file: log.parts[part].name)
          open = nil
        }
        let command = walker.reader.command
        let range = command.offset..<command.end
        if command.word.isMulti && command.position == 0 && command.transaction > 0 {
          open = Open(editIndex: rewrite.parts[part].edits.count, multi: range)
        }
        let isStructural =
          command.word.isMulti || command.word.isExec || command.word.isSelect
        var match =
          command.index < firstIndex ? .no : matcher.match(command, walker.reader.arguments)
        if isStructural && match != .no {
          structural += 1
          match = .no
        }
        switch match {
        case .no:
          if !isStructural { open?.kept += 1 }
        case .whole:
          rewrite.remove(range, in: part)
          removed.append(
            Removal(
              command: command, places: [],
              id: table.find(command.word, walker.reader.arguments)?.id))
          open?.removed += 1
        case .partly:
          let id = matcher.info?.id ?? .del
          rewrite.replace(
            range, in: part, walker.reader.arguments, id, without: matcher.places)
          partlyRemoved.append(Removal(command: command, places: matcher.places, id: id))
          open?.kept += 1
        }
        if command.word.isExec, let transaction = open {
          if transaction.removed > 0 && transaction.kept == 0 {
            rewrite.remove(transaction.multi, in: part, at: transaction.editIndex)
            rewrite.remove(range, in: part)
            emptiedTransactions += 1
          }
          open = nil
        }
      }
    } catch {
      guard error.isTruncation, error.part == log.parts.count - 1, case .aof(let aof) = error.cause
      else { throw ToolError(error, log).advising(LogRewrite.damageRemedy(log)) }
      rewrite.end(part: error.part, at: aof.goodBytes)
      unfinishedBytes = max(0, (log.parts[error.part].status?.size ?? 0) - aof.goodBytes)
      forget(from: aof.goodBytes, in: error.part)
    }
    rewrite.finishParts(before: log.parts.count)
    commands = walker.reader.command.index
    keysInBase = walker.preambles.reduce(0) { $0 + ($1?.keys ?? 0) }
  }

  /// Forgets what was decided for an unfinished transaction, which goes as a whole.
  private mutating func forget(from offset: Int, in part: Int) {
    let isBehind = { (removal: Removal) in
      removal.command.file == part && removal.command.offset >= offset
    }
    removed.removeAll(where: isBehind)
    partlyRemoved.removeAll(where: isBehind)
    rewrite.forget(from: offset, in: part)
  }

  /// Why nothing was found, for the error of a plan that is empty.
  public var emptyReason: ToolError {
    var reason = "no command passes the selection (\(commands) were looked at)"
    var remedy: String? = "Try: redis-backup log with the same selection"
    if structural > 0 {
      reason =
        "only SELECT, MULTI and EXEC pass the selection; they stay with the commands they belong to"
      remedy = "Try: the numbers of the commands between them"
    } else if keysInBase > 0 {
      reason +=
        "; \(keysInBase) keys stand in the RDB base, which holds values and no commands to take out"
      remedy = "Try: an older backup, from before the rewrite that made the base"
    }
    return .refused(.no, reason, file: log.path, remedy: remedy)
  }

  /// The same plan, whose commands are read from where they are after the log was replaced: the
  /// names under which its files are kept.
  public func listing(kept: [String]) -> UndoPlan {
    var copy = self
    for index in log.parts.indices {
      let path = log.parts[index].path
      if let name = kept.first(where: { $0.hasPrefix(path + ".before-") }) {
        copy.log.parts[index].path = name
      }
    }
    return copy
  }
}

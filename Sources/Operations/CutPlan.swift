public import AOF
public import Bytes

/// A log as it stood at an earlier moment: everything from some command on is left out, in its file
/// and in all files after it. A cut never falls between MULTI and EXEC: the transaction goes whole.
public struct CutPlan: Sendable {
  /// Up to where the log is kept.
  public enum Limit: Sendable {
    /// Unix seconds; commands behind the first `#TS:` of a later second go.
    case time(Int64)
    /// The number of the first command that goes.
    case before(index: Int)
    /// Commands that end within the first so many bytes of a file stay; the file by its name, or
    /// the last (or only) one.
    case offset(Int, file: String?)
  }

  /// The log.
  public let log: AppendOnlyLog
  /// How many commands stay.
  public private(set) var commandsKept = 0
  /// How many go; nil when what follows can't be read to its end.
  public private(set) var commandsDropped: Int?
  /// The time of the last command that stays, in unix seconds; -1 when no stamp tells.
  public private(set) var time: Int64 = -1
  /// The file in which the cut is, and how many of its bytes stay.
  public private(set) var cut: (file: String, offset: Int)?
  /// How many of the commands that stay were written before the first time stamp, so that nobody
  /// knows when; those of a cut at a time only.
  public private(set) var commandsWithoutTime = 0
  /// How many of the commands that go have a time up to the one of the cut: the clock of the server
  /// was set back.
  public private(set) var commandsOutOfOrder = 0
  /// What becomes of each file.
  public private(set) var rewrite: LogRewrite

  /// Where a cut may be: in front of a command outside a transaction, or in front of a MULTI.
  private struct Boundary {
    var part = 0
    var offset = 0
    var commands = 0
    var time: Int64 = -1
    var withoutTime = 0
  }

  /// Reads the log up to `limit` and decides.
  ///
  /// - Throws: ``ToolError``: a limit that the log can't answer, or damage in front of it.
  public init(
    _ log: AppendOnlyLog, _ limit: Limit, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    self.log = log
    rewrite = LogRewrite(log)
    try LogRewrite.refuseStreams(log, fileSystem)
    let last = try CutPlan.lastPart(log, limit)
    var walker = LogWalker(log, fileSystem: fileSystem)
    var boundary = Boundary()
    var isCut = false
    do throws(LogError) {
      isCut = try CutPlan.find(limit, last, &walker, &boundary)
    } catch {
      guard error.isTruncation, error.part == log.parts.count - 1, case .aof(let aof) = error.cause
      else { throw ToolError(error, log).advising(LogRewrite.damageRemedy(log)) }
      rewrite.end(part: error.part, at: aof.goodBytes)
    }
    try check(limit, walker, boundary)
    commandsKept = isCut ? boundary.commands : walker.reader.command.index
    time = isCut ? boundary.time : walker.reader.command.time
    if case .time = limit { commandsWithoutTime = min(boundary.withoutTime, commandsKept) }
    guard isCut else {
      commandsDropped = 0
      return
    }
    let hasDump = walker.preambles.prefix(boundary.part).contains { $0 != nil }
    if boundary.commands == 0 && boundary.offset == 0 && !hasDump {
      throw .refused(
        .no, "nothing stands in front of that place", file: log.path,
        remedy: "Try: an older backup")
    }
    if case .offset(let offset, _) = limit, boundary.part == last, boundary.offset > offset {
      throw .refused(
        .no, "byte \(offset) lies in the RDB, which can't be cut", file: log.parts[last].path)
    }
    rewrite.end(part: boundary.part, at: boundary.offset)
    for index in log.parts.indices where index > boundary.part { rewrite.drop(part: index) }
    cut = (log.parts[boundary.part].name, boundary.offset)
    countRest(&walker, limit)
  }

  /// Reads up to the first command that goes; false when all stay.
  private static func find(
    _ limit: Limit, _ last: Int, _ walker: inout LogWalker, _ boundary: inout Boundary
  ) throws(LogError) -> Bool {
    var part = -1
    while try walker.next() {
      let command = walker.reader.command
      if walker.part != part {
        part = walker.part
        boundary.part = part
        boundary.offset = walker.preambles[part]?.bytes.upperBound ?? 0
      }
      if isBehind(command, part, limit, last) { return true }
      if command.transaction == 0 || command.word.isExec {
        boundary = Boundary(
          part: part, offset: command.end, commands: command.index, time: command.time,
          withoutTime: command.time < 0 ? command.index : boundary.withoutTime)
      }
    }
    return false
  }

  /// Refuses limits that the log does not answer.
  private func check(
    _ limit: Limit, _ walker: borrowing LogWalker, _ boundary: Boundary
  ) throws(ToolError) {
    let command = walker.reader.command
    switch limit {
    case .time(let time):
      for (index, preamble) in walker.preambles.enumerated() {
        guard let made = preamble?.madeAt, made > time else { continue }
        throw .refused(
          .no,
          "was made at \(Moment(milliseconds: made * 1000).text); what stood before is not in this log",
          file: log.parts[index].path, remedy: "Try: an older backup")
      }
      if command.time < 0 && command.index > 0 {
        throw .refused(
          .no, "holds no time stamps (`aof-timestamp-enabled no`)", file: log.path,
          remedy: "Try: --before INDEX, with a number that `redis-backup log` prints")
      }
    case .before(let index):
      if index > command.index + 1 {
        throw .refused(.no, "has only \(command.index) commands", file: log.path)
      }
    case .offset: break
    }
  }

  private mutating func countRest(_ walker: inout LogWalker, _ limit: Limit) {
    do throws(LogError) {
      while try walker.next() {
        if case .time(let time) = limit, walker.reader.command.time <= time {
          commandsOutOfOrder += 1
        }
      }
      commandsDropped = walker.reader.command.index - commandsKept
    } catch {
      commandsDropped = error.isTruncation ? walker.reader.command.index - commandsKept : nil
    }
  }

  private static func lastPart(
    _ log: AppendOnlyLog, _ limit: Limit
  ) throws(ToolError) -> Int {
    guard case .offset(_, let file) = limit, let file else { return log.parts.count - 1 }
    guard let index = log.parts.firstIndex(where: { $0.name == file }) else {
      let names = log.parts.map(\.name).joined(separator: ", ")
      throw .usage("--file \(file) is no file of this log", remedy: "Its files: \(names)")
    }
    return index
  }

  /// Whether a command goes.
  private static func isBehind(
    _ command: AOFCommand, _ part: Int, _ limit: Limit, _ last: Int
  ) -> Bool {
    switch limit {
    case .time(let time): command.time > time
    case .before(let index): command.index >= index
    case .offset(let offset, _): part > last || part == last && command.end > offset
    }
  }
}

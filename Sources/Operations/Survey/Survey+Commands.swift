import AOF
import Bytes

extension Survey {
  /// Walks through the commands from the position of `cursor` on.
  mutating func walkCommands(
    _ cursor: consuming ByteCursor, _ part: inout Part, _ state: inout LogState, isLast: Bool,
    _ options: Options
  ) throws(ToolError) {
    var log = LogSurvey()
    let start = cursor.offset
    var reader = AOFReader(
      cursor, file: state.index, after: state.last, transactions: state.transactions)
    let table = CommandTable.shared
    var failure: AOFError?
    do throws(AOFError) {
      while try reader.next() {
        let command = reader.command
        let info = table.find(command.word, reader.arguments)
        log.count(command, info)
        if command.time >= 0 {
          if log.firstTime == nil { log.firstTime = command.time }
          log.lastTime = command.time
        }
        if let info {
          if !info.allows(words: reader.arguments.count)
            || info.effect == .transaction && Survey.isMisplaced(command)
          {
            add(Survey.misuse(command, info, reader.arguments.count, part.path), options)
          }
        } else {
          log.countUnknown(reader.arguments.name)
        }
      }
    } catch { failure = error }
    log.annotations = reader.annotations
    log.transactions = reader.transactionCount - state.transactions
    log.goodBytes = reader.goodBytes
    log.bytes = start..<max(start, reader.cursor.offset)
    part.log = log
    part.goodBytes = reader.goodBytes
    part.bytesRead = max(reader.cursor.size ?? 0, reader.cursor.offset)
    part.isWhole = failure == nil
    state.last = reader.command
    state.transactions = reader.transactionCount
    guard let failure else { return }
    if case .system(let system) = failure.kind { return try refuse(system, &part, options) }
    var problem = ToolError(failure, file: part.path)
    problem.detail = Survey.zeros(at: failure.offset, in: reader.cursor)
    if failure.isTruncation {
      problem.remedy =
        isLast
        ? "A server cuts it at byte \(failure.goodBytes) when it starts (aof-load-truncated yes)"
        : "It is not the last file of the log: a server refuses to start"
    } else {
      problem.remedy = "Try: redis-backup repair \(KeyText.shellWord(facts.path)) -o OUT"
    }
    add(problem, options)
  }

  /// MULTI inside of a transaction, or EXEC outside of one.
  private static func isMisplaced(_ command: AOFCommand) -> Bool {
    command.word.isMulti && command.position > 0 || command.word.isExec && command.transaction == 0
  }

  private static func misuse(
    _ command: AOFCommand, _ info: CommandInfo, _ words: Int, _ path: String
  ) -> ToolError {
    let what =
      isMisplaced(command)
      ? (command.word.isMulti ? "MULTI inside of MULTI" : "EXEC without MULTI")
      : "\(info.name) with \(words - 1) arguments: servers refuse it or crash"
    var problem = ToolError.refused(.badData, what, file: path, offset: command.offset)
    problem.command = command.index
    problem.database = command.database
    return problem
  }

  /// What is worth telling of the bytes at `offset`: a run of zeros is what a lost block leaves.
  private static func zeros(at offset: Int, in cursor: borrowing ByteCursor) -> String? {
    guard let size = cursor.size, offset < size else { return nil }
    let rest = cursor.heldSlice(at: offset, count: min(size - offset, 1 << 26))
    var count = 0
    while count < rest.count && rest[count] == 0 { count += 1 }
    if count < 8 { return nil }
    return "\(count) bytes from here on are zero"
  }
}

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
    let before = reader.command.index
    var failure: AOFError?
    do throws(AOFError) {
      try Survey.count(&reader, &log)
    } catch { failure = error }
    log.commands = reader.command.index - before
    log.annotations = reader.annotations
    log.transactions = reader.transactionCount - state.transactions
    log.goodBytes = reader.goodBytes
    log.bytes = start..<max(start, reader.cursor.offset)
    part.log = log
    part.goodBytes = reader.goodBytes
    part.bytesRead = max(reader.cursor.size ?? 0, reader.cursor.offset)
    part.isWhole = failure == nil
    if reader.firstUnknownAnnotation >= 0 {
      notes.append(
        "\(KeyText.fileName(part.path)): byte \(reader.firstUnknownAnnotation): an annotation that "
          + "is no #TS: time stamp; servers from 7.0 on skip it")
    }
    state.last = reader.command
    state.transactions = reader.transactionCount
    guard let failure else { return }
    if case .system(let system) = failure.kind { return try refuse(system, &part, options) }
    add(problem(failure, part, reader.cursor, isLast: isLast), options)
  }

  /// Counts names, databases and times.
  private static func count(
    _ reader: inout AOFReader, _ log: inout LogSurvey
  ) throws(AOFError) {
    let table = CommandTable.shared
    while try reader.next() {
      let command = reader.command
      let info = table.find(command.word, reader.arguments)
      log.count(command, info)
      if command.time >= 0 {
        if log.firstTime == nil { log.firstTime = command.time }
        log.lastTime = command.time
      }
      if info == nil { log.countUnknown(reader.arguments.name) }
    }
  }

  /// The problem that ends a file.
  private func problem(
    _ failure: AOFError, _ part: Part, _ cursor: borrowing ByteCursor, isLast: Bool
  ) -> ToolError {
    var problem = ToolError(failure, file: part.path)
    let whole = KeyText.shellWord(facts.path)
    if failure.isTruncation {
      let lost = ByteCount.text(failure.offset - failure.goodBytes)
      problem.detail =
        isLast
        ? "a server with `aof-load-truncated yes` drops the last \(lost) and starts"
        : "it is not the last file of the log: servers refuse to start, after cutting it on disk"
    } else if failure.kind == .lineEnd {
      problem.detail = "redis-check-aof refuses it, servers may read it as something else"
    } else if case .unexpected(_, 0) = failure.kind {
      problem.detail = Survey.zeros(at: failure.offset, in: cursor)
    }
    problem.remedy = "Try: redis-backup repair \(whole) -o OUT"
    return problem
  }

  /// What is worth telling of the bytes at `offset`: a run of zeros is what a lost block leaves.
  private static func zeros(at offset: Int, in cursor: borrowing ByteCursor) -> String? {
    guard cursor.isStable, let size = cursor.size, offset < size else { return nil }
    let rest = cursor.heldSlice(at: offset, count: size - offset)
    var count = 0
    while count < rest.count && rest[count] == 0 { count += 1 }
    if count < 2 { return nil }
    return "\(count) bytes from here on are zero"
  }
}

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
      if options.countsNames {
        try count(&reader, &log, part.path, options)
      } else {
        try pass(&reader, &log, part.path, options)
      }
    } catch { failure = error }
    log.commands = reader.command.index - before
    log.annotations = reader.annotations
    log.transactions = reader.transactionCount - state.transactions
    log.goodBytes = min(reader.goodBytes, log.misplacedAt ?? Int.max)
    log.bytes = start..<max(start, reader.cursor.offset)
    part.log = log
    part.goodBytes = log.goodBytes
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

  /// Looks only for what is wrong, and counts lines.
  private mutating func pass(
    _ reader: inout AOFReader, _ log: inout LogSurvey, _ path: String, _ options: Options
  ) throws(AOFError) {
    let table = CommandTable.shared
    while try reader.next() {
      let word = reader.command.word
      let arity = table.arity(word, reader.arguments)
      let words = reader.arguments.count
      log.lines &+= 1 &+ 2 &* words
      if arity >= 0 ? arity != words : words < -arity {
        if arity == CommandTable.unknownArity {
          log.countUnknown(reader.arguments.name)
        } else {
          report(Survey.wrongArity(reader, arity), reader.command, path, options)
        }
      }
      if word.count <= 6, let misplaced = Survey.misplaced(reader) {
        log.note(misplaced: reader)
        report(misplaced, reader.command, path, options)
      }
    }
  }

  /// Counts names, databases and times as well.
  private mutating func count(
    _ reader: inout AOFReader, _ log: inout LogSurvey, _ path: String, _ options: Options
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
      if let info {
        if !info.allows(words: reader.arguments.count) {
          report(Survey.wrongArity(reader, info.arity), command, path, options)
        }
      } else {
        log.countUnknown(reader.arguments.name)
      }
      if command.word.count <= 6, let misplaced = Survey.misplaced(reader) {
        log.note(misplaced: reader)
        report(misplaced, command, path, options)
      }
    }
  }

  @inline(never) private mutating func report(
    _ what: String, _ command: AOFCommand, _ path: String, _ options: Options
  ) {
    var problem = ToolError.refused(.badData, what, file: path, offset: command.offset)
    problem.command = command.index
    problem.database = command.database
    add(problem, options)
  }

  @inline(never) private static func wrongArity(
    _ reader: borrowing AOFReader, _ arity: Int
  ) -> String {
    let wanted = arity > 0 ? "\(arity - 1)" : "at least \(-arity - 1)"
    let name = KeyText.quoted(reader.arguments.name, limit: 64).dropFirst().dropLast().uppercased()
    return
      "\(name) with \(reader.arguments.count - 1) arguments, which needs \(wanted): Redis runs "
      + "it all the same and may crash, Valkey refuses to start"
  }

  /// What is wrong with the place of MULTI or EXEC, or with the database of SELECT.
  @inline(__always) private static func misplaced(_ reader: borrowing AOFReader) -> String? {
    let command = reader.command
    if command.word.isMulti {
      return command.position > 0
        ? "MULTI inside a transaction: servers log an error and go on, redis-check-aof refuses it"
        : nil
    }
    if command.word.isExec {
      return command.transaction == 0
        ? "EXEC without MULTI: servers log an error and go on, redis-check-aof refuses it" : nil
    }
    guard command.word.isSelect, reader.arguments.count == 2 else { return nil }
    if let number = DecimalText.canonical(reader.arguments[1]), 0...Int64(Int32.max) ~= number {
      return nil
    }
    return "SELECT of \(KeyText.quoted(reader.arguments[1], limit: 40)): a server stays in the "
      + "database it was in, and what follows goes there"
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

  /// What else lies beside the files of a manifest.
  mutating func lookAround(_ log: AppendOnlyLog, _ fileSystem: any FileSystem) {
    guard let manifestPath = log.manifestPath, let manifest = log.manifest,
      let names = try? fileSystem.list(log.directory.isEmpty ? "." : log.directory)
    else { return }
    let listed = Set(manifest.entries.map(\.name) + [FilePath.name(of: manifestPath)])
    for name in names where !listed.contains(name) && !name.hasPrefix(".") {
      let what =
        name.hasPrefix("temp-")
        ? "was left by a server that was interrupted; it is never read"
        : "is not in the manifest; servers never read it"
      notes.append("\(KeyText.fileName(FilePath.join(log.directory, name))): \(what)")
    }
  }
}

extension LogSurvey {
  /// Keeps where the first MULTI or EXEC out of place stands, as `redis-check-aof` counts.
  @inline(never) fileprivate mutating func note(misplaced reader: borrowing AOFReader) {
    let command = reader.command
    guard misplacedAt == nil, !command.word.isSelect else { return }
    misplacedAt = command.word.isMulti ? reader.goodBytes : command.offset
  }
}

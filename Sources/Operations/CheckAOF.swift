public import AOF
public import Bytes
import RDB

/// What a check of a log found.
public struct AOFCheck: Sendable {
  /// Something that is wrong, and where.
  public struct Problem: Sendable {
    /// The base name of the file.
    public var file: String
    /// The byte in it; nil for what concerns the whole file.
    public var offset: Int?
    /// The number of the command in the whole log.
    public var command: Int?
    /// The database.
    public var database: Int?
    /// The key, in an RDB.
    public var key: [UInt8]?
    /// What is wrong, and what servers do about it.
    public var message: String
  }

  /// One file of the log.
  public struct File: Sendable {
    /// Its base name.
    public var name: String
    /// What it is for.
    public var kind: AppendOnlyLog.Kind
    /// Its size; nil for streams and files that are missing.
    public var bytes: Int?
    /// How many of its bytes are good: up to the end of the last whole command outside a
    /// transaction in front of the first damage.
    public var goodBytes = 0
    /// Its RDB, if it begins with a good one.
    public var preamble: Preamble.Summary?
    /// How many whole commands it holds up to there.
    public var commands = 0
    /// Whether it can't be read to its end.
    public var isBroken = false
    /// Whether it merely ends inside a command or a transaction.
    public var isTruncated = false
  }

  /// What is wrong. A log without problems loads everywhere its commands are known.
  public private(set) var problems: [Problem] = []
  /// What is unusual but right: unknown commands, annotations, left-over files.
  public private(set) var notes: [Problem] = []
  /// The files in the order servers load them.
  public private(set) var files: [File] = []
  /// How many commands there are.
  public private(set) var commands = 0
  /// How many transactions.
  public private(set) var transactions = 0

  /// Whether nothing is wrong.
  public var isOK: Bool { problems.isEmpty }
  /// The good bytes of all files together.
  public var goodBytes: Int { files.reduce(0) { $0 + $1.goodBytes } }

  /// At most so many commands with a wrong number of arguments are listed; the rest are counted.
  static let listed = 20

  private var arityProblems = 0
  /// How many bytes of the current file stand in front of its first wrong MULTI or EXEC.
  private var structureEnd: Int?
  private var unknown: [[UInt8]: (count: Int, first: Problem)] = [:]

  /// Checks every file of `log`.
  ///
  /// - Throws: ``ToolError`` only when a file can't be read for other reasons than its content.
  public init(
    _ log: AppendOnlyLog, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var walker = LogWalker(log, fileSystem: fileSystem)
    for part in log.parts.indices {
      begin(part, log)
      do throws(LogError) { _ = try walker.skipFile() } catch {
        try report(error, log)
        continue
      }
      try checkFile(&walker, part)
    }
    finish(walker)
    lookAround(log, fileSystem)
  }

  /// Checks a log that comes as a stream, at its start.
  public init(stream cursor: consuming ByteCursor, _ log: AppendOnlyLog) throws(ToolError) {
    begin(0, log)
    var walker: LogWalker
    do throws(LogError) { walker = try LogWalker(log, opened: cursor) } catch {
      try report(error, log)
      return
    }
    try checkFile(&walker, 0)
    finish(walker)
  }

  private mutating func begin(_ part: Int, _ log: AppendOnlyLog) {
    let file = log.parts[part]
    files.append(File(name: file.name, kind: file.kind, bytes: file.status?.size))
  }

  private mutating func checkFile(
    _ walker: inout LogWalker, _ part: Int
  ) throws(ToolError) {
    let before = walker.reader.command.index
    files[part].preamble = walker.preambles[part]
    do throws(AOFError) { try checkCommands(&walker.reader) } catch {
      try report(LogError(cause: .aof(error), part: part), walker.log, zeros: zeros(walker, error))
    }
    files[part].goodBytes = min(walker.reader.goodBytes, structureEnd ?? Int.max)
    structureEnd = nil
    files[part].commands = walker.reader.command.index - before
    if let offset = walker.reader.firstUnknownAnnotation as Int?, offset >= 0 {
      notes.append(
        Problem(
          file: files[part].name, offset: offset,
          message: "an annotation that is no #TS: time stamp; servers from 7.0 on skip it"))
    }
  }

  private mutating func finish(_ walker: borrowing LogWalker) {
    commands = walker.reader.command.index
    transactions = walker.reader.transactionCount
    if arityProblems > AOFCheck.listed {
      problems.append(
        Problem(
          file: files.last?.name ?? "",
          message:
            "\(arityProblems - AOFCheck.listed) more commands have a wrong number of arguments"))
    }
    for (_, seen) in unknown.sorted(by: {
      ($0.value.first.command ?? 0) < ($1.value.first.command ?? 0)
    }) {
      var note = seen.first
      if seen.count > 1 { note.message += " (\(seen.count) times)" }
      notes.append(note)
    }
  }

  // MARK: - Commands

  private mutating func checkCommands(_ reader: inout AOFReader) throws(AOFError) {
    let table = CommandTable.shared
    while try reader.next() {
      let word = reader.command.word
      let arity = table.arity(word, reader.arguments)
      let count = reader.arguments.count
      if arity >= 0 ? arity != count : count < -arity {
        if arity == CommandTable.unknownArity {
          noteUnknown(reader)
        } else {
          reportArity(reader, arity)
        }
      }
      if word.count <= 6 { checkStructure(reader) }
    }
  }

  private mutating func checkStructure(_ reader: borrowing AOFReader) {
    let command = reader.command
    if command.word.isMulti && command.position > 0 {
      structureEnd = structureEnd ?? reader.goodBytes
      report(
        command,
        "MULTI inside a transaction: servers log an error and go on, redis-check-aof refuses it")
    } else if command.word.isExec && command.transaction == 0 {
      structureEnd = structureEnd ?? command.offset
      report(
        command, "EXEC without MULTI: servers log an error and go on, redis-check-aof refuses it")
    } else if command.word.isSelect, reader.arguments.count == 2 {
      let number = DecimalText.canonical(reader.arguments[1])
      if number == nil || number.map({ $0 < 0 || $0 > Int64(Int32.max) }) == true {
        report(
          command,
          "SELECT of \(KeyText.quoted(reader.arguments[1], limit: 40)): a server stays in the database it was in, and what follows goes there"
        )
      }
    }
  }

  private mutating func report(_ command: AOFCommand, _ message: String) {
    problems.append(
      Problem(
        file: files[command.file].name, offset: command.offset, command: command.index,
        database: command.database, message: message))
  }

  @inline(never)
  private mutating func reportArity(_ reader: borrowing AOFReader, _ arity: Int) {
    arityProblems += 1
    guard arityProblems <= AOFCheck.listed else { return }
    let wanted = arity > 0 ? "\(arity - 1)" : "at least \(-arity - 1)"
    let name = reader.arguments.name.text.uppercased()
    report(
      reader.command,
      "\(name) with \(reader.arguments.count - 1) arguments, which needs \(wanted): Redis runs it all the same and may crash, Valkey refuses to start"
    )
  }

  @inline(never)
  private mutating func noteUnknown(_ reader: borrowing AOFReader) {
    let name = reader.arguments.name
    let key = name.prefix(min(name.count, 64)).bytes.map(ASCII.uppercased)
    if unknown[key] != nil {
      unknown[key]?.count += 1
    } else if unknown.count < 1000 {
      let command = reader.command
      unknown[key] = (
        1,
        Problem(
          file: files[command.file].name, offset: command.offset, command: command.index,
          database: command.database,
          message:
            "\(KeyText.quoted(name, limit: 64)) is no command of Redis or Valkey; only a server with its module loads this"
        )
      )
    }
  }

  // MARK: - What ends a file

  private mutating func report(
    _ error: LogError, _ log: AppendOnlyLog, zeros: Int = 0
  ) throws(ToolError) {
    let part = log.parts[error.part]
    let isLast = error.part == log.parts.count - 1
    files[error.part].isBroken = true
    files[error.part].isTruncated = error.isTruncation
    var problem = Problem(file: part.name, message: "")
    switch error.cause {
    case .system(let system):
      guard log.isMultiPart, ToolError.status(of: system, .input) == .noInput else {
        throw ToolError(system, file: part.path)
      }
      problem.message = "is listed in the manifest and missing: servers refuse to start"
    case .rdb(let rdb):
      if case .unreadable(let system) = rdb.kind { throw ToolError(system, file: part.path) }
      problem.offset = rdb.offset
      problem.database = error.database
      problem.key = error.key
      problem.message =
        rdb.what + " (in the RDB in front of the commands, which servers never repair)"
    case .aof(let aof):
      if case .system(let system) = aof.kind { throw ToolError(system, file: part.path) }
      problem.offset = aof.offset
      problem.command = aof.command
      problem.message = aof.what + consequence(aof, isLast: isLast, zeros)
    }
    problems.append(problem)
  }

  private func consequence(_ error: AOFError, isLast: Bool, _ zeros: Int) -> String {
    if error.isTruncation {
      let lost = error.offset - error.goodBytes
      return isLast
        ? "; a server with `aof-load-truncated yes` drops the last \(ByteCount.text(lost)) and starts"
        : ", and it is not the last file of the log: servers refuse to start, after cutting it on disk"
    }
    if zeros > 0 { return "; \(ByteCount.text(zeros)) from here on are zero" }
    if error.kind == .lineEnd {
      return "; redis-check-aof refuses it, servers may read it as something else"
    }
    return ""
  }

  /// How many of the bytes from the error to the end of the file are zero, when all are.
  private func zeros(_ walker: borrowing LogWalker, _ error: AOFError) -> Int {
    guard case .unexpected(_, 0) = error.kind, walker.reader.cursor.isStable,
      let size = walker.reader.cursor.size
    else { return 0 }
    let rest = walker.reader.cursor.heldSlice(at: error.offset, count: size - error.offset)
    var count = 0
    while count < rest.count && rest[count] == 0 { count += 1 }
    return count
  }

  /// What else lies beside the files of a manifest.
  private mutating func lookAround(_ log: AppendOnlyLog, _ fileSystem: any FileSystem) {
    guard let manifestPath = log.manifestPath, let manifest = log.manifest,
      let names = try? fileSystem.list(log.directory.isEmpty ? "." : log.directory)
    else { return }
    let listed = Set(manifest.entries.map(\.name) + [FilePath.name(of: manifestPath)])
    for name in names where !listed.contains(name) && !name.hasPrefix(".") {
      let what =
        name.hasPrefix("temp-")
        ? "was left by a server that was interrupted; it is never read"
        : "is not in the manifest; servers never read it"
      notes.append(Problem(file: name, message: what))
    }
  }
}

import AOF
public import Bytes
package import Keyspace
import RDB

/// The state that a log (or a dump) amounts to, for operations that need it.
///
/// Reads what `PATH` means: one AOF, with or without a dump at its head, a multi-part AOF, or a
/// plain dump. Streams and compressed files are taken into memory first, since keys and values
/// stay slices of the input.
public struct ReplayedLog {
  /// How the log is read.
  public struct Options: Sendable {
    /// Execute every command at once, which finds each command that a server answers with an error.
    public var eager = false
    /// Refuse a log with such commands.
    public var strict = false
    /// Stop behind the command of this number; nil for the end.
    public var lastIndex: Int?
    /// Stop before the first command of a later second (unix seconds, from `#TS:`).
    public var lastTime: Int64?
    /// What relative times refer to, in unix milliseconds.
    public var now: Int64 = 0
    /// Commands that are left out, as if they had never been sent.
    package var omissions = ReplayOmissions()
    /// A log that ends inside a command is an error instead of a note.
    public var refusesTruncation = false
    /// How much memory the tables of keys and commands may take; what would take more lives in mapped
    /// temporary files in ``temporaryDirectory``. nil for no limit.
    public var memoryLimit: Int?
    /// Where such files are made (they have no name); a file system in memory would be of no use.
    public var temporaryDirectory = "/var/tmp"

    /// Commands that are not known are no error: they go into a part that is kept as it stands, with all
    /// that touches the same keys (``Keyspace/VerbatimPart``), and the state is that of the rest. For the
    /// whole log only.
    package var keepsUnknown = false

    /// Whether the whole log is read.
    public var readsAll: Bool { lastIndex == nil && lastTime == nil }

    /// The end of the log.
    public init() {}
  }

  /// The state.
  package let keyspace: Keyspace
  /// What was read: path, kind, notes.
  public let facts: InputFacts
  /// Names of the files that were read.
  public private(set) var files: [String] = []
  private var statuses: [FileStatus?] = []
  /// Bytes of all of them.
  public private(set) var bytes = 0
  /// Sentences for the user.
  public private(set) var notes: [String]
  /// How many commands were read.
  public var commands: Int { keyspace.commandCount }

  /// Reads `path`.
  ///
  /// - Throws: ``ToolError``: damage, an unknown command, a verbatim script; with ``Options/strict``
  ///   also commands that a server answers with an error.
  public init(
    _ path: String, _ options: Options = Options(), fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    try self.init(Input(path, fileSystem: fileSystem), options, fileSystem: fileSystem)
  }

  /// Reads what was looked at already.
  ///
  /// - Throws: ``ToolError``, as above.
  public init(
    _ opened: consuming Input, _ options: Options = Options(), fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var input = opened
    facts = input.facts
    notes = input.facts.notes
    let backing = MemoryLimit.backing(for: input, options, fileSystem)
    keyspace = Keyspace(
      now: options.now, eager: options.eager || options.strict, backing: backing)
    keyspace.omissions = options.omissions
    keyspace.keepsUnknown = options.keepsUnknown
    if let index = options.lastIndex { keyspace.lastIndex = index }
    if let time = options.lastTime { keyspace.lastTime = time }
    var last: AOFCommand?
    switch input.kind {
    case .empty: files = [input.file]
    case .rdb, .aof:
      keyspace.generation = .upTo6
      files = [input.file]
      statuses = [try? fileSystem.status(of: input.file, followLinks: true)]
      let cursor = try Spool.stable(input.takeCursor(), input.file)
      if options.keepsUnknown {
        keyspace.verbatim = UnknownSearch.run([cursor.wholeSlice], in: backing)
      }
      last = try read(cursor, after: nil, isLast: true, options)
    case .multiPart(let manifest):
      let parts = manifest.loaded
      keyspace.generation =
        manifest.entries.contains { $0.startOffset != nil } ? .from8 : .from7
      // What is looked through must be what is read, though a server may add to the last file.
      var opened: [OpenedPart] = []
      if options.keepsUnknown {
        for part in parts {
          let file = FilePath.join(input.facts.logDirectory, part.name)
          opened.append(try OpenedPart(file, fileSystem))
        }
        keyspace.verbatim = UnknownSearch.run(opened.map(\.bytes), in: backing)
      }
      for (number, part) in parts.enumerated() {
        let file = FilePath.join(input.facts.logDirectory, part.name)
        files.append(file)
        statuses.append(try? fileSystem.status(of: file, followLinks: true))
        let part = opened.isEmpty ? try OpenedPart(file, fileSystem) : opened[number]
        last = try read(part.take(), after: last, isLast: number == parts.count - 1, options)
        if keyspace.isStopped { break }
      }
    }
    _ = last
    if options.strict, let fault = keyspace.faults.first { throw refusal(fault) }
    try checkDamage()
    noteFaults()
    if let failure = keyspace.backingFailure {
      notes.append(
        "the memory limit could not be kept: temporary files in \(options.temporaryDirectory): "
          + failure.text)
    }
  }

  private mutating func read(
    _ input: consuming ByteCursor, after last: AOFCommand?, isLast: Bool, _ options: Options
  ) throws(ToolError) -> AOFCommand? {
    let number = files.count - 1
    let file = files[number]
    let cursor = try Spool.stable(input, file)
    bytes += cursor.size ?? 0
    do throws(ReplayError) {
      return try keyspace.replay(cursor, file: number, after: last)
    } catch {
      if case .log(let inner) = error.kind, inner.isTruncation, isLast,
        !options.refusesTruncation
      {
        notes.append(
          "\(KeyText.fileName(file)): \(inner.what); read up to byte \(inner.goodBytes), as a "
            + "server does")
        return nil
      }
      throw ReplayedLog.words(error, file)
    }
  }

  /// The words for a log that can't be replayed.
  static func words(_ error: ReplayError, _ file: String) -> ToolError {
    let name = error.word.text
    let reason: String
    var remedy: String?
    switch error.kind {
    case .log(let inner): return ToolError(inner, file: file)
    case .dump(let inner): return ToolError(inner, file: file)
    case .unknownCommand:
      reason = "unknown command \(name): what it does to the data can't be told"
      remedy = "Try: compact --keep-unknown, which keeps such commands as they are"
    case .wrongArity: reason = "a number of words that \(name) can not have; servers crash on it"
    case .script:
      reason = "\(name) stands here verbatim; its effect can't be told without running the script"
      remedy = "Try: undo, cut, log, check, which work on such a log"
    case .unsupported(let why):
      reason = "\(name) can't be replayed: \(why.text)"
      remedy =
        "Try: compact --keep-unknown, which keeps such commands as they are; undo, cut, log, check work "
        + "on such a log, too"
    }
    return ToolError(
      .refused(.badData, reason), file: file, offset: error.offset, command: error.index,
      database: error.database, remedy: remedy)
  }

  private func refusal(_ fault: ReplayFault) -> ToolError {
    ToolError(
      .refused(
        .badData, "a command that a server answers with an error: \(fault.fault.text)"),
      file: files[min(fault.file, files.count - 1)], offset: fault.offset, command: fault.index,
      database: fault.database)
  }

  /// Throws when a value of a dump turned out to be damaged. Values are decoded when they are
  /// needed, so ask again when all of them were.
  package func checkDamage() throws(ToolError) {
    guard let damage = keyspace.damage ?? keyspace.verbatim?.damage else { return }
    throw ToolError(
      .rdb(damage.error), file: files[min(damage.file, files.count - 1)],
      database: damage.database, key: damage.key)
  }

  /// Throws when one of the files is no longer what it was when it was read.
  func checkUnchanged(_ fileSystem: any FileSystem) throws(ToolError) {
    for (file, then) in zip(files, statuses) {
      guard let then else { continue }
      let now = try ToolError.wrap(file) { () throws(SystemError) in
        try fileSystem.status(of: file, followLinks: true)
      }
      guard now.size == then.size, now.inode == then.inode, now.modified == then.modified else {
        throw .refused(
          .tryAgain, "was changed while it was read", file: file,
          remedy: "Stop the server that writes it, or work on a copy")
      }
    }
  }

  /// Sentences about commands that a server answers with an error, as far as they were met.
  private mutating func noteFaults() { notes += faultNotes() }

  /// Sentences about commands that a server would have answered with an error: how many, and the
  /// first few.
  package func faultNotes() -> [String] {
    guard keyspace.faultCount > 0 else { return [] }
    let count = keyspace.faultCount
    var lines = [
      "\(count) \(count == 1 ? "command" : "commands") of the log would be answered with an error "
        + "by a server that loads it, and change nothing"
    ]
    for fault in keyspace.faults.prefix(3) {
      lines.append(
        "\(KeyText.fileName(files[min(fault.file, files.count - 1)])): byte \(fault.offset) "
          + "(command \(fault.index)): \(fault.fault.text)")
    }
    return lines
  }
}

extension CommandWord {
  /// The name, as far as it is kept.
  var text: String {
    var bytes: [UInt8] = []
    for index in 0..<min(count, 16) {
      let word = index < 8 ? first : second
      bytes.append(UInt8(truncatingIfNeeded: word >> UInt64((index & 7) * 8)))
    }
    return KeyText.quoted(bytes) + (count > 16 ? "…" : "")
  }
}

extension UnsupportedReason {
  /// The reason as part of a sentence.
  package var text: String {
    switch self {
    case .vectorSet: "the values of vector sets belong to a module"
    case .rateLimiter: "its type is in no release of a server"
    case .sessionOfClient: "it refers to what its client prepared before; servers log RESTORE"
    case .deliveryTime: "the log does not tell when it delivered; servers log XCLAIM"
    case .keyDB: "it is KeyDB's own"
    }
  }
}

extension CommandFault {
  /// What a server would say, in short.
  var text: String {
    switch self {
    case .wrongType: "the key holds a value of another type"
    case .notInteger: "a word is no integer, or out of range"
    case .notFloat: "a word is no number"
    case .overflow: "the result would be too large"
    case .outOfRange: "an index or offset is out of range"
    case .syntax: "a syntax error"
    case .noSuchKey: "no such key"
    case .exists: "the target exists already"
    case .missing: "what it needs does not exist"
    case .invalidExpiry: "an invalid time to live"
    case .invalidID: "an invalid stream id"
    case .badPayload: "a damaged payload"
    case .badDatabase: "no such database"
    case .notReproducible: "the result depends on chance"
    case .misplaced: "a command out of place"
    }
  }
}

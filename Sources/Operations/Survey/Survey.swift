public import AOF
public import Bytes
import RDB

/// What is in a file, a log or a directory, and what is wrong with it: the work of `info` and
/// `check`.
public struct Survey: Sendable {
  /// How thorough it is.
  public struct Options: Sendable {
    /// Whether every element of every value is looked at.
    public var isDeep = false
    /// Whether commands are counted by name and database, and keys by type. Without, most keys are
    /// passed many at a time.
    public var countsNames = true
    /// What counts as expired.
    public var now = Moment.now
    /// How many problems are kept; all are counted.
    public var mostProblems = 1000
    /// The defaults.
    public init() {}
  }

  /// One file.
  public struct Part: Sendable {
    /// What it is for in its log; `.single` for a file of its own.
    public var kind: AppendOnlyLog.Kind
    /// Its path.
    public var path: String
    /// Bytes on disk; nil for streams.
    public var bytesOnDisk: Int?
    /// How many (decompressed) bytes were read.
    public var bytesRead = 0
    /// The RDB in it, or with which it begins.
    public var dump: DumpSurvey?
    /// The commands in it.
    public var log: LogSurvey?
    /// How many bytes from the start are good.
    public var goodBytes = 0
    /// Whether it was read to its end.
    public var isWhole = false
  }

  /// What was asked about.
  public var facts: InputFacts
  /// The files in the order in which a server loads them; one for all but a multi-part AOF.
  public var parts: [Part] = []
  /// What is wrong; the first ``Options/mostProblems``.
  public var problems: [ToolError] = []
  /// How much is wrong.
  public var problemCount = 0
  /// What is unusual, but right.
  public var notes: [String] = []

  /// Whether nothing is wrong.
  public var isOK: Bool { problemCount == 0 }

  /// How many bytes are good, from the start over all files up to the first damage.
  public var goodBytes: Int {
    var sum = 0
    for part in parts {
      sum += part.goodBytes
      if !part.isWhole { break }
    }
    return sum
  }

  /// All bytes that were read.
  public var bytesRead: Int { parts.reduce(0) { $0 + $1.bytesRead } }

  /// The commands of all files.
  public var log: LogSurvey? {
    var sum: LogSurvey?
    for part in parts {
      guard let log = part.log else { continue }
      if sum == nil { sum = LogSurvey() }
      sum?.add(log)
    }
    return sum
  }

  /// The RDB, or the one with which the log begins.
  public var dump: DumpSurvey? { parts.first { $0.dump != nil }?.dump }

  /// Walks through `input`.
  ///
  /// - Throws: ``ToolError`` when reading itself fails. Damage is not thrown, but in
  ///   ``problems``.
  public init(
    _ input: consuming Input, _ options: Options = Options(),
    fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    facts = input.facts
    notes = facts.notes
    switch facts.kind {
    case .multiPart: try walkLog(options, fileSystem)
    case .empty:
      var part = Part(kind: .single, path: facts.file, bytesOnDisk: facts.bytesOnDisk)
      part.isWhole = true
      parts = [part]
      if facts.directory == nil {
        add(
          .refused(
            .no, "is empty: a server takes it for an AOF without commands, and no RDB is empty",
            file: facts.file, offset: 0), options)
      }
    case .rdb, .aof:
      var part = Part(kind: .single, path: facts.file, bytesOnDisk: facts.bytesOnDisk)
      var state = LogState()
      try walkStream(input.takeCursor(), &part, &state, isLast: true, options)
      parts = [part]
    }
    finishNotes()
  }

  /// Walks through the commands from the position of `cursor` on, whatever stood before them.
  init(
    commandsFrom cursor: consuming ByteCursor, _ facts: InputFacts, _ options: Options
  ) throws(ToolError) {
    self.facts = facts
    notes = facts.notes
    var part = Part(kind: .single, path: facts.file, bytesOnDisk: facts.bytesOnDisk)
    var state = LogState()
    try walkCommands(cursor, &part, &state, isLast: true, options)
    parts = [part]
    finishNotes()
  }

  /// What commands carry from one file of a log to the next.
  struct LogState {
    var last: AOFCommand?
    var transactions = 0
    var index = 0
  }

  private mutating func walkLog(
    _ options: Options, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    let log: AppendOnlyLog
    do throws(LogOpenError) {
      log = try AppendOnlyLog(facts.file, fileSystem: fileSystem)
    } catch { throw ToolError(error) }
    var state = LogState()
    for index in log.parts.indices {
      let source = log.parts[index]
      var part = Part(
        kind: source.kind, path: source.path, bytesOnDisk: source.status?.size)
      state.index = index
      let cursor: ByteCursor
      do throws(SystemError) {
        cursor = try InputFile.open(source.path, fileSystem: fileSystem)
      } catch {
        let failure = ToolError(error, file: source.path)
        guard failure.status == .noInput else { throw failure }
        add(failure.advising("The manifest lists it; a server refuses to start"), options)
        parts.append(part)
        continue
      }
      try walkStream(
        cursor, &part, &state, isLast: index == log.parts.count - 1, options)
      parts.append(part)
    }
    lookAround(log, fileSystem)
  }

  private mutating func walkStream(
    _ cursor: consuming ByteCursor, _ part: inout Part, _ state: inout LogState, isLast: Bool,
    _ options: Options
  ) throws(ToolError) {
    var input = cursor
    if Preamble.begins(at: &input) {
      let rest = try walkDump(input, &part, options)
      guard var rest else { return }
      guard let next = rest.peek() else {
        if let failure = rest.failure { try refuse(failure, &part, options) }
        part.isWhole = part.dump?.checksum != nil
        return
      }
      guard next == 0x2A || next == 0x23 else {
        add(
          .refused(
            .badData, "something follows the end of the RDB that is no command", file: part.path,
            offset: rest.offset), options)
        return
      }
      input = rest
    }
    try walkCommands(input, &part, &state, isLast: isLast, options)
  }

  /// Reading failed: damage when the compressed bytes are wrong, else an error of its own.
  mutating func refuse(
    _ failure: SystemError, _ part: inout Part, _ options: Options
  ) throws(ToolError) {
    let error = ToolError(failure, file: part.path)
    guard error.status == .badData else { throw error }
    add(error, options)
  }

  mutating func add(_ problem: ToolError, _ options: Options) {
    problemCount += 1
    if problems.count < options.mostProblems { problems.append(problem) }
  }

  /// Surveys everything in the directory of a server that it could load: first what it would load,
  /// then the rest by name. For anything else just that.
  public static func everything(
    at path: String, _ options: Options = Options(), fileSystem: any FileSystem = .system
  ) throws(ToolError) -> [Survey] {
    let first = try Survey(Input(path, fileSystem: fileSystem), options, fileSystem: fileSystem)
    guard let directory = first.facts.directory else { return [first] }
    var surveys = [first]
    for entry in directory.entries {
      let inner = FilePath.join(directory.path, entry.name)
      let isChosen = first.facts.file == inner || first.facts.file.hasPrefix(inner + "/")
      guard !isChosen, [.rdb, .aof, .logDirectory].contains(entry.role) else { continue }
      surveys.append(
        try Survey(Input(inner, fileSystem: fileSystem), options, fileSystem: fileSystem))
    }
    return surveys
  }

  private mutating func finishNotes() {
    guard let log, !log.unknown.isEmpty else { return }
    let names = log.unknown.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
    let shown = names.prefix(5).map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
    notes.append(
      "commands that no known server has, of a module maybe: " + shown
        + (names.count > 5 ? ", …" : ""))
  }
}

import AOF
public import Bytes
import RDB

/// Checks whatever a path means: a dump (``RDBCheck``), a log (``AOFCheck``), or a log that begins
/// with a dump.
public struct PathCheck: Sendable {
  /// One file.
  public struct Part: Sendable {
    /// Its path.
    public var path: String
    /// How many (decompressed) bytes it has.
    public var bytes: Int
    /// How many of them, from the start on, are good.
    public var goodBytes: Int
  }

  /// What was asked about.
  public let facts: InputFacts
  /// What was found.
  public private(set) var report = CheckReport()
  /// The files in the order servers load them.
  public private(set) var parts: [Part] = []
  /// How many keys its dumps hold; nil when there are none.
  public private(set) var keys: Int?
  /// How many commands; nil when it is no log.
  public private(set) var commands: Int?

  /// Whether no damage was found.
  public var isOK: Bool { report.ok }
  /// All bytes.
  public var bytes: Int { parts.reduce(0) { $0 + $1.bytes } }
  /// The good bytes over all files, up to the first damage.
  public var goodBytes: Int {
    var sum = 0
    for part in parts {
      sum += part.goodBytes
      if part.goodBytes < part.bytes { break }
    }
    return sum
  }

  /// Checks everything in the directory of a server that it could load, first what it would load;
  /// for anything else just that.
  ///
  /// - Parameter deep: whether every byte of every value is looked at.
  /// - Throws: ``ToolError`` when reading fails. Damage is not thrown, but in ``report``.
  public static func everything(
    at path: String, deep: Bool, fileSystem: any FileSystem = .system
  ) throws(ToolError) -> [PathCheck] {
    let first = try PathCheck(
      Input(path, fileSystem: fileSystem), deep: deep, fileSystem: fileSystem)
    var checks = [first]
    for other in first.facts.others {
      checks.append(
        try PathCheck(Input(other, fileSystem: fileSystem), deep: deep, fileSystem: fileSystem))
    }
    return checks
  }

  /// Checks `input`.
  public init(
    _ input: consuming Input, deep: Bool, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    facts = input.facts
    switch facts.kind {
    case .empty:
      parts = [Part(path: facts.file, bytes: 0, goodBytes: 0)]
      if facts.directory == nil {
        report.add(
          Finding(
            .fatal,
            .refused(
              .no, "is empty: a server takes it for an AOF without commands, and no RDB is empty",
              file: facts.file, offset: 0)))
      }
    case .rdb: try checkDump(input.takeCursor(), deep: deep)
    case .aof: try checkCommands(input.takeCursor())
    case .multiPart: try checkLog(deep: deep, fileSystem)
    }
  }

  private mutating func checkDump(_ input: consuming ByteCursor, deep: Bool) throws(ToolError) {
    let rest = RDBCheck.run(
      input, file: facts.file, deep: deep, isPreamble: true, report: &report)
    keys = report.keys
    try throwFailures()
    guard var rest else {
      addPart(bytes: facts.isCompressed ? report.bytes : facts.bytesOnDisk ?? report.bytes)
      return
    }
    guard let next = rest.peek() else {
      if let failure = rest.failure {
        report.add(
          Finding(.fatal, ToolError(failure, file: facts.file)), recordOffset: rest.offset)
        try throwFailures()
      }
      addPart(bytes: report.bytes)
      return
    }
    guard next == 0x2A || next == 0x23 else {
      let left = rest.size.map { "\($0 - rest.offset) bytes" } ?? "more bytes"
      report.add(
        .unusual(
          "\(left) follow the end of the dump; servers ignore them", file: facts.file,
          offset: rest.offset))
      addPart(bytes: rest.size ?? rest.offset)
      return
    }
    // A log whose dump is damaged inside is still walked to its end.
    let good = report.ok ? nil : report.goodBytes
    try checkCommands(rest)
    if let good, !parts.isEmpty { parts[0].goodBytes = min(good, parts[0].goodBytes) }
  }

  private mutating func checkCommands(_ input: consuming ByteCursor) throws(ToolError) {
    let log = AppendOnlyLog(single: facts.file)
    let size = input.size
    let check = try AOFCheck(stream: input, log)
    take(check, log)
    let good = check.goodBytes
    let end = size ?? (check.isOK ? good : max(good, check.problems.last?.offset ?? 0))
    parts = [Part(path: facts.file, bytes: end, goodBytes: good)]
  }

  private mutating func checkLog(
    deep: Bool, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    let log: AppendOnlyLog
    do throws(LogOpenError) {
      log = try AppendOnlyLog(facts.file, fileSystem: fileSystem)
    } catch { throw ToolError(error) }
    let check = try AOFCheck(log, fileSystem: fileSystem)
    for (part, file) in zip(log.parts, check.files) {
      let bytes = file.bytes ?? file.goodBytes
      parts.append(
        Part(
          path: part.path, bytes: bytes, goodBytes: file.isBroken ? file.goodBytes : bytes))
      if let dump = file.preamble {
        keys = (keys ?? 0) + dump.keys
        report.checksum = dump.checksum
      }
    }
    take(check, log)
    guard deep else { return }
    for index in check.files.indices where check.files[index].preamble != nil {
      // The walk above found its structure and checksum right.
      let path = log.parts[index].path
      let cursor = try ToolError.wrap(path) { () throws(SystemError) in
        try InputFile.open(path, fileSystem: fileSystem)
      }
      var inner = CheckReport()
      _ = RDBCheck.run(cursor, file: path, deep: true, isPreamble: true, report: &inner)
      for finding in inner.findings { report.add(finding) }
      if !inner.ok { parts[index].goodBytes = inner.goodBytes ?? 0 }
    }
  }

  /// Takes over what the check of a log found.
  private mutating func take(_ check: AOFCheck, _ log: AppendOnlyLog) {
    commands = check.commands
    func path(_ name: String) -> String {
      log.parts.first { $0.name == name }?.path
        ?? (log.isMultiPart ? FilePath.join(log.directory, name) : name)
    }
    func error(_ problem: AOFCheck.Problem) -> ToolError {
      ToolError(
        .refused(.badData, problem.message), file: path(problem.file), offset: problem.offset,
        command: problem.command, database: problem.database, key: problem.key)
    }
    let isBroken = check.files.contains(where: \.isBroken)
    for (number, problem) in check.problems.enumerated() {
      var found = error(problem)
      if isBroken && number == check.problems.count - 1 && facts.path != "-" {
        found.remedy = "Try: redis-backup repair \(KeyText.shellWord(facts.path)) -o OUT"
      }
      report.add(Finding(.damaged, found))
    }
    for note in check.notes { report.add(Finding(.unusual, error(note))) }
  }

  private mutating func addPart(bytes: Int) {
    parts = [
      Part(path: facts.file, bytes: bytes, goodBytes: report.ok ? bytes : report.goodBytes ?? 0)
    ]
  }

  /// A disk that can't be read is no damage of the file.
  private func throwFailures() throws(ToolError) {
    for finding in report.findings where finding.severity == .fatal {
      let status = finding.error.status
      if status != .badData && status != .no { throw finding.error }
    }
  }
}

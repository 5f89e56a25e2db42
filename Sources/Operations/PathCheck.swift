public import Bytes
import RDB

/// Checks whatever a path means: a dump (``RDBCheck``), a log (``Survey``), or a log that begins
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
  /// - Parameters:
  ///   - path: what the user named.
  ///   - deep: whether every byte of every value is looked at.
  ///   - fileSystem: where files are, for tests that make it fail.
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
    case .rdb: try checkDump(input.takeCursor(), deep: deep, fileSystem)
    case .aof: try checkCommands(input.takeCursor())
    case .multiPart: try checkLog(deep: deep, fileSystem)
    }
  }

  private mutating func checkDump(
    _ opened: consuming ByteCursor, deep: Bool, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    let rest = try RDBCheck.run(
      reopening: opened, file: facts.file, deep: deep, isPreamble: true, fileSystem,
      report: &report)
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
      let size = rest.size ?? (facts.isCompressed ? nil : facts.bytesOnDisk)
      let left = size.map { "\($0 - rest.offset) bytes" } ?? "more bytes"
      report.add(
        .unusual(
          "\(left) follow the end of the dump; servers ignore them", file: facts.file,
          offset: rest.offset))
      addPart(bytes: size ?? rest.offset)
      return
    }
    if !rest.isStable && facts.bytesOnDisk != nil && !facts.isCompressed {
      // A command may be as long as the file: in a mapping it takes no memory.
      let offset = rest.offset
      let mapped = try ToolError.wrap(facts.file) { () throws(SystemError) in
        try PathCheck.map(facts.file, at: offset, fileSystem)
      }
      if let mapped { rest = mapped }
    }
    // A log whose dump is damaged inside is still walked to its end.
    let good = report.ok ? nil : report.goodBytes
    try checkCommands(rest)
    if let good, !parts.isEmpty { parts[0].goodBytes = min(good, parts[0].goodBytes) }
  }

  /// The file mapped, at `offset`; nil when it has become shorter, or can't be mapped.
  private static func map(
    _ path: String, at offset: Int, _ fileSystem: any FileSystem
  ) throws(SystemError) -> ByteCursor? {
    var cursor = try InputFile.open(path, decompressing: false, fileSystem: fileSystem)
    guard cursor.isStable, cursor.size ?? 0 >= offset else { return nil }
    cursor.seek(to: offset)
    return cursor
  }

  private mutating func checkCommands(_ input: consuming ByteCursor) throws(ToolError) {
    take(try Survey(commandsFrom: input, facts, PathCheck.options))
  }

  private mutating func checkLog(
    deep: Bool, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    let survey = try Survey(
      Input(facts.file, fileSystem: fileSystem), PathCheck.options, fileSystem: fileSystem)
    take(survey)
    keys = survey.dump?.keys
    report.checksum = survey.dump?.checksum
    guard deep else { return }
    for index in survey.parts.indices where survey.parts[index].dump?.checksum != nil {
      // The walk above found its structure and checksum right.
      let path = survey.parts[index].path
      let cursor = try ToolError.wrap(path) { () throws(SystemError) in
        try InputFile.open(path, fileSystem: fileSystem)
      }
      var inner = CheckReport()
      _ = try RDBCheck.run(
        reopening: cursor, file: path, deep: true, isPreamble: true, fileSystem, report: &inner)
      for finding in inner.findings { report.add(finding) }
      if !inner.ok { parts[index].goodBytes = inner.goodBytes ?? 0 }
    }
  }

  private static var options: Survey.Options {
    var options = Survey.Options()
    options.countsNames = false
    return options
  }

  /// Takes over what the walk through a log found.
  private mutating func take(_ survey: Survey) {
    commands = survey.log?.commands ?? 0
    for problem in survey.problems { report.add(Finding(.damaged, problem)) }
    for note in survey.notes where !facts.notes.contains(note) {
      report.add(Finding(.unusual, ToolError(.refused(.no, note))))
    }
    parts = survey.parts.map { part in
      Part(path: part.path, bytes: part.bytesRead, goodBytes: part.goodBytes)
    }
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

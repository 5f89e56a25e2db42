import AOF
public import Bytes
import Keyspace
import RDB

/// The smallest log with the same data, made without a server (BGREWRITEAOF offline).
public enum Compact {
  /// In which form.
  public enum Form: String, Sendable, CaseIterable {
    /// One file of commands.
    case aof
    /// A dump.
    case rdb
    /// A directory with manifest, base and an empty increment, as Redis 7.0 and later keep it.
    case multiPart = "multi-part"
  }

  /// How.
  public struct Options: Sendable {
    /// The form of the output.
    public var form = Form.aof
    /// The server that is to load it, as `redis:6.2`; nil for the one that seems to have written
    /// the input.
    public var target: String?
    /// Keys and fields that expire at or before this moment (unix ms) are left out.
    public var expiredBefore: Int64?
    /// Refuse commands that a server would answer with an error.
    public var strict = false
    /// What the target can't hold is left out instead of refused.
    public var lossy = false
    /// Keep commands that are not known as they are, with all that touches the same keys, instead of
    /// refusing the log.
    public var keepsUnknown = false
    /// Replace the output when it is there.
    public var replacing = false
    /// Replace the input itself, which stays as `NAME.before-TIME`.
    public var inPlace = false
    /// What relative times refer to, in ms since 1970; nil for this moment.
    public var now: Int64?
    /// Only find out how large it would be.
    public var dryRun = false
    /// As ``ReplayedLog/Options/memoryLimit``.
    public var memoryLimit: Int?
    /// As ``ReplayedLog/Options/temporaryDirectory``.
    public var temporaryDirectory = "/var/tmp"

    /// One AOF.
    public init() {}
  }

  /// What was done.
  public struct Report: Sendable {
    /// Bytes of all files before.
    public var bytesBefore = 0
    /// Bytes after.
    public var bytesAfter = 0
    /// Commands before (a dump's keys are none).
    public var commandsBefore = 0
    /// Commands after.
    public var commandsAfter = 0
    /// Keys.
    public var keys = 0
    /// The number by which input and output were compared.
    public var stateHash = ""
    /// Files that were kept when the input was replaced.
    public var kept: [String] = []
    /// What was kept as it stands in the log (with `keepsUnknown`); nil when there was nothing that had
    /// to be. It counts in none of `keys` and `stateHash`, which tell of the rest.
    public var verbatim: Verbatim?
    /// What was left out (with `lossy`), in words.
    public var lost: [String] = []
    /// Sentences for the user.
    public var notes: [String] = []
  }

  /// Compacts what is at `path` into `output`.
  ///
  /// The output is read back and compared with the state before it gets its name.
  ///
  /// - Throws: ``ToolError``; nothing of the name `output` was made or changed then.
  public static func run(
    _ path: String, to output: String, _ options: Options = Options(),
    fileSystem: any FileSystem = .system
  ) throws(ToolError) -> Report {
    if !options.dryRun, !options.inPlace, !options.replacing, fileSystem.exists(output) {
      throw ToolError(SystemError(.open, code: 17), file: output, role: .output)
    }
    var reading = ReplayedLog.Options()
    reading.strict = options.strict
    reading.memoryLimit = options.memoryLimit
    reading.temporaryDirectory = options.temporaryDirectory
    reading.now = options.now ?? Moment.now.milliseconds
    reading.keepsUnknown = options.keepsUnknown
    let log = try ReplayedLog(path, reading, fileSystem: fileSystem)
    let target = try target(options, log)
    var report = Report()
    report.bytesBefore = log.bytes
    report.commandsBefore = log.commands
    try noteVerbatim(log, options, &report)
    if options.dryRun {
      var writer = CommandWriter(OutputBuffer(NullTarget()), target: target)
      log.keyspace.verbatim?.write(to: &writer, from: log.keyspace)
      var hash = StateHash(StateHash.View(target))
      report.keys = log.keyspace.write(
        to: &writer, hash: &hash, expiredBefore: options.expiredBefore)
      report.stateHash = hash.text
      try finish(&report, writer.losses, writer.commandCount, log, options)
      report.bytesAfter = writer.output.count
      return report
    }
    if options.inPlace {
      try replace(log, target, options, &report, fileSystem)
      return report
    }
    switch options.form {
    case .aof:
      var file = try ToolError.wrap(output, .output) { () throws(SystemError) in
        try AtomicOutput(output, replacing: options.replacing, fileSystem: fileSystem)
      }
      try write(log, target, options, &file, &report)
      try commit(&file, output, replacing: options.replacing)
    case .multiPart:
      let name = "appendonly.aof"
      var directory = try ToolError.wrap(output, .output) { () throws(SystemError) in
        try AtomicDirectory(output, fileSystem: fileSystem)
      }
      var base = try part(directory, "\(name).1.base.aof", output)
      try write(log, target, options, &base, &report)
      try commit(&base, output, replacing: true)
      var increment = try part(directory, "\(name).1.incr.aof", output)
      try commit(&increment, output, replacing: true)
      var manifest = try part(directory, "\(name).manifest", output)
      manifest.buffer.write(text: "file \(name).1.base.aof seq 1 type b\n")
      manifest.buffer.write(text: "file \(name).1.incr.aof seq 1 type i\n")
      try commit(&manifest, output, replacing: true)
      try ToolError.wrap(output, .output) { () throws(SystemError) in try directory.commit() }
    case .rdb:
      var file = try ToolError.wrap(output, .output) { () throws(SystemError) in
        try AtomicOutput(output, replacing: options.replacing, fileSystem: fileSystem)
      }
      try writeDump(log, target, options, &file, &report)
      try commit(&file, output, replacing: options.replacing)
    }
    return report
  }

  /// Puts the result in the place of the input.
  ///
  /// A single file is renamed over, and stays under a further name. Of a multi-part log a new base
  /// and an empty increment get new names, and then the manifest is renamed over: at every moment
  /// the directory loads, as the old log or as the new one; the old files stay.
  private static func replace(
    _ log: ReplayedLog, _ target: ServerTarget, _ options: Options, _ report: inout Report,
    _ fileSystem: any FileSystem
  ) throws(ToolError) {
    let path = log.facts.file
    let stamp = Compact.stamp(Moment.now)
    let backup = path + ".before-" + stamp
    if path == "-" { throw .usage("standard input can not be replaced") }
    if fileSystem.exists(backup) {
      throw ToolError(SystemError(.open, code: 17), file: backup, role: .output)
    }
    let status = try? fileSystem.status(of: path, followLinks: true)
    guard case .multiPart(let manifest) = log.facts.kind else {
      var file = try ToolError.wrap(path, .output) { () throws(SystemError) in
        try AtomicOutput(path, replacing: true, like: status, fileSystem: fileSystem)
      }
      try write(log, target, options, &file, &report)
      try log.checkUnchanged(fileSystem)
      do throws(SystemError) { try file.commit(replacing: true, keeping: backup) } catch {
        throw ToolError(error, file: path, role: .output)
      }
      report.kept = [backup]
      return
    }
    let directory = log.facts.logDirectory
    var prefix = FilePath.name(of: path)
    if prefix.hasSuffix(".manifest") { prefix = String(prefix.dropLast(9)) }
    let bases = manifest.entries.filter { $0.kind == .base }.map(\.sequence)
    let increments = manifest.entries.filter { $0.kind == .increment }.map(\.sequence)
    let base = Manifest.Entry(
      name: "\(prefix).\((bases.max() ?? 0) + 1).base.aof", sequence: (bases.max() ?? 0) + 1,
      kind: .base)
    let increment = Manifest.Entry(
      name: "\(prefix).\((increments.max() ?? 0) + 1).incr.aof",
      sequence: (increments.max() ?? 0) + 1, kind: .increment)
    var output = try make(FilePath.join(directory, base.name), fileSystem)
    try write(log, target, options, &output, &report)
    try log.checkUnchanged(fileSystem)
    try commit(&output, base.name, replacing: false)
    var empty = try make(FilePath.join(directory, increment.name), fileSystem)
    try commit(&empty, increment.name, replacing: false)
    do throws(SystemError) {
      var list = try AtomicOutput(path, replacing: true, like: status, fileSystem: fileSystem)
      list.buffer.write(Manifest([base, increment]).text)
      try list.commit(replacing: true, keeping: backup)
    } catch { throw ToolError(error, file: path, role: .output) }
    report.kept = [backup] + log.files
  }

  /// `20261124T020000Z`
  static func stamp(_ moment: Moment) -> String {
    String(Moment(milliseconds: moment.seconds * 1000).text.filter { $0 != "-" && $0 != ":" })
  }

  private static func part(
    _ directory: borrowing AtomicDirectory, _ name: String, _ output: String
  ) throws(ToolError) -> AtomicOutput {
    do throws(SystemError) { return try directory.file(name) } catch {
      throw ToolError(error, file: FilePath.join(output, name), role: .output)
    }
  }

  private static func make(
    _ path: String, _ fileSystem: any FileSystem
  ) throws(ToolError) -> AtomicOutput {
    do throws(SystemError) {
      return try AtomicOutput(path, replacing: false, fileSystem: fileSystem)
    } catch { throw ToolError(error, file: path, role: .output) }
  }

  private static func commit(
    _ file: inout AtomicOutput, _ output: String, replacing: Bool
  ) throws(ToolError) {
    do throws(SystemError) { try file.commit(replacing: replacing) } catch {
      throw ToolError(error, file: output, role: .output)
    }
  }

  private static func write(
    _ log: ReplayedLog, _ target: ServerTarget, _ options: Options, _ file: inout AtomicOutput,
    _ report: inout Report
  ) throws(ToolError) {
    var writer = CommandWriter(OutputBuffer(NullTarget(), capacity: 1024), target: target)
    swap(&writer.output, &file.buffer)
    let verbatim = log.keyspace.verbatim
    verbatim?.write(to: &writer, from: log.keyspace)
    var hash = StateHash(StateHash.View(target))
    report.keys = log.keyspace.write(
      to: &writer, hash: &hash, expiredBefore: options.expiredBefore)
    report.bytesAfter = writer.output.count
    swap(&writer.output, &file.buffer)
    try finish(&report, writer.losses, writer.commandCount, log, options)
    report.stateHash = hash.text
    var cursor = try readBack(&file)
    if let verbatim {
      // The rest is all that was written behind it.
      guard cursor.isStable,
        let start = verbatim.check(
          cursor.wholeSlice, from: log.keyspace, isLossy: !report.lost.isEmpty)
      else { throw mismatch(file.path) }
      cursor.seek(to: start)
    }
    let check = Keyspace(now: 0, eager: true)
    var found = StateHash(StateHash.View(target))
    do throws(ReplayError) { try check.pass(cursor, into: &found) } catch {
      throw mismatch(file.path)
    }
    // What was left out on demand can't read back; everything else must.
    guard check.faultCount == 0, found == hash || !report.lost.isEmpty else {
      throw mismatch(file.path)
    }
  }

  private static func readBack(_ file: inout AtomicOutput) throws(ToolError) -> ByteCursor {
    do throws(SystemError) { return try file.readBack() } catch {
      throw ToolError(error, file: file.path, role: .output)
    }
  }

  private static func mismatch(_ path: String) -> ToolError {
    .refused(
      .ioError, "what was written does not read back as what was meant; nothing was made",
      file: path, role: .output, remedy: "Please report this as a defect, with the input")
  }

  /// Writes a dump, and compares it with the state.
  private static func writeDump(
    _ log: ReplayedLog, _ target: ServerTarget, _ options: Options, _ file: inout AtomicOutput,
    _ report: inout Report
  ) throws(ToolError) {
    guard let dumpTarget = RDBTarget(target.dialect, target.version / 100, target.version % 100)
    else { throw .usage("no dumps can be written for \(options.target ?? "this server")") }
    var view = StateHash.View()
    view.streamNumbers = dumpTarget.header.version >= 10
    var hash = StateHash(view)
    var writer = RDBWriter(taking: &file.buffer, target: dumpTarget)
    writer.writeProducer(time: Moment.now.seconds, isBase: false)
    let written = log.keyspace.write(
      dump: &writer, hash: &hash, expiredBefore: options.expiredBefore)
    writer.finish(returning: &file.buffer)
    report.keys = written.keys
    report.bytesAfter = file.buffer.count
    report.lost = written.loss.sentences(inferred: options.target == nil)
    if written.functions > 0 { report.lost.append("\(written.functions) libraries of functions") }
    try finish(&report, EmissionLosses(), 0, log, options)
    report.stateHash = hash.text
    let cursor = try readBack(&file)
    var found = StateHash(view)
    do throws(RDBError) { try Keyspace.pass(dump: cursor, into: &found) } catch {
      throw mismatch(file.path)
    }
    guard found == hash || !report.lost.isEmpty else { throw mismatch(file.path) }
  }

  private static func finish(
    _ report: inout Report, _ losses: EmissionLosses, _ commands: Int, _ log: ReplayedLog,
    _ options: Options
  ) throws(ToolError) {
    try log.checkDamage()
    report.commandsAfter = commands
    report.lost += losses.sentences
    if log.keyspace.producer.moduleData > 0 {
      report.lost.append("data of modules that belongs to no key")
    }
    if log.keyspace.producer.keyMetadata > 0 {
      report.lost.append(
        "metadata of modules for \(log.keyspace.producer.keyMetadata) keys of the base")
    }
    report.notes = log.notes
    if report.verbatim != nil, let target = options.target {
      report.notes.append(
        "commands that are kept as they stand are not changed for \(target); whether it knows them is "
          + "not looked at")
    }
    if log.keyspace.faultCount > 0 { report.notes += log.faultNotes() }
    guard report.lost.isEmpty || options.lossy else {
      throw .refused(
        .badData, "the target can not hold " + report.lost.joined(separator: ", "),
        file: log.facts.path, remedy: "Try: a newer --target, or --lossy to leave it out")
    }
  }

  /// The server to write for: the one asked for, or the oldest that reads everything the input
  /// holds and is not older than what wrote it.
  private static func target(
    _ options: Options, _ log: ReplayedLog
  ) throws(ToolError) -> ServerTarget {
    if let text = options.target {
      guard let target = ServerTarget(text) else {
        throw .usage(
          "--target \(text) names no server", remedy: "Try: --target redis:7.2 or valkey:9.0")
      }
      return target
    }
    return log.keyspace.likelyTarget(isMultiPart: log.isMultiPart)
  }
}

internal import AOF
public import Bytes
internal import RDB

/// Saves everything of damaged files that can be saved, into new ones.
///
/// What is kept is exactly what stands in the input; nothing is guessed. What is lost is told range
/// by range, and so is what could not be decided. The result is read and checked to its end before
/// it gets its name. Memory is constant, apart from 8 bytes for each key of a dump and about 32 for
/// each damage.
public enum Repair {
  /// How.
  public struct Options: Sendable {
    /// Keep only what stands before the first damage, as `redis-check-aof --fix` does.
    public var strict = false
    /// Make nothing.
    public var dryRun = false
    /// Replace the output when it is there; never a directory.
    public var replacing = false
    /// The database of keys and commands of which it can't be told; nil leaves them out.
    public var assumedDatabase: Int?

    /// Everything that can be saved.
    public init() {}
  }

  /// Repairs what `path` means into `output`: a file, or for a multi-part log a directory.
  ///
  /// - Throws: ``ToolError`` when nothing can be saved, or reading or writing fails. Nothing of the
  ///   name `output` was made or changed then.
  public static func run(
    _ path: String, to output: String?, _ options: Options = Options(),
    fileSystem: any FileSystem = .system
  ) throws(ToolError) -> RepairReport {
    var report = RepairReport(path: path)
    var source = try RepairSource(path, fileSystem)
    report.notes = source.notes
    report.undecided = source.doubts
    for lost in source.lost { report.lose(lost) }
    if let output, !options.dryRun {
      try refuse(output, source, options, fileSystem)
    }
    if source.isStream {
      var spool = try Spooled(source.files[0].path, beside: output, fileSystem)
      source.files = [RepairSource.File(path: try spool.path(), name: path)]
      if let failure = spool.failure {
        report.lose(
          RepairReport.Lost(
            file: path, offset: spool.count, length: 0,
            reason: "the compressed file can't be read on: \(failure)"))
      }
      return try run(source, output, options, report, fileSystem)
    }
    return try run(source, output, options, report, fileSystem)
  }

  private static func run(
    _ source: RepairSource, _ output: String?, _ options: Options, _ start: RepairReport,
    _ fileSystem: any FileSystem
  ) throws(ToolError) -> RepairReport {
    var report = start
    var plans: [FilePlan] = []
    var isCut = false
    for file in source.files {
      if isCut {
        let size = (try? fileSystem.status(of: file.path, followLinks: true))?.size ?? 0
        report.bytesBefore += size
        report.lose(
          RepairReport.Lost(
            file: file.path, offset: 0, length: size,
            reason: "a file behind the first damage (--strict)"))
        continue
      }
      let plan = try FilePlan(file, options, fileSystem)
      report.bytesBefore += plan.status.size
      isCut = plan.isCut
      plans.append(plan)
    }
    try LogDecisions.decide(&plans, options, &report, fileSystem)
    for plan in plans {
      for lost in plan.lost + (plan.log?.lost ?? []) { report.lose(lost) }
      report.corrected += plan.corrected + (plan.log?.corrected ?? [])
      for doubt in plan.doubts + (plan.log?.doubts ?? []) { report.doubt(doubt) }
      report.doubtful += plan.doubtful
      report.suspectKeys += plan.suspects
      report.keptKeys += plan.dump?.keys ?? 0
      report.keptCommands += plan.log?.commands ?? 0
    }
    report.sort(source.files.map(\.path))
    let isSingle = source.manifestName == nil
    // An empty log is one, an empty dump is none.
    let isNothing = isSingle && plans.first?.isMissingDump == true
    if isNothing || report.kept == 0 && report.lostBytes > 0 && plans.allSatisfy(\.isEmpty) {
      throw .refused(
        .badData, "nothing of it can be saved", file: report.path,
        remedy: "Try: an older backup")
    }
    guard let output, !options.dryRun else { return report }
    report.bytesAfter =
      try isSingle
      ? writeFile(plans[0], output, options, fileSystem)
      : writeDirectory(plans, source, output, fileSystem)
    report.written = output
    return report
  }

  /// Refuses an output that is there, before long work, and one that is the input.
  private static func refuse(
    _ output: String, _ source: RepairSource, _ options: Options, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    if source.manifestName == nil,
      let target = try? fileSystem.status(of: output, followLinks: true)
    {
      let own = try? fileSystem.status(of: source.files[0].path, followLinks: true)
      if let own, own.inode == target.inode, own.device == target.device {
        throw .refused(
          .cannotCreate, "is the file that is read", file: output, role: .output,
          remedy: "Try: another name; the damaged file is worth keeping")
      }
      if !options.replacing {
        throw ToolError(SystemError(.open, code: 17), file: output, role: .output)
      }
    }
  }

  private static func writeFile(
    _ plan: FilePlan, _ output: String, _ options: Options, _ fileSystem: any FileSystem
  ) throws(ToolError) -> Int {
    var file = try ToolError.wrap(output, .output) { () throws(SystemError) in
      try AtomicOutput(
        output, replacing: options.replacing, bypassingCache: true, fileSystem: fileSystem)
    }
    try fill(&file, plan, output, fileSystem)
    do throws(SystemError) { try file.commit(replacing: options.replacing) } catch {
      throw ToolError(error, file: output, role: .output)
    }
    return file.buffer.count
  }

  private static func writeDirectory(
    _ plans: [FilePlan], _ source: RepairSource, _ output: String, _ fileSystem: any FileSystem
  ) throws(ToolError) -> Int {
    var directory = try ToolError.wrap(output, .output) { () throws(SystemError) in
      try AtomicDirectory(output, fileSystem: fileSystem)
    }
    var bytes = 0
    for plan in plans {
      let path = FilePath.join(output, plan.file.name)
      var file = try ToolError.wrap(path, .output) { () throws(SystemError) in
        try directory.file(plan.file.name, bypassingCache: true)
      }
      try fill(&file, plan, path, fileSystem)
      do throws(SystemError) { try file.commit(replacing: true) } catch {
        throw ToolError(error, file: path, role: .output)
      }
      bytes += file.buffer.count
    }
    var manifest = Manifest(plans.compactMap(\.file.entry))
    manifest.closingComments = source.closingComments
    do throws(SystemError) {
      var list = try directory.file(source.manifestName ?? "appendonly.aof.manifest")
      list.buffer.write(manifest.text)
      try list.commit(replacing: true)
      try directory.commit()
    } catch { throw ToolError(error, file: output, role: .output) }
    return bytes
  }

  /// Writes one file, and reads it back.
  private static func fill(
    _ file: inout AtomicOutput, _ plan: FilePlan, _ path: String, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    let places = try plan.write(to: &file.buffer, fileSystem)
    if let failure = file.buffer.failure { throw ToolError(failure, file: path, role: .output) }
    let cursor: ByteCursor
    do throws(SystemError) { cursor = try file.readBack() } catch {
      throw ToolError(error, file: path, role: .output)
    }
    try RepairProof.check(cursor, plan, places, path)
  }
}

public import Bytes
internal import AOF

/// Commands that put lost keys back, behind the last command of a log.
public final class RecoveryAppendix: LogAppendix {
  private let lost: LostKeys
  private let plan: RecoveryPlan
  private let stamp: Int64?
  /// What was written.
  public private(set) var report = RecoveryReport()
  /// How many bytes.
  public var bytes: Int { report.bytes }

  /// What is written behind the log.
  ///
  /// - Parameters:
  ///   - lost: the keys.
  ///   - plan: what is done about them.
  ///   - accident: where the log ends; with time stamps in the log, the commands get one.
  ///   - now: the time of that stamp.
  public init(_ lost: LostKeys, _ plan: RecoveryPlan, _ accident: Accident, now: Moment) {
    self.lost = lost
    self.plan = plan
    stamp = accident.lastTime >= 0 && now.seconds > accident.lastTime ? now.seconds : nil
  }

  /// Writes them.
  public func write(to output: inout OutputBuffer) throws(ToolError) {
    let start = output.count
    if let stamp { output.write(text: "#TS:\(stamp)\r\n") }
    report = try lost.write(plan, to: &output)
    report.bytes = output.count - start
  }
}

extension Accident {
  /// Writes the log with commands behind it that put `lost` back, beside the old one: a file for a
  /// file, a directory for a multi-part log. It appears whole or not at all.
  ///
  /// - Throws: ``ToolError``; nothing of that name has changed then.
  public func write(
    _ appendix: RecoveryAppendix, to path: String, replacing: Bool,
    fileSystem: any FileSystem = .system
  ) throws(ToolError) -> LogRewriteResult {
    try rewrite.write(
      to: path, replacing: replacing, appending: appendix, fileSystem: fileSystem)
  }

  /// The same in the place of the old log, which stays as `NAME.before-STAMP`.
  ///
  /// - Throws: ``ToolError``; the log is then what it was.
  public func replace(
    _ appendix: RecoveryAppendix, stamp: String, fileSystem: any FileSystem = .system
  ) throws(ToolError) -> LogRewriteResult {
    try rewrite.replace(stamp: stamp, appending: appendix, fileSystem: fileSystem)
  }
}

extension LostKeys {
  /// Writes the commands that carry out `plan` into a file, which appears whole or not at all; `-` is
  /// `standardOutput`.
  ///
  /// - Throws: ``ToolError``.
  public func writePatch(
    _ plan: RecoveryPlan, to path: String, replacing: Bool, standardOutput: any OutputTarget,
    fileSystem: any FileSystem = .system
  ) throws(ToolError) -> RecoveryReport {
    if path == "-" {
      var output = OutputBuffer(standardOutput)
      let report = try write(plan, to: &output)
      try ToolError.wrap("standard output", .output) { () throws(SystemError) in
        try output.flush()
      }
      return report
    }
    var file = try ToolError.wrap(path, .output) { () throws(SystemError) in
      try AtomicOutput(path, replacing: replacing, fileSystem: fileSystem)
    }
    let report = try write(plan, to: &file.buffer)
    do throws(SystemError) { try file.commit(replacing: replacing) } catch {
      throw ToolError(error, file: path, role: .output)
    }
    return report
  }
}

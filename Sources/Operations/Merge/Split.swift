public import Bytes
public import RDB

/// Makes several dumps of one input, in one pass.
///
/// Functions, and data of modules that belongs to no key, go into every part.
public enum Split {
  /// How.
  public struct Options: Sendable {
    /// By what.
    public var rule = SplitRule.database
    /// The server that is to load the parts; nil for the one that wrote the input.
    public var target: RDBTarget?
    /// By database.
    public init() {}
  }

  /// One dump that was made.
  public struct Part: Sendable {
    /// Its name in the directory.
    public var name: String
    /// Its keys.
    public var keys: Int
    /// Its bytes.
    public var bytes: Int
  }

  /// What was done.
  public struct Report: Sendable {
    /// The parts, by name.
    public internal(set) var parts: [Part] = []
    /// What the target can't hold.
    public internal(set) var lost: [String] = []
    /// Sentences for the user.
    public internal(set) var notes: [String] = []
    /// All keys.
    public var keys: Int { parts.reduce(0) { $0 + $1.keys } }
  }

  /// More parts than this are refused: each takes some memory while it is open.
  public static let mostParts = 100

  /// Splits `input` into dumps in the directory `output`, which must not exist or be empty.
  ///
  /// - Throws: ``ToolError``; nothing of the name `output` was made then.
  public static func run(
    _ input: consuming DataInput, to output: String, _ options: Options = Options(),
    fileSystem: any FileSystem = .system
  ) throws(ToolError) -> Report {
    var source = try ConvertSource(input, isMultiPart: false)
    let target = options.target ?? source.own
    var directory = try ToolError.wrap(output, .output) { () throws(SystemError) in
      try AtomicDirectory(output, fileSystem: fileSystem)
    }
    var report = Report()
    report.notes = source.notes
    let parts = SplitParts(
      directory.temporary, output, target, keepsVersion: target == source.own, fileSystem)
    var splitting = SplittingOutput(options.rule, parts)
    var convert = Convert.Options()
    convert.lossy = true
    var pass = ConvertPass(convert, Convert.Report(target: target))
    pass.ignored = source.unknownToProducer
    let failure = source.pass(to: &splitting, &pass)
    if let failure = parts.failure ?? failure { throw failure }
    for name in options.rule.fixedParts { _ = parts.part(name) }
    report.parts = try parts.finish()
    for loss in pass.report.lost.prefix(1000) {
      let key = loss.key.map { "db \(loss.database ?? 0), key \(KeyText.quoted($0)): " } ?? ""
      report.lost.append(key + loss.what)
    }
    try ToolError.wrap(output, .output) { () throws(SystemError) in try directory.commit() }
    return report
  }
}

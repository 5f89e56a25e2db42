public import Bytes
public import RDB

/// Makes one dump of several inputs: shards of a cluster, or the files of several servers.
///
/// The inputs are read twice: once for the names of their keys, once for the data. Takes 8 bytes for
/// each key, and the names of those that are there more than once.
public enum Merge {
  /// Which of several keys of one name in one database is taken.
  public enum Policy: String, Sendable, CaseIterable {
    /// That of the first input.
    case first
    /// That of the last input.
    case last
    /// That of the input which was made last, by its `ctime`, else by the time of its file.
    case newer
    /// None: nothing is made.
    case error
  }

  /// How.
  public struct Options: Sendable {
    /// What becomes of keys that are there more than once.
    public var policy = Policy.error
    /// The server that is to load it; nil for the newest one that wrote an input.
    public var target: RDBTarget?
    /// Replace the output when it is there.
    public var replacing = false
    /// Refuse duplicates.
    public init() {}
  }

  /// A key that is there more than once.
  public struct Duplicate: Sendable {
    /// Its database.
    public var database: Int
    /// Its name.
    public var key: [UInt8]
    /// The inputs it is in.
    public var inputs: [String]
    /// The one it was taken from; nil when nothing was made.
    public var taken: String?
  }

  /// What was done.
  public struct Report: Sendable {
    /// How many keys were written.
    public internal(set) var keys = 0
    /// The first ``mostDuplicates`` keys that are there more than once.
    public internal(set) var duplicates: [Duplicate] = []
    /// How many there are.
    public internal(set) var duplicateCount = 0
    /// What the target can't hold, or what was left out beside keys.
    public internal(set) var lost: [String] = []
    /// Bytes of the output.
    public internal(set) var bytes = 0
    /// For whom it was written.
    public internal(set) var target: RDBTarget
    /// Whether nothing was made, because of duplicates.
    public internal(set) var isRefused = false
    /// Sentences for the user.
    public internal(set) var notes: [String] = []
    /// So many duplicates are told one by one.
    public static let mostDuplicates = 10_000
  }

  /// Merges `paths` into the dump `output`.
  ///
  /// - Throws: ``ToolError``; nothing of the name `output` was made or changed then.
  public static func run(
    _ paths: [String], to output: String, _ options: Options = Options(),
    fileSystem: any FileSystem = .system
  ) throws(ToolError) -> Report {
    if paths.contains("-") {
      throw .usage("standard input can't be read twice", remedy: "Try: put it into a file first")
    }
    var choice = MergeChoice(options.policy, paths)
    var target = options.target
    for (index, path) in paths.enumerated() {
      let own = try choice.readNames(path, index, fileSystem)
      if options.target == nil, own.header.version > target?.header.version ?? 0 { target = own }
    }
    try choice.findDuplicates(fileSystem)
    var report = Report(target: target ?? RDBTarget.known("redis:7.2"))
    report.duplicates = choice.duplicates
    report.duplicateCount = choice.duplicateCount
    if options.policy == .error && choice.duplicateCount > 0 {
      report.isRefused = true
      return report
    }
    var file = try ToolError.wrap(output, .output) { () throws(SystemError) in
      try AtomicOutput(output, replacing: options.replacing, fileSystem: fileSystem)
    }
    var merged = MergingOutput(taking: &file.buffer, target: report.target, choice)
    var convert = Convert.Options()
    convert.lossy = true
    for (index, path) in paths.enumerated() {
      merged.begin(input: index)
      let input = try DataInput(path, fileSystem: fileSystem)
      var source = try ConvertSource(input, isMultiPart: false)
      report.notes += source.notes
      var pass = ConvertPass(convert, Convert.Report(target: report.target))
      pass.ignored = source.unknownToProducer
      if let failure = source.pass(to: &merged, &pass) { throw failure }
      for loss in pass.report.lost where report.lost.count < 1000 {
        let key = loss.key.map { "db \(loss.database ?? 0), key \(KeyText.quoted($0)): " } ?? ""
        report.lost.append("\(KeyText.fileName(path)): \(key)\(loss.what)")
      }
    }
    report.lost += merged.conflicts
    report.keys = merged.output.writer.keys
    merged.finish(returning: &file.buffer)
    report.bytes = file.buffer.count
    do throws(SystemError) { try file.commit(replacing: options.replacing) } catch {
      throw ToolError(error, file: output, role: .output)
    }
    return report
  }
}

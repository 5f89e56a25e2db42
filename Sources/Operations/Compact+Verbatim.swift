import Keyspace

extension Compact {
  /// What was kept as it stands in the log, since it holds commands that are not known.
  public struct Verbatim: Sendable {
    /// A command that is not known, or that can't be replayed.
    public struct Unknown: Sendable {
      /// Its name as it stands at the first place, at most 64 bytes of it.
      public var name: [UInt8]
      /// How often it stands in the log.
      public var count: Int
      /// The file that holds the first.
      public var file: String
      /// The byte at which the first begins.
      public var offset: Int
      /// The number of the first in the log.
      public var command: Int
      /// The database that it ran in.
      public var database: Int
    }
    /// The names, in the order of their first places; at most 100.
    public var unknown: [Unknown] = []
    /// How many such commands there are in all.
    public var unknownCommands = 0
    /// How many other commands were kept, since they touch keys that those may touch, or all keys.
    public var knownCommands = 0
    /// How many keys these, and the dump in front, name.
    public var keys = 0
    /// Bytes of all commands that were kept.
    public var bytes = 0

    /// The names with their numbers, for a sentence.
    public var names: String {
      let shown = unknown.prefix(5).map { "\(KeyText.quoted($0.name)) (\($0.count))" }
      let counted = unknown.prefix(5).reduce(0) { $0 + $1.count }
      let rest = unknownCommands - counted
      return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) others" : "")
    }

    init(_ part: VerbatimPart, files: [String]) {
      unknown = part.names.map {
        Unknown(
          name: $0.name, count: $0.count, file: files[min($0.file, files.count - 1)],
          offset: $0.offset, command: $0.index, database: $0.database)
      }
      unknownCommands = part.unknownCount
      knownCommands = part.knownCount
      keys = part.keyCount
      bytes = part.byteCount
    }
  }

  /// Tells of the verbatim part, if there is one.
  ///
  /// - Throws: ``ToolError`` when a dump is to be made, which holds no commands.
  static func noteVerbatim(
    _ log: ReplayedLog, _ options: Options, _ report: inout Report
  ) throws(ToolError) {
    guard let part = log.keyspace.verbatim else { return }
    let verbatim = Verbatim(part, files: log.files)
    report.verbatim = verbatim
    guard options.form == .rdb, let first = verbatim.unknown.first else { return }
    throw ToolError(
      .refused(
        .badData,
        "a dump can't hold commands, and these are not known: \(verbatim.names); the first stands here"
      ),
      file: first.file, offset: first.offset, command: first.command, database: first.database,
      remedy: "Try: --as aof or --as multi-part")
  }
}

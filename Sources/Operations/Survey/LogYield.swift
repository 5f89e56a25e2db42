public import Bytes
import Keyspace

/// What a log amounts to, which only its replay can tell: keys at the end, and how much of the log is
/// still alive.
public struct LogYield: Sendable {
  /// Keys at the end, expired ones included.
  public var keys = 0
  /// Keys by database.
  public var databases: [(number: Int, keys: Int)] = []
  /// Bytes of all files.
  public var bytes = 0
  /// Bytes of the shortest log of commands with the same data, as ``Compact`` makes it.
  public var liveBytes = 0
  /// Commands of it.
  public var liveCommands = 0
  /// Sentences for the user.
  public var notes: [String] = []

  /// Bytes that ``Compact`` would save; negative when a dump at the head is shorter than commands.
  public var savedBytes: Int { bytes - liveBytes }

  /// Replays the log at `path`; nothing is written.
  ///
  /// - Throws: ``ToolError``: damage, an unknown command, a verbatim script.
  public init(
    _ path: String, _ options: ReplayedLog.Options = ReplayedLog.Options(),
    fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    let log = try ReplayedLog(path, options, fileSystem: fileSystem)
    let target = log.keyspace.likelyTarget(isMultiPart: log.isMultiPart)
    var writer = CommandWriter(OutputBuffer(NullTarget()), target: target)
    var hash = StateHash(StateHash.View(target))
    keys = log.keyspace.write(to: &writer, hash: &hash)
    try log.checkDamage()
    databases = log.keyspace.writtenKeys.map { (number: $0.database, keys: $0.keys) }
    bytes = log.bytes
    liveBytes = writer.output.count
    liveCommands = writer.commandCount
    notes = log.notes
  }
}

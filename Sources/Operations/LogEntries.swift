public import AOF
public import Bytes
import RDB

/// The commands of a log that pass a selection, one after another.
public struct LogEntries: ~Copyable {
  private var walker: LogWalker
  private var matcher: LogMatcher
  private var part = -1
  /// The smallest number that still counts for `--last`.
  private var firstIndex = 0
  private let lastIndex: Int
  private let isEverything: Bool
  /// How many passed so far.
  public private(set) var count = 0

  /// Begins in front of `log`. With `--last` the log is read once to find where they begin.
  ///
  /// - Throws: ``ToolError``.
  public init(
    _ log: AppendOnlyLog, _ selection: LogSelection, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    try LogEntries.check(log, selection)
    var first = 0
    if let last = selection.commands.last {
      if log.parts.first?.path == "-" {
        throw .usage("--last reads the log twice, which a stream does not allow")
      }
      first = try LogEntries.first(ofLast: last, log, selection, fileSystem)
    }
    self.init(LogWalker(log, fileSystem: fileSystem), selection, from: first)
  }

  /// Begins in front of a log that comes as a stream, at its start.
  ///
  /// - Throws: ``ToolError``.
  public init(
    stream cursor: consuming ByteCursor, _ log: AppendOnlyLog, _ selection: LogSelection
  ) throws(ToolError) {
    if selection.commands.last != nil {
      throw .usage("--last reads the log twice, which a stream does not allow")
    }
    let walker: LogWalker
    do throws(LogError) { walker = try LogWalker(log, opened: cursor) } catch {
      throw ToolError(error, log)
    }
    self.init(walker, selection, from: 0)
  }

  private init(_ walker: consuming LogWalker, _ selection: LogSelection, from first: Int) {
    self.walker = walker
    matcher = LogMatcher(selection)
    firstIndex = first
    lastIndex = selection.commands.lastIndex ?? Int.max
    isEverything = selection.isEverything
  }

  /// What is known of the command beside its words.
  public var command: AOFCommand { walker.reader.command }

  /// Its words; valid until the next call.
  public var arguments: Arguments { walker.reader.arguments }

  /// The base name of the file it stands in.
  public var fileName: String { walker.log.parts[max(walker.part, 0)].name }

  /// How many commands were read, passing or not.
  public var readCount: Int { walker.reader.command.index }

  /// Goes to the next command that passes.
  ///
  /// - Returns: false when there are no more.
  /// - Throws: ``ToolError``.
  public mutating func next() throws(ToolError) -> Bool {
    do throws(LogError) {
      while try walker.next() {
        if isEverything {
          count += 1
          return true
        }
        if walker.part != part {
          part = walker.part
          matcher.begin(file: walker.log.parts[part].name)
        }
        let index = walker.reader.command.index
        if index > lastIndex { return false }
        if index < firstIndex { continue }
        if matcher.match(walker.reader.command, walker.reader.arguments) != .no {
          count += 1
          return true
        }
      }
      return false
    } catch { throw ToolError(error, walker.log) }
  }

  /// The number of the first of the last `count` commands that pass; Int.max when none does.
  static func first(
    ofLast count: Int, _ log: AppendOnlyLog, _ selection: LogSelection,
    _ fileSystem: any FileSystem
  ) throws(ToolError) -> Int {
    var all = selection
    all.commands.last = nil
    var ring: [Int] = []
    var oldest = 0
    var entries = LogEntries(LogWalker(log, fileSystem: fileSystem), all, from: 0)
    do throws(ToolError) {
      while try entries.next() {
        if ring.count < count {
          ring.append(entries.command.index)
        } else {
          ring[oldest] = entries.command.index
          oldest = oldest + 1 == count ? 0 : oldest + 1
        }
      }
    } catch {
      // What is good of the log counts; the reader of the result meets the error as well.
      if case .aof = error.cause {} else { throw error }
    }
    return ring.isEmpty ? Int.max : ring[oldest]
  }

  /// Refuses what the log can not answer.
  static func check(_ log: AppendOnlyLog, _ selection: LogSelection) throws(ToolError) {
    if let file = selection.commands.file, !log.parts.contains(where: { $0.name == file }) {
      let names = log.parts.map(\.name).joined(separator: ", ")
      throw .usage("--file \(file) is no file of this log", remedy: "Its files: \(names)")
    }
    if !selection.commands.offsets.isEmpty, selection.commands.file == nil, log.parts.count > 1 {
      throw .usage(
        "--offset counts in one file, and this log has \(log.parts.count)",
        remedy: "Try: --file \(log.parts[log.parts.count - 1].name)")
    }
  }
}

extension ToolError {
  /// A log can't be read on.
  public init(_ error: LogError, _ log: AppendOnlyLog) {
    let path = log.parts.isEmpty ? log.path : log.parts[error.part].path
    switch error.cause {
    case .aof(let aof):
      self.init(aof, file: path)
      if aof.isTruncation && error.part == log.parts.count - 1 {
        let lost = ByteCount.text(aof.offset - aof.goodBytes)
        detail = "a server with `aof-load-truncated yes` drops the last \(lost) and starts"
      }
    case .rdb(let rdb):
      self.init(
        .rdb(rdb), file: path, offset: rdb.offset, database: error.database, key: error.key)
    case .system(let system): self.init(system, file: path)
    }
  }

  /// A path can't be taken for a log.
  public init(_ error: LogOpenError) {
    switch error.kind {
    case .system(let system): self.init(system, file: error.path)
    case .manifest(let manifest): self.init(manifest, file: error.path)
    case .severalManifests(let all):
      let one = all.first.map(KeyText.shellWord) ?? "one of them"
      self = .refused(
        .badData, "holds several manifests: \(all.map(FilePath.name).joined(separator: ", "))",
        file: error.path, remedy: "Try: \(one)")
    case .nothingInDirectory:
      self = .refused(
        .noInput, "holds no log: neither a *.manifest, nor appendonlydir/, nor appendonly.aof",
        file: error.path)
    }
  }
}

extension AppendOnlyLog {
  /// Opens `path`.
  ///
  /// - Throws: ``ToolError``.
  public static func open(
    _ path: String, fileSystem: any FileSystem = .system
  ) throws(ToolError) -> AppendOnlyLog {
    do throws(LogOpenError) { return try AppendOnlyLog(path, fileSystem: fileSystem) } catch {
      throw ToolError(error)
    }
  }
}

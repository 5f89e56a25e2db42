public import AOF
public import Bytes

/// Reads a log to its end, and on when a server has appended to it. Never waits by itself.
///
/// A command that is not whole yet is read once it is. When the manifest of a multi-part log names
/// new files behind the current one, reading goes on there; a rewrite that replaces what was read
/// already changes nothing.
public struct LogFollower: ~Copyable {
  private var log: AppendOnlyLog
  private let fileSystem: any FileSystem
  private var matcher: LogMatcher
  private var reader = AOFReader(ByteCursor(ByteSlice()))
  /// The file being read: its place in the log, and where its next command begins.
  private var part = -1
  private var position = 0

  /// Begins in front of `log`.
  public init(
    _ log: AppendOnlyLog, _ selection: LogSelection, fileSystem: any FileSystem = .system
  ) {
    self.log = log
    self.fileSystem = fileSystem
    matcher = LogMatcher(selection)
  }

  /// Hands what is there now, and was not handed out yet, to `body`: command, words, name of the
  /// file, whether the log has several.
  ///
  /// - Returns: whether anything was read.
  /// - Throws: ``ToolError`` for damage; a command that is cut short is waited for.
  public mutating func readMore(
    _ body: (AOFCommand, Arguments, String, Bool) -> Void
  ) throws(ToolError) -> Bool {
    var any = false
    if part < 0 { try open(0) }
    while true {
      if try readFile(body) { any = true }
      guard try findNext() else { return any }
    }
  }

  private mutating func readFile(
    _ body: (AOFCommand, Arguments, String, Bool) -> Void
  ) throws(ToolError) -> Bool {
    let file = log.parts[part]
    guard let status = try? fileSystem.status(of: file.path, followLinks: true),
      status.size > position
    else { return false }
    do throws(SystemError) {
      var cursor = try log.open(part, fileSystem: fileSystem)
      guard cursor.isStable, position <= cursor.size ?? 0 else { return false }
      cursor.seek(to: position)
      reader.goOn(with: cursor)
    } catch { throw ToolError(error, file: file.path) }
    var any = false
    do throws(AOFError) {
      while try reader.next() {
        any = true
        if matcher.match(reader.command, reader.arguments) != .no {
          body(reader.command, reader.arguments, file.name, log.parts.count > 1)
        }
      }
    } catch {
      if !error.isTruncation { throw ToolError(error, file: file.path) }
    }
    position = reader.lastEnd
    return any
  }

  /// Goes to the file behind the current one, if the manifest names one by now.
  private mutating func findNext() throws(ToolError) -> Bool {
    if let manifest = log.manifestPath {
      let current = log.parts[part].name
      // A server replaces the manifest by rename, so that what is read is always whole.
      if let now = try? AppendOnlyLog(manifest, fileSystem: fileSystem),
        let place = now.parts.firstIndex(where: { $0.name == current })
      {
        log = now
        part = place
      } else if let now = try? AppendOnlyLog(manifest, fileSystem: fileSystem),
        let last = now.parts.indices.last, now.parts[last].kind == .increment
      {
        // Rewritten meanwhile: the base holds what was read, the increment is new.
        log = now
        part = last - 1
      }
    }
    guard part + 1 < log.parts.count else { return false }
    try open(part + 1)
    return true
  }

  private mutating func open(_ index: Int) throws(ToolError) {
    guard index < log.parts.count else { return }
    part = index
    matcher.begin(file: log.parts[index].name)
    let last = reader.command
    let transactions = reader.transactionCount
    let rest = try behindPreamble(index)
    reader = AOFReader(rest, file: index, after: last, transactions: transactions)
    position = reader.lastEnd
  }

  private func behindPreamble(_ index: Int) throws(ToolError) -> ByteCursor {
    var cursor = try ToolError.wrap(log.parts[index].path) { () throws(SystemError) in
      try log.open(index, fileSystem: fileSystem)
    }
    guard Preamble.begins(at: &cursor) else { return cursor }
    var summary: Preamble.Summary?
    do throws(Preamble.Failure) { return try Preamble.skip(cursor, summary: &summary) } catch {
      throw ToolError(
        LogError(
          cause: .rdb(error.error), part: index, database: error.database, key: error.key), log)
    }
  }
}

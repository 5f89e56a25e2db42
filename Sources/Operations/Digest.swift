internal import Bytes
public import Keyspace
public import RDB

/// The digest that `DEBUG DIGEST` of a server holding the data of a file would print.
public enum Digest {
  /// What was found.
  public struct Report: Sendable {
    /// The 40 hexadecimal digits.
    public var digest: String
    /// Whose algorithm it is.
    public var style: DigestStyle
    /// How many keys entered.
    public var keys: Int
  }

  /// Reads the dump of `reader` to its end.
  ///
  /// - Parameters:
  ///   - reader: a reader that has read nothing yet.
  ///   - style: whose algorithm; nil for that of the server that wrote the dump.
  ///   - selection: which keys count.
  ///   - expiredBefore: keys and fields whose time lies before this moment, in ms since 1970, are left
  ///     out; nil for none.
  ///   - now: the present in ms since 1970: servers of Valkey pass over hash fields whose time has
  ///     come. Nil for a digest that is the same at all times.
  ///   - file: the name of what is read, for errors.
  /// - Throws: ``ToolError``: the dump is damaged, or holds what has no digest (module values,
  ///   arrays with enormous holes).
  public static func of(
    _ reader: inout RDBReader, style: DigestStyle? = nil,
    selection: KeySelection = KeySelection(), expiredBefore: Int64? = nil, now: Int64? = nil,
    file: String
  ) throws(ToolError) -> Report {
    let obstacle: DigestObstacle?
    let report: Report
    do throws(RDBError) {
      // The producer is told before the first key.
      var chosen = style ?? DigestStyle(header: reader.header)
      var record = try reader.next()
      while true {
        if case .aux(let name, let value) = record {
          if style == nil, let told = DigestStyle(auxiliary: name, value) { chosen = told }
        } else if case .key = record {
          break
        } else if case .end = record {
          break
        }
        record = try reader.next()
      }
      var builder = DigestBuilder(style: chosen, now: now)
      var feed = KeyFeed(selection, expiredBefore: expiredBefore)
      while true {
        if case .end = record { break }
        if case .key = record { _ = try feed.feed(&reader, into: &builder) }
        record = try reader.next()
      }
      let keys = builder.keys
      obstacle = builder.obstacle
      report = Report(digest: builder.finish().text, style: chosen, keys: keys)
    } catch {
      throw ToolError(error, file: file, database: reader.key.db, key: reader.key.key)
    }
    if let obstacle { throw refusal(obstacle, file) }
    return report
  }

  /// The digest of whatever `input` is, read to its end.
  ///
  /// - Parameters: as above.
  /// - Throws: ``ToolError``, also when something stands behind the end of a dump.
  public static func of(
    _ input: consuming DataInput, style: DigestStyle? = nil,
    selection: KeySelection = KeySelection(), expiredBefore: Int64? = nil, now: Int64? = nil
  ) throws(ToolError) -> Report {
    let file = input.facts.file
    if var reader = input.takeDump() {
      let report = try of(
        &reader, style: style, selection: selection, expiredBefore: expiredBefore, now: now,
        file: file)
      try DataInput.checkEnd(reader, file)
      return report
    }
    guard let log = input.log else { preconditionFailure("an input is a dump or a log") }
    let chosen = style ?? self.style(of: log)
    var sink = SelectingSink(DigestBuilder(style: chosen, now: now), selection)
    log.keyspace.feed(&sink, expiredBefore: expiredBefore, describing: false)
    try log.checkDamage()
    let keys = sink.inner.keys
    if let obstacle = sink.inner.obstacle { throw refusal(obstacle, file) }
    return Report(digest: sink.inner.finish().text, style: chosen, keys: keys)
  }

  /// The style of the server that wrote the dump at the head of a log; without one, the newest.
  private static func style(of log: ReplayedLog) -> DigestStyle {
    let producer = log.keyspace.producer
    guard let dialect = producer.dialect else { return .redis74 }
    guard producer.serverVersion > 0 else {
      return DigestStyle(header: RDBHeader(dialect: dialect, version: producer.dumpVersion))
    }
    return DigestStyle(dialect: dialect, version: producer.serverVersion)
  }

  /// The error for data that has no digest.
  static func refusal(_ obstacle: DigestObstacle, _ file: String) -> ToolError {
    let reason =
      switch obstacle.kind {
      case .module(let id):
        "holds a value of the module type \(ModuleTypeID(id).name), whose digest only that module knows"
      case .foreignType: "holds a scheduled script of KeyDB, which has no digest in Redis or Valkey"
      case .sparseArray:
        "is an array with so many holes that a server would be busy for minutes with its digest"
      }
    return ToolError(
      .refused(.badData, reason), file: file, database: obstacle.db, key: obstacle.key,
      remedy: "Leave such keys out by selection, or compare with: redis-backup diff")
  }
}

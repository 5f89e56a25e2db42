public import Bytes
internal import RDB

/// The data at a PATH, ready to be given key by key to whoever takes it.
///
/// A dump is read as it comes, in little memory. A log (also one that begins with a dump) is
/// replayed first; its keys and values stay slices of the mapped file as far as possible.
public struct DataInput: ~Copyable {
  /// What was found at the path.
  public let facts: InputFacts
  /// The dump, unless it was taken.
  private var dump: RDBReader?
  /// The state of the log, when it is one.
  let log: ReplayedLog?

  /// Opens what a PATH means; a log is replayed here.
  ///
  /// - Parameters:
  ///   - path: what the user named.
  ///   - now: what relative times in a log refer to, in ms since 1970; nil for this moment.
  ///   - fileSystem: where files are, for tests that make it fail.
  /// - Throws: ``ToolError``.
  public init(
    _ path: String, now: Int64? = nil, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    try self.init(Input(path, fileSystem: fileSystem), now: now, fileSystem: fileSystem)
  }

  /// Opens what was looked at already.
  ///
  /// - Parameters:
  ///   - opened: what the user named.
  ///   - now: what relative times in a log refer to, in ms since 1970; nil for this moment.
  ///   - fileSystem: where files are, for tests that make it fail.
  /// - Throws: ``ToolError``.
  public init(
    _ opened: consuming Input, now: Int64? = nil, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var options = ReplayedLog.Options()
    options.now = now ?? Moment.now.milliseconds
    try self.init(opened, replaying: options, fileSystem: fileSystem)
  }

  /// Opens what was looked at already; of a log what `options` say.
  ///
  /// - Throws: ``ToolError``; of wrong use when the log does not hold the moment that was asked for,
  ///   or PATH is a dump, which holds one moment only.
  public init(
    _ opened: consuming Input, replaying options: ReplayedLog.Options,
    fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var input = opened
    facts = input.facts
    if case .rdb = input.kind, !input.beginsLog() {
      if !options.readsAll {
        throw .usage(
          "\(KeyText.fileName(facts.path)) is an RDB, which holds one moment only; --index and --until "
            + "are for logs")
      }
      let cursor = input.takeCursor()
      do throws(RDBError) { dump = try RDBReader(cursor) } catch {
        throw ToolError(error, file: facts.file)
      }
      log = nil
    } else {
      let replayed = try ReplayedLog(input, options, fileSystem: fileSystem)
      try replayed.checkExtent(options)
      log = replayed
      dump = nil
    }
  }

  /// How many bytes are read while keys are given; 0 when nobody knows, or when they were read.
  public var bytesToRead: Int { log == nil ? facts.bytesOnDisk ?? 0 : 0 }

  /// Sentences for the user, as far as there are some before keys were given.
  public var notes: [String] { log?.notes ?? facts.notes }

  /// The dump, for once; nil for a log.
  mutating func takeDump() -> RDBReader? { dump.take() }

  /// Refuses a dump behind which something stands; `reader` has reached the end of the dump.
  static func checkEnd(_ reader: consuming RDBReader, _ file: String) throws(ToolError) {
    var cursor = reader.finish()
    if cursor.isAtEnd() {
      if let failure = cursor.failure { throw ToolError(failure, file: file) }
      return
    }
    throw .refused(
      .badData, "something follows behind the end of the dump", file: file, offset: cursor.offset,
      remedy: "Try: redis-backup check \(KeyText.shellWord(file))")
  }
}

extension Input {
  /// Whether the dump at the start says that it is the head of a log (`aof-preamble`, `aof-base`).
  mutating func beginsLog() -> Bool {
    peek(2048) { head in
      do throws(RDBError) {
        var reader = try RDBReader(ByteCursor(head))
        while case .aux(let name, let value) = try reader.next() {
          if name.equals("aof-preamble") || name.equals("aof-base") { return value.equals("1") }
        }
      } catch { return false }
      return false
    }
  }
}

/// Passes on the keys that a selection names.
struct SelectingSink<Inner: ValueSink & ~Copyable>: ValueSink, ~Copyable {
  var inner: Inner
  let selection: KeySelection
  private var passes = false

  init(_ inner: consuming Inner, _ selection: KeySelection) {
    self.inner = inner
    self.selection = selection
  }

  /// What the keys went to.
  consuming func finish() -> Inner { inner }

  mutating func begin(_ key: KeyDescription) {
    passes =
      selection.matches(database: key.db)
      && selection.matches(type: key.type, expiresAt: key.expiresAt)
      && (!selection.looksAtNames || selection.matches(name: key.key))
      && (key.bytes.map { selection.matches(size: $0) } ?? true)
    if passes { inner.begin(key) }
  }
  mutating func element(_ element: inout ValueElement) { if passes { inner.element(&element) } }
  mutating func stream(_ event: StreamEvent) { if passes { inner.stream(event) } }
  mutating func module(_ item: ModuleItem) { if passes { inner.module(item) } }
  mutating func end() { if passes { inner.end() } }
}

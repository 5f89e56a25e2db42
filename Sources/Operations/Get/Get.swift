public import Bytes
internal import Keyspace
internal import RDB

/// Shows one key.
public enum Get {
  /// The text that is written.
  public enum Form: Sendable {
    /// For people, as `redis-cli` shows values.
    case readable
    /// The bytes and nothing else.
    case raw
    /// The commands that recreate the key, for `redis-cli --pipe`.
    case commands
    /// The object that an export writes.
    case json(base64: Bool)
  }

  /// Whether the key was there.
  public enum Answer: Sendable, Equatable {
    /// It was written.
    case written
    /// There is no such key in that database, but in these.
    case elsewhere([Int])
    /// There is no such key.
    case absent
  }

  /// Writes the key `key` of database `db` to `output`, and flushes it. Of a dump no more is read
  /// than is needed to find the key.
  ///
  /// - Throws: ``ToolError``: the input is damaged before or in the key, or its value can't be told
  ///   in that form.
  public static func write(
    _ input: consuming DataInput, key: [UInt8], db: Int, as form: Form,
    to output: inout OutputBuffer
  ) throws(ToolError) -> Answer {
    let answer: Answer
    let file = input.facts.file
    if var reader = input.takeDump() {
      answer = try find(&reader, key, db, form, &output, file)
    } else if let log = input.log {
      answer = try find(log, key, db, form, &output, file)
    } else {
      preconditionFailure("an input is a dump or a log")
    }
    try ToolError.wrap("standard output", .output) { () throws(SystemError) in try output.flush() }
    return answer
  }

  // MARK: - In a dump

  private static func find(
    _ reader: inout RDBReader, _ key: [UInt8], _ db: Int, _ form: Form,
    _ output: inout OutputBuffer, _ file: String
  ) throws(ToolError) -> Answer {
    var others: [Int] = []
    do throws(RDBError) {
      while true {
        let record = try reader.next()
        if case .end = record { return others.isEmpty ? .absent : .elsewhere(others) }
        guard case .key = record, key.withByteSlice({ $0 == reader.key.key }) else { continue }
        if reader.key.db == db { break }
        others.append(reader.key.db)
      }
      switch form {
      case .readable:
        var writer = ReadableWriter(OutputBuffer(NullTarget(), capacity: 0))
        swap(&writer.output, &output)
        defer { swap(&writer.output, &output) }
        try reader.drain(into: &writer)
      case .raw:
        var writer = RawWriter(OutputBuffer(NullTarget(), capacity: 0))
        swap(&writer.output, &output)
        defer { swap(&writer.output, &output) }
        try reader.drain(into: &writer)
      case .json(let base64):
        var writer = jsonWriter(base64)
        swap(&writer.output, &output)
        defer { swap(&writer.output, &output) }
        try reader.drain(into: &writer)
        writer.finish()
      case .commands: break
      }
    } catch {
      throw ToolError(error, file: file, database: reader.key.db, key: reader.key.key)
    }
    if case .commands = form { try writeCommands(&reader, &output, file) }
    return .written
  }

  private static func writeCommands(
    _ reader: inout RDBReader, _ output: inout OutputBuffer, _ file: String
  ) throws(ToolError) {
    let keyspace = Keyspace(now: 0)
    let header = reader.key
    var decoder = ValueDecoder(dialect: reader.header.dialect)
    decoder.templates = reader.hashTemplates
    let state: KeyState
    do throws(RDBError) {
      let raw = try reader.rawValue()
      decoder.begin(header, raw)
      state = KeyState(
        value: try keyspace.context.value(from: &decoder, raw: raw), expiresAt: header.expiresAt)
    } catch {
      throw ToolError(error, file: file, database: header.db, key: header.key)
    }
    let version = reader.header.dialect == .redis ? 808 : 901
    try write(
      state, header.key, header.db, ServerTarget(dialect: reader.header.dialect, version: version),
      &output, file)
  }

  // MARK: - In a log

  private static func find(
    _ log: ReplayedLog, _ key: [UInt8], _ db: Int, _ form: Form, _ output: inout OutputBuffer,
    _ file: String
  ) throws(ToolError) -> Answer {
    let keyspace = log.keyspace
    let found = try key.withByteSlice { name throws(ToolError) -> Bool in
      let state = keyspace.state(of: name, in: db)
      try log.checkDamage()
      guard state.exists else { return false }
      switch form {
      case .readable:
        var writer = ReadableWriter(OutputBuffer(NullTarget(), capacity: 0))
        swap(&writer.output, &output)
        state.feed(&writer, key: name, database: db)
        swap(&writer.output, &output)
      case .raw:
        var writer = RawWriter(OutputBuffer(NullTarget(), capacity: 0))
        swap(&writer.output, &output)
        state.feed(&writer, key: name, database: db)
        swap(&writer.output, &output)
      case .json(let base64):
        var writer = jsonWriter(base64)
        swap(&writer.output, &output)
        state.feed(&writer, key: name, database: db)
        writer.finish()
        swap(&writer.output, &output)
      case .commands:
        let dialect = keyspace.producer.dialect ?? .redis
        try write(
          state, name, db, ServerTarget(dialect: dialect, version: dialect == .redis ? 808 : 901),
          &output, file)
      }
      return true
    }
    if found { return .written }
    let others = keyspace.databases.filter { number in
      key.withByteSlice { keyspace.exists($0, in: number) }
    }
    return others.isEmpty ? .absent : .elsewhere(others)
  }

  private static func jsonWriter(_ base64: Bool) -> JSONExporter {
    JSONExporter(
      OutputBuffer(NullTarget(), capacity: 0), form: .single, base64: base64, all: true)
  }

  private static func write(
    _ state: borrowing KeyState, _ key: ByteSlice, _ db: Int, _ target: ServerTarget,
    _ output: inout OutputBuffer, _ file: String
  ) throws(ToolError) {
    var writer = CommandWriter(OutputBuffer(NullTarget(), capacity: 0), target: target)
    swap(&writer.output, &output)
    writer.select(db)
    writer.key(key, state)
    swap(&writer.output, &output)
    guard writer.losses.isEmpty else {
      throw ToolError(
        .refused(.badData, "has a value that no commands can make"), file: file, database: db,
        key: key.bytes, remedy: "Try: --json")
    }
  }
}

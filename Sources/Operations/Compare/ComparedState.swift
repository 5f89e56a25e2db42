internal import AOF
public import Bytes
internal import Keyspace
public import RDB

/// A state that is compared: a dump, a log, a multi-part log, an export of ours, each also
/// compressed or from a pipe. Can be read as often as is needed.
///
/// Dumps and exports are read from the file each time, in little memory. A log is replayed once and
/// kept. What comes from a pipe is put into a file without a name first (in `TMPDIR`).
public final class ComparedState {
  /// The path, as the user named it.
  public let path: String
  /// The server that wrote it, or one that can hold it.
  public let target: RDBTarget
  /// Sentences for the user.
  public private(set) var notes: [String]
  /// What it was read from.
  let format: StateFormat
  /// About how many keys it has, as far as it says so.
  let expectedKeys: Int
  /// When the data was as it is here, in seconds since 1970, as far as it says so.
  public let madeAt: Int64?
  /// Whether commands of a log had their part in it.
  let hasCommands: Bool

  private enum Content {
    case dump
    case log(ReplayedLog)
    case export
  }
  private let content: Content
  private let place: String
  private let base64: Bool
  private let fileSystem: any FileSystem
  /// What relative times in logs refer to, in ms since 1970.
  let now: Int64
  /// Keeps what came from a pipe.
  private let spool: SpooledInput?

  /// Opens what is at `path`; a log is replayed here.
  ///
  /// - Parameters:
  ///   - path: a dump, a log or an export; `-` is standard input.
  ///   - base64: whether strings of an export are bare base64 text.
  ///   - now: what relative times in logs refer to, in ms since 1970: the same for two states that
  ///     are compared.
  ///   - fileSystem: where files are, for tests that make it fail.
  /// - Throws: ``ToolError``.
  public init(
    _ path: String, base64: Bool = false, now: Int64 = Moment.now.milliseconds,
    fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    self.path = path
    self.base64 = base64
    self.now = now
    self.fileSystem = fileSystem
    spool = try SpooledInput(ifStream: path, fileSystem)
    place = spool?.path ?? path
    if try ExportReader.recognises(place, fileSystem) {
      content = .export
      var survey = ExportSurvey()
      var reader = try ExportReader(place, base64: base64, named: path, fileSystem: fileSystem)
      try survey.run(&reader)
      target = survey.target
      format = .export(isWhole: survey.hasRecords)
      expectedKeys = survey.keys
      hasCommands = false
      madeAt = nil
      notes = []
      return
    }
    var input = try DataInput(place, now: now, fileSystem: fileSystem)
    notes = spool == nil ? input.notes : []
    if let log = input.log {
      content = .log(log)
      format = .log
      hasCommands = log.commands > 0
      let server = log.keyspace.likelyTarget(isMultiPart: log.isMultiPart)
      target =
        RDBTarget(server.dialect, server.version / 100, server.version % 100)
        ?? RDBTarget.known("redis:7.2")
      expectedKeys = 0
      madeAt = input.facts.modified.map { $0 / 1_000_000_000 }
      return
    }
    let modified = input.facts.modified
    guard var reader = input.takeDump() else {
      preconditionFailure("an input is a dump or a log")
    }
    content = .dump
    hasCommands = false
    let header = reader.header
    format = .dump(header)
    var told: RDBTarget?
    var keys = 0
    var time: Int64?
    do throws(RDBError) {
      reading: while true {
        switch try reader.next() {
        case .aux(let name, let text):
          if let target = RDBTarget(auxiliary: name, text) { told = target }
          if name.equals("ctime") { time = DecimalText.canonical(text) }
        case .resizeDB(let count, _):
          // Believed as far as the file could hold so many.
          keys = min(Int(clamping: count), (reader.inputSize ?? 0) / 16)
          break reading
        case .selectDB, .function, .moduleAux, .slotInfo, .slotImport, .hashTemplate: break
        case .key, .end: break reading
        }
      }
    } catch { throw ToolError(error, file: path) }
    target = told.flatMap { $0.header == header ? $0 : nil } ?? RDBTarget(writerOf: header)
    expectedKeys = keys
    madeAt = time ?? modified.map { $0 / 1_000_000_000 }
  }

  /// A path under which it can be opened again while this object lives.
  var readablePath: String { place }

  /// What it is, as far as a round trip tells formats apart.
  var form: RoundTrip.Form {
    switch content {
    case .dump: .rdb
    case .export: .jsonl
    case .log(let log): log.isMultiPart ? .multiPart : .aof
    }
  }

  /// What the formats of two states do not both hold.
  static func excused(_ a: ComparedState, _ b: ComparedState) -> StateAspects {
    a.unknown.union(b.unknown)
  }

  private var unknown: StateAspects {
    // The base of a log, a dump, holds more than commands do.
    if case .log = format, !hasCommands { return [.idle, .frequency, .moduleData, .metadata] }
    return format.unknown
  }

  /// Gives the keys that it wants, and the functions and data of modules, to `receiver`.
  ///
  /// - Throws: ``ToolError``: damage; the receiver may have seen a beginning without an end then.
  func walk<Receiver: KeyReceiver & ~Copyable>(_ receiver: inout Receiver) throws(ToolError) {
    switch content {
    case .dump: try walkDump(&receiver)
    case .log(let log): try walk(log, &receiver)
    case .export:
      var reader = try ExportReader(place, base64: base64, named: path, fileSystem: fileSystem)
      while try reader.next(into: &receiver) { if receiver.isStopped { return } }
    }
  }

  private func walkDump<Receiver: KeyReceiver & ~Copyable>(
    _ receiver: inout Receiver
  ) throws(ToolError) {
    var input = try DataInput(place, fileSystem: fileSystem)
    guard var reader = input.takeDump() else {
      throw .refused(.tryAgain, "was changed while it was read", file: path)
    }
    do throws(RDBError) {
      reading: while true {
        switch try reader.next() {
        case .key:
          let key = reader.key
          let head = KeyHead(
            db: key.db, key: key.key, type: key.type.logical, expiresAt: key.expiresAt)
          if receiver.wants(head) { try reader.drain(into: &receiver) }
          if receiver.isStopped { return }
        case .function(let code, _): receiver.take(function: code)
        case .moduleAux(let id, let when, let raw):
          receiver.take(moduleData: raw, id: id, when: when)
        case .end: break reading
        case .selectDB, .resizeDB, .aux, .slotInfo, .slotImport, .hashTemplate: break
        }
      }
    } catch { throw ToolError(error, file: path, database: reader.key.db, key: reader.key.key) }
    try DataInput.checkEnd(reader, path)
  }

  /// Ends a walk over keys.
  private struct Stopped: Error {}

  private func walk<Receiver: KeyReceiver & ~Copyable>(
    _ log: ReplayedLog, _ receiver: inout Receiver
  ) throws(ToolError) {
    let keyspace = log.keyspace
    for library in keyspace.functions { receiver.take(function: library.code) }
    for db in keyspace.databases {
      do throws(Stopped) {
        try keyspace.forEachKey(in: db) { (key, state) throws(Stopped) in
          if receiver.isStopped { throw Stopped() }
          guard let value = state.value else { return }
          let head = KeyHead(
            db: db, key: key, type: value.logicalType, expiresAt: state.expiresAt)
          guard receiver.wants(head) else { return }
          state.feed(&receiver, key: key, database: db)
        }
      } catch { break }
    }
    try log.checkDamage()
  }
}

extension KeyReceiver where Self: ~Copyable {
  /// A library of functions, as a string in a database of its own.
  mutating func take(function code: ByteSlice) {
    let name = FunctionLibrary.name(in: code) ?? code
    take(KeyHead(db: KeyHead.functions, key: name, type: .string, expiresAt: nil), code)
  }

  /// Data of a module, as a string in a database of its own.
  mutating func take(moduleData raw: ByteSlice, id: UInt64, when: UInt64) {
    let name = "\(ModuleTypeID(id).name) \(when == 1 ? "before" : "behind")"
    Array(name.utf8).withByteSlice { name in
      take(KeyHead(db: KeyHead.moduleData, key: name, type: .string, expiresAt: nil), raw)
    }
  }

  private mutating func take(_ head: KeyHead, _ bytes: ByteSlice) {
    guard wants(head) else { return }
    var description = KeyDescription()
    description.db = head.db
    description.key = head.key
    description.type = .string
    var element = ValueElement()
    element.first = bytes
    begin(description)
    self.element(&element)
    end()
  }
}

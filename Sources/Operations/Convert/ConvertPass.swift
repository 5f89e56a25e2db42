internal import Bytes
internal import Keyspace
internal import RDB

/// What is kept of a conversion while keys pass.
struct ConvertPass {
  let options: Convert.Options
  var report: Convert.Report
  /// Losses that are none, since the producer of the input did not know such things either.
  var ignored = RDBLoss()
  /// Whether the first loss ends the work.
  var stops = false

  init(_ options: Convert.Options, _ report: Convert.Report) {
    self.options = options
    self.report = report
  }

  /// Whether the work is to end.
  var isOver: Bool { stops && report.lostCount > 0 }

  /// A key was written, and lost `loss`.
  mutating func note(_ loss: RDBLoss, _ db: Int, _ key: ByteSlice) {
    if !loss.contains(.key) { report.keys += 1 }
    let rest = loss.subtracting(ignored)
    if rest.isEmpty { return }
    report.lose(rest.words, rest, database: db, key: key)
  }
}

/// The data that is converted: a dump as it comes, or the state of a log.
struct ConvertSource: ~Copyable {
  /// The server that wrote it, as far as can be told.
  let own: RDBTarget
  private let file: String
  private var dump: RDBReader?
  private let log: ReplayedLog?
  /// Facts of the dump, which stand before everything else.
  private var facts: [(name: [UInt8], text: [UInt8])] = []
  /// The record behind them.
  private var first: RDBRecord?
  /// An export of ours, and whether it tells who made the data.
  private var export: ExportReader?
  private var exportHasFacts = false

  /// Takes an export, of which `survey` tells what it holds.
  init(_ reader: consuming ExportReader, _ survey: borrowing ExportSurvey, file: String) {
    own = survey.target
    self.file = file
    log = nil
    dump = nil
    export = consume reader
    exportHasFacts = survey.hasFacts
  }

  /// Reads the head of a dump, which tells who wrote it.
  init(_ opened: consuming DataInput, isMultiPart: Bool) throws(ToolError) {
    var input = opened
    file = input.facts.file
    guard var reader = input.takeDump() else {
      guard let log = input.log else { preconditionFailure("an input is a dump or a log") }
      let server = log.keyspace.likelyTarget(isMultiPart: isMultiPart || log.isMultiPart)
      own =
        RDBTarget(server.dialect, server.version / 100, server.version % 100)
        ?? RDBTarget.known("redis:7.2")
      self.log = log
      dump = nil
      return
    }
    log = nil
    var told: RDBTarget?
    do throws(RDBError) {
      while true {
        let record = try reader.next()
        guard case .aux(let name, let text) = record else {
          first = record
          break
        }
        facts.append((name.bytes, text.bytes))
        if let target = RDBTarget(auxiliary: name, text) { told = target }
      }
    } catch { throw ToolError(error, file: file) }
    let header = reader.header
    // A server whose version and header do not belong together is a development version.
    own = told.flatMap { $0.header == header ? $0 : nil } ?? RDBTarget(writerOf: header)
    dump = consume reader
  }

  /// Sentences for the user.
  var notes: [String] { log.map { $0.notes + $0.faultNotes() } ?? [] }

  /// Whether the log says neither that a Redis nor that a Valkey wrote it, where that matters.
  var mayBeOfEither: Bool { log?.keyspace.mayBeOfEither ?? false }

  /// What replay or newer readers know of streams, but the producer itself does not.
  var unknownToProducer: RDBLoss { [.streamNumbers, .entriesRead, .activeTime] }

  /// Gives all that is wanted to `output`.
  ///
  /// - Returns: why it ended early.
  mutating func pass<Output: ConvertOutput & ~Copyable>(
    to output: inout Output, _ pass: inout ConvertPass
  ) -> ToolError? {
    if var reader = export.take() {
      if !exportHasFacts { output.beginLog() }
      do throws(ToolError) { try ConvertSource.pass(&reader, to: &output, &pass) } catch {
        return error
      }
      return nil
    }
    guard var reader = dump.take() else {
      guard let log else { return nil }
      return ConvertSource.pass(log, to: &output, &pass)
    }
    do throws(RDBError) { try self.pass(&reader, to: &output, &pass) } catch {
      return ToolError(error, file: file, database: reader.key.db, key: reader.key.key)
    }
    if pass.isOver || output.buffer.failure != nil { return nil }
    do throws(ToolError) { try DataInput.checkEnd(reader, file) } catch { return error }
    return nil
  }

  private mutating func pass<Output: ConvertOutput & ~Copyable>(
    _ reader: inout RDBReader, to output: inout Output, _ pass: inout ConvertPass
  ) throws(RDBError) {
    for fact in facts {
      fact.name.withByteSlice { name in fact.text.withByteSlice { output.aux(name, $0) } }
    }
    let options = pass.options
    let isWhole = options.isWhole
    var feed = KeyFeed(options.selection, expiredBefore: options.expiredBefore)
    // Asked once: the output is large, and asking it would copy it.
    var copies = [Bool](repeating: false, count: 256)
    for type in ValueType.allCases { copies[Int(type.rawValue)] = output.copies(type) }
    let takesStrings = isWhole && output.takesStrings
    let looksAtStreams = output.wantsStandIns
    var streams = StreamFeed()
    var record: RDBRecord
    if let first { record = first } else { record = try reader.next() }
    while true {
      switch record {
      case .key:
        let key = reader.key
        let mayLoseFields = options.expiredBefore != nil && key.type.logical == .hash
        if copies[Int(key.type.rawValue)] && !mayLoseFields {
          if feed.passes(key) {
            let raw = try reader.rawValue()
            if options.selection.matches(size: raw.count) {
              output.write(key, raw: raw)
              pass.note(output.lost, key.db, key.key)
            }
          }
        } else if looksAtStreams && key.type.logical == .stream {
          if feed.passes(key), try streams.feed(&reader, options.selection, into: &output) {
            pass.note(output.lost, key.db, key.key)
          }
        } else if try feed.feed(&reader, into: &output) {
          pass.note(output.lost, key.db, key.key)
        }
        if output.buffer.failure != nil { return }
      case .selectDB(let db): if isWhole { output.select(db) }
      case .resizeDB(let keys, let expires):
        if isWhole { output.sizes(keys: keys, expires: expires) }
      case .aux(let name, let text): output.aux(name, text)
      case .function(let code, _):
        if options.selection.isEverything && !output.function(code) {
          pass.report.lose("a library of functions: the target has none")
        }
      case .moduleAux(let id, _, let raw):
        if options.selection.isEverything && !output.moduleAux(raw) {
          pass.report.lose(
            "data of the module type \(ModuleTypeID(id).name) that belongs to no key",
            isModuleData: true)
        }
      case .slotImport: pass.report.lose("the record of a running slot import")
      case .slotInfo, .hashTemplate: break
      case .end: return
      }
      if pass.isOver { return }
      if takesStrings {
        while let string = try reader.nextString() {
          output.string(string, in: reader.db)
          pass.note(output.lost, reader.db, string.key)
          if output.buffer.failure != nil { return }
        }
      }
      record = try reader.next()
    }
  }

  /// Ends a walk over keys.
  private struct Stopped: Error {}

  private static func pass<Output: ConvertOutput & ~Copyable>(
    _ log: ReplayedLog, to output: inout Output, _ pass: inout ConvertPass
  ) -> ToolError? {
    let options = pass.options
    let keyspace = log.keyspace
    output.beginLog()
    if options.selection.isEverything {
      for library in keyspace.functions where !output.function(library.code) {
        pass.report.lose("a library of functions: the target has none")
      }
      if keyspace.producer.moduleData > 0 {
        pass.report.lose("data of modules that belongs to no key", isModuleData: true)
      }
      if keyspace.producer.keyMetadata > 0 {
        pass.report.lose(
          "metadata of modules for keys of the base (\(keyspace.producer.keyMetadata) keys): replay "
            + "does not keep it",
          isModuleData: true)
      }
    }
    for db in keyspace.databases where options.selection.matches(database: db) {
      do throws(Stopped) {
        try keyspace.forEachKey(in: db) { (key, state) throws(Stopped) in
          var state = copy state
          if let moment = options.expiredBefore, !state.dropExpired(at: moment) { return }
          guard let value = state.value, passes(options.selection, key, state, value) else {
            return
          }
          write(key, state, value, db, to: &output)
          pass.note(output.lost, db, key)
          if pass.isOver || output.buffer.failure != nil { throw Stopped() }
        }
      } catch { break }
    }
    do throws(ToolError) { try log.checkDamage() } catch { return error }
    return nil
  }

  private static func write<Output: ConvertOutput & ~Copyable>(
    _ key: ByteSlice, _ state: KeyState, _ value: Value, _ db: Int, to output: inout Output
  ) {
    if case .stream = value, output.wantsStandIns {
      var finder = StandInFinder()
      state.feed(&finder, key: key, database: db, describing: false)
      output.prepare(finder.found)
    }
    guard case .module(let module) = value, output.copies(module.type) else {
      state.feed(&output, key: key, database: db, describing: false)
      return
    }
    var header = KeyHeader()
    header.db = db
    header.key = key
    header.type = module.type
    header.expiresAt = state.expiresAt
    output.write(header, raw: module.bytes)
  }

  private static func passes(
    _ selection: KeySelection, _ key: ByteSlice, _ state: KeyState, _ value: Value
  ) -> Bool {
    if selection.isEverything { return true }
    return selection.matches(type: value.logicalType, expiresAt: state.expiresAt)
      && (!selection.looksAtNames || selection.matches(name: key))
      && selection.matches(size: value.byteCount)
  }
}

extension Value {
  /// What clients see.
  var logicalType: LogicalType {
    switch self {
    case .string: .string
    case .list: .list
    case .set: .set
    case .sortedSet: .zset
    case .hash: .hash
    case .stream: .stream
    case .array: .array
    case .module(let module): module.type.logical
    }
  }
}

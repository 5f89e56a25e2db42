import Bytes
import RDB

extension Survey {
  /// Walks through the RDB at the position of `cursor`; hands the cursor back behind its end, or
  /// nothing when the end was not reached.
  mutating func walkDump(
    _ cursor: consuming ByteCursor, _ part: inout Part, _ options: Options
  ) throws(ToolError) -> ByteCursor? {
    var dump = DumpSurvey()
    let start = cursor.offset
    dump.bytes = start..<start
    dump.goodBytes = start
    var reader: RDBReader
    do throws(RDBError) { reader = try RDBReader(cursor) } catch {
      part.dump = dump
      try refuse(ToolError(error, file: part.path), error, &part, options)
      return nil
    }
    dump.header = reader.header
    dump.goodBytes = reader.offset
    // What is wrong with a checksum is told, and does not hide what comes behind it.
    reader.verifiesChecksum = true
    let deep = options.isDeep
    var values = ValueCheck(dialect: reader.header.dialect)
    let now = options.now.milliseconds
    var counter = KeyCounter(now: now)
    var checker = ValueChecker()
    var names = KeyFilter(isOn: false)
    var failed = false
    do throws(RDBError) {
      walk: while true {
        if !options.countsNames {
          // What is not right to the last byte is not passed here, but looked at below.
          let passed =
            deep ? try reader.checkKeys(&names, &checker, now: now) : try reader.passKeys()
          counter.count(passed, database: reader.db, &dump)
        }
        let record = try reader.next()
        switch record {
        case .key:
          counter.count(reader, &dump)
          if deep, let problem = try values.check(&reader) {
            add(
              ToolError(
                problem, file: part.path, database: reader.key.db, key: reader.key.key), options)
          }
        case .aux(let name, let value): dump.note(name, value)
        case .function: dump.functions += 1
        case .moduleAux: dump.moduleRecords += 1
        case .hashTemplate: values.templates = reader.hashTemplates
        case .end(let checksum):
          dump.checksum = checksum
          dump.goodBytes = reader.offset
          break walk
        default: break
        }
      }
    } catch {
      failed = true
      counter.finish(&dump)
      dump.goodBytes = Survey.end(ofRecordsBefore: error, reader)
      let problem = ToolError(
        error, file: part.path, database: reader.key.db, key: reader.key.key)
      dump.bytes = start..<max(start, reader.offset)
      part.dump = dump
      part.bytesRead = max(reader.inputSize ?? 0, reader.offset)
      part.goodBytes = dump.goodBytes
      if case .checksumMismatch = error.kind {
        // All records could be read; which byte is wrong nobody knows.
        add(problem, options)
      } else {
        try refuse(problem, error, &part, options)
      }
    }
    if failed { return nil }
    counter.finish(&dump)
    dump.bytes = start..<reader.offset
    part.dump = dump
    part.bytesRead = reader.offset
    part.goodBytes = dump.goodBytes
    return reader.finish()
  }

  /// Where the last whole record ends before the error.
  private static func end(ofRecordsBefore error: RDBError, _ reader: borrowing RDBReader) -> Int {
    // The reader notes the start of every record in the header of the key that may follow. At a
    // clean border nothing was begun.
    let isBorder =
      error.kind == .truncated && error.activity == .type
      && reader.key.typeOffset >= reader.key.offset
    return isBorder ? error.offset : reader.key.offset
  }

  private mutating func refuse(
    _ problem: ToolError, _ error: RDBError, _ part: inout Part, _ options: Options
  ) throws(ToolError) {
    if case .unreadable(let system) = error.kind { return try refuse(system, &part, options) }
    add(problem, options)
  }
}

/// Looks at every element of a value.
struct ValueCheck: ~Copyable {
  private var decoder: ValueDecoder
  private var element = ValueElement()

  init(dialect: RDBDialect) { decoder = ValueDecoder(dialect: dialect) }

  /// The templates that hashes refer to.
  var templates: HashTemplates {
    get { decoder.templates }
    set { decoder.templates = newValue }
  }

  /// What is wrong inside the value of the current key, when its end can be found all the same.
  ///
  /// - Throws: what is wrong with the dump itself.
  mutating func check(_ reader: inout RDBReader) throws(RDBError) -> RDBError? {
    guard reader.isStable else {
      // The value may be larger than memory: its elements are taken as they come.
      try ValueCheck.drain(&reader, &element)
      return nil
    }
    let from = reader.key.valueOffset
    let raw = try reader.rawValue()
    decoder.begin(
      reader.key.type, raw, key: reader.key.key, db: reader.key.db,
      expiresAt: reader.key.expiresAt)
    do throws(RDBError) { try ValueCheck.drain(&decoder.reader, &element) } catch {
      return RDBError(error.kind, at: from + error.offset, while: .value)
    }
    return nil
  }

  private static func drain(
    _ reader: inout RDBReader, _ element: inout ValueElement
  ) throws(RDBError) {
    switch reader.key.type.logical {
    case .stream: while try reader.nextStreamEvent() != nil {}
    case .module, .gcra, .cron: while try reader.nextModuleItem() != nil {}
    default: while try reader.nextElement(&element) {}
    }
  }
}

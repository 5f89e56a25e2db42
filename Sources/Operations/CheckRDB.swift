public import Bytes
internal import RDB

/// Checks a dump: structure and checksum, or with `deep` every byte of every value and that no key
/// is there twice.
///
/// Nothing is ever thrown for what the dump holds: it is reported. Takes constant memory, and for a
/// deep check 8 bytes for each key and at most 24 MB for the elements of the largest set, sorted set or
/// hash; of a stream, which can't be read twice, about 16 bytes for each of them.
public struct RDBCheck: ~Copyable {
  private let file: String
  private let deep: Bool
  /// Whether commands may follow.
  private let isPreamble: Bool
  /// What was found.
  public private(set) var report: CheckReport

  private var checker = ValueChecker()
  private var keyFilter = KeyFilter()
  private var keysOfDB = 0
  private var hint: (db: Int, keys: UInt64, offset: Int)?
  /// Whether the mapping has to be checked instead: two keys or two elements are equal by their hashes, and
  /// the input does not let their bytes be compared; or a value is too large for the window.
  private var mustLookAgain = false

  /// Larger windows are none that a check of pieces takes memory for.
  private static let largestWindow = 4 << 20

  private init(_ file: String, deep: Bool, isPreamble: Bool, _ report: CheckReport) {
    self.file = file
    self.deep = deep
    self.isPreamble = isPreamble
    self.report = report
  }

  /// Checks the dump in the file at `path`; `-` is standard input.
  ///
  /// - Throws: ``ToolError`` when the file can't be opened.
  public static func run(
    _ path: String, deep: Bool, fileSystem: any FileSystem = .system
  ) throws(ToolError) -> CheckReport {
    let cursor = try ToolError.wrap(path) { () throws(SystemError) in
      try InputFile.open(path, fileSystem: fileSystem)
    }
    var report = CheckReport()
    _ = try run(
      reopening: cursor, file: path, deep: deep, isPreamble: false, fileSystem, report: &report)
    return report
  }

  /// Checks the dump at the start of the file at `file`, which is read in pieces where it is mapped: that costs
  /// the kernel a third less. Where keys or elements have to be compared that lie behind, or a value is
  /// larger than a few MB, the mapping is checked from the start.
  ///
  /// - Parameters:
  ///   - opened: the start of the file.
  ///   - fileSystem: what opens it once more.
  /// - Returns: as ``run(_:file:deep:isPreamble:report:)`` does.
  /// - Throws: ``ToolError`` when the file can't be opened again.
  static func run(
    reopening opened: consuming ByteCursor, file: String, deep: Bool, isPreamble: Bool,
    _ fileSystem: any FileSystem, report: inout CheckReport
  ) throws(ToolError) -> ByteCursor? {
    guard opened.isStable else {
      return run(opened, file: file, deep: deep, isPreamble: isPreamble, report: &report)
    }
    var pieces = try ToolError.wrap(file) { () throws(SystemError) in
      try InputFile.open(file, mapping: false, decompressing: false, fileSystem: fileSystem)
    }
    pieces.growthLimit = largestWindow
    var check = RDBCheck(file, deep: deep, isPreamble: isPreamble, report)
    if let size = opened.size { check.checker.whole = opened.heldSlice(at: 0, count: size) }
    var rest = check.walk(pieces)
    if check.mustLookAgain {
      return run(opened, file: file, deep: deep, isPreamble: isPreamble, report: &report)
    }
    report = check.report
    rest?.growthLimit = .max
    return rest
  }

  /// Checks the dump that `input` stands at, which is a part of the file called `file`.
  ///
  /// - Parameters:
  ///   - input: where the dump begins.
  ///   - file: its name in the report.
  ///   - deep: whether every byte of every value is looked at.
  ///   - isPreamble: whether what follows the dump is somebody else's: the commands of an AOF.
  ///     Otherwise it is reported as unusual.
  ///   - report: what was found is added to it.
  /// - Returns: the input behind the dump, or nil when its end was not reached.
  public static func run(
    _ input: consuming ByteCursor, file: String, deep: Bool, isPreamble: Bool = false,
    report: inout CheckReport
  ) -> ByteCursor? {
    var check = RDBCheck(file, deep: deep, isPreamble: isPreamble, report)
    let rest = check.walk(input)
    report = check.report
    return rest
  }

  private mutating func walk(_ input: consuming ByteCursor) -> ByteCursor? {
    let start = input.offset
    var reader: RDBReader
    do throws(RDBError) { reader = try RDBReader(input) } catch {
      report.add(Finding(.fatal, ToolError(error, file: file)), recordOffset: start)
      report.finish(bytes: error.offset)
      return nil
    }
    var recordOffset = reader.offset
    while true {
      do throws(RDBError) {
        recordOffset = reader.offset
        let passed = deep ? try reader.checkKeys(&keyFilter, &checker) : try reader.passKeys()
        report.keys += passed.keys
        report.expires += passed.expires
        keysOfDB += passed.keys
        recordOffset = reader.offset
        switch try reader.next() {
        case .key: try takeKey(&reader)
        case .selectDB(let db): endDB(db)
        case .resizeDB(let keys, _): hint = (reader.db, keys, recordOffset)
        case .end(let checksum):
          report.checksum = checksum
          endDB(-1)
          return finish(reader, start)
        default: break
        }
      } catch {
        if !reader.isStable, checker.whole == nil, case .corrupt(_, .duplicate) = error.kind {
          mustLookAgain = true
        }
        if reader.refusedGrowth {
          mustLookAgain = true
          return nil
        }
        if reader.canSkipValue {
          add(.damaged, error, reader.key)
          continue
        }
        let inKey = error.activity == .value || error.activity == .key
        let at = inKey && reader.key.offset > recordOffset ? reader.key.offset : recordOffset
        report.add(
          Finding(
            .fatal,
            ToolError(error, file: file, database: reader.db, key: inKey ? reader.key.key : nil)),
          recordOffset: at)
        if case .checksumMismatch = error.kind {
          endDB(-1)
          return finish(reader, start)
        }
        report.finish(bytes: reader.offset)
        return nil
      }
    }
  }

  /// The header of a key was read.
  private mutating func takeKey(_ reader: inout RDBReader) throws(RDBError) {
    report.keys += 1
    keysOfDB += 1
    if let time = reader.key.expiresAt {
      report.expires += 1
      if time < 0 { note(reader.key, "expires before 1970; servers drop it") }
    }
    guard deep else {
      try reader.skipValue()
      return
    }
    keyFilter.add(KeyFilter.hash(reader.key.key, db: reader.key.db))
    try checker.check(&reader)
    let oddities = checker.oddities
    if oddities.isEmpty { return }
    if oddities.contains(.empty) {
      note(
        reader.key,
        "is an empty \(reader.key.type.logical.name): servers from 7.0 on drop it, older ones load it"
      )
    }
    if oddities.contains(.readBeyondAdded) {
      note(reader.key, "has a group that read more entries than were ever added; 8.8 refuses that")
    }
    if oddities.contains(.lastIDTooLow) {
      note(reader.key, "has entries behind its last id")
    }
  }

  private mutating func note(_ key: KeyHeader, _ sentence: String) {
    report.add(
      .unusual(
        sentence, file: file, offset: key.offset, database: key.db, key: key.key.bytes))
  }

  private mutating func add(
    _ severity: Finding.Severity, _ error: RDBError, _ key: KeyHeader
  ) {
    var located = ToolError(error, file: file)
    located.database = key.db
    located.key = key.key.bytes
    report.add(Finding(severity, located), recordOffset: key.offset)
  }

  private mutating func endDB(_ next: Int) {
    if let hint, hint.keys != UInt64(keysOfDB) {
      report.add(
        .unusual(
          "RESIZEDB announces \(hint.keys) keys for database \(hint.db), there are \(keysOfDB)",
          file: file, offset: hint.offset, database: hint.db))
    }
    hint = nil
    keysOfDB = 0
  }

  /// Behind the end: what follows, and keys that were there twice.
  private mutating func finish(_ reader: consuming RDBReader, _ start: Int) -> ByteCursor? {
    var cursor = reader.finish()
    let end = cursor.offset
    report.finish(bytes: end)
    if deep {
      guard let same = findDuplicates(cursor, start, end) else { return nil }
      cursor = same
      report.finish(bytes: end)
    }
    if isPreamble || cursor.isAtEnd() { return cursor }
    let left = cursor.size.map { "\($0 - end) bytes" } ?? "more bytes"
    report.add(
      .unusual("\(left) follow the end of the dump; servers ignore them", file: file, offset: end))
    return cursor
  }

  /// Gives the input back where it was; nil when it has changed meanwhile.
  private mutating func findDuplicates(
    _ input: consuming ByteCursor, _ start: Int, _ end: Int
  ) -> ByteCursor? {
    let suspects = keyFilter.takeSuspects()
    var cursor = input
    if suspects.isEmpty { return cursor }
    guard cursor.isStable else {
      mustLookAgain = true
      report.add(
        Finding(
          .damaged,
          .refused(
            .no, "\(suspects.count) keys are there twice in their database", file: file,
            remedy: "Try: checking the file itself, which can name them")))
      return cursor
    }
    cursor.seek(to: start)
    var reader: RDBReader
    do throws(RDBError) { reader = try RDBReader(cursor) } catch {
      report.add(Finding(.fatal, ToolError(error, file: file)))
      return nil
    }
    reader.verifiesChecksum = false
    var seen: [UInt64: [[UInt8]]] = [:]
    walking: while true {
      do throws(RDBError) {
        switch try reader.next() {
        case .key:
          let hash = KeyFilter.hash(reader.key.key, db: reader.key.db)
          guard suspects.contains(hash) else { break }
          let key = reader.key.key.bytes
          if seen[hash, default: []].contains(key) {
            add(
              .damaged, RDBError(.duplicateKey, at: reader.key.offset, while: .key), reader.key)
          } else if seen[hash, default: []].count < 64 {
            seen[hash, default: []].append(key)
          }
        case .end: break walking
        default: break
        }
      } catch { if !reader.canSkipValue { break walking } }
    }
    cursor = reader.finish()
    cursor.seek(to: end)
    return cursor
  }
}

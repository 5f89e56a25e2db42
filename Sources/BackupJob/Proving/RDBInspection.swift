internal import Bytes
internal import Keyspace
internal import Operations
internal import RDB

/// Walks a dump to its last byte and tells what is in it.
enum RDBInspection {
  /// Reads the dump at `path` (also a pipe) to its end. Throws `.badData` with the byte offset when
  /// it is damaged, cut short, or when something follows it.
  static func run(path: String, place: String, level: VerificationLevel, style: DigestStyle? = nil)
    throws(JobError) -> FileFacts
  {
    func damaged(_ error: RDBError, _ key: String?) -> JobError {
      JobError(
        .badData, step: "verify", place: place,
        "the RDB is damaged at byte \(error.offset): \(error.what)"
          + (key.map { " (key \($0))" } ?? ""),
        remedy:
          "Take another backup; the source's own memory or disk may be damaged if this happens again."
      )
    }
    let cursor: ByteCursor
    do throws(SystemError) {
      cursor = try InputFile.open(path, decompressing: false)
    } catch {
      throw JobError(
        .inputOutput, step: "verify", place: place, "\(error)", remedy: "Check the disk.")
    }
    var facts = FileFacts()
    var reader: RDBReader
    do throws(RDBError) { reader = try RDBReader(cursor) } catch { throw damaged(error, nil) }
    facts.rdbVersion =
      reader.header.dialect == .valkey
      ? "VALKEY \(reader.header.version)" : "\(reader.header.version)"
    do throws(RDBError) {
      if level == .full {
        try decode(&reader, style: style, &facts)
      } else {
        try walk(&reader, &facts)
      }
    } catch {
      throw damaged(error, reader.key.key.isEmpty ? nil : KeyText.quoted(reader.key.key))
    }
    try Interruption.check("verify")
    var rest = reader.finish()
    guard rest.isAtEnd() else {
      throw JobError(
        .badData, step: "verify", place: place,
        "something follows the RDB's end at byte \(rest.offset)",
        remedy: "This is not a plain RDB; use another backup.")
    }
    return facts
  }

  /// Passes every record; values are walked, not decoded.
  private static func walk(_ reader: inout RDBReader, _ facts: inout FileFacts) throws(RDBError) {
    var counts = DatabaseCounts()
    while true {
      switch try reader.next() {
      case .key:
        counts.count(reader.key.db, expires: reader.key.expiresAt != nil)
        if Interruption.isRequested { return }
      case .end(let checksum):
        if case .verified = checksum { facts.hasChecksum = true }
        facts.databases = counts.databases
        return
      default: break
      }
    }
  }

  /// Decodes every value to its last element and computes the digest of them all.
  private static func decode(
    _ reader: inout RDBReader, style: DigestStyle?, _ facts: inout FileFacts
  ) throws(RDBError) {
    // The producer is told before the first key; the digest follows its algorithm.
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
    var sink = StateSink(style: chosen)
    while true {
      if case .key = record {
        try reader.drain(into: &sink)
        if Interruption.isRequested { return }
      } else if case .end(let checksum) = record {
        if case .verified = checksum { facts.hasChecksum = true }
        break
      }
      record = try reader.next()
    }
    let found = sink.facts()
    facts.databases = found.databases
    facts.digest = found.digest
    facts.digestStyle = found.style
  }
}

/// Counts keys by database without looking one up for each key.
struct DatabaseCounts {
  private var table: [Int: BackupRecord.Database] = [:]
  private var current = BackupRecord.Database(db: -1, keys: 0, expires: 0)

  mutating func count(_ db: Int, expires: Bool) {
    if db != current.db {
      if current.db >= 0 { table[current.db] = current }
      current = table[db] ?? BackupRecord.Database(db: db, keys: 0, expires: 0)
    }
    current.keys += 1
    if expires { current.expires += 1 }
  }

  var databases: [BackupRecord.Database] {
    var all = table
    if current.db >= 0 { all[current.db] = current }
    return all.values.sorted { $0.db < $1.db }
  }
}

internal import Bytes
internal import Operations
internal import RDB

/// Walks a dump to its last byte and tells what is in it.
enum RDBInspection {
  /// Reads the dump at `path` (also a pipe) to its end. Throws `.badData` with the byte offset when it is damaged, cut short, or
  /// when something follows it.
  static func run(path: String, place: String, level: VerificationLevel) throws(JobError) -> FileFacts {
    func damaged(_ error: RDBError, _ key: String?) -> JobError {
      JobError(
        .badData, step: "verify", place: place,
        "the RDB is damaged at byte \(error.offset): \(error.what)"
          + (key.map { " (key \($0))" } ?? ""),
        remedy: "Take another backup; the source's own memory or disk may be damaged if this happens again.")
    }
    let cursor: ByteCursor
    do throws(SystemError) {
      cursor = try InputFile.open(path, decompressing: false)
    } catch {
      throw JobError(.inputOutput, step: "verify", place: place, "\(error)", remedy: "Check the disk.")
    }
    var facts = FileFacts()
    var counts = DatabaseCounts()
    var reader: RDBReader
    do throws(RDBError) { reader = try RDBReader(cursor) } catch { throw damaged(error, nil) }
    facts.rdbVersion =
      reader.header.dialect == .valkey ? "VALKEY \(reader.header.version)" : "\(reader.header.version)"
    var element = 0
    do throws(RDBError) {
      walking: while true {
        switch try reader.next() {
        case .key:
          counts.count(reader.key.db, expires: reader.key.expiresAt != nil)
          element += 1
          if element & 0xFFF == 0, Interruption.isRequested { break walking }
        case .end(let checksum):
          if case .verified = checksum { facts.hasChecksum = true }
          break walking
        default: break
        }
      }
    } catch {
      throw damaged(error, reader.key.key.isEmpty ? nil : reader.key.key.text)
    }
    try Interruption.check("verify")
    var rest = reader.finish()
    guard rest.isAtEnd() else {
      throw JobError(
        .badData, step: "verify", place: place, "something follows the RDB's end at byte \(rest.offset)",
        remedy: "This is not a plain RDB; use another backup.")
    }
    facts.databases = counts.databases
    return facts
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

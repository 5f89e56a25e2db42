internal import AOF
internal import Bytes
internal import Operations
internal import RDB

/// Walks an append-only file, with the RDB it may begin with.
enum LogInspection {
  /// What was found, and how far the file is whole.
  struct Result: Sendable {
    var facts: FileFacts
    /// The end of the last whole command outside a transaction.
    var goodBytes: Int
    /// Why the rest is not whole; nil when there is none.
    var ending: String?
  }

  /// Reads the file at `path` (also a pipe) to its end. A file that merely ends inside a command or
  /// transaction is not an error here, since the last file of a running server's log may; anything
  /// else that is wrong is thrown as `.badData`.
  static func run(path: String, place: String, limit: Int? = nil) throws(JobError) -> Result {
    var cursor: ByteCursor
    do throws(SystemError) {
      cursor = try InputFile.open(path, decompressing: false)
    } catch {
      throw JobError(
        .inputOutput, step: "verify", place: place, "\(error)", remedy: "Check the disk.")
    }
    var facts = FileFacts()
    var good = 0
    if let limit, cursor.isStable, let size = cursor.size, limit < size {
      // Only what was there when the set was pinned: the bytes behind belong to the server. The
      // mapping lives as long as `whole`.
      let whole = cursor
      let part = whole.heldSlice(at: 0, count: limit)
      return try read(ByteCursor(part), place: place, &facts, &good, keeping: whole)
    }
    if let head = cursor.peek(0), head == UInt8(ascii: "R") || head == UInt8(ascii: "V") {
      cursor = try preamble(cursor, place: place, &facts)
    }
    return try commands(cursor, place: place, &facts)
  }

  private static func read(
    _ input: consuming ByteCursor, place: String, _ facts: inout FileFacts, _ good: inout Int,
    keeping whole: consuming ByteCursor
  ) throws(JobError) -> Result {
    var cursor = input
    if let head = cursor.peek(0), head == UInt8(ascii: "R") || head == UInt8(ascii: "V") {
      cursor = try preamble(cursor, place: place, &facts)
    }
    let result = try commands(cursor, place: place, &facts)
    _ = whole.offset
    return result
  }

  private static func preamble(
    _ cursor: consuming ByteCursor, place: String, _ facts: inout FileFacts
  ) throws(JobError) -> ByteCursor {
    do throws(RDBError) {
      var counts = DatabaseCounts()
      var reader = try RDBReader(cursor)
      facts.rdbVersion =
        reader.header.dialect == .valkey
        ? "VALKEY \(reader.header.version)" : "\(reader.header.version)"
      walking: while true {
        switch try reader.next() {
        case .key: counts.count(reader.key.db, expires: reader.key.expiresAt != nil)
        case .end(let checksum):
          if case .verified = checksum { facts.hasChecksum = true }
          break walking
        default: break
        }
      }
      facts.databases = counts.databases
      return reader.finish()
    } catch {
      throw JobError(
        .badData, step: "verify", place: place,
        "the RDB in it is damaged at byte \(error.offset): \(error.what)",
        remedy: "Take another backup; look at the file with `redis-backup check`.")
    }
  }

  private static func commands(
    _ cursor: consuming ByteCursor, place: String, _ facts: inout FileFacts
  ) throws(JobError) -> Result {
    var reader = AOFReader(cursor)
    var first: Int64 = -1
    var ending: String?
    do throws(AOFError) {
      while try reader.next() {
        if first < 0 { first = reader.command.time }
      }
      if reader.isOpenTransaction { ending = "it ends inside a transaction" }
    } catch {
      switch error.kind {
      case .truncated, .truncatedInTransaction: ending = "it ends inside a command"
      default:
        throw JobError(
          .badData, step: "verify", place: place,
          "the log is damaged at byte \(error.offset): \(error.what)",
          remedy:
            "Look at the file with `redis-backup check`; repair the source before the next backup.")
      }
    }
    facts.commands = Int64(reader.command.index)
    let last = reader.command.time
    if first >= 0, last >= first { facts.logTime = first...last }
    return Result(facts: facts, goodBytes: reader.goodBytes, ending: ending)
  }
}

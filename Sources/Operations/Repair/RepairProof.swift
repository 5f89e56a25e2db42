internal import AOF
internal import Bytes
internal import RDB

/// Reads a repaired file before it gets its name: it must be free of damage, and hold what was to be
/// kept. Dumps are read to their last element. Long pieces of a log are copies of bytes that were
/// just read command by command, so they are read where they begin, and at what follows them.
enum RepairProof {
  /// Pieces from this length on are not read whole.
  private static let long = 4 << 20
  /// So much of them is.
  private static let near = 1 << 20

  /// `places` are those of the pieces of the log in the file.
  static func check(
    _ input: consuming ByteCursor, _ plan: FilePlan, _ places: [Range<Int>], _ path: String
  ) throws(ToolError) {
    var cursor = input
    if let dump = plan.dump {
      var report = CheckReport()
      guard
        let rest = RDBCheck.run(
          cursor, file: path, deep: true, isPreamble: true, report: &report), report.ok,
        report.keys == dump.keys
      else { throw wrong(path, report.findings.first?.error.line ?? "\(report.keys) keys") }
      cursor = rest
    }
    guard let log = plan.log else {
      if !cursor.isAtEnd() { throw wrong(path, "something follows the dump") }
      return
    }
    var reader = AOFReader(cursor)
    let table = CommandTable.shared
    var count = 0
    var place = 0
    let size = places.last?.upperBound ?? reader.cursor.offset
    guard reader.cursor.size ?? 0 == size else { throw wrong(path, "its size") }
    var isWhole = true
    do throws(AOFError) {
      while try reader.next() {
        count &+= 1
        let arity = table.arity(reader.command.word, reader.arguments)
        let words = reader.table.count
        if arity >= 0 ? arity != words : words < -arity {
          guard arity == CommandTable.unknownArity else {
            throw AOFError(
              .argumentCount(Int64(words)), activity: .argumentCount,
              offset: reader.command.offset, commandOffset: reader.command.offset,
              command: reader.command.index, goodBytes: reader.goodBytes)
          }
        }
        let end = reader.command.end
        while place < places.count, places[place].upperBound <= end { place += 1 }
        if place < places.count, places[place].count >= long,
          end - places[place].lowerBound >= near
        {
          isWhole = false
          let next = places[place].upperBound
          if next == size { return }
          reader.resume(at: next, database: reader.command.database)
        }
      }
    } catch { throw wrong(path, ToolError(error, file: path).line) }
    guard !isWhole || count == log.commands else {
      throw wrong(path, "\(count) commands instead of \(log.commands)")
    }
  }

  private static func wrong(_ path: String, _ what: String) -> ToolError {
    .refused(
      .badData, "the result did not pass its check, so it was not put in place: \(what)",
      file: path, role: .output, remedy: "This is a defect of redis-backup; please report it")
  }
}

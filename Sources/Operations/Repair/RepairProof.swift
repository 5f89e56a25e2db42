internal import AOF
internal import Bytes
internal import RDB

/// Reads a repaired file to its end before it gets its name: it must be free of damage, and hold
/// what was to be kept.
enum RepairProof {
  static func check(
    _ input: consuming ByteCursor, _ plan: FilePlan, _ path: String
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
      }
    } catch { throw wrong(path, ToolError(error, file: path).line) }
    guard count == log.commands else {
      throw wrong(path, "\(count) commands instead of \(log.commands)")
    }
  }

  private static func wrong(_ path: String, _ what: String) -> ToolError {
    .refused(
      .badData, "the result did not pass its check, so it was not put in place: \(what)",
      file: path, role: .output, remedy: "This is a defect of redis-backup; please report it")
  }
}

import ArgumentParser
import Bytes
import Operations

/// `redis-backup repair PATH -o OUT`
struct RepairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract: "Saves every command and key of a damaged file that can be saved.",
    discussion: """
      PATH is only read. Goes on behind damage instead of stopping at it; says what was lost, and \
      what could not be decided. A few changed bytes of a dump are put right by its checksum. A \
      missing or damaged manifest is made anew. The result is checked before it gets its name.

      Examples:
        redis-backup repair damaged.aof -o repaired.aof
        redis-backup repair damaged.rdb -o repaired.rdb
      """)

  @OptionGroup var global: GlobalOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to make; of a multi-part AOF the directory.", valueName: "OUT"))
  var output: String?

  @Flag(
    name: .long, help: "Only show what would be saved and lost; exit code 1 when there is damage.")
  var dryRun = false

  @Flag(
    name: .long, help: "Keep only what stands before the first damage, as redis-check-aof --fix.")
  var strict = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The database of commands and keys of which it can not be told, else they are left out.",
      valueName: "N"))
  var assumeDb: Int?

  @Flag(name: .long, help: "Replace OUT when it is there already.")
  var force = false

  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String

  func validate() throws {
    if output == nil && !dryRun { throw ValidationError("where to? Give -o OUT or --dry-run") }
    if let assumeDb, !(0...Int(Int32.max) ~= assumeDb) {
      throw ValidationError("--assume-db: databases count from 0")
    }
  }

  func run() throws {
    let session = Session(global)
    var options = Repair.Options()
    options.strict = strict
    options.dryRun = dryRun
    options.replacing = force
    options.assumedDatabase = assumeDb
    let report = try session.withProgress(total: InfoCommand.total(path)) { () throws(ToolError) in
      try Repair.run(path, to: output, options, fileSystem: session.fileSystem)
    }
    session.notes(report.notes)
    if session.isJSON {
      try writeJSON(report, session)
    } else {
      for doubt in report.undecided { session.note("not decided: \(doubt)") }
      try session.print(RepairText.text(report, all: session.isVerbose))
    }
    if dryRun && report.isDamaged { throw AnswerIsNo() }
  }

  private func writeJSON(_ report: RepairReport, _ session: Session) throws {
    try session.writeJSON { json, output throws(ToolError) in
      json.beginObject(&output)
      json.field("kept", report.kept, &output)
      json.field("keptKeys", report.keptKeys, &output)
      json.field("keptCommands", report.keptCommands, &output)
      json.key("lost", &output)
      json.beginArray(&output)
      for lost in report.lost { write(lost, &json, &output) }
      json.endArray(&output)
      json.field("lostCount", report.lostCount, &output)
      json.field("lostBytes", report.lostBytes, &output)
      json.key("corrected", &output)
      json.beginArray(&output)
      for correction in report.corrected {
        json.beginObject(&output)
        json.field("file", correction.file, &output)
        json.field("offset", correction.offset, &output)
        json.field("was", RepairText.hex(correction.was), &output)
        json.field("now", RepairText.hex(correction.now), &output)
        json.field("reason", correction.reason, &output)
        json.endObject(&output)
      }
      json.endArray(&output)
      json.key("doubtful", &output)
      json.beginArray(&output)
      for doubtful in report.doubtful {
        json.beginObject(&output)
        json.field("file", doubtful.file, &output)
        json.field("offset", doubtful.offset, &output)
        json.field("length", doubtful.length, &output)
        json.field("reason", doubtful.reason, &output)
        json.endObject(&output)
      }
      json.endArray(&output)
      json.key("suspectKeys", &output)
      json.beginArray(&output)
      for suspect in report.suspectKeys { write(suspect, &json, &output) }
      json.endArray(&output)
      json.key("undecided", &output)
      json.beginArray(&output)
      for doubt in report.undecided { json.string(doubt, &output) }
      json.endArray(&output)
      json.field("bytesBefore", report.bytesBefore, &output)
      json.field("bytesAfter", report.written == nil ? nil : report.bytesAfter, &output)
      json.field("written", report.written, &output)
      json.endObject(&output)
    }
  }

  private func write(
    _ suspect: RepairReport.Suspect, _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    json.beginObject(&output)
    json.field("file", suspect.file, &output)
    json.field("offset", suspect.offset, &output)
    json.field("length", suspect.length, &output)
    json.field("db", suspect.database, &output)
    json.key("key", &output)
    suspect.key.withByteSlice { json.string($0, &output) }
    json.field("reason", suspect.reason, &output)
    json.endObject(&output)
  }

  private func write(
    _ lost: RepairReport.Lost, _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    json.beginObject(&output)
    json.field("file", lost.file, &output)
    json.field("offset", lost.offset, &output)
    json.field("length", lost.length, &output)
    json.field("reason", lost.reason, &output)
    json.field("db", lost.database, &output)
    json.field("readable", lost.readable, &output)
    json.key("keys", &output)
    json.beginArray(&output)
    for key in lost.keys { key.withByteSlice { json.string($0, &output) } }
    json.endArray(&output)
    json.key("commands", &output)
    json.beginArray(&output)
    for name in lost.commands { json.string(name, &output) }
    json.endArray(&output)
    json.endObject(&output)
  }
}

/// What a repair did, for people.
enum RepairText {
  /// So many ranges are listed without `--verbose`.
  private static let most = 20

  static func text(_ report: RepairReport, all: Bool) -> String {
    var parts: [String] = []
    if report.keptKeys > 0 { parts.append(count(report.keptKeys, "key")) }
    if report.keptCommands > 0 { parts.append(count(report.keptCommands, "command")) }
    if parts.isEmpty { parts.append("nothing") }
    var text = "kept \(parts.joined(separator: " and ")); "
    if report.lostCount == 0 {
      text += report.isDamaged ? "nothing lost\n" : "nothing is damaged\n"
    } else {
      text += "lost \(count(report.lostCount, "range")), \(ByteCount.text(report.lostBytes)):\n"
    }
    for lost in report.lost.prefix(all ? Int.max : most) { text += "  \(line(lost))\n" }
    let left = report.lostCount - min(report.lost.count, all ? Int.max : most)
    if left > 0 { text += "  and \(left) more\(all ? "" : " (--verbose or --json lists them)")\n" }
    for correction in report.corrected.prefix(all ? Int.max : most) {
      text += "put right: \(KeyText.fileName(correction.file)): byte \(correction.offset)"
      if !correction.was.isEmpty {
        text += ": 0x\(hex(correction.was)) is 0x\(hex(correction.now)) now"
      }
      text += " (\(correction.reason))\n"
    }
    if !all, report.corrected.count > most { text += "and \(report.corrected.count - most) more\n" }
    if report.isDamaged {
      for doubtful in report.doubtful.prefix(all ? Int.max : most) {
        text += "doubtful: \(KeyText.fileName(doubtful.file)): bytes \(doubtful.offset) to "
        text += "\(doubtful.offset + doubtful.length): \(doubtful.reason)\n"
      }
    }
    for suspect in report.suspectKeys.prefix(all ? Int.max : most) {
      text += "look at: \(KeyText.fileName(suspect.file)): byte \(suspect.offset), key "
      text += suspect.key.withByteSlice { KeyText.quoted($0, limit: 80) }
      text += " (db \(suspect.database)): \(suspect.reason)\n"
    }
    if !all, report.suspectKeys.count > most {
      text +=
        "and \(report.suspectKeys.count - most) more keys to look at (--verbose or --json lists them)\n"
    }
    if let written = report.written {
      text +=
        "\(KeyText.fileName(written)) written: \(ByteCount.text(report.bytesAfter)), was "
        + "\(ByteCount.text(report.bytesBefore)); checked\n"
    }
    return text
  }

  private static func line(_ lost: RepairReport.Lost) -> String {
    var text = "\(KeyText.fileName(lost.file)): byte \(lost.offset), \(count(lost.length, "byte"))"
    var known: [String] = []
    if let database = lost.database, !lost.keys.isEmpty { known.append("db \(database)") }
    if !lost.commands.isEmpty { known.append(lost.commands.prefix(5).joined(separator: " ")) }
    for key in lost.keys.prefix(3) {
      known.append("key " + key.withByteSlice { KeyText.quoted($0, limit: 80) })
    }
    if !known.isEmpty { text += " (\(known.joined(separator: ", ")))" }
    return text + ": \(lost.reason)"
  }

  private static func count(_ number: Int, _ one: String) -> String {
    "\(number) \(one)\(number == 1 ? "" : "s")"
  }

  static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

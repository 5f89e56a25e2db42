import AOF
import ArgumentParser
import Bytes
import Operations

/// `redis-backup cut PATH (--to-time TIME | --before INDEX | --to-offset N) -o OUT`
struct CutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cut",
    abstract: "Makes the AOF as it stood at an earlier moment.",
    discussion: """
      A transaction is kept whole or not at all.

      Examples:
        redis-backup cut appendonlydir --to-time 2026-11-27T22:45:00Z -o before
        redis-backup cut appendonly.aof --before 17 -o before.aof
      """)

  @OptionGroup var global: GlobalOptions

  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp(
      "Keep what was written up to this time (needs #TS annotations).", valueName: "TIME"))
  var toTime: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Keep the commands before this number.", valueName: "INDEX"))
  var before: Int?

  @Option(
    name: .long,
    help: ArgumentHelp("Keep the commands that end within so many bytes.", valueName: "N"))
  var toOffset: Int?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The file in which --to-offset counts; else the last one.", valueName: "NAME"))
  var file: String?

  @Flag(name: .long, help: "Only show what would be left out.")
  var dryRun = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to make; of a multi-part AOF the directory.", valueName: "OUT"))
  var output: String?

  @Flag(name: .long, help: "Replace OUT when it is there already.")
  var force = false

  @Argument(help: "An AOF, a manifest, or a directory of a server.")
  var path: String

  func validate() throws {
    let limits = [toTime != nil, before != nil, toOffset != nil].filter { $0 }.count
    if limits != 1 { throw ValidationError("give one of --to-time, --before and --to-offset") }
    if file != nil && toOffset == nil { throw ValidationError("--file belongs to --to-offset") }
    if let before, before < 1 { throw ValidationError("--before: commands count from 1") }
    if let toOffset, toOffset < 0 { throw ValidationError("--to-offset: bytes count from 0") }
    if output == nil && !dryRun { throw ValidationError("where to? Give -o OUT or --dry-run") }
  }

  func run() throws {
    let session = Session(global)
    let limit: CutPlan.Limit
    if let toTime {
      limit = .time(try Moment(toTime, now: .now).seconds)
    } else if let before {
      limit = .before(index: before)
    } else {
      limit = .offset(toOffset ?? 0, file: file)
    }
    let input = try Input(path, fileSystem: session.fileSystem)
    session.notes(input.facts.notes)
    let log = try AppendOnlyLog.open(input.file, fileSystem: session.fileSystem)
    let plan: CutPlan
    do throws(ToolError) {
      plan = try session.withProgress(total: log.size) { () throws(ToolError) in
        try CutPlan(log, limit, fileSystem: session.fileSystem)
      }
    } catch {
      // Nobody knows by heart where else the log can be cut.
      if toTime != nil, error.status == .no { try tellChoices(log, session) }
      throw error
    }
    if plan.commandsWithoutTime > 0 {
      session.note(
        "\(plan.commandsWithoutTime) commands stand before the first time stamp, so nobody knows when "
          + "they were written; they are kept")
    }
    if plan.commandsOutOfOrder > 0 {
      session.note(
        "\(plan.commandsOutOfOrder) of the commands left out have times up to the one asked for: the "
          + "server's clock was set back")
    }
    var result: LogRewriteResult?
    if !dryRun, let output {
      result = try plan.rewrite.write(to: output, replacing: force, fileSystem: session.fileSystem)
    }
    if session.isJSON {
      try writeJSON(plan, result, session)
    } else {
      try session.print(text(plan, result))
    }
  }

  /// Where the log can be cut instead.
  private func tellChoices(_ log: AppendOnlyLog, _ session: Session) throws {
    let choices = CutChoices(log, fileSystem: session.fileSystem)
    if session.isJSON {
      try session.writeJSON { (json, output) throws(ToolError) in
        json.beginObject(&output)
        choices.writeJSON(&json, &output)
        json.endObject(&output)
      }
      return
    }
    if global.quiet { return }
    func text(_ time: Int64?) -> String {
      time.map { Moment(milliseconds: $0 * 1000).text } ?? "-"
    }
    var table = Table(.left, .right, .right, .left, .left)
    table.add("file", "--before", "--to-offset", "times", "last written")
    for part in choices.parts {
      let times: String
      if let stamps = part.stamps {
        times = "\(text(stamps.lowerBound)) to \(text(stamps.upperBound))"
      } else if let keys = part.keysInDump {
        times = "\(RecoveryWords.counted(keys, "key")) as of \(text(part.madeAt))"
      } else {
        times = "-"
      }
      table.add(
        KeyText.fileName(part.name),
        part.commands.map { "\($0.lowerBound)-\($0.upperBound + 1)" } ?? "-",
        part.commands == nil ? "-" : "\(part.bytes.lowerBound)-\(part.bytes.upperBound)", times,
        text(part.changedAt))
    }
    try session.print("where this log can be cut:\n" + table.text(indent: 2))
  }

  private func writeJSON(
    _ plan: CutPlan, _ result: LogRewriteResult?, _ session: Session
  ) throws {
    try session.writeJSON { (json, output) throws(ToolError) in
      json.beginObject(&output)
      json.field("commandsKept", plan.commandsKept, &output)
      json.field("commandsDropped", plan.commandsDropped, &output)
      json.field("time", plan.time < 0 ? nil : Int(plan.time), &output)
      json.field("file", plan.cut?.file, &output)
      json.field("offset", plan.cut?.offset, &output)
      json.field("bytes", plan.rewrite.bytesAfter, &output)
      json.field("written", result?.path, &output)
      json.endObject(&output)
    }
  }

  private func text(_ plan: CutPlan, _ result: LogRewriteResult?) -> String {
    var text = "\(plan.commandsKept) commands kept, "
    text += plan.commandsDropped.map { "\($0)" } ?? "an unknown number"
    text += " left out"
    if let cut = plan.cut {
      text += " (from byte \(cut.offset) of \(KeyText.fileName(cut.file)) on)"
    }
    if plan.time >= 0 {
      text += "; the last one was written at \(Moment(milliseconds: plan.time * 1000).text)"
    }
    text += "\n"
    if let result {
      text +=
        "\(KeyText.fileName(result.path)) written: \(ByteCount.text(result.bytesAfter)), was \(ByteCount.text(result.bytesBefore))\n"
    }
    return text
  }
}

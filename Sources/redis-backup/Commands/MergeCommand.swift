public import ArgumentParser
import Bytes
public import Operations
import RDB

extension Merge.Policy: ExpressibleByArgument {}

/// `redis-backup merge A B… -o OUT`
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Makes one RDB of several dumps or logs, such as the shards of a cluster.",
    discussion: """
      A key that several of them hold is an error, unless --on-duplicate says which is taken; \
      each such key is reported.

      Examples:
        redis-backup merge shard1.rdb shard2.rdb shard3.rdb -o all.rdb
        redis-backup merge new.rdb old.rdb --on-duplicate first -o all.rdb
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup var out: OutputOptions
  @Option(
    name: .long,
    help: ArgumentHelp(
      "What becomes of a key that is there more than once: first or last in the order given, newer "
        + "by the time the dump was made, or error.", valueName: "POLICY"))
  var onDuplicate = Merge.Policy.error
  @Option(
    name: .long,
    help: ArgumentHelp("The server that is to load it, such as redis:7.2.", valueName: "SERVER"))
  var target: String?
  @Argument(help: "RDBs, AOFs, manifests, directories of servers.")
  var paths: [String]

  func validate() throws {
    if paths.count < 2 { throw ValidationError("give two paths at least") }
  }

  func run() throws {
    let session = Session(global)
    var options = Merge.Options()
    options.policy = onDuplicate
    options.replacing = out.force
    options.target = try TargetOption.parse(target)
    if !out.force, session.fileSystem.exists(out.output) {
      throw ToolError(SystemError(.open, code: 17), file: out.output, role: .output)
    }
    let report = try session.withProgress(total: 0) { () throws(ToolError) in
      try Merge.run(paths, to: out.output, options, fileSystem: session.fileSystem)
    }
    session.notes(report.notes)
    for loss in report.lost { session.note("left out: \(loss)") }
    if session.isJSON {
      try writeJSON(report, session)
    } else {
      for duplicate in report.duplicates.prefix(session.isVerbose ? Int.max : 20) {
        session.note(
          "db \(duplicate.database), key \(KeyText.quoted(duplicate.key)) is in "
            + duplicate.inputs.map { KeyText.fileName($0) }.joined(separator: ", ")
            + (duplicate.taken.map { "; taken from \(KeyText.fileName($0))" } ?? ""))
      }
    }
    if report.isRefused {
      Terminal.writeError(
        "redis-backup: \(report.duplicateCount) keys are there more than once; nothing was made. "
          + "Try: --on-duplicate first, last or newer\n")
      throw AnswerIsNo()
    }
    if !session.isJSON && !global.quiet {
      try session.print(
        "\(report.keys) keys for \(report.target), \(report.bytes) bytes; "
          + "\(report.duplicateCount) were there more than once\n")
    }
  }

  private func writeJSON(_ report: Merge.Report, _ session: Session) throws {
    try session.writeJSON { json, output throws(ToolError) in
      json.beginObject(&output)
      json.field("keys", report.keys, &output)
      json.key("duplicates", &output)
      json.beginArray(&output)
      for duplicate in report.duplicates {
        json.beginObject(&output)
        json.field("db", duplicate.database, &output)
        json.key("key", &output)
        duplicate.key.withByteSlice { json.string($0, &output) }
        json.key("inputs", &output)
        json.beginArray(&output)
        for input in duplicate.inputs { json.string(input, &output) }
        json.endArray(&output)
        json.field("taken", duplicate.taken, &output)
        json.endObject(&output)
      }
      json.endArray(&output)
      json.field("duplicateCount", report.duplicateCount, &output)
      json.field("bytes", report.bytes, &output)
      json.field("target", report.target.description, &output)
      json.field("made", !report.isRefused, &output)
      json.endObject(&output)
    }
  }
}

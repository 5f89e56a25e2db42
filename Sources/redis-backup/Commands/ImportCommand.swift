import ArgumentParser
import Bytes
import Operations
import RDB

/// `redis-backup import PATH -o OUT`
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Makes an RDB or AOF of an export: data put right by hand comes back.",
    discussion: """
      Reads what `export --to jsonl` and `--to json` write. Names come in any order, blanks \
      anywhere; what is optional may be missing. What `export --all` adds (functions, AUX fields, \
      data of modules, idle times and frequencies) comes back too.
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An export, also compressed, or - for standard input.")
  var path: String
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file or directory to make; - for standard output.", valueName: "OUT"))
  var output: String
  @Flag(name: .long, help: "Replace OUT when it is there already; never a directory.")
  var force = false
  @Option(name: .long, help: "What is made.")
  var to = Convert.Form.rdb
  @Option(
    name: .long,
    help: ArgumentHelp(
      """
      The server that is to load it, such as redis:7.2 or valkey:9.0; without it the one that the \
      export names, or the oldest from redis:7.2 on that can hold all.
      """, valueName: "SERVER"))
  var target: String?
  @Flag(name: .long, help: "Strings are bare base64 text, as `export --base64` writes them.")
  var base64 = false
  @Flag(name: .long, help: "Leave out what the target can not hold, and tell what it was.")
  var lossy = false
  @Flag(name: .long, help: "In commands, write values as RESTORE of a payload.")
  var restorePayloads = false
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup var expiry: ExpiryOptions

  func validate() throws {
    if keys.minSize != nil { throw ValidationError("--min-size means nothing for an export") }
  }

  func run() throws {
    let session = Session(global)
    var options = Convert.Options()
    options.form = to
    options.replacing = force
    options.lossy = lossy
    options.restoresPayloads = restorePayloads
    options.selection = try keys.selection()
    options.expiredBefore = try expiry.limit()
    if let target {
      guard let known = RDBTarget(target) else {
        throw ToolError.usage(
          "--target \(target) is no server", remedy: "Try: --target redis:7.2 or valkey:9.0")
      }
      options.target = known
    }
    if output == "-" && to == .multiPart {
      throw ToolError.usage("a multi-part log is a directory and can not go to standard output")
    }
    if output == "-" && global.json {
      throw ToolError.usage("--json and -o - both want standard output")
    }
    session.beginProgress(total: 0)
    let report: Convert.Report
    do {
      defer { session.endProgress() }
      report = try Import.run(
        path, to: output, options, base64: base64,
        standardOutput: output == "-" ? StandardOutput() : nil, fileSystem: session.fileSystem)
    }
    session.notes(report.notes)
    try answer(report, session, isEverything: options.selection.isEverything)
  }

  private func answer(
    _ report: Convert.Report, _ session: Session, isEverything: Bool
  ) throws {
    if session.isJSON {
      try session.writeJSON { json, out throws(ToolError) in
        json.beginObject(&out)
        json.field("keys", report.keys, &out)
        json.key("lost", &out)
        json.beginArray(&out)
        for loss in report.lost {
          json.beginObject(&out)
          json.field("db", loss.database, &out)
          json.key("key", &out)
          if let key = loss.key {
            key.withByteSlice { json.string($0, &out) }
          } else {
            json.null(&out)
          }
          json.field("what", loss.what, &out)
          json.endObject(&out)
        }
        json.endArray(&out)
        json.field("lostCount", report.lostCount, &out)
        json.field("bytes", report.bytes, &out)
        json.field("target", report.target.description, &out)
        json.field("made", !report.isRefused, &out)
        json.endObject(&out)
      }
    } else {
      for loss in report.lost.prefix(20) {
        let place =
          loss.key.map { "db \(loss.database ?? 0), key \(KeyText.quoted($0)): " } ?? ""
        session.note("\(lossy ? "left out" : "can not be held"): \(place)\(loss.what)")
      }
      if report.lostCount > 20 { session.note("and \(report.lostCount - 20) more") }
    }
    if report.isRefused {
      Terminal.writeError(
        "redis-backup: \(report.target) can not hold all of \(KeyText.shellWord(path)); "
          + "\(output == "-" ? "stopped" : "nothing was made"). Try: a newer --target, or --lossy\n"
      )
      throw AnswerIsNo()
    }
    if !session.isJSON && !global.quiet && output != "-" {
      try session.print("\(report.keys) keys for \(report.target), \(report.bytes) bytes\n")
    }
    if report.keys == 0 && !isEverything { throw AnswerIsNo() }
  }
}

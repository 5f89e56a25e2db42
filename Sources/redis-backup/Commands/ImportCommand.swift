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

      Examples:
        redis-backup import data.jsonl -o dump.rdb
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
    options.target = try TargetOption.parse(target)
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
    try session.tell(
      report, of: path, output, isEverything: options.selection.isEverything)
  }
}

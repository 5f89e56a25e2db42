public import ArgumentParser
import Bytes
public import Operations
import RDB

extension Convert.Form: ExpressibleByArgument {}

/// `redis-backup convert PATH -o OUT --to FORM`
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Converts between formats, and between releases of Redis and Valkey.",
    discussion: """
      rdb is a dump, aof one file of commands, multi-part the directory that a server with \
      appendonly yes keeps, resp commands for redis-cli --pipe. What the target can not hold is \
      listed key by key, and nothing is made unless --lossy is given. With a selection of keys \
      only those are written, without functions.

      Examples:
        redis-backup convert appendonly.aof --to rdb -o dump.rdb
        redis-backup convert dump.rdb --to rdb --target redis:6.2 -o old.rdb
        redis-backup convert dump.rdb --to resp --key 'user:*' -o - | redis-cli --pipe
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String
  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp(
      "The file or directory to make; - for standard output.", valueName: "OUT"))
  var output: String
  @Option(name: .long, help: "rdb, aof, multi-part or resp.")
  var to: Convert.Form
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The server that is to load it, such as redis:6.2 or valkey:9.0; without it the release that "
        + "wrote PATH.", valueName: "SERVER"))
  var target: String?
  @Flag(name: .long, help: "Leave out what the target can not hold instead of refusing.")
  var lossy = false
  @Flag(name: .long, help: "In commands, write values as RESTORE of a payload.")
  var restorePayloads = false
  @Flag(
    name: .long,
    help: "Read OUT back before it gets its name, and compare it with PATH key by key.")
  var verify = false
  @Flag(name: .long, help: "Replace OUT when it is there already.")
  var force = false
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup var expiry: ExpiryOptions
  @OptionGroup var replay: ReplayOptions

  func validate() throws {
    if restorePayloads && (to == .rdb || to == .multiPart) {
      throw ValidationError("--restore-payloads means something only with --to aof or resp")
    }
    if verify && (output == "-" || path == "-") {
      throw ValidationError("--verify reads PATH and OUT twice: neither can be -")
    }
    if output == "-" && global.json { throw ValidationError("--json needs a file as OUT") }
    if output == "-" && to == .multiPart {
      throw ValidationError("a directory needs a name as OUT")
    }
  }

  func run() throws {
    let session = Session(global)
    var options = Convert.Options()
    options.form = to
    options.target = try TargetOption.parse(target)
    options.lossy = lossy
    options.restoresPayloads = restorePayloads
    options.replacing = force
    options.verifies = verify
    options.selection = try keys.selection()
    options.expiredBefore = try expiry.limit()
    if output != "-", !force, session.fileSystem.exists(output), to != .multiPart {
      // Told before long work, not behind it.
      throw ToolError(SystemError(.open, code: 17), file: output, role: .output)
    }
    let opened = try Input(path, fileSystem: session.fileSystem)
    session.beginProgress(total: InfoCommand.total(path))
    defer { session.endProgress() }
    let input = try DataInput(
      opened, replaying: replay.options(now: options.now), fileSystem: session.fileSystem)
    let report = try Convert.run(
      input, to: output, options, standardOutput: StandardOutput(),
      fileSystem: session.fileSystem)
    session.endProgress()
    try session.tell(
      report, of: path, output, isEverything: options.selection.isEverything)
  }
}

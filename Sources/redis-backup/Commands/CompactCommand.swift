public import ArgumentParser
import Bytes
public import Operations

extension Compact.Form: ExpressibleByArgument {}

/// `redis-backup compact PATH -o OUT`
struct CompactCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Makes the smallest log with the same data, without a server.")

  @OptionGroup var global: GlobalOptions
  @OptionGroup var expiry: ExpiryOptions
  @Argument(help: "An AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String
  @Option(
    name: .shortAndLong, help: ArgumentHelp("The file or directory to make.", valueName: "OUT"))
  var output: String?
  @Flag(name: .long, help: "Replace OUT when it is there already.")
  var force = false
  @Flag(
    name: .long,
    help: "Replace PATH itself; what it was stays beside it as NAME.before-TIME.")
  var inPlace = false
  @Option(name: .long, help: "aof, rdb or multi-part.")
  var `as` = Compact.Form.aof
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The server that is to load it, such as redis:6.2 or valkey:9.0.", valueName: "SERVER"))
  var target: String?
  @Flag(name: .long, help: "Refuse a log with commands that a server answers with an error.")
  var strict = false
  @Flag(name: .long, help: "Leave out what the target can not hold instead of refusing.")
  var lossy = false
  @Flag(name: .long, help: "Only tell how much smaller it would be.")
  var dryRun = false
  @OptionGroup var memory: MemoryOptions

  func validate() throws {
    if !dryRun && (output == nil) == !inPlace {
      throw ValidationError("one of -o OUT, --in-place and --dry-run is needed")
    }
  }

  func run() throws {
    let session = Session(global)
    var options = Compact.Options()
    options.form = self.as
    options.target = target
    options.expiredBefore = try expiry.limit()
    options.strict = strict
    options.lossy = lossy
    options.replacing = force
    options.dryRun = dryRun
    options.inPlace = inPlace
    options.memoryLimit = try memory.limit()
    options.temporaryDirectory = MemoryOptions.directory
    session.beginProgress(total: 0)
    let report = try Compact.run(
      path, to: output ?? path, options, fileSystem: session.fileSystem)
    session.endProgress()
    session.notes(report.notes)
    if session.isJSON {
      try session.writeJSON { json, out throws(ToolError) in
        json.beginObject(&out)
        json.key("bytesBefore", &out)
        json.number(report.bytesBefore, &out)
        json.key("bytesAfter", &out)
        json.number(report.bytesAfter, &out)
        json.key("commandsBefore", &out)
        json.number(report.commandsBefore, &out)
        json.key("commandsAfter", &out)
        json.number(report.commandsAfter, &out)
        json.key("keys", &out)
        json.number(report.keys, &out)
        json.key("digest", &out)
        json.string(report.stateHash, &out)
        json.key("lost", &out)
        json.beginArray(&out)
        for line in report.lost { json.string(line, &out) }
        json.endArray(&out)
        json.endObject(&out)
      }
      return
    }
    guard !global.quiet else { return }
    let percent = report.bytesBefore > 0 ? 100 * report.bytesAfter / report.bytesBefore : 100
    let verb = dryRun ? "would become" : "became"
    try session.print(
      "\(report.bytesBefore) bytes, \(report.commandsBefore) commands \(verb) \(report.bytesAfter) "
        + "bytes, \(report.commandsAfter) commands (\(percent) %); \(report.keys) keys\n")
    for line in report.lost { try session.print("left out: \(line)\n") }
  }
}

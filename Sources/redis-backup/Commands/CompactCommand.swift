public import ArgumentParser
import Bytes
public import Operations

extension Compact.Form: ExpressibleByArgument {}

/// `redis-backup compact PATH -o OUT`
struct CompactCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Makes the smallest log with the same data, without a server.",
    discussion: """
      What BGREWRITEAOF of a server would write, or a dump. The result is read back and compared \
      before it gets its name.

      Examples:
        redis-backup compact appendonlydir -o small
        redis-backup compact appendonly.aof --keep-unknown -o small.aof
      """)

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
  @Flag(
    name: .long,
    help:
      "Keep commands that are not known (of modules, of newer servers) as they are, in order, with all that touches the same keys, instead of refusing the log."
  )
  var keepUnknown = false
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
    options.keepsUnknown = keepUnknown
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
        json.key("kept", &out)
        if let verbatim = report.verbatim {
          verbatim.write(&json, &out)
        } else {
          json.null(&out)
        }
        json.endObject(&out)
      }
      return
    }
    guard !global.quiet else { return }
    let percent = report.bytesBefore > 0 ? 100 * report.bytesAfter / report.bytesBefore : 100
    let verb = dryRun ? "would become" : "became"
    let counted = RecoveryWords.counted
    let after = self.as == .rdb ? "" : ", " + counted(report.commandsAfter, "command")
    try session.print(
      "\(report.bytesBefore) bytes, \(counted(report.commandsBefore, "command")) \(verb) "
        + "\(report.bytesAfter) bytes\(after) (\(percent) %); \(counted(report.keys, "key"))\n")
    if let verbatim = report.verbatim {
      for line in verbatim.lines(isDryRun: dryRun) { try session.print(line + "\n") }
    }
    for line in report.lost { try session.print("left out: \(line)\n") }
  }
}

extension Compact.Verbatim {
  /// What is said of commands that were kept.
  func lines(isDryRun: Bool) -> [String] {
    let one = unknownCommands == 1
    var lines = [
      "kept as they stand: \(unknownCommands) \(one ? "command that is" : "commands that are") not known, "
        + names
    ]
    if let first = unknown.first {
      lines.append(
        "  the first at \(KeyText.fileName(first.file)): byte \(first.offset) (command \(first.command)), "
          + "db \(first.database)")
    }
    let verb = isDryRun ? "would be kept" : "kept"
    lines.append(
      "  \(keys) \(keys == 1 ? "key" : "keys") that they may touch \(verb) with \(knownCommands) other "
        + "\(knownCommands == 1 ? "command" : "commands"), \(bytes) bytes in all")
    return lines
  }

  func write(_ json: inout JSONWriter, _ out: inout OutputBuffer) {
    json.beginObject(&out)
    json.key("unknownCommands", &out)
    json.number(unknownCommands, &out)
    json.key("unknown", &out)
    json.beginArray(&out)
    for name in unknown {
      json.beginObject(&out)
      json.key("command", &out)
      name.name.withByteSlice { json.string($0, &out) }
      json.key("count", &out)
      json.number(name.count, &out)
      json.key("file", &out)
      json.string(name.file, &out)
      json.key("offset", &out)
      json.number(name.offset, &out)
      json.key("index", &out)
      json.number(name.command, &out)
      json.key("db", &out)
      json.number(name.database, &out)
      json.endObject(&out)
    }
    json.endArray(&out)
    json.key("keys", &out)
    json.number(keys, &out)
    json.key("otherCommands", &out)
    json.number(knownCommands, &out)
    json.key("bytes", &out)
    json.number(bytes, &out)
    json.endObject(&out)
  }
}

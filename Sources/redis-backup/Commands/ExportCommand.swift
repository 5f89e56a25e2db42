public import ArgumentParser
import Bytes
public import Operations

/// `redis-backup export PATH`
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes the data for other programs, as JSON or CSV.",
    discussion: """
      jsonl is one object a line, json one array of the same objects, csv one line an element \
      (without modules and without the groups of streams). Strings that are no UTF-8 become \
      {"base64":"…"}; with --base64 every string is the bare base64 text.

      Examples:
        redis-backup export dump.rdb -o data.jsonl
        redis-backup export appendonly.aof --key 'user:*' --to csv
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String
  @Option(name: .long, help: "The form of the text.")
  var to = Export.Format.jsonl
  @Flag(name: .long, help: "Write every string as base64.")
  var base64 = false
  @Flag(
    name: .long,
    help: """
      Also idle times, frequencies and types of the file, and AUX fields, functions and data of \
      modules as objects of their own.
      """)
  var all = false
  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The file to make; standard output without it.", valueName: "OUT"))
  var target: String?
  @Flag(name: .long, help: "Replace OUT when it is there already.")
  var force = false
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup var expiry: ExpiryOptions
  @OptionGroup var replay: ReplayOptions

  func validate() throws {
    if force && target == nil { throw ValidationError("--force means something only with -o") }
    if all && to == .csv { throw ValidationError("--all needs a form of JSON") }
  }

  func run() throws {
    let session = Session(global)
    var options = Export.Options()
    options.format = global.json && to == .jsonl ? .json : to
    options.base64 = base64
    options.all = all
    options.selection = try keys.selection()
    options.expiredBefore = try expiry.limit()
    let opened = try Input(path, fileSystem: session.fileSystem)
    session.beginProgress(total: InfoCommand.total(path))
    defer { session.endProgress() }
    let result: Export.Result
    if let target {
      var output = try ToolError.wrap(target, .output) { () throws(SystemError) in
        try AtomicOutput(target, replacing: force, fileSystem: session.fileSystem)
      }
      let input = try DataInput(
        opened, replaying: replay.options(), fileSystem: session.fileSystem)
      session.notes(input.notes)
      result = try Export.write(input, to: &output.buffer, options, target: target)
      try ToolError.wrap(target, .output) { () throws(SystemError) in
        try output.commit(replacing: force)
      }
    } else {
      var output = OutputBuffer(StandardOutput())
      let input = try DataInput(
        opened, replaying: replay.options(), fileSystem: session.fileSystem)
      session.notes(input.notes)
      result = try Export.write(input, to: &output, options, target: "standard output")
    }
    session.endProgress()
    session.notes(result.notes)
    if result.left.modules > 0 {
      session.note("\(result.left.modules) values of modules have no form in CSV and were left out")
    }
    if result.left.groups > 0 {
      session.note("\(result.left.groups) groups of streams have no form in CSV and were left out")
    }
    if result.keys == 0 && !options.selection.isEverything { throw AnswerIsNo() }
  }
}

extension Export.Format: ExpressibleByArgument {}

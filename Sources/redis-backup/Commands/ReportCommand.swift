public import ArgumentParser
import Bytes
public import Operations

/// `redis-backup report PATH`
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Tells what takes the room: prefixes, types, encodings, expiry, biggest keys.",
    discussion: """
      One pass, in memory that does not grow with the data. Parts of names that look like ids \
      (numbers, UUIDs, tokens) become *, so that user:17:cart and user:18:cart are both below \
      user:*:cart, which can be given to --key. Memory is an estimate of what MEMORY USAGE of \
      Redis 7.0 would tell; bytes are those in the file, of a log those of the elements. With more \
      than 16384 prefixes at a time their numbers are lower bounds, and the report says by how much.

      Examples:
        redis-backup report dump.rdb
        redis-backup report dump.rdb -o report.html
        redis-backup report appendonlydir --sort size --depth 2 --expires none
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(
    help:
      "An RDB, an AOF, a manifest, a directory of a server, a backup, or - for standard input.")
  var path: String
  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp(
      "Make a page of it: one file of HTML, without scripts.", valueName: "FILE.html"))
  var target: String?
  @Flag(name: .long, help: "Replace FILE.html when it is there already.")
  var force = false
  @Option(
    name: .long, help: "Rank by estimated memory, by bytes in the file, or by elements.")
  var sort = KeyspaceReport.Ranking.memory
  @Option(
    name: .long, help: ArgumentHelp("So many prefixes and biggest keys.", valueName: "N"))
  var top = 20
  @Option(
    name: .long,
    help: ArgumentHelp("Every one of these characters ends a part of a name.", valueName: "CHARS"))
  var separator = ":"
  @Option(
    name: .long, help: ArgumentHelp("Prefixes of so many parts at most, 0 to 16.", valueName: "N"))
  var depth = 4
  @Flag(name: .long, help: "Leave ids in names as they are.")
  var literal = false
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup var expiry: ExpiryOptions
  @OptionGroup var replay: ReplayOptions

  func validate() throws {
    if top < 1 { throw ValidationError("--top \(top) lists nothing") }
    if !(0...16).contains(depth) { throw ValidationError("--depth \(depth) is not 0 to 16") }
    if separator.isEmpty || !separator.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) {
      throw ValidationError("--separator takes one or more characters of ASCII")
    }
    if force && target == nil { throw ValidationError("--force means something only with -o") }
  }

  func run() throws {
    let session = Session(global)
    var options = KeyspaceReport.Options()
    options.selection = try keys.selection()
    options.expiredBefore = try expiry.limit()
    options.now = options.expiredBefore ?? Moment.now.milliseconds
    options.ranking = sort
    options.top = top
    options.separators = Array(separator.utf8)
    options.depth = depth
    options.isLiteral = literal
    let opened = try Input(path, fileSystem: session.fileSystem)
    session.beginProgress(total: InfoCommand.total(path))
    defer { session.endProgress() }
    var page: AtomicOutput?
    if let target {
      page = try ToolError.wrap(target, .output) { () throws(SystemError) in
        try AtomicOutput(target, replacing: force, fileSystem: session.fileSystem)
      }
    }
    let input = try DataInput(opened, replaying: replay.options(), fileSystem: session.fileSystem)
    session.notes(input.notes)
    let file = input.facts.file == "-" ? "standard input" : input.facts.file
    let report = try KeyspaceReport(input, options)
    session.endProgress()
    if var page, let target {
      ReportPage(report, title: KeyText.fileName(file)).write(to: &page.buffer)
      try ToolError.wrap(target, .output) { () throws(SystemError) in
        try page.commit(replacing: force)
      }
      if !session.isJSON { session.note("the page is \(KeyText.shellWord(target))") }
    }
    if session.isJSON {
      try ReportJSON(report, file: file).write(session)
    } else if target == nil {
      try session.print(ReportTable(report, session.terminal).text(file))
    }
    if report.total.keys == 0 && !options.selection.isEverything { throw AnswerIsNo() }
  }
}

extension KeyspaceReport.Ranking: ExpressibleByArgument {}

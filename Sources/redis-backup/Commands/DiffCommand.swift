import ArgumentParser
import Bytes
import Operations

/// `redis-backup diff A B`
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Tells what changed between two files: keys, fields, members, entries, expiry.",
    discussion: """
      One line a key: `-` only in A, `+` only in B, `~` in both and different, with what differs \
      below it; then counts by prefix. Formats, versions, encodings and order do not matter. \
      --patch writes the commands that turn A into B, for redis-cli --pipe. Exit 1 when they \
      differ.

      Examples:
        redis-backup diff yesterday.rdb today.rdb
        redis-backup diff yesterday.rdb today.rdb --patch | redis-cli --pipe
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or an export.")
  var a: String
  @Argument(help: "The same, to compare with. One of the two may be - for standard input.")
  var b: String
  @Flag(name: .long, help: "Only counts, by prefix.")
  var stat = false
  @Flag(name: .long, help: "Write commands that turn A into B.")
  var patch = false
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where --patch goes; standard output without it.", valueName: "OUT"))
  var output: String?
  @Flag(name: .long, help: "Replace OUT when it is there already.")
  var force = false
  @Option(
    name: .long,
    help: ArgumentHelp("The byte at which the prefix of a key ends.", valueName: "C"))
  var separator = ":"
  @OptionGroup(title: "What counts") var comparison: ComparisonOptions
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup var expiry: ExpiryOptions

  func validate() throws {
    if keys.minSize != nil {
      throw ValidationError("--min-size means other things in each format, and nothing here")
    }
    if stat && patch { throw ValidationError("--stat and --patch are two answers") }
    if patch && global.json { throw ValidationError("--json and --patch are two answers") }
    if output != nil && !patch { throw ValidationError("-o means something only with --patch") }
    if force && output == nil { throw ValidationError("--force means something only with -o") }
    if separator.utf8.count != 1 { throw ValidationError("--separator is one ASCII character") }
    if a == "-" && b == "-" {
      throw ValidationError("only one of the two can be standard input")
    }
  }

  func run() throws {
    let session = Session(global)
    var options = Diff.Options()
    options.ignored = try comparison.ignored()
    options.selection = try keys.selection()
    options.expiredBefore = try expiry.limit()
    options.separator = separator.utf8.first ?? 0x3A
    // The counts of a --stat in JSON stand in the document of JSON.
    options.form = patch ? .patch : session.isJSON ? .json : stat ? .stat : .text
    session.beginProgress(total: 0)
    defer { session.endProgress() }
    let now = options.expiredBefore ?? Moment.now.milliseconds
    let first = try ComparedState(
      a, base64: comparison.base64, now: now, fileSystem: session.fileSystem)
    let second = try ComparedState(
      b, base64: comparison.base64, now: now, fileSystem: session.fileSystem)
    session.endProgress()
    let report: Diff.Report
    if let output {
      var file = try ToolError.wrap(output, .output) { () throws(SystemError) in
        try AtomicOutput(output, replacing: force, fileSystem: session.fileSystem)
      }
      report = try Diff.run(first, second, options, to: &file.buffer, named: output)
      try ToolError.wrap(output, .output) { () throws(SystemError) in
        try file.commit(replacing: force)
      }
    } else {
      var out = OutputBuffer(StandardOutput())
      report = try Diff.run(first, second, options, to: &out)
    }
    session.notes(report.notes)
    for text in report.excused { session.note("not held by both formats: \(text)") }
    for text in report.impossible { session.note("no command brings it about: \(text)") }
    if !patch && !session.isJSON && !global.quiet { try tell(report, session) }
    if !report.isEqual { throw AnswerIsNo() }
  }

  private func tell(_ report: Diff.Report, _ session: Session) throws {
    let total = report.total
    if report.isEqual {
      try session.print("the same: \(report.keysOfA) keys\n")
      return
    }
    var table = Table(.left, .right, .right, .right, .right)
    table.add("prefix", "only A", "only B", "changed", "only expiry")
    for (prefix, count) in report.prefixes.prefix(stat ? 1000 : 20) {
      let name = prefix.map { $0.isEmpty ? "(none)" : KeyText.quoted($0) } ?? "(others)"
      table.add(
        name, "\(count.onlyA)", "\(count.onlyB)", "\(count.changed)", "\(count.onlyExpiry)")
    }
    if report.prefixes.count > 1 {
      table.add(
        "all", "\(total.onlyA)", "\(total.onlyB)", "\(total.changed)", "\(total.onlyExpiry)")
    }
    try session.print((stat ? "" : "\n") + table.text())
  }
}

import ArgumentParser
import Bytes
import Operations
import RDB

/// `redis-backup check PATH`
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks structure and checksum; --deep every element of every value.",
    discussion: """
      Tells the first bad byte and how much before it is good. Exit code 1 when something is \
      damaged.

      Examples:
        redis-backup check dump.rdb --deep
        redis-backup check /var/lib/redis --json
        zstdcat dump.rdb.zst | redis-backup check -
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String
  @Flag(name: .long, help: "Decompress every string and look at every element of every value.")
  var deep = false

  func run() throws {
    let session = Session(global)
    session.beginProgress(total: InfoCommand.total(path))
    defer { session.endProgress() }
    let checks = try PathCheck.everything(
      at: path, deep: deep, fileSystem: session.fileSystem)
    let isOK = checks.allSatisfy(\.isOK)
    if session.isJSON {
      try session.writeJSON { json, output in CheckJSON.write(checks, &json, &output) }
    } else {
      for check in checks { try report(check, session) }
    }
    if !isOK { throw AnswerIsNo() }
  }

  private func report(_ check: PathCheck, _ session: Session) throws(ToolError) {
    session.notes(check.facts.notes)
    session.endProgress()
    for finding in check.report.findings {
      if finding.severity == .unusual {
        session.note("note: " + finding.error.line)
      } else {
        Terminal.writeError("redis-backup: \(withRemedy(finding.error, check).line)\n")
      }
    }
    if check.report.omitted > 0 { session.note("\(check.report.omitted) more findings") }
    if check.isOK {
      if !global.quiet { try session.print(summary(check, session.terminal)) }
    } else {
      session.note(
        "\(name(check)): the first \(check.goodBytes) of \(check.bytes) bytes are good")
    }
  }

  /// The error, with the command line that saves what can be saved, unless it says something better.
  private func withRemedy(_ error: ToolError, _ check: PathCheck) -> ToolError {
    if check.facts.file == "-" || error.line.contains("Try: ") { return error }
    let path = KeyText.shellWord(check.facts.file)
    return error.advising("Try: redis-backup repair \(path) -o OUT")
  }

  private func name(_ check: PathCheck) -> String {
    check.facts.file == "-" ? "standard input" : KeyText.fileName(check.facts.file)
  }

  private func summary(_ check: PathCheck, _ terminal: Terminal) -> String {
    var parts: [String] = []
    func count(_ number: Int, _ one: String) {
      parts.append("\(number) \(one)\(number == 1 ? "" : "s")")
    }
    if let keys = check.keys { count(keys, "key") }
    if let commands = check.commands { count(commands, "command") }
    if parts.isEmpty { parts.append("empty") }
    switch check.report.checksum {
    case .verified: parts.append("checksum right")
    case .notComputed: parts.append("written without checksum")
    case .absent, nil: break
    }
    count(check.bytes, "byte")
    return "\(name(check)): \(terminal.paint("good", .good)), " + parts.joined(separator: ", ")
      + "\n"
  }
}

/// What `check --json` says. The names are a contract.
enum CheckJSON {
  static func write(
    _ checks: [PathCheck], _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    let first = checks[0]
    json.beginObject(&output)
    json.field("ok", checks.allSatisfy(\.isOK), &output)
    json.field("path", first.facts.path, &output)
    json.field("file", first.facts.file, &output)
    json.field("bytes", first.bytes, &output)
    json.field("goodBytes", first.goodBytes, &output)
    json.field("keys", first.keys, &output)
    json.field("commands", first.commands, &output)
    json.key("files", &output)
    json.beginArray(&output)
    for part in checks.flatMap(\.parts) {
      json.beginObject(&output)
      json.field("file", part.path, &output)
      json.field("bytes", part.bytes, &output)
      json.field("goodBytes", part.goodBytes, &output)
      json.endObject(&output)
    }
    json.endArray(&output)
    let findings = checks.flatMap(\.report.findings)
    ProblemJSON.write(
      "problems", findings.filter { $0.severity > .unusual }.map(\.error), &json, &output)
    ProblemJSON.write(
      "notes", findings.filter { $0.severity == .unusual }.map(\.error), &json, &output)
    json.field("problemCount", checks.reduce(0) { $0 + $1.report.damages }, &output)
    json.endObject(&output)
  }
}

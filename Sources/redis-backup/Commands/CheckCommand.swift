import AOF
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
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String
  @Flag(name: .long, help: "Decompress every string and look at every element of every value.")
  var deep = false

  func run() throws {
    let session = Session(global)
    var options = Survey.Options()
    options.isDeep = deep
    options.countsNames = false
    session.beginProgress(total: InfoCommand.total(path))
    defer { session.endProgress() }
    let surveys = try Survey.everything(at: path, options, fileSystem: session.fileSystem)
    let isOK = surveys.allSatisfy(\.isOK)
    for survey in surveys { session.notes(survey.notes) }
    if session.isJSON {
      try session.writeJSON { json, output in CheckJSON.write(surveys, &json, &output) }
    } else {
      for survey in surveys { try report(survey, session) }
    }
    if !isOK { throw AnswerIsNo() }
  }

  private func report(_ survey: Survey, _ session: Session) throws(ToolError) {
    if survey.isOK {
      if !global.quiet { try session.print(summary(survey, session.terminal)) }
      return
    }
    session.endProgress()
    for problem in survey.problems { Terminal.writeError("redis-backup: \(problem.line)\n") }
    if survey.problemCount > survey.problems.count {
      session.note("\(survey.problemCount - survey.problems.count) more problems")
    }
    session.note(good(survey))
  }

  private func summary(_ survey: Survey, _ terminal: Terminal) -> String {
    var parts: [String] = []
    if let dump = survey.dump { parts.append("\(dump.keys) \(dump.keys == 1 ? "key" : "keys")") }
    if let log = survey.log {
      parts.append("\(log.commands) \(log.commands == 1 ? "command" : "commands")")
    }
    if parts.isEmpty { parts.append("empty") }
    switch survey.dump?.checksum {
    case .verified: parts.append("checksum right")
    case .notComputed: parts.append("written without checksum")
    case .absent, nil: break
    }
    parts.append("\(survey.bytesRead) bytes")
    let file = survey.facts.file == "-" ? "standard input" : survey.facts.file
    return "\(KeyText.fileName(file)): \(terminal.paint("good", .good)), "
      + parts.joined(separator: ", ") + "\n"
  }

  private func good(_ survey: Survey) -> String {
    for part in survey.parts where !part.isWhole {
      let name = part.path == "-" ? "standard input" : KeyText.fileName(part.path)
      let what =
        part.log.map { "\($0.commands) whole commands" } ?? "\(part.dump?.keys ?? 0) keys"
      return "\(name): the first \(part.goodBytes) of \(part.bytesRead) bytes are good: \(what)"
    }
    return "\(survey.goodBytes) of \(survey.bytesRead) bytes are good"
  }
}

/// What `check --json` says. The names are a contract.
enum CheckJSON {
  static func write(
    _ surveys: [Survey], _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    let first = surveys[0]
    json.beginObject(&output)
    json.field("ok", surveys.allSatisfy(\.isOK), &output)
    json.field("path", first.facts.path, &output)
    json.field("file", first.facts.file, &output)
    json.field("bytes", first.bytesRead, &output)
    json.field("goodBytes", first.goodBytes, &output)
    json.field("keys", first.dump?.keys, &output)
    json.field("commands", first.log?.commands, &output)
    json.key("files", &output)
    json.beginArray(&output)
    for survey in surveys {
      for part in survey.parts { InfoJSON.writePart(part, &json, &output) }
    }
    json.endArray(&output)
    ProblemJSON.write(surveys, &json, &output)
    json.endObject(&output)
  }
}

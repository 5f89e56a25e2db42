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
    let input = try Input(path, fileSystem: session.fileSystem)
    var options = Survey.Options()
    options.isDeep = deep
    session.beginProgress(total: InfoCommand.total(input.facts))
    defer { session.endProgress() }
    let survey = try Survey(input, options, fileSystem: session.fileSystem)
    session.notes(survey.notes)
    if session.isJSON {
      try session.writeJSON { json, output in
        json.beginObject(&output)
        json.field("ok", survey.isOK, &output)
        json.field("path", survey.facts.path, &output)
        json.field("file", survey.facts.file, &output)
        json.field("bytes", survey.bytesRead, &output)
        json.field("goodBytes", survey.goodBytes, &output)
        json.field("keys", survey.dump?.keys, &output)
        json.field("commands", survey.log?.commands, &output)
        ProblemJSON.write(survey, &json, &output)
        json.endObject(&output)
      }
    } else if survey.isOK {
      if !global.quiet { try session.print(summary(survey, session.terminal)) }
    } else {
      for problem in survey.problems { Terminal.writeError("redis-backup: \(problem.line)\n") }
      if survey.problemCount > survey.problems.count {
        session.note("\(survey.problemCount - survey.problems.count) more problems")
      }
      session.note(good(survey))
    }
    if !survey.isOK { throw AnswerIsNo() }
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

import AOF
import ArgumentParser
import Bytes
import Operations

/// `redis-backup info PATH`
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract:
      "Tells what a file or directory is, what it would restore, and whether it would load.",
    discussion: """
      PATH is recognised by its content. In the directory of a server every file that a server \
      could load is told. Exit code 1 when something is damaged.
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String

  func run() throws {
    let session = Session(global)
    let input = try Input(path, fileSystem: session.fileSystem)
    session.beginProgress(total: Self.total(input.facts))
    defer { session.endProgress() }
    let survey = try Survey(input, fileSystem: session.fileSystem)
    let others = try surveyOthers(survey.facts, session)
    if session.isJSON {
      try session.writeJSON { json, output in
        InfoJSON.write(survey, others, &json, &output)
      }
    } else {
      try session.print(InfoText(session.terminal).text(survey, others))
    }
    session.notes(others.isEmpty ? survey.notes : [])
    if !survey.isOK || others.contains(where: { !$0.isOK }) { throw AnswerIsNo() }
  }

  /// What else lies in the directory that a server could load.
  private func surveyOthers(
    _ facts: InputFacts, _ session: Session
  ) throws(ToolError) -> [Survey] {
    guard let directory = facts.directory else { return [] }
    var surveys: [Survey] = []
    for entry in directory.entries {
      let path = FilePath.join(directory.path, entry.name)
      let isChosen = facts.file == path || facts.file.hasPrefix(path + "/")
      guard !isChosen, [.rdb, .aof, .logDirectory].contains(entry.role) else { continue }
      surveys.append(
        try Survey(
          Input(path, fileSystem: session.fileSystem), fileSystem: session.fileSystem))
    }
    return surveys
  }

  /// How many bytes will be read.
  static func total(_ facts: InputFacts) -> Int {
    if case .multiPart(let manifest) = facts.kind {
      return manifest.loaded.reduce(0) { sum, entry in
        let path = FilePath.join(facts.logDirectory, entry.name)
        return sum + ((try? SystemFileSystem().status(of: path, followLinks: true).size) ?? 0)
      }
    }
    return facts.bytesOnDisk ?? 0
  }
}

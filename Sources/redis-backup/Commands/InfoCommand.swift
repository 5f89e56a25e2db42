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
      could load is told. What the commands of a log amount to takes replaying them, which is done \
      with --replay only. Exit code 1 when something is damaged.

      Examples:
        redis-backup info dump.rdb
        redis-backup info /var/lib/redis
        redis-backup info appendonlydir --replay
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String
  @Flag(
    name: .long,
    help: """
      Also replay a log: the keys at its end, how many bytes of it are alive, and how much compact \
      would save.
      """)
  var replay = false

  func run() throws {
    let session = Session(global)
    session.beginProgress(total: Self.total(path))
    defer { session.endProgress() }
    let surveys = try Survey.everything(at: path, fileSystem: session.fileSystem)
    let others = Array(surveys.dropFirst())
    let yield = try replayed(surveys[0], session)
    if session.isJSON {
      try session.writeJSON { json, output in
        InfoJSON.write(surveys[0], others, yield, &json, &output)
      }
    } else {
      try session.print(InfoText(session.terminal).text(surveys[0], others, yield))
    }
    session.notes(others.isEmpty ? surveys[0].notes : [])
    if surveys.contains(where: { !$0.isOK }) { throw AnswerIsNo() }
  }

  /// What the log amounts to; nil when it was not asked for, there is none, or that can't be told, which
  /// a note says.
  private func replayed(_ survey: Survey, _ session: Session) throws -> LogYield? {
    guard replay, survey.log != nil else { return nil }
    if path == "-" { throw ToolError.usage("--replay reads twice and needs a file") }
    var options = ReplayedLog.Options()
    options.now = Moment.now.milliseconds
    do throws(ToolError) {
      return try LogYield(survey.facts.file, options, fileSystem: session.fileSystem)
    } catch {
      session.note("what the log amounts to can't be told: \(error.line)")
      return nil
    }
  }

  /// How many bytes will be read; 0 when that can't be told.
  static func total(_ path: String) -> Int {
    let files = SystemFileSystem()
    guard path != "-", let status = try? files.status(of: path, followLinks: true) else { return 0 }
    if status.kind == .regular { return status.size }
    guard status.kind == .directory, let directory = try? DataDirectory(path, files) else {
      return 0
    }
    return directory.entries.filter { [.rdb, .aof, .logDirectory].contains($0.role) }
      .reduce(0) { $0 + $1.bytes }
  }
}

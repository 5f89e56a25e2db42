import ArgumentParser
import BackupJob
import Bytes
import Foundation
import Operations

/// `redis-backup rescue URL [-o DIR]`, `redis-backup rescue --release URL`
struct RescueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rescue",
    abstract: "Stops log rewrites of a running server and saves its AOF, right after an accident.",
    discussion: """
      A rewrite would drop from the log what was deleted. Nothing is restarted; what the setting \
      was is remembered, and --release puts it back. Runs on the server's machine; its files get \
      further names (hard links), or are copied where that can not be.

      Examples:
        redis-backup rescue redis://127.0.0.1:6379 -o rescued
        redis-backup rescue --release redis://127.0.0.1:6379
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup(title: "Login") var server: ServerOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The directory to make for the log; without it, one beside the server's own.",
      valueName: "DIR"))
  var output: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where the server's working directory is seen from here, when it runs in a container.",
      valueName: "DIR"))
  var dataDir: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where the old setting is remembered; else $XDG_STATE_HOME/redis-backup or ~/.local/state/redis-backup.",
      valueName: "DIR"))
  var stateDir: String?

  @Flag(name: .long, help: "Put the setting back that rescue changed.")
  var release = false

  @Argument(help: "The server: redis://host:port, rediss://host:port or unix:///path.")
  var url: String

  func validate() throws {
    if release && (output != nil || dataDir != nil) {
      throw ValidationError("--release saves nothing, so -o and --data-dir mean nothing with it")
    }
  }

  func run() throws {
    let session = Session(global)
    var options = Rescue.Options(
      stateDirectory: stateDir ?? Rescue.stateDirectory(ProcessInfo.processInfo.environment))
    options.output = output
    options.dataDirectory = dataDir
    if release {
      let done = try ServerOptions.run { () throws(JobError) in
        try Rescue.release(server.login(url), options)
      }
      try tell(done, session)
      return
    }
    let report = try ServerOptions.run { () throws(JobError) in
      try Rescue.run(server.login(url), options)
    }
    try tell(report, session)
    if report.isRewriting {
      throw ToolError.refused(
        .tryAgain, "a rewrite of the log is running or scheduled", file: report.server,
        remedy: "Wait until INFO persistence says aof_rewrite_in_progress:0 and "
          + "aof_rewrite_scheduled:0, then run the same command again")
    }
  }

  private func tell(_ done: Rescue.Release, _ session: Session) throws {
    if session.isJSON {
      try session.writeJSON { (json, output) throws(ToolError) in
        json.beginObject(&output)
        json.field("server", done.server, &output)
        json.field("autoAofRewritePercentage", done.setting, &output)
        json.field("wasChanged", done.wasChanged, &output)
        json.endObject(&output)
      }
      return
    }
    try session.print(
      done.wasChanged
        ? "\(done.server): auto-aof-rewrite-percentage is \(done.setting), which somebody else has set; left as it is\n"
        : "\(done.server): automatic rewrites are as they were (auto-aof-rewrite-percentage \(done.setting))\n"
    )
  }

  private func tell(_ report: RescueReport, _ session: Session) throws {
    if session.isJSON {
      try session.writeJSON { (json, output) throws(ToolError) in
        json.beginObject(&output)
        json.field("server", report.server, &output)
        json.field("version", report.version, &output)
        json.field("autoAofRewritePercentage", report.setting, &output)
        json.field("stateFile", report.stateFile, &output)
        json.field("directory", report.directory, &output)
        json.field("isRewriting", report.isRewriting, &output)
        json.key("files", &output)
        json.beginArray(&output)
        for file in report.files {
          json.beginObject(&output)
          json.field("name", file.name, &output)
          json.field("bytes", Int(file.bytes), &output)
          json.field("isLink", file.isLink, &output)
          json.endObject(&output)
        }
        json.endArray(&output)
        json.endObject(&output)
      }
      return
    }
    let links = report.files.allSatisfy { $0.isLink || $0.name.hasSuffix(".manifest") }
    let directory = KeyText.shellWord(report.directory)
    let login = words()
    try session.print(
      """
      \(report.server) (\(report.version)): automatic rewrites are off (auto-aof-rewrite-percentage was \(report.setting))
      the log is safe in \(directory): \(RecoveryWords.counted(report.files.count, "file")), \(ByteCount.text(Int(report.bytes))), \(links ? "hard links" : "copied")
      \(report.isRewriting ? "A rewrite runs: this is the log as it was before. It can be worked with at once.\n" : "")
      Next:
        redis-backup losses \(directory)
        redis-backup undo \(directory) --index N --apply \(login) --dry-run
        redis-backup undo \(directory) --index N --apply \(login)
        (or --patch FILE, and redis-cli --pipe < FILE)
        redis-backup rescue --release \(login)

      """)
  }

  /// The options of the login, for commands to copy.
  private func words() -> String {
    var words = KeyText.shellWord(url)
    if let user = server.user { words += " --user \(KeyText.shellWord(user))" }
    if let file = server.passwordFile { words += " --password-file \(KeyText.shellWord(file))" }
    if let file = server.caFile { words += " --ca-file \(KeyText.shellWord(file))" }
    return words
  }
}

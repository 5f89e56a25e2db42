import ArgumentParser
import BackupJob

/// `snapshot drill`.
struct SnapshotDrill: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drill",
    abstract: "Proves that a backup restores: a real server loads it, and its data is compared.",
    discussion:
      "The server runs in a private directory with a private socket and no port. Exit 1 when it differs."
  )

  @OptionGroup var options: JobOptions
  @Argument(help: "The backup: its id, the beginning of one, or latest.") var id = "latest"

  private struct Answer: Encodable {
    var id: String
    var ok: Bool
    var server: String
    var seconds: Double
    var loadSeconds: Double
    var keys: Int64
    var digests: [String]
    var compared: [String]
    var differences: [String]
  }

  func run() throws {
    var isGood = false
    try options.run { context throws(JobError) in
      let chosen = try RestoreBackup(context).find(id, at: nil)
      let report = try Drill(context).run(chosen)
      isGood = report.isGood
      if options.json {
        return options.print(
          json: Answer(
            id: chosen, ok: isGood, server: report.server, seconds: report.seconds,
            loadSeconds: report.loadSeconds,
            keys: report.keys, digests: report.digests, compared: report.compared,
            differences: report.differences))
      }
      if isGood, options.quiet { return }
      Swift.print(
        "\(chosen)  \(isGood ? "restores" : "DIFFERS")  \(report.keys) keys in \(report.server) after \(report.seconds) s"
          + " (loading \(report.loadSeconds) s)")
      for text in report.compared { Swift.print("  compared: \(text)") }
      for text in report.differences { Swift.print("  differs: \(text)") }
      if report.compared.isEmpty { Swift.print("  nothing could be compared") }
    }
    if !isGood { throw ExitCode(1) }
  }
}

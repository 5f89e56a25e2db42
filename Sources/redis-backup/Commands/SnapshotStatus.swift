import ArgumentParser
import BackupJob

/// `snapshot status`.
struct SnapshotStatus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Tells how old the newest good backup is, for monitoring; writes the metrics.",
    discussion: "Exit 1 when it is older than status.max-age, or there is none.")

  @OptionGroup var options: JobOptions

  private struct Answer: Encodable {
    var ok: Bool
    var backups: Int
    var newest: String?
    var ageSeconds: Int64?
    var maxAgeSeconds: Int64
    var damaged: [String]
  }

  func run() throws {
    var isGood = false
    try options.run { context throws(JobError) in
      let status = try JobStatus.report(context)
      isGood = status.isGood
      let age = status.age.map { $0.components.seconds }
      if options.json {
        return options.print(
          json: Answer(
            ok: isGood, backups: status.count, newest: status.newest?.id, ageSeconds: age,
            maxAgeSeconds: status.maxAge.components.seconds, damaged: status.damaged))
      }
      guard !(isGood && options.quiet) else { return }
      guard let newest = status.newest, let age else {
        return Swift.print("TOO OLD: there is no good backup")
      }
      Swift.print(
        "\(isGood ? "ok" : "TOO OLD"): newest good backup \(newest.id), \(age) s old (limit \(status.maxAge.components.seconds) s),"
          + " \(status.count) backups")
    }
    if !isGood { throw ExitCode(1) }
  }
}

import ArgumentParser
import BackupJob

/// `snapshot prune`.
struct SnapshotPrune: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Removes the backups that no retention rule wants.",
    discussion: "The newest verified backup always stays.")

  @OptionGroup var options: JobOptions
  @Flag(help: "Say what would be removed and why, remove nothing.") var dryRun = false

  private struct Answer: Encodable {
    struct Backup: Encodable {
      var id: String
      var time: UTCTime
      var stays: Bool
      var reasons: [String]
    }
    var dryRun: Bool
    var backups: [Backup]
  }

  func run() throws {
    try options.run { context throws(JobError) in
      let verdicts = try Pruning(context).run(isDryRun: dryRun)
      if options.json {
        return options.print(
          json: Answer(
            dryRun: dryRun,
            backups: verdicts.map {
              .init(id: $0.id, time: $0.time, stays: $0.stays, reasons: $0.reasons)
            }))
      }
      for verdict in verdicts where !options.quiet || !verdict.stays {
        let word = verdict.stays ? "keep  " : dryRun ? "would remove" : "removed"
        Swift.print(
          "\(word)  \(verdict.id)  \(verdict.time)  \(verdict.reasons.joined(separator: "; "))")
      }
    }
  }
}

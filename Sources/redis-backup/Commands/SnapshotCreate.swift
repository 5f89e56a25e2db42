import ArgumentParser
import BackupJob
import Operations

/// `snapshot create`.
struct SnapshotCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Takes one backup, verifies it, publishes it and prunes old ones.",
    discussion:
      "Safe to run from cron: a second run waits for repository.lock-wait, then ends with 75.")

  @OptionGroup var options: JobOptions

  func run() throws {
    try options.run { context throws(JobError) in
      let outcome = try CreateBackup(context).run()
      let record = outcome.record
      if options.json {
        options.print(json: record)
      } else if !options.quiet {
        Swift.print(
          "\(record.id)  \(record.keys) keys, \(ByteCount.text(Int(record.bytes))),"
            + " \(ByteCount.text(Int(record.storedBytes))) stored, verified: \(record.verification.level)"
        )
      }
    }
  }
}

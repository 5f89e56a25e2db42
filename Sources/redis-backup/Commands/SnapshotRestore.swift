import ArgumentParser
import BackupJob
import Foundation
import Operations
import RDB

/// `snapshot restore`.
struct SnapshotRestore: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Writes a backup as files a server can start from.",
    discussion: "The directory must not exist, or be empty and used by no running server.")

  @OptionGroup var options: JobOptions
  @Argument(help: "The backup: its id, the beginning of one, or latest.") var id: String?
  @Option(
    name: [.customShort("o"), .long], help: "The directory to write.", completion: .directory)
  var output: String
  @Option(
    parsing: .unconditional,
    help: "The newest backup that is not younger: RFC 3339, unix seconds, or -2h.") var at: String?
  @Option(
    parsing: .unconditional,
    help: "Cut a log to this moment (needs aof-timestamp-enabled yes on the server).")
  var toTime: String?
  @Option(name: .customLong("as"), help: "both, rdb (a log is replayed into it) or multi-part.")
  var form = "both"
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The server that is to load it, such as redis:6.2 or valkey:9.0.", valueName: "SERVER"))
  var target: String?
  @Flag(name: .long, help: "Leave out what the target can not hold instead of refusing.")
  var lossy = false
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup var expiry: ExpiryOptions
  @Option(help: "USER:GROUP for the files, as numbers or names; by default that of the directory.")
  var owner: String?
  @Flag(help: "Show what would be restored, write nothing.") var dryRun = false

  private struct Answer: Encodable {
    var id: String
    var directories: [String]
    var configuration: [[String]]
    var bytes: Int64
    var keys: Int64
    var lost: [String]
    var lostCount: Int
  }

  func validate() throws {
    if RestoreBackup.Form(rawValue: form) == nil {
      throw ValidationError("--as takes both, rdb or multi-part")
    }
    if let at, UTCTime(at) == nil {
      throw ValidationError("--at takes 2026-11-23T02:00:00Z, unix seconds, or -2h")
    }
    if let toTime, UTCTime(toTime) == nil {
      throw ValidationError("--to-time takes 2026-11-23T02:00:00Z, unix seconds, or -2h")
    }
    if at != nil, id != nil { throw ValidationError("name a backup or a time, not both") }
    if let owner, JobOwner.numbers(owner) == nil {
      throw ValidationError("there is no such USER:GROUP: \(owner)")
    }
  }

  func run() throws {
    var wanted = RestoreBackup.Options()
    wanted.selection = try keys.selection()
    wanted.expiredBefore = try expiry.limit()
    wanted.lossy = lossy
    wanted.target = try TargetOption.parse(target)
    try options.run { context throws(JobError) in
      let restore = RestoreBackup(context)
      let moment = toTime.flatMap { UTCTime($0) }
      let chosen: String
      if let moment, id == nil, at == nil {
        chosen = try restore.findLog(reaching: moment)
      } else {
        chosen = try restore.find(id, at: at.flatMap { UTCTime($0) })
      }
      wanted.form = RestoreBackup.Form(rawValue: form) ?? .both
      wanted.toTime = moment
      wanted.owner = owner.flatMap(JobOwner.numbers)
      if dryRun {
        let record = try BackupListing(context).record(chosen)
        Swift.print(
          "would restore \(record.id): \(record.keys) keys, \(record.bytes) bytes, into \(output)")
        return
      }
      let outcome = try restore.run(chosen, into: output, options: wanted)
      if options.json {
        return options.print(
          json: Answer(
            id: chosen, directories: outcome.directories, configuration: outcome.configuration,
            bytes: outcome.bytes, keys: outcome.keys, lost: outcome.lost,
            lostCount: outcome.lostCount))
      }
      for text in outcome.lost.prefix(20) {
        FileHandle.standardError.write(Data("redis-backup: left out: \(text)\n".utf8))
      }
      if outcome.lostCount > 20 {
        FileHandle.standardError.write(
          Data("redis-backup: left out: \(outcome.lostCount) in all\n".utf8))
      }
      guard !options.quiet else { return }
      Swift.print(
        "Restored \(chosen) of \(outcome.record.started): \(outcome.keys) keys, \(outcome.bytes) bytes."
      )
      for (directory, lines) in zip(outcome.directories, outcome.configuration) {
        Swift.print("Start a server on \(directory) with these lines in its redis.conf:")
        for line in lines { Swift.print("    \(line)") }
      }
    }
  }
}

/// Users and groups by name or number.
enum JobOwner {
  /// The numbers of `USER:GROUP`; nil when there is no such user or group.
  static func numbers(_ text: String) -> (user: UInt32, group: UInt32)? {
    let parts = text.split(separator: ":").map(String.init)
    guard parts.count == 2 else { return nil }
    let user = unsafe UInt32(parts[0]) ?? getpwnam(parts[0]).map { unsafe $0.pointee.pw_uid }
    let group = unsafe UInt32(parts[1]) ?? getgrnam(parts[1]).map { unsafe $0.pointee.gr_gid }
    guard let user, let group else { return nil }
    return (user, group)
  }
}

import ArgumentParser
import BackupJob
import Operations

/// `snapshot list`.
struct SnapshotList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the backups, newest last.")

  @OptionGroup var options: JobOptions

  func run() throws {
    try options.run { context throws(JobError) in
      let listing = try BackupListing(context).all()
      if options.json { return options.print(json: listing) }
      guard !listing.isEmpty else {
        if !options.quiet { Swift.print("There are no backups.") }
        return
      }
      for entry in listing {
        guard let record = entry.record else {
          Swift.print("\(entry.id)  \(entry.problem ?? "its record can not be read")")
          continue
        }
        Swift.print(
          "\(entry.id)  \(record.started)  \(record.name)  \(record.method)  \(record.keys) keys"
            + "  \(ByteCount.text(Int(record.bytes)))  stored \(ByteCount.text(Int(record.storedBytes)))"
            + "  \(entry.problem == nil ? "verified \(record.verification.level)" : "DAMAGED")")
      }
    }
  }
}

/// `snapshot show`.
struct SnapshotShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows all that is recorded of a backup.")

  @OptionGroup var options: JobOptions
  @Argument(help: "The backup: its id, the beginning of one, or latest.") var id = "latest"

  func run() throws {
    try options.run { context throws(JobError) in
      let record = try BackupListing(context).record(id)
      if options.json { return options.print(json: record) }
      Swift.print("id            \(record.id)")
      Swift.print("job           \(record.name), by \(record.tool)")
      Swift.print("taken         \(record.started) to \(record.ended), method \(record.method)")
      Swift.print(
        "verified      \(record.verification.level), read back: \(record.verification.readBack ? "yes" : "no")"
      )
      Swift.print("stored        \(record.compression), encryption \(record.encryption)")
      for part in record.parts {
        let source = part.source
        Swift.print(
          "source        \(source.endpoint)\(source.role.map { " (\($0))" } ?? "")"
            + "\(source.product.map { ", \($0) \(source.version ?? "")" } ?? "")\(part.slots.map { ", slots \($0)" } ?? "")"
        )
        if let reason = source.reason { Swift.print("chosen        \(reason)") }
        if let id = source.replicationID, !id.isEmpty {
          Swift.print("replication   \(id)\(source.replicationOffset.map { " at \($0)" } ?? "")")
        }
        if let version = part.rdbVersion { Swift.print("RDB version   \(version)") }
        for database in part.databases {
          Swift.print(
            "db \(database.db)          \(database.keys) keys, \(database.expires) expire")
        }
        if let digest = part.digest { Swift.print("digest        \(digest)") }
        if let time = part.logTime { Swift.print("log time      \(time.from) to \(time.to)") }
        for file in part.files {
          Swift.print(
            "file          \(file.name): \(file.size) bytes, stored as \(file.stored) (\(file.storedSize) bytes)"
          )
          Swift.print("              SHA-256 \(file.sha256), stored \(file.storedSHA256)")
        }
      }
    }
  }
}

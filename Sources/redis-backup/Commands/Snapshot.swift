import ArgumentParser

/// The backup job.
struct SnapshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot",
    abstract: "Takes backups of a running server, proves them, keeps them and restores them.",
    subcommands: [
      SnapshotCreate.self, SnapshotList.self, SnapshotShow.self, SnapshotVerify.self,
      SnapshotRestore.self,
      SnapshotPrune.self, SnapshotDrill.self, SnapshotStatus.self,
    ])
}

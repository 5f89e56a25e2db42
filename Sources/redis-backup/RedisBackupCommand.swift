import ArgumentParser

/// The command line of the toolkit; each subcommand has a file of its own in `Commands/`.
struct RedisBackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "redis-backup",
    abstract: "Looks into, checks, repairs, undoes, compacts and converts Redis and Valkey files.",
    version: version,
    subcommands: [
      InfoCommand.self,
      CheckCommand.self,
      LogCommand.self,
      LossesCommand.self,
      UndoCommand.self,
      RepairCommand.self,
      RescueCommand.self,
      CutCommand.self,
      CompactCommand.self,
      ConvertCommand.self,
      MergeCommand.self,
      SplitCommand.self,
      ExportCommand.self,
      KeysCommand.self,
      ReportCommand.self,
      GetCommand.self,
      DigestCommand.self,
      VerifyCommand.self,
      DiffCommand.self,
      ImportCommand.self,
      SnapshotCommand.self,
      ConfigCommand.self,
    ])

  /// The version of this program.
  static let version = "0.1.0"
}

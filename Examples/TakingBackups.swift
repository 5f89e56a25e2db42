import BackupJob
import Logging

/// Takes one backup as the configuration at `path` says: finds a healthy server, copies its data,
/// proves the copy, publishes it, and removes what the retention rules no longer keep.
///
/// - Returns: the id of the backup.
public func takeBackup(configuration path: String, environment: [String: String]) throws -> String {
  let config = try JobConfig(path: path, environment: environment)
  let context = JobContext(config, log: Logger(label: "nightly"))
  // What a run that was killed has left of the server's settings is put back first.
  context.putSettingsBack()
  return try CreateBackup(context).run().record.id
}

/// Restores the newest backup into `directory`, which must not exist, as files that a server can
/// start from.
///
/// - Returns: the lines for the configuration of that server.
public func restoreNewest(
  configuration path: String, environment: [String: String], into directory: String
) throws -> [String] {
  let config = try JobConfig(path: path, environment: environment)
  let restore = RestoreBackup(JobContext(config, log: Logger(label: "restore")))
  let outcome = try restore.run(restore.find("latest", at: nil), into: directory)
  return outcome.configuration.flatMap { $0 }
}

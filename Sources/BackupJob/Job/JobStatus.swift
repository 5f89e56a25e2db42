/// How the repository stands.
public struct JobStatus: Sendable {
  /// How many backups are published.
  public var count: Int
  /// The newest backup whose record is good.
  public var newest: BackupRecord?
  /// Backups whose record can not be read.
  public var damaged: [String]
  /// The oldest that the newest may be.
  public var maxAge: Duration
  /// When this was looked at.
  public var now: UTCTime

  /// The age of the newest good backup.
  public var age: Duration? {
    newest.map { .milliseconds(max(0, now.milliseconds - $0.started.milliseconds)) }
  }

  /// Whether the newest good backup is young enough.
  public var isGood: Bool { age.map { $0 <= maxAge } ?? false }

  /// Reads the repository.
  public static func read(_ context: JobContext) throws(JobError) -> JobStatus {
    let ids = try context.store.published()
    var status = JobStatus(
      count: ids.count, newest: nil, damaged: [], maxAge: context.config.maxAge, now: .now)
    for id in ids.reversed() {
      do throws(JobError) {
        status.newest = try context.store.record(id)
        break
      } catch {
        if error.kind != .badData { throw error }
        status.damaged.append(id)
      }
    }
    return status
  }

  /// Reads the repository and writes the metrics.
  public static func report(_ context: JobContext) throws(JobError) -> JobStatus {
    let status = try read(context)
    try Telling(context).metrics(failedPhase: nil)
    return status
  }
}

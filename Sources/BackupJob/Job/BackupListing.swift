/// What the repository holds.
public struct BackupListing: Sendable {
  /// One backup of the list.
  public struct Entry: Sendable, Encodable {
    /// Its id.
    public var id: String
    /// Its record; nil when it can not be read.
    public var record: BackupRecord?
    /// Why it is not good: the record can not be read, or a verification found damage.
    public var problem: String?
  }

  private let context: JobContext

  /// A listing by a configuration.
  public init(_ context: JobContext) { self.context = context }

  /// All published backups, newest last.
  public func all() throws(JobError) -> [Entry] {
    let damaged = Set(try context.store.notes(in: "damaged"))
    var entries: [Entry] = []
    for id in try context.store.published() {
      do throws(JobError) {
        let record = try context.store.record(id)
        entries.append(
          Entry(
            id: id, record: record,
            problem: damaged.contains(id) ? "a verification found damage" : nil))
      } catch {
        entries.append(Entry(id: id, record: nil, problem: error.message))
      }
    }
    return entries
  }

  /// The record of the backup that `name` means.
  public func record(_ name: String) throws(JobError) -> BackupRecord {
    try context.store.record(VerifyBackup.find(name, in: context.store.published(), context.store))
  }
}

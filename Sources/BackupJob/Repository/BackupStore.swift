/// Where backups are kept: a directory, or whatever `rclone` reaches.
///
/// ```text
/// locks/<token>.json         one for each run that holds the repository
/// <id>/backup.json           the record: a backup exists when this file does
/// <id>/SHA256SUMS            for `sha256sum -c`
/// <id>/dump.rdb.zst …        the files
/// .unfinished-<id>/          a backup that is not published (directories only)
/// ```
package protocol BackupStore: Sendable {
  /// The place in words.
  var place: String { get }
  /// Makes the repository usable, creating it when it does not exist.
  func prepare() throws(JobError)
  /// Ids of the published backups, in ascending order.
  func published() throws(JobError) -> [String]
  /// What is left of backups that were never published.
  func unfinished() throws(JobError) -> [String]
  /// Removes what is left of such a backup.
  func removeUnfinished(_ name: String) throws(JobError)
  /// Begins an unpublished backup.
  func begin(_ id: String) throws(JobError)
  /// A sink for a new file of an unpublished backup.
  func file(_ name: String, of id: String) throws(JobError) -> any ByteSink
  /// Reads a file into a sink, which is not finished.
  func read(_ name: String, of id: String, isPublished: Bool, into sink: any ByteSink)
    throws(JobError)
  /// The names of all files of a published backup with their sizes.
  func files(of id: String) throws(JobError) -> [(name: String, size: Int64)]
  /// Publishes: `record` becomes `backup.json`, and the backup appears by one last rename or
  /// upload.
  func publish(_ id: String, record: [UInt8]) throws(JobError)
  /// Removes a published backup; it disappears from the list first.
  func remove(_ id: String) throws(JobError)
  /// Bytes that may still be written, where that can be known.
  func freeBytes() throws(JobError) -> Int64?
  /// Small files beside the backups (`locks/…`).
  func writeNote(_ name: String, _ bytes: [UInt8]) throws(JobError)
  /// Reads such a file; nil when it does not exist.
  func readNote(_ name: String) throws(JobError) -> [UInt8]?
  /// The names of such files in a folder.
  func notes(in folder: String) throws(JobError) -> [String]
  /// Removes such a file; that it does not exist is fine.
  func removeNote(_ name: String) throws(JobError)
}

extension BackupStore {
  /// A small file of a backup.
  package func contents(
    _ name: String, of id: String, isPublished: Bool = true, limit: Int = 16 << 20
  )
    throws(JobError) -> [UInt8]
  {
    let sink = MemorySink(limit: limit, place: "\(place)/\(id)/\(name)")
    try read(name, of: id, isPublished: isPublished, into: sink)
    return sink.bytes
  }

  /// The record of a published backup.
  package func record(_ id: String) throws(JobError) -> BackupRecord {
    try BackupRecord(json: contents("backup.json", of: id), id: id)
  }
}

/// The names of backups.
package enum BackupID {
  /// `<time>-<four hex digits>`: sorts by time, and two runs in one second do not meet.
  package static func make(_ time: UTCTime) -> String {
    let random = String(UInt16.random(in: .min ... .max), radix: 16)
    return "\(time.compact)-\(String(repeating: "0", count: 4 - random.count))\(random)"
  }

  /// Whether a folder's name is that of a backup.
  package static func isValid(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard bytes.count == 21, bytes[8] == 0x54, bytes[15] == 0x5A, bytes[16] == 0x2D else {
      return false
    }
    return name.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == 0x54 || $0 == 0x5A
        || $0 == 0x2D
    }
  }
}

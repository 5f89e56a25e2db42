internal import Foundation

// `backup.json`, the record of one backup. The schema is documented in Documentation/backup-json.md
// and only ever grows: readers ignore keys they do not know, and `format` changes when a key
// changes its meaning.

/// What is known of one backup; stored beside its files as `backup.json`.
public struct BackupRecord: Sendable, Equatable, Codable {
  /// The version of this schema: 1.
  public var format = 1
  /// The name of the folder it lies in.
  public var id: String
  /// The job's name from the configuration.
  public var name: String
  /// The program and version that wrote it.
  public var tool: String
  /// When the job began.
  public var started: UTCTime
  /// When the last file was verified.
  public var ended: UTCTime
  /// `replication`, `aof` or `file`.
  public var method: String
  /// One part for a single server, one a shard for a cluster.
  public var parts: [Part]
  /// `none`, `gzip` or `zstd`.
  public var compression: String
  /// `none` or `age`.
  public var encryption: String
  /// What was proven before it was published.
  public var verification: Verification
  /// How long each phase took, in seconds.
  public var seconds: [String: Double]

  /// What was taken from one node.
  public struct Part: Sendable, Equatable, Codable {
    /// The slots as `0-5460`, for a shard of a cluster.
    public var slots: String?
    /// Where it was taken from.
    public var source: Source
    /// Its files.
    public var files: [File]
    /// Keys of each database.
    public var databases: [Database]
    /// All keys.
    public var keys: Int64
    /// The digest of the whole state, when it was computed: that of `DEBUG DIGEST`.
    public var digest: String?
    /// Whose `DEBUG DIGEST` it is: `redis7.0`, `redis7.2`, `redis7.4` or `valkey`.
    public var digestStyle: String?
    /// The RDB's version and dialect: `11`, `VALKEY 80`.
    public var rdbVersion: String?
    /// The earliest and latest moment that a log's timestamps name.
    public var logTime: TimeRange?

    /// A part.
    public init(slots: String?, source: Source, files: [File]) {
      self.slots = slots
      self.source = source
      self.files = files
      databases = []
      keys = 0
    }
  }

  /// The node a part was taken from.
  public struct Source: Sendable, Equatable, Codable {
    /// `host:port`, or a directory.
    public var endpoint: String
    /// `master` or `replica`.
    public var role: String?
    /// `redis` or `valkey`.
    public var product: String?
    /// Its version.
    public var version: String?
    /// The id of the server's run.
    public var runID: String?
    /// The replication id of the history.
    public var replicationID: String?
    /// The replication offset of the copy.
    public var replicationOffset: Int64?
    /// Why this node was chosen.
    public var reason: String?

    /// A source of which only the place is known.
    public init(endpoint: String) { self.endpoint = endpoint }
  }

  /// One file of a backup.
  public struct File: Sendable, Equatable, Codable {
    /// Its name when it is restored: `dump.rdb`, `appendonlydir/appendonly.aof.1.incr.aof`.
    public var name: String
    /// Its name in the backup's folder.
    public var stored: String
    /// `rdb`, `aof` (one file), `base`, `incr` or `manifest`.
    public var kind: String
    /// Bytes when restored.
    public var size: Int64
    /// SHA-256 of those bytes.
    public var sha256: String
    /// Bytes as stored.
    public var storedSize: Int64
    /// SHA-256 of the stored bytes.
    public var storedSHA256: String
  }

  /// How many keys a database has.
  public struct Database: Sendable, Equatable, Codable {
    /// Its number.
    public var db: Int
    /// Its keys.
    public var keys: Int64
    /// Those of them that expire.
    public var expires: Int64

    /// The counts of one database.
    public init(db: Int, keys: Int64, expires: Int64) {
      self.db = db
      self.keys = keys
      self.expires = expires
    }
  }

  /// A span of time.
  public struct TimeRange: Sendable, Equatable, Codable {
    /// The earliest moment.
    public var from: UTCTime
    /// The latest moment.
    public var to: UTCTime
  }

  /// What was proven.
  public struct Verification: Sendable, Equatable, Codable {
    /// `checksum`, `structure` or `full`.
    public var level: String
    /// When.
    public var at: UTCTime
    /// Whether the stored file was decoded again (not possible when only the public key of `age` is
    /// there).
    public var readBack: Bool
  }

  /// All files of all parts.
  public var files: [File] { parts.flatMap(\.files) }
  /// All keys of all parts.
  public var keys: Int64 { parts.reduce(0) { $0 + $1.keys } }
  /// Bytes as stored.
  public var storedBytes: Int64 { files.reduce(0) { $0 + $1.storedSize } }
  /// Bytes when restored.
  public var bytes: Int64 { files.reduce(0) { $0 + $1.size } }

}

extension BackupRecord {
  /// The text of `backup.json`.
  package func json() throws(JobError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do { return Array(try encoder.encode(self)) + [0x0A] } catch {
      throw JobError(
        .inputOutput, step: "write backup.json", place: id, "\(error)",
        remedy: "Report this as a defect.")
    }
  }

  /// Reads `backup.json`; every name in it is held against what a name may be, so that a tampered
  /// record can not point outside its folder or the restored directory.
  package init(json: [UInt8], id: String) throws(JobError) {
    func bad(_ what: String) -> JobError {
      JobError(
        .badData, step: "read backup.json", place: id, what,
        remedy: "The record is damaged or was changed; use another backup.")
    }
    do { self = try JSONDecoder().decode(BackupRecord.self, from: Data(json)) } catch {
      throw bad("it can not be read: \(Self.words(error))")
    }
    guard format == 1 else { throw bad("its format is \(format), this version knows 1") }
    guard self.id == id else { throw bad("it says that it is backup \(self.id)") }
    guard ["none", "gzip", "zstd"].contains(compression), ["none", "age"].contains(encryption)
    else {
      throw bad("compression \(compression) with encryption \(encryption) is not known")
    }
    var seen: Set<String> = []
    for file in files {
      let parts = file.name.split(separator: "/", omittingEmptySubsequences: false)
      guard Self.isPlainName(file.stored), parts.count <= 3,
        parts.allSatisfy({ Self.isPlainName(String($0)) })
      else {
        throw bad("a file name that leads elsewhere: \(file.stored)")
      }
      guard file.size >= 0, file.storedSize >= 0, file.sha256.utf8.count == 64,
        file.storedSHA256.utf8.count == 64
      else { throw bad("impossible sizes or checksums of \(file.stored)") }
      guard seen.insert(file.stored).inserted else {
        throw bad("file \(file.stored) is listed twice")
      }
    }
  }

  private static func isPlainName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
      && !name.utf8.contains { $0 < 0x20 || $0 == 0x2F || $0 == 0x7F }
  }

  private static func words(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "key \(key.stringValue) is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      "wrong type at \(context.codingPath.map(\.stringValue).joined(separator: "."))"
    default: "it is no JSON of this kind"
    }
  }
}

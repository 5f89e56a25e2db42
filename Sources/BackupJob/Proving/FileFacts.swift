/// How much of a backup is proven.
public enum VerificationLevel: String, Sendable, CaseIterable, Comparable {
  /// Sizes and SHA-256 of the stored files, and the checksum inside the RDB.
  case checksum
  /// Every record and command is walked, and the keys are counted.
  case structure
  /// Every value is decoded, logs are replayed, and the digest of the whole state is computed.
  case full

  private var rank: Int { self == .checksum ? 0 : self == .structure ? 1 : 2 }

  /// Whether one level proves less than another.
  public static func < (first: VerificationLevel, second: VerificationLevel) -> Bool {
    first.rank < second.rank
  }
}

/// What the inspection of a file found in it.
package struct FileFacts: Sendable, Equatable {
  /// Keys of each database, ascending.
  package var databases: [BackupRecord.Database] = []
  /// The version and dialect of the RDB, when it holds one.
  package var rdbVersion: String?
  /// The digest that `DEBUG DIGEST` would give, at level `full`.
  package var digest: String?
  /// Whose algorithm the digest follows.
  package var digestStyle: String?
  /// The time span that `#TS:` annotations name, in unix seconds.
  package var logTime: ClosedRange<Int64>?
  /// Commands in the log.
  package var commands: Int64 = 0
  /// Whether the dump carries a checksum that was compared.
  package var hasChecksum = false

  package init() {}

  /// All keys.
  package var keys: Int64 { databases.reduce(0) { $0 + $1.keys } }
}

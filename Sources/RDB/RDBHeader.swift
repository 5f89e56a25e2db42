public import Bytes

/// The two families that write dumps. They give types 22 and 23 and opcodes 242 and 243 different
/// meanings; the magic decides (rdb-format.md 2).
public enum RDBDialect: Sendable, Equatable {
  /// Magic `REDISnnnn`: Redis of all versions, Valkey up to 8, KeyDB.
  case redis
  /// Magic `VALKEYnnn`: Valkey 9 and later.
  case valkey
}

/// The first nine bytes of a dump: `REDIS` and four digits, or `VALKEY` and three.
public struct RDBHeader: Sendable, Equatable {
  /// Whose meaning types and opcodes have.
  public var dialect: RDBDialect
  /// The number behind the magic: 1...16 for Redis, 80 and up for Valkey.
  public var version: Int

  /// A header as it would be written.
  public init(dialect: RDBDialect, version: Int) {
    self.dialect = dialect
    self.version = version
  }

  /// How many bytes a header has.
  public static let length = 9
  /// The newest version of Redis whose layout is known (8.10 writes 15).
  public static let newestRedis = 16
  /// The newest version of Valkey whose header is accepted.
  public static let newestValkey = 81

  /// Whether the bytes begin as a dump does; enough to tell it from an AOF.
  public static func looksLikeRDB(_ bytes: ByteSlice) -> Bool {
    bytes.starts(with: "REDIS") || bytes.starts(with: "VALKEY")
  }

  /// Whether eight bytes of checksum follow the EOF byte.
  public var hasChecksum: Bool { version >= 5 }

  /// Reads the nine bytes of a header.
  ///
  /// - Throws: ``RDBError/Kind/notAnRDB``, ``RDBError/Kind/unsupportedVersion(_:)``.
  public init(_ bytes: ByteSlice) throws(RDBError) {
    func fail(_ kind: RDBError.Kind, _ offset: Int) -> RDBError {
      RDBError(kind, at: offset, while: .header)
    }
    guard bytes.count == RDBHeader.length else { throw fail(.notAnRDB, 0) }
    let digitsFrom: Int
    if bytes.starts(with: "REDIS") {
      dialect = .redis
      digitsFrom = 5
    } else if bytes.starts(with: "VALKEY") {
      dialect = .valkey
      digitsFrom = 6
    } else {
      throw fail(.notAnRDB, 0)
    }
    version = 0
    for index in digitsFrom..<RDBHeader.length {
      guard ASCII.isDigit(bytes[index]) else { throw fail(.notAnRDB, index) }
      version = version * 10 + Int(bytes[index] - 0x30)
    }
    let known =
      dialect == .redis
      ? 1...RDBHeader.newestRedis ~= version : 80...RDBHeader.newestValkey ~= version
    guard known else { throw fail(.unsupportedVersion(version), digitsFrom) }
  }
}

public import Bytes

/// What DUMP gives and RESTORE takes (rdb-format.md 11).
///
/// ```text
/// [243 metadata]     Redis 8.6+
/// u8 type, value     no key, no expiry
/// u16le version      of the dumps of the server that made it; 80 and up is Valkey
/// u64le CRC-64       of everything before it; 0 = not computed (Redis 8.4+)
/// ```
public struct RestorePayload {
  /// Metadata, type and value; bytes behind the value are not looked at.
  public let body: ByteSlice
  /// The version of its dumps that the server wrote.
  public let version: Int
  /// What the checksum said.
  public let checksum: RDBChecksum

  /// How many bytes stand behind the value.
  public static let footerLength = 10

  /// Whose meaning the types have.
  public var dialect: RDBDialect { version >= 80 ? .valkey : .redis }

  /// Takes a payload apart; `payload` must stay valid as long as this is used.
  ///
  /// - Throws: ``RDBError`` when it is too short, of an unknown version, or the checksum is not
  ///   that of the bytes.
  public init(_ payload: ByteSlice) throws(RDBError) {
    let end = payload.count - RestorePayload.footerLength
    guard end >= 1 else { throw RDBError(.truncated, at: payload.count, while: .value) }
    body = payload.prefix(end)
    version = Int(payload.load(at: end, as: UInt16.self))
    guard 1...RDBHeader.newestRedis ~= version || 80...RDBHeader.newestValkey ~= version else {
      throw RDBError(.unsupportedVersion(version), at: end, while: .header)
    }
    let stored = payload.load(at: end + 2, as: UInt64.self)
    if stored == 0 {
      checksum = .notComputed
      return
    }
    let computed = CRC64.update(0, payload.prefix(end + 2))
    guard stored == computed else {
      throw RDBError(
        .checksumMismatch(stored: stored, computed: computed), at: end + 2, while: .checksum)
    }
    checksum = .verified(stored)
  }
}

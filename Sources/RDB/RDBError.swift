public import Bytes

/// Why a dump could not be read further: what is wrong, where, and what was being done.
///
/// Small and without allocation; words for people are made elsewhere. The key that was being
/// read, if any, is ``RDBReader/key`` of the reader that threw.
public struct RDBError: Error, Sendable, Equatable {
  /// What is wrong.
  public enum Kind: Sendable, Equatable {
    /// Neither `REDISnnnn` nor `VALKEYnnn` at the start.
    case notAnRDB
    /// A version that no known release has written.
    case unsupportedVersion(Int)
    /// The input ends inside something.
    case truncated
    /// Reading failed.
    case unreadable(SystemError)
    /// The checksum in the file is not that of its bytes.
    case checksumMismatch(stored: UInt64, computed: UInt64)
    /// A length that begins with this byte does not exist, or is not allowed here.
    case badLength(UInt8)
    /// A string that begins with this byte does not exist.
    case badString(UInt8)
    /// A compressed string that does not decompress to what it claims.
    case badLZF
    /// More than any input could hold.
    case impossibleCount(UInt64)
    /// A type or opcode that does not exist in this dialect.
    case unknownType(UInt8)
    /// A record of Dragonfly, whose snapshots are a format of their own.
    case dragonfly(UInt8)
    /// A value of a module from before 4.0, which only that module can delimit.
    case opaqueModule
    /// An opcode inside a module's value that does not exist.
    case badModuleOpcode(UInt64)
    /// A record that names something which is not there or not allowed.
    case badRecord(Problem)
    /// A key that was there before in the same database.
    case duplicateKey
    /// A packed blob that breaks its rules; ``RDBError/offset`` is that of the blob's string.
    case corrupt(Blob, Problem)
  }

  /// The packed encodings, for errors.
  public enum Blob: String, Sendable {
    /// Each is named as in the field.
    case intset, ziplist, listpack, zipmap, quicklist, stream, array, hash, set, zset, template
  }

  /// Which rule was broken.
  public enum Problem: String, Sendable {
    /// Text for people: `ErrorText` in Operations.
    case size, end, count, entry, backLength, order, duplicate, notANumber, empty, tail, range,
      missing, pairs, encoding, owner, cursor, unsorted, nan, index, keyMetadata, moduleWhen,
      slots, jobName, preReleaseFunction
  }

  /// What was being done, as `redis-check-rdb` tells it.
  public enum Activity: String, Sendable {
    /// Each is a record or a part of one.
    case header, type, selectDB, resizeDB, aux, expiry, idle, frequency, function, moduleAux,
      slotInfo, slotImport, keyMetadata, template, key, value, checksum
  }

  /// What is wrong.
  public var kind: Kind
  /// The absolute offset of the byte that is wrong, in the (decompressed) input.
  public var offset: Int
  /// What was being done.
  public var activity: Activity

  /// An error of `kind` at the absolute `offset` while doing `activity`.
  public init(_ kind: Kind, at offset: Int, while activity: Activity) {
    self.kind = kind
    self.offset = offset
    self.activity = activity
  }
}

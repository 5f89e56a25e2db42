/// What a client sees, whatever the encoding; the raw value is the number that enters
/// `DEBUG DIGEST`.
public enum LogicalType: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  /// Strings, integers included.
  case string = 0
  /// Lists.
  case list = 1
  /// Sets.
  case set = 2
  /// Sorted sets.
  case zset = 3
  /// Hashes, those with field TTLs and templates included.
  case hash = 4
  /// A module's type, vector sets included.
  case module = 5
  /// Streams.
  case stream = 6
  /// Arrays (Redis 8.8).
  case array = 7
  /// Rate limiters (not in releases).
  case gcra = 8
  /// KeyDB's scheduled scripts.
  case cron = 64

  /// The name as `TYPE` answers it.
  public var name: StaticString {
    switch self {
    case .string: "string"
    case .list: "list"
    case .set: "set"
    case .zset: "zset"
    case .hash: "hash"
    case .module: "module"
    case .stream: "stream"
    case .array: "array"
    case .gcra: "gcra"
    case .cron: "cron"
    }
  }
}

/// How a value is written in a dump: the byte before its key (rdb-format.md 7).
///
/// Codes 22 and 23 differ between the dialects; ``init(code:dialect:)`` makes them distinct, and
/// ``code`` gives the byte back.
public enum ValueType: UInt8, Sendable, CaseIterable {
  /// `RDB_TYPE_STRING`
  case string = 0
  /// `RDB_TYPE_LIST`
  case list = 1
  /// `RDB_TYPE_SET`
  case set = 2
  /// `RDB_TYPE_ZSET`: scores as text
  case zset = 3
  /// `RDB_TYPE_HASH`
  case hash = 4
  /// `RDB_TYPE_ZSET_2`: scores as binary doubles
  case zset2 = 5
  /// `RDB_TYPE_MODULE_PRE_GA`: can't be delimited
  case modulePreRelease = 6
  /// `RDB_TYPE_MODULE_2`
  case module = 7
  /// `RDB_TYPE_HASH_ZIPMAP`
  case hashZipmap = 9
  /// `RDB_TYPE_LIST_ZIPLIST`
  case listZiplist = 10
  /// `RDB_TYPE_SET_INTSET`
  case setIntset = 11
  /// `RDB_TYPE_ZSET_ZIPLIST`
  case zsetZiplist = 12
  /// `RDB_TYPE_HASH_ZIPLIST`
  case hashZiplist = 13
  /// `RDB_TYPE_LIST_QUICKLIST`: nodes are ziplists
  case quicklist = 14
  /// `RDB_TYPE_STREAM_LISTPACKS`
  case stream = 15
  /// `RDB_TYPE_HASH_LISTPACK`
  case hashListpack = 16
  /// `RDB_TYPE_ZSET_LISTPACK`
  case zsetListpack = 17
  /// `RDB_TYPE_LIST_QUICKLIST_2`: nodes are listpacks or single elements
  case quicklist2 = 18
  /// `RDB_TYPE_STREAM_LISTPACKS_2`
  case stream2 = 19
  /// `RDB_TYPE_SET_LISTPACK`
  case setListpack = 20
  /// `RDB_TYPE_STREAM_LISTPACKS_3`
  case stream3 = 21
  /// `RDB_TYPE_HASH_METADATA_PRE_GA` of Redis 7.4-rc1
  case hashMetadataPreRelease = 22
  /// `RDB_TYPE_HASH_LISTPACK_EX_PRE_GA` of Redis 7.4-rc1
  case hashListpackPreRelease = 23
  /// `RDB_TYPE_HASH_METADATA`: field TTLs
  case hashMetadata = 24
  /// `RDB_TYPE_HASH_LISTPACK_EX`: field TTLs
  case hashListpackEx = 25
  /// `RDB_TYPE_STREAM_LISTPACKS_4`: IDMP
  case stream4 = 26
  /// `RDB_TYPE_STREAM_LISTPACKS_5`: NACK zone
  case stream5 = 27
  /// `RDB_TYPE_ARRAY`
  case array = 28
  /// Template hash with its field names, values in a listpack; in payloads only
  case templateListpack = 29
  /// Template hash by reference, values in a listpack; in files only
  case templateListpackRef = 30
  /// Template hash with its field names, values one by one; in payloads only
  case templateArray = 31
  /// Template hash by reference, values one by one; in files only
  case templateArrayRef = 32
  /// `RDB_TYPE_GCRA`, not in releases
  case gcra = 33
  /// KeyDB's `RDB_TYPE_CRON`
  case cron = 64
  /// Code 22 of Valkey 9: hash with field TTLs
  case valkeyHash = 222

  /// The type that the byte `code` means in `dialect`, or nil when there is none.
  @inline(__always) public init?(code: UInt8, dialect: RDBDialect) {
    if code >= 22 && dialect == .valkey && (code <= 33 || code == 64) {
      guard code == 22 else { return nil }
      self = .valkeyHash
      return
    }
    guard let type = code < 34 ? ValueType.ofCode[Int(code)] : code == 64 ? .cron : nil else {
      return nil
    }
    self = type
  }

  /// The type of each code in the dialect of Redis: a load, where `init(rawValue:)` is a branch that
  /// no processor predicts.
  private static let ofCode: [ValueType?] = [
    .string, .list, .set, .zset, .hash, .zset2, .modulePreRelease, .module, nil, .hashZipmap,
    .listZiplist, .setIntset, .zsetZiplist, .hashZiplist, .quicklist, .stream, .hashListpack,
    .zsetListpack, .quicklist2, .stream2, .setListpack, .stream3, .hashMetadataPreRelease,
    .hashListpackPreRelease, .hashMetadata, .hashListpackEx, .stream4, .stream5, .array,
    .templateListpack, .templateListpackRef, .templateArray, .templateArrayRef, .gcra,
  ]

  /// The byte in the file.
  public var code: UInt8 { self == .valkeyHash ? 22 : rawValue }

  /// What a client sees.
  public var logical: LogicalType {
    switch self {
    case .string: .string
    case .list, .listZiplist, .quicklist, .quicklist2: .list
    case .set, .setIntset, .setListpack: .set
    case .zset, .zset2, .zsetZiplist, .zsetListpack: .zset
    case .hash, .hashZipmap, .hashZiplist, .hashListpack, .hashMetadataPreRelease,
      .hashListpackPreRelease, .hashMetadata, .hashListpackEx, .valkeyHash, .templateListpack,
      .templateListpackRef, .templateArray, .templateArrayRef:
      .hash
    case .modulePreRelease, .module: .module
    case .stream, .stream2, .stream3, .stream4, .stream5: .stream
    case .array: .array
    case .gcra: .gcra
    case .cron: .cron
    }
  }

  /// The encoding as `OBJECT ENCODING` would name it for a value kept the way it is written.
  public var encodingName: StaticString {
    switch self {
    case .string: "raw"
    case .list: "linkedlist"
    case .quicklist, .quicklist2: "quicklist"
    case .set, .hash, .hashMetadata, .hashMetadataPreRelease, .valkeyHash: "hashtable"
    case .templateListpack, .templateListpackRef, .templateArray, .templateArrayRef: "template"
    case .zset, .zset2: "skiplist"
    case .hashZipmap: "zipmap"
    case .listZiplist, .zsetZiplist, .hashZiplist: "ziplist"
    case .setIntset: "intset"
    case .hashListpack, .zsetListpack, .setListpack: "listpack"
    case .hashListpackEx, .hashListpackPreRelease: "listpackex"
    case .stream, .stream2, .stream3, .stream4, .stream5: "stream"
    case .array: "sliced-array"
    case .modulePreRelease, .module, .gcra, .cron: "unknown"
    }
  }
}

/// The bytes that begin records which are no keys (rdb-format.md 5).
public enum Opcode {
  /// `RDB_OPCODE_EOF`
  public static let end: UInt8 = 255
  /// `RDB_OPCODE_SELECTDB`
  public static let selectDB: UInt8 = 254
  /// `RDB_OPCODE_EXPIRETIME`: seconds
  public static let expirySeconds: UInt8 = 253
  /// `RDB_OPCODE_EXPIRETIME_MS`
  public static let expiry: UInt8 = 252
  /// `RDB_OPCODE_RESIZEDB`
  public static let resizeDB: UInt8 = 251
  /// `RDB_OPCODE_AUX`
  public static let aux: UInt8 = 250
  /// `RDB_OPCODE_FREQ`
  public static let frequency: UInt8 = 249
  /// `RDB_OPCODE_IDLE`
  public static let idle: UInt8 = 248
  /// `RDB_OPCODE_MODULE_AUX`
  public static let moduleAux: UInt8 = 247
  /// `RDB_OPCODE_FUNCTION_PRE_GA`
  public static let functionPreRelease: UInt8 = 246
  /// `RDB_OPCODE_FUNCTION2`
  public static let function: UInt8 = 245
  /// `RDB_OPCODE_SLOT_INFO`
  public static let slotInfo: UInt8 = 244
  /// `RDB_OPCODE_KEY_META` of Redis, `RDB_OPCODE_SLOT_IMPORT` of Valkey
  public static let keyMetadata: UInt8 = 243
  /// `RDB_OPCODE_SLOT_IMPORT` of Valkey, `RDB_OPCODE_KEY_META` of Redis
  public static let slotImport: UInt8 = 243
  /// `RDB_OPCODE_HASH_TEMPLATE` of Redis
  public static let hashTemplate: UInt8 = 242
  /// Redis Enterprise: one length before a key
  public static let enterpriseRAM: UInt8 = 107
  /// Redis Enterprise: one length before a key
  public static let enterpriseSlot: UInt8 = 121
}

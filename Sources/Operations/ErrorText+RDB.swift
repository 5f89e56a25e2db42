import Bytes
public import RDB

/// The words for what is wrong with a dump.
extension RDBError {
  /// What is wrong, and while what was read.
  public var what: String {
    switch kind {
    case .notAnRDB: "is no RDB file: it begins with neither REDISnnnn nor VALKEYnnn"
    case .unsupportedVersion(let version):
      "RDB version \(version) is not known to this program"
    case .truncated: "the file ends inside \(activity.text)"
    case .unreadable(let error): ToolError.what(error, .input)
    case .checksumMismatch(let stored, let computed):
      "the checksum in the file is \(RDBError.hex(stored)), that of its bytes \(RDBError.hex(computed)): something before was changed"
    case .badLength(let byte): "no length begins with byte \(RDBError.hex(byte)) (\(activity.text))"
    case .badString(let byte): "no string begins with byte \(RDBError.hex(byte)) (\(activity.text))"
    case .badLZF: "a compressed string does not decompress to its length (\(activity.text))"
    case .impossibleCount(let count): "a count of \(count) can not be (\(activity.text))"
    case .unknownType(let byte): "there is no type or opcode \(byte)"
    case .dragonfly(let byte):
      "record \(byte) belongs to Dragonfly, whose snapshots are a format of their own"
    case .opaqueModule:
      "a module's value from before Redis 4.0 has no end that others can find"
    case .badModuleOpcode(let code): "there is no module opcode \(code) (\(activity.text))"
    case .badRecord(let problem): "\(activity.text): \(problem.text)"
    case .duplicateKey: "the key is there twice in its database; a server refuses to load that"
    case .corrupt(let blob, let problem): "corrupt \(blob.text): \(problem.text)"
    }
  }

  /// What to do about it, where something helps.
  var remedy: String? {
    switch kind {
    case .unsupportedVersion: "Try: a newer redis-backup"
    case .dragonfly: "Try: SAVE RDB on the Dragonfly server"
    case .opaqueModule: "Try: a server that has the module, and BGREWRITEAOF"
    case .notAnRDB, .unreadable: nil
    default: nil
    }
  }

  private static func hex<T: FixedWidthInteger & UnsignedInteger>(_ value: T) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: T.bitWidth / 4 - digits.count) + digits
  }
}

extension RDBError.Activity {
  /// What was being read, in words.
  var text: String {
    switch self {
    case .header: "the header"
    case .type: "a record's type"
    case .selectDB: "a database number"
    case .resizeDB: "a size hint of a database"
    case .aux: "an AUX field"
    case .expiry: "an expiry time"
    case .idle: "an idle time"
    case .frequency: "a use counter"
    case .function: "a function library"
    case .moduleAux: "a module's data"
    case .slotInfo: "a slot hint"
    case .slotImport: "a slot import"
    case .keyMetadata: "a key's metadata"
    case .template: "a hash template"
    case .key: "a key"
    case .value: "a value"
    case .checksum: "the checksum"
    }
  }
}

extension RDBError.Blob {
  /// The encoding, in words.
  var text: String { rawValue }
}

extension RDBError.Problem {
  /// Which rule was broken, in words.
  var text: String {
    switch self {
    case .size: "its size is not what it claims"
    case .end: "its end mark is missing"
    case .count: "its number of elements is not what it claims"
    case .entry: "an element reaches beyond its end"
    case .backLength: "the back length of an element is wrong"
    case .order: "its elements are out of order"
    case .duplicate: "an element is there twice"
    case .notANumber: "a number is wanted where something else stands"
    case .empty: "it is empty"
    case .tail: "its tail offset is wrong"
    case .range: "a number is out of range"
    case .missing: "something it refers to is missing"
    case .pairs: "an odd number of elements where pairs are wanted"
    case .encoding: "an encoding that does not exist"
    case .owner: "a pending entry without owner"
    case .cursor: "its cursor is wrong"
    case .unsorted: "its names are not sorted"
    case .nan: "a score that is not a number"
    case .index: "an index is wrong"
    case .keyMetadata: "metadata that no key follows"
    case .moduleWhen: "neither before nor after the keys"
    case .slots: "slots that do not exist"
    case .jobName: "a job name that is not 40 bytes"
    case .preReleaseFunction: "a function library of a 7.0 pre-release that can't be read"
    }
  }
}

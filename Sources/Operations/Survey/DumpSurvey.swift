import Bytes
public import RDB

/// What a walk through an RDB has seen.
public struct DumpSurvey: Sendable {
  /// What is in one database.
  public struct Database: Sendable, Equatable {
    /// Its number.
    public var number: Int
    /// How many keys it holds.
    public var keys = 0
    /// How many of them expire.
    public var expires = 0
    /// How many of those had run out at the time of the survey.
    public var expired = 0
  }

  /// Version and dialect; nil when not even the header could be read.
  public var header: RDBHeader?
  /// The databases, in the order of the file.
  public var databases: [Database] = []
  /// How many keys of each type, by `LogicalType.rawValue`.
  public var types = [Int](repeating: 0, count: 65)
  /// The facts about the producer, as they stand in the file; the first 64, not those of
  /// single keys.
  public var aux: [(name: String, value: [UInt8])] = []
  /// How many libraries of functions.
  public var functions = 0
  /// How many records of modules beside the keys.
  public var moduleRecords = 0
  /// What the end said; nil when it was not reached.
  public var checksum: RDBChecksum?
  /// Where the RDB begins and how far it was read.
  public var bytes = 0..<0
  /// The end of the last whole record.
  public var goodBytes = 0
  private var last = -1

  /// Nothing seen.
  public init() {}

  /// All keys.
  public var keys: Int { databases.reduce(0) { $0 + $1.keys } }

  /// The value of an AUX field, whatever the case of its name.
  public func aux(_ name: String) -> [UInt8]? {
    aux.first { $0.name.lowercased() == name }?.value
  }

  /// The program that wrote the file, such as `Redis 7.0.15`; nil when it does not say (before
  /// Redis 3.2).
  public var producer: String? {
    func text(_ name: String) -> String? {
      aux(name).map { bytes in
        let quoted = KeyText.quoted(bytes)
        return String(quoted.dropFirst().dropLast())
      }
    }
    if let version = text("df-ver") { return "Dragonfly \(version)" }
    if let version = text("valkey-ver") { return "Valkey \(version)" }
    return text("redis-ver").map { "Redis \($0)" }
  }

  /// When it was written, in unix seconds.
  public var madeAt: Int64? {
    aux("ctime").flatMap { $0.withByteSlice { DecimalText.canonical($0) } }
  }

  mutating func count(_ key: KeyHeader, now: Int64) {
    if last < 0 || databases[last].number != key.db {
      last = databases.firstIndex { $0.number == key.db } ?? databases.count
      if last == databases.count { databases.append(Database(number: key.db)) }
    }
    databases[last].keys += 1
    if let time = key.expiresAt {
      databases[last].expires += 1
      if time < now { databases[last].expired += 1 }
    }
    types[Int(key.type.logical.rawValue)] += 1
  }

  mutating func note(_ name: ByteSlice, _ value: ByteSlice) {
    // Those of single keys or slots would fill the list.
    let isMinor =
      name.starts(with: "keydb-subexpire") || name.equals("mvcc-tstamp") || name.equals("slot-info")
      || name.equals("lua")
    guard aux.count < 64, name.count <= 64, value.count <= 4096, !isMinor else { return }
    aux.append((name.text, value.bytes))
  }
}

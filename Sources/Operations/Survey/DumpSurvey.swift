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
    /// How many of those had run out at the time of the survey; what was counted without names and
    /// without a deep look is left out.
    public var expired = 0
  }

  /// Version and dialect; nil when not even the header could be read.
  public var header: RDBHeader?
  /// The databases, in the order of the file.
  public var databases: [Database] = []
  /// How many keys of each type, by `LogicalType.rawValue`; where names are counted.
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

  /// Adds what was counted of one database.
  mutating func add(_ counts: Database) {
    guard counts.keys > 0 else { return }
    if let index = databases.firstIndex(where: { $0.number == counts.number }) {
      databases[index].keys += counts.keys
      databases[index].expires += counts.expires
      databases[index].expired += counts.expired
    } else {
      databases.append(counts)
    }
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

/// Counts keys, with as little as can be done for each.
struct KeyCounter: ~Copyable {
  /// The database that is being counted.
  private var current = DumpSurvey.Database(number: 0)
  /// How many keys of each way to write a value, by its raw value.
  private var types = InlineArray<256, Int>(repeating: 0)
  private let now: Int64

  init(now: Int64) { self.now = now }

  @inline(__always) mutating func count(_ key: borrowing RDBReader, _ survey: inout DumpSurvey) {
    let header = key.key
    if header.db != current.number { flush(header.db, &survey) }
    current.keys &+= 1
    types[Int(header.type.rawValue)] &+= 1
    if let time = header.expiresAt {
      current.expires &+= 1
      if time < now { current.expired &+= 1 }
    }
  }

  /// Counts keys that were passed, whose types are not known.
  @inline(__always) mutating func count(
    _ passed: PassedKeys, database: Int, _ survey: inout DumpSurvey
  ) {
    if passed.keys == 0 { return }
    if database != current.number { flush(database, &survey) }
    current.keys &+= passed.keys
    current.expires &+= passed.expires
    current.expired &+= passed.expired
  }

  @inline(never) private mutating func flush(_ next: Int, _ survey: inout DumpSurvey) {
    survey.add(current)
    current = DumpSurvey.Database(number: next)
  }

  /// Puts all that was counted into `survey`.
  func finish(_ survey: inout DumpSurvey) {
    survey.add(current)
    for type in ValueType.allCases {
      survey.types[Int(type.logical.rawValue)] += types[Int(type.rawValue)]
    }
  }
}

internal import RDB

/// The parts of a state that not every format holds, or that somebody may not care for: they can be
/// left out of a comparison by name (`--ignore`).
public struct StateAspects: OptionSet, Sendable, Hashable {
  /// One bit an aspect.
  public let rawValue: UInt32
  /// Of bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Seconds since a key was used.
  public static let idle = StateAspects(rawValue: 1 << 0)
  /// How often a key was used (LFU).
  public static let frequency = StateAspects(rawValue: 1 << 1)
  /// When keys expire.
  public static let expiry = StateAspects(rawValue: 1 << 2)
  /// When hash fields expire.
  public static let fieldExpiry = StateAspects(rawValue: 1 << 3)
  /// Of streams: how many entries were ever added, and the highest deleted id.
  public static let streamNumbers = StateAspects(rawValue: 1 << 4)
  /// Of groups: how many entries were read.
  public static let entriesRead = StateAspects(rawValue: 1 << 5)
  /// Of groups: consumers that own no pending entry.
  public static let consumers = StateAspects(rawValue: 1 << 6)
  /// Of consumers: when they were seen; and when an entry that nobody owns was delivered.
  public static let seenTime = StateAspects(rawValue: 1 << 7)
  /// Of consumers: when they were active.
  public static let activeTime = StateAspects(rawValue: 1 << 8)
  /// Of groups: pending entries whose message was deleted; of producers: their ids likewise.
  public static let goneEntries = StateAspects(rawValue: 1 << 9)
  /// Of groups: pending entries that nobody owns (Redis 8.8).
  public static let unowned = StateAspects(rawValue: 1 << 10)
  /// Of streams: remembered ids of idempotent messages, and their settings (Redis 8.6).
  public static let idempotency = StateAspects(rawValue: 1 << 11)
  /// Of streams: how many idempotent ids were added and how many duplicates were met.
  public static let idempotencyCounts = StateAspects(rawValue: 1 << 12)
  /// Libraries of functions.
  public static let functions = StateAspects(rawValue: 1 << 13)
  /// Data of modules that belongs to no key.
  public static let moduleData = StateAspects(rawValue: 1 << 14)
  /// Metadata of modules for single keys (Redis 8.6).
  public static let metadata = StateAspects(rawValue: 1 << 15)

  /// What changes whenever somebody looks: left out unless asked for.
  public static let usage: StateAspects = [.idle, .frequency]

  /// One aspect as people name it.
  public struct Name: Sendable {
    /// Which.
    public var aspect: StateAspects
    /// The word for `--ignore`.
    public var word: String
    /// What it is.
    public var meaning: String
  }

  /// All of them, in the order in which they are told.
  public static let names: [Name] = [
    Name(aspect: .idle, word: "idle", meaning: "idle times of keys"),
    Name(aspect: .frequency, word: "freq", meaning: "use counters of keys"),
    Name(aspect: .expiry, word: "expiry", meaning: "when keys expire"),
    Name(aspect: .fieldExpiry, word: "field-ttl", meaning: "when hash fields expire"),
    Name(
      aspect: .streamNumbers, word: "stream-numbers",
      meaning: "entries added to and highest id deleted from streams"),
    Name(aspect: .entriesRead, word: "entries-read", meaning: "entries read by stream groups"),
    Name(aspect: .consumers, word: "consumers", meaning: "consumers without pending entries"),
    Name(
      aspect: .seenTime, word: "seen-time",
      meaning: "when consumers were seen, and when entries that nobody owns were delivered"),
    Name(aspect: .activeTime, word: "active-time", meaning: "when consumers were active"),
    Name(
      aspect: .goneEntries, word: "gone-entries",
      meaning: "pending entries and idempotent ids whose message is deleted"),
    Name(aspect: .unowned, word: "unowned", meaning: "pending entries without a consumer"),
    Name(aspect: .idempotency, word: "idmp", meaning: "ids of idempotent messages"),
    Name(aspect: .idempotencyCounts, word: "idmp-counts", meaning: "counts of idempotent messages"),
    Name(aspect: .functions, word: "functions", meaning: "libraries of functions"),
    Name(
      aspect: .moduleData, word: "module-aux",
      meaning: "data of modules that belongs to no key"),
    Name(aspect: .metadata, word: "metadata", meaning: "metadata of modules for keys"),
  ]

  /// Adds what `--ignore A[,B]` names.
  ///
  /// - Throws: ``ToolError`` of wrong use.
  public mutating func add(_ text: String) throws(ToolError) {
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let name = StateAspects.names.first(where: { $0.word == word }) else {
        let all = StateAspects.names.map(\.word).joined(separator: ", ")
        throw .usage(
          "--ignore \(text): '\(word)' is nothing that can be ignored", remedy: "Try: \(all)")
      }
      insert(name.aspect)
    }
  }

  /// The words for what is in the set.
  public var words: [String] {
    StateAspects.names.filter { contains($0.aspect) }.map(\.word)
  }

  /// What is in the set, in sentences.
  public var meanings: [String] {
    StateAspects.names.filter { contains($0.aspect) }.map(\.meaning)
  }
}

/// What a state was read from, as far as it decides what it can hold.
enum StateFormat: Equatable {
  /// A dump of this version.
  case dump(RDBHeader)
  /// A log of commands, whatever it begins with.
  case log
  /// An export; `isWhole` when it was made with `--all`.
  case export(isWhole: Bool)

  /// What it does not hold (rdb-format.md 13.3, aof-format.md 6).
  var unknown: StateAspects {
    switch self {
    case .log:
      return [
        .idle, .frequency, .seenTime, .activeTime, .goneEntries, .idempotencyCounts, .moduleData,
        .metadata,
      ]
    case .export(let isWhole):
      return isWhole ? [] : [.idle, .frequency, .functions, .moduleData, .metadata]
    case .dump(let header):
      var unknown = StateAspects()
      let isRedis = header.dialect == .redis
      let version = header.version
      if version < 9 { unknown.formUnion([.idle, .frequency, .moduleData]) }
      if version < 10 { unknown.formUnion([.streamNumbers, .entriesRead, .functions]) }
      if version < 11 { unknown.insert(.activeTime) }
      if version < 12 { unknown.insert(.fieldExpiry) }
      if !isRedis || version < 13 {
        unknown.formUnion([.idempotency, .idempotencyCounts, .metadata])
      }
      if !isRedis || version < 14 { unknown.insert(.unowned) }
      return unknown
    }
  }
}

extension RDBLoss {
  /// The aspects of a key that are lost; ``key`` itself has none.
  var aspects: StateAspects {
    var aspects = StateAspects()
    if contains(.fieldExpiry) { aspects.insert(.fieldExpiry) }
    if contains(.streamNumbers) { aspects.insert(.streamNumbers) }
    if contains(.entriesRead) { aspects.insert(.entriesRead) }
    if contains(.activeTime) { aspects.insert(.activeTime) }
    if contains(.idempotency) { aspects.formUnion([.idempotency, .idempotencyCounts]) }
    if contains(.unownedPending) { aspects.insert(.unowned) }
    if contains(.milliseconds) || contains(.lateExpiry) { aspects.insert(.expiry) }
    if contains(.evictionHint) { aspects.formUnion(.usage) }
    if contains(.keyMetadata) { aspects.insert(.metadata) }
    return aspects
  }
}

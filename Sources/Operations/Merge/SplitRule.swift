internal import Bytes
internal import RDB

/// By what the keys of a dump are told apart, and the names of the parts.
public enum SplitRule: Sendable {
  /// A range of slots, and the name of its part.
  public struct Shard: Sendable {
    /// The name.
    public var name: String
    /// The slots, inclusive.
    public var slots: [ClosedRange<Int>]
  }

  /// `db0`, `db1` …
  case database
  /// `string`, `hash` …
  case type
  /// What stands in front of the first separator.
  case prefix(separator: UInt8)
  /// Slots of Redis Cluster.
  case slots([Shard])

  /// The ranges `0-5460,5461-10922,…`; each is a part.
  public static func slots(_ text: String) throws(ToolError) -> SplitRule {
    var shards: [Shard] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let range = NumberRange.parse(part), range.upperBound < HashSlot.count else {
        throw .usage(
          "--slots \(text): slots are 0 to 16383", remedy: "Try: --slots 0-5460,5461-10922")
      }
      if shards.contains(where: { $0.slots[0].overlaps(range) }) {
        throw .usage("--slots \(text): slot \(range.lowerBound) is in two ranges")
      }
      shards.append(Shard(name: "slots-\(range.lowerBound)-\(range.upperBound)", slots: [range]))
    }
    return .slots(shards)
  }

  /// The masters of what `CLUSTER NODES` answers; each is a part.
  ///
  /// ```text
  /// ID HOST:PORT@BUS[,NAME] FLAGS MASTER PING PONG EPOCH LINK SLOT|FIRST-LAST|[MIGRATION]…
  /// ```
  public static func clusterNodes(_ text: String, file: String) throws(ToolError) -> SplitRule {
    var shards: [Shard] = []
    for (index, line) in text.split(whereSeparator: \.isNewline).enumerated() {
      let words = line.split(separator: " ")
      guard words.count >= 8, words[0].count == 40 else {
        throw .refused(
          .badData, "line \(index + 1) is none of CLUSTER NODES", file: file,
          remedy: "Try: redis-cli CLUSTER NODES > FILE")
      }
      var slots: [ClosedRange<Int>] = []
      for word in words.dropFirst(8) where !word.hasPrefix("[") {
        guard let range = NumberRange.parse(word), range.upperBound < HashSlot.count else {
          throw .refused(.badData, "line \(index + 1): '\(word)' is no slot", file: file)
        }
        slots.append(range)
      }
      if slots.isEmpty { continue }
      let address = words[1].split(separator: "@")[0]
      shards.append(Shard(name: String(address).replacing(":", with: "-"), slots: slots))
    }
    if shards.isEmpty { throw .refused(.badData, "no node in it has slots", file: file) }
    return .slots(shards)
  }

  /// The name of the part to which a key belongs.
  func part(_ key: ByteSlice, db: Int, type: LogicalType) -> String {
    switch self {
    case .database: return "db\(db)"
    case .type: return "\(type.name)"
    case .prefix(let separator):
      guard let end = key.firstIndex(of: separator) else { return "no-prefix" }
      return SplitRule.fileName(key.prefix(end))
    case .slots(let shards):
      let slot = HashSlot.of(key)
      for shard in shards {
        for range in shard.slots where range.contains(slot) { return shard.name }
      }
      return "no-shard"
    }
  }

  /// The parts that are made even when no key belongs to them.
  var fixedParts: [String] {
    if case .slots(let shards) = self { return shards.map(\.name) }
    return []
  }

  /// A name that any file system takes, and that differs where the bytes do.
  private static func fileName(_ bytes: ByteSlice) -> String {
    if bytes.isEmpty { return "prefix-empty" }
    var name = "prefix-"
    var index = 0
    while index < bytes.count, name.utf8.count < 120 {
      defer { index += 1 }
      let byte = bytes[index]
      let isPlain =
        ASCII.lowercased(byte) &- 0x61 < 26 || ASCII.isDigit(byte) || byte == 0x2D || byte == 0x5F
      if isPlain {
        name.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let text = String(byte, radix: 16)
        name += "%" + (text.count == 1 ? "0" : "") + text
      }
    }
    return index < bytes.count ? name + "-" + String(bytes.fastHash, radix: 16) : name
  }
}

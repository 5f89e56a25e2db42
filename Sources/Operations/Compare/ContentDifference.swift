public import Bytes
internal import RDB

/// A key that is not the same in two states.
public struct ContentDifference: Sendable {
  /// Where it is.
  public enum Kind: String, Sendable {
    /// Only in the first.
    case onlyA
    /// Only in the second.
    case onlyB
    /// In both, with another value, or another time to live.
    case different
  }

  /// The number of its database; nil for what belongs to no key.
  public var database: Int?
  /// Its name; that of a library of functions, of a module's type.
  public var key: [UInt8]
  /// The type as `TYPE` tells it, or `function`, `module-aux`.
  public var type: String
  /// Where it is.
  public var kind: Kind
  /// What of it differs: the first differences.
  public var parts: [StateDifference] = []
  /// How many differences there are.
  public var partCount = 0

  init(_ kind: Kind, _ head: KeyHead) {
    self.kind = kind
    database = head.db >= 0 ? head.db : nil
    key = head.key.bytes
    type = ContentDifference.type(head)
  }

  init(_ value: FlatValue, _ list: DifferenceList) {
    kind = .different
    database = value.db >= 0 ? value.db : nil
    key = value.key
    type = ContentDifference.type(
      KeyHead(db: value.db, key: ByteSlice(), type: value.type, expiresAt: nil))
    parts = list.parts
    partCount = list.count
  }

  static func type(_ head: KeyHead) -> String {
    switch head.db {
    case KeyHead.functions: "function"
    case KeyHead.moduleData: "module-aux"
    default: "\(head.type.name)"
    }
  }

  /// Whether only times to live differ.
  public var isOnlyExpiry: Bool {
    kind == .different && partCount == parts.count
      && parts.allSatisfy { $0.part == .expiry || $0.part == .fieldExpiry }
  }

  /// `db 0 "key" (hash)`, or `function library "name"`.
  public var label: String {
    let name = KeyText.quoted(key, 200)
    guard let database else {
      return type == "function" ? "library of functions \(name)" : "module data \(name)"
    }
    return "db \(database) \(name) (\(type))"
  }

  /// `- `, `+ ` or `~ ` and the label; what differs on further lines.
  public var lines: [String] {
    switch kind {
    case .onlyA: return ["- \(label)"]
    case .onlyB: return ["+ \(label)"]
    case .different:
      var lines = ["~ \(label)"] + parts.map { "    \($0.text)" }
      if partCount > parts.count { lines.append("    and \(partCount - parts.count) more") }
      return lines
    }
  }
}

extension StateDifference {
  /// `field "name": "a" -> "b"`
  public var text: String {
    var text =
      group.map { (part == .idempotency ? "producer " : "group ") + KeyText.quoted($0, 80) + ", " }
      ?? ""
    text += part.words
    if let name { text += " " + name.text }
    switch change {
    case .added: return "\(text): added" + (after.map { ", \($0.text)" } ?? "")
    case .removed: return "\(text): removed" + (before.map { ", was \($0.text)" } ?? "")
    case .changed:
      // Long texts are shown from where they begin to differ.
      if case .bytes(let old)? = before, case .bytes(let new)? = after {
        let (left, right) = StateDifference.excerpts(old, new)
        return "\(text): \(left) -> \(right)"
      }
      return "\(text): \(before?.text ?? "nothing") -> \(after?.text ?? "nothing")"
    }
  }

  /// Two texts, both shortened to the surroundings of their first difference.
  private static func excerpts(_ old: [UInt8], _ new: [UInt8]) -> (String, String) {
    var at = 0
    while at < min(old.count, new.count), old[at] == new[at] { at += 1 }
    let from = at > 40 ? at - 20 : 0
    func excerpt(_ bytes: [UInt8]) -> String {
      let end = min(bytes.count, from + 80)
      let piece = KeyText.quoted(Array(bytes[min(from, bytes.count)..<end]))
      let head = from > 0 ? "…" : ""
      return head + piece + (end < bytes.count ? "… (\(bytes.count) bytes)" : "")
    }
    return (excerpt(old), excerpt(new))
  }
}

extension StateDifference.Shown {
  /// For people, on one line.
  public var text: String {
    switch self {
    case .bytes(let bytes): KeyText.quoted(bytes, 80)
    case .text(let text): text
    }
  }
}

extension KeyText {
  /// Quoted, and shortened to about `limit` bytes.
  static func quoted(_ bytes: [UInt8], _ limit: Int) -> String {
    bytes.withByteSlice { quoted($0, limit: limit) }
  }
}

extension StateDifference.Part {
  /// For people.
  var words: String {
    switch self {
    case .type: "type"
    case .expiry: "expires"
    case .idle: "idle"
    case .frequency: "use counter"
    case .metadata: "metadata of modules"
    case .value: "value, from"
    case .element: "element"
    case .member: "member"
    case .score: "score of"
    case .field: "field"
    case .fieldExpiry: "expiry of field"
    case .item: "item"
    case .cursor: "insert cursor"
    case .entry: "entry"
    case .lastID: "last id"
    case .entriesAdded: "entries added"
    case .maxDeletedID: "highest deleted id"
    case .group: "group"
    case .lastDelivered: "last delivered id"
    case .entriesRead: "entries read"
    case .consumer: "consumer"
    case .seenTime: "seen time of consumer"
    case .activeTime: "active time of consumer"
    case .pending: "pending entry"
    case .owner: "owner of pending entry"
    case .deliveries: "deliveries of pending entry"
    case .deliveryTime: "delivery time of pending entry"
    case .idempotency: "idempotent messages"
    case .idempotencyCounts: "counts of idempotent messages"
    case .moduleType: "type of module"
    case .moduleItem: "item of module"
    }
  }
}

extension JSONWriter {
  /// Writes what is shown of one side.
  mutating func shown(_ shown: StateDifference.Shown?, _ output: inout OutputBuffer) {
    switch shown {
    case .bytes(let bytes): bytes.withByteSlice { string($0, &output) }
    case .text(let text): string(text, &output)
    case nil: null(&output)
    }
  }

  /// Writes a key that differs: `{"db","key","type"}`, and for changed ones
  /// `"parts":[{"part","change","group","name","before","after"},…],"partCount"`.
  public mutating func difference(_ key: ContentDifference, _ output: inout OutputBuffer) {
    beginObject(&output)
    field("db", key.database, &output)
    self.key("key", &output)
    key.key.withByteSlice { string($0, &output) }
    field("type", key.type, &output)
    if key.kind == .different {
      self.key("parts", &output)
      beginArray(&output)
      for part in key.parts {
        beginObject(&output)
        field("part", part.part.rawValue, &output)
        field("change", part.change.rawValue, &output)
        if let group = part.group {
          self.key("group", &output)
          group.withByteSlice { string($0, &output) }
        }
        if let name = part.name {
          self.key("name", &output)
          shown(name, &output)
        }
        self.key("before", &output)
        shown(part.before, &output)
        self.key("after", &output)
        shown(part.after, &output)
        endObject(&output)
      }
      endArray(&output)
      field("partCount", key.partCount, &output)
    }
    endObject(&output)
  }
}

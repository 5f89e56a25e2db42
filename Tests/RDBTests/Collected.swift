import Bytes
import Foundation
import RDB

/// One key of a dump as text that compares, in the words of the truth files: strings in base64,
/// unordered collections sorted.
struct CollectedKey: Equatable {
  var db = 0
  var key = ""
  var type = ""
  var expiresAt: Int64?
  var idle: UInt64?
  var frequency: UInt8?
  /// What it holds; see ``Collector``.
  var parts: [String] = []

  var id: String { "\(db) \(key)" }
}

/// Gathers keys from a reader.
struct Collector: ValueSink {
  var keys: [CollectedKey] = []
  /// Everything that was told, in order, for comparing two ways of reading.
  var events: [String] = []
  private var current = CollectedKey()
  private var entry: [String] = []
  private var group: [String] = []
  private var consumer = ""
  private var owners: [String: String] = [:]
  private var pending: [(id: String, text: String)] = []

  static func base64(_ bytes: ByteSlice) -> String { Data(bytes.bytes).base64EncodedString() }
  static func text(_ id: StreamID) -> String { "\(id.ms)-\(id.seq)" }

  mutating func begin(_ key: KeyDescription) {
    current = CollectedKey()
    current.db = key.db
    current.key = Collector.base64(key.key)
    current.type = "\(key.type.name)"
    current.expiresAt = key.expiresAt
    current.idle = key.idle
    current.frequency = key.frequency
    events.append("begin \(current.id) \(current.type) \(key.encoding)")
    entry = []
    group = []
  }

  mutating func element(_ element: inout ValueElement) {
    let first = Collector.base64(element.first)
    let part =
      switch current.type {
      case "zset": "\(first) \(element.score)"
      case "hash": "\(first) \(Collector.base64(element.second)) \(element.expiresAt)"
      case "array": "\(element.index) \(first)"
      default: first
      }
    events.append(part)
    current.parts.append(part)
  }

  mutating func stream(_ event: StreamEvent) {
    events.append(Collector.describe(event))
    switch event {
    case .entry(let id, _):
      endEntry()
      entry = [Collector.text(id)]
    case .deletedEntry: endEntry()
    case .field(let field, let value):
      if !entry.isEmpty { entry += [Collector.base64(field), Collector.base64(value)] }
    case .metadata(let metadata):
      endEntry()
      current.parts += [
        "length \(metadata.length)", "last \(Collector.text(metadata.lastID))",
        "deleted \(Collector.text(metadata.maxDeletedID))",
        "first \(Collector.text(metadata.firstID))", "added \(metadata.entriesAdded)",
      ]
    case .group(let name, let last, let read):
      endGroup()
      group = ["group \(Collector.base64(name)) \(Collector.text(last)) \(read)"]
    case .pending(let id, let time, let count):
      pending.append((Collector.text(id), "\(time) \(count)"))
    case .consumer(let name, _, _):
      consumer = Collector.base64(name)
      group.append("consumer \(consumer)")
    case .owned(let id): owners[Collector.text(id)] = consumer
    case .unowned(let id): owners[Collector.text(id)] = ""
    case .idempotency, .producer, .producedID, .idempotencyCounts: break
    }
  }

  static func describe(_ event: StreamEvent) -> String {
    switch event {
    case .field(let field, let value): "field \(base64(field)) \(base64(value))"
    case .group(let name, let last, let read): "group \(base64(name)) \(text(last)) \(read)"
    case .consumer(let name, let seen, let active): "consumer \(base64(name)) \(seen) \(active)"
    case .producer(let name): "producer \(base64(name))"
    case .producedID(let iid, let id): "produced \(base64(iid)) \(text(id))"
    default: "\(event)"
    }
  }

  mutating func module(_ item: ModuleItem) {
    let part =
      if case .string(let bytes) = item { "string \(Collector.base64(bytes))" } else { "\(item)" }
    events.append(part)
    current.parts.append(part)
  }

  mutating func end() {
    endEntry()
    endGroup()
    if ["set", "zset", "hash"].contains(current.type) { current.parts.sort() }
    keys.append(current)
    events.append("end")
  }

  private mutating func endEntry() {
    if !entry.isEmpty { current.parts.append(entry.joined(separator: " ")) }
    entry = []
  }

  private mutating func endGroup() {
    if group.isEmpty { return }
    for (id, text) in pending { group.append("pending \(id) \(owners[id] ?? "?") \(text)") }
    current.parts.append(group[0])
    current.parts += group.dropFirst().sorted()
    group = []
    pending = []
    owners = [:]
  }

  /// All keys of the dump in `cursor`.
  static func read(_ cursor: consuming ByteCursor) throws -> Collector {
    var reader = try RDBReader(cursor)
    var collector = Collector()
    while true {
      switch try reader.next() {
      case .key: try reader.drain(into: &collector)
      case .end: return collector
      default: break
      }
    }
  }
}

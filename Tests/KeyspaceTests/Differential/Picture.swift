import Bytes
import Foundation
import Keyspace
import RDB
import TestSupport

/// What a key holds, in a form that can be compared and printed.
struct KeyPicture: Equatable, CustomStringConvertible {
  var type: String
  /// The elements as text; those of sets and hashes are sorted. Fields of hashes that expire say
  /// when, and entries of streams have their fields.
  var elements: [String]
  /// Of streams: last id, highest deleted id, entries added, and of each group its last id,
  /// entries read, consumers and pending entries.
  var details: [String] = []
  /// When it expires, in unix milliseconds.
  var expiresAt: Int64?

  var description: String {
    let content = (elements.prefix(20) + details.prefix(40)).map { $0.prefix(150) }
      .joined(separator: ", ")
    return "\(type) \(expiresAt.map { "until \($0)" } ?? "for ever"): \(content)"
  }

  /// The lines that only one of two pictures has.
  func differences(to other: KeyPicture) -> String {
    guard type == other.type, expiresAt == other.expiresAt else {
      return "ours \(self), theirs \(other)"
    }
    func only(_ a: [String], _ b: [String]) -> String {
      let known = Set(b)
      return a.filter { !known.contains($0) }.prefix(8).map { String($0.prefix(150)) }.joined(
        separator: ", ")
    }
    let ours = elements + details
    let theirs = other.elements + other.details
    return "\(type), only ours [\(only(ours, theirs))], only theirs [\(only(theirs, ours))], "
      + "\(ours.count) and \(theirs.count) parts"
  }

  /// Bytes as text that shows every one of them.
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes {
      if byte >= 0x20 && byte < 0x7F && byte != 0x5C {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "\\" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text
  }

  static func text(_ slice: ByteSlice) -> String { text(slice.bytes) }
}

/// All keys, by database and name.
typealias Picture = [String: KeyPicture]

/// Collects the picture of a keyspace.
struct PictureSink: ValueSink, ~Copyable {
  /// A group while it is fed.
  private struct Group {
    var head = ""
    var consumers: [String] = []
    var pending: [StreamID: (time: Int64, count: UInt64)] = [:]
    var owners: [StreamID: String] = [:]

    var lines: [String] {
      let entries = pending.sorted { $0.key < $1.key }.map { id, entry in
        "\(head) pending \(id.text) of \(owners[id] ?? "nobody") at \(entry.time) x\(entry.count)"
      }
      return [head] + consumers.sorted().map { "\(head) consumer \($0)" } + entries
    }
  }

  var picture = Picture()
  private var name = ""
  private var key = KeyPicture(type: "", elements: [])
  private var groups: [Group] = []
  /// Whether the server has the numbers that 7.0 brought.
  private let hasNumbers: Bool

  init(hasNumbers: Bool = true) { self.hasNumbers = hasNumbers }

  mutating func begin(_ description: KeyDescription) {
    name = "\(description.db)/" + KeyPicture.text(description.key)
    key = KeyPicture(
      type: "\(description.type)", elements: [], expiresAt: description.expiresAt)
    groups = []
  }

  mutating func element(_ element: inout ValueElement) {
    switch key.type {
    case "zset":
      key.elements.append(KeyPicture.text(element.first) + "=\(element.score + 0)")
    case "hash":
      let until = element.expiresAt == ValueElement.never ? "" : " until \(element.expiresAt)"
      key.elements.append(
        KeyPicture.text(element.first) + "=" + KeyPicture.text(element.second) + until)
    default: key.elements.append(KeyPicture.text(element.first))
    }
  }

  mutating func stream(_ event: StreamEvent) {
    switch event {
    case .entry(let id, _): key.elements.append(id.text)
    case .field(let field, let value):
      key.elements[key.elements.count - 1] +=
        " " + KeyPicture.text(field) + " " + KeyPicture.text(value)
    case .metadata(let numbers):
      key.details.append(
        "last \(numbers.lastID.text) "
          + (hasNumbers
            ? "deleted \(numbers.maxDeletedID.text) added \(numbers.entriesAdded) "
              + "first \(numbers.firstID.text)" : "deleted ? added ? first ?"))
    case .group(let name, let last, let read):
      groups.append(Group())
      let known = hasNumbers ? read : -1
      change { $0.head = "\(KeyPicture.text(name)) last \(last.text) read \(known)" }
    case .pending(let id, let time, let count): change { $0.pending[id] = (time, count) }
    case .consumer(let name, _, _): change { $0.consumers.append(KeyPicture.text(name)) }
    case .owned(let id): change { $0.owners[id] = $0.consumers[$0.consumers.count - 1] }
    default: break
    }
  }

  private mutating func change(_ body: (inout Group) -> Void) { body(&groups[groups.count - 1]) }

  mutating func module(_ item: ModuleItem) {}

  mutating func end() {
    if ["zset", "hash", "set"].contains(key.type) { key.elements.sort() }
    key.details += groups.map(\.lines).sorted { $0[0] < $1[0] }.joined()
    picture[name] = key
  }
}

extension StreamID {
  /// Its usual form.
  var text: String { "\(ms)-\(seq)" }
}

/// Reads the whole state of a server.
enum ServerPicture {
  /// All keys of `server`. A score of -0 counts as 0: servers from 7.2 on lose its sign in small
  /// sorted sets.
  static func take(_ server: RealServer, databases: Int = 16) throws -> Picture {
    var picture = Picture()
    for db in 0..<databases {
      try server.call("SELECT", "\(db)")
      let keys = try server.call("KEYS", "*").items?.compactMap(\.bytes) ?? []
      guard !keys.isEmpty else { continue }
      let types = try server.attempt(batch: keys.map { [Array("TYPE".utf8), $0] })
      let times = try expiry(of: keys, server)
      let values = try server.attempt(
        batch: zip(keys, types).map { reading($0, $1.text ?? "") })
      let fieldTimes = try fieldTimes(server, keys, types, values)
      for index in keys.indices {
        let type = types[index].text ?? ""
        if type == "none" { continue }
        var key = KeyPicture(type: type, elements: [], expiresAt: times[index])
        if type == "stream" {
          describe(stream: Fields(values[index]), in: &key)
        } else {
          key.elements = elements(values[index], type, fieldTimes[index] ?? [])
        }
        picture["\(db)/" + KeyPicture.text(keys[index])] = key
      }
    }
    try server.call("SELECT", "0")
    return picture
  }

  /// The code of all libraries of functions, sorted.
  static func functions(_ server: RealServer) throws -> [String] {
    guard server.version != .redis6_2 else { return [] }
    let items = try server.call("FUNCTION", "LIST", "WITHCODE").items ?? []
    return items.map { Fields($0)["library_code"]?.text ?? "" }.sorted()
  }

  /// When keys expire. 6.2 has no PEXPIRETIME; a script computes it from PTTL and TIME.
  private static func expiry(of keys: [[UInt8]], _ server: RealServer) throws -> [Int64?] {
    let name = server.version == .redis6_2 ? "PTTL" : "PEXPIRETIME"
    let now = server.version == .redis6_2 ? Differential.now : 0
    return try server.attempt(batch: keys.map { [Array(name.utf8), $0] }).map {
      let time = $0.integer ?? -1
      return time < 0 ? nil : time + now
    }
  }

  private static func reading(_ key: [UInt8], _ type: String) -> [[UInt8]] {
    func words(_ name: String, _ rest: String...) -> [[UInt8]] {
      [Array(name.utf8), key] + rest.map { Array($0.utf8) }
    }
    switch type {
    case "list": return words("LRANGE", "0", "-1")
    case "set": return words("SMEMBERS")
    case "zset": return words("ZRANGE", "0", "-1", "WITHSCORES")
    case "hash": return words("HGETALL")
    case "stream":
      return ["XINFO", "STREAM"].map(\.utf8Bytes) + [key] + ["FULL", "COUNT", "0"].map(\.utf8Bytes)
    default: return words("GET")
    }
  }

  /// When the fields of hashes expire, by the number of the key.
  private static func fieldTimes(
    _ server: RealServer, _ keys: [[UInt8]], _ types: [RedisReply], _ values: [RedisReply]
  ) throws -> [Int: [Int64]] {
    guard server.version == .valkey9_1 else { return [:] }
    var commands: [[[UInt8]]] = []
    var numbers: [Int] = []
    for index in keys.indices where types[index].text == "hash" {
      let items = values[index].items ?? []
      let fields = stride(from: 0, to: items.count, by: 2).compactMap { items[$0].bytes }
      guard !fields.isEmpty else { continue }
      numbers.append(index)
      commands.append(
        ["HPEXPIRETIME".utf8Bytes, keys[index], "FIELDS".utf8Bytes, "\(fields.count)".utf8Bytes]
          + fields)
    }
    let replies = try server.attempt(batch: commands)
    var times: [Int: [Int64]] = [:]
    for (number, reply) in zip(numbers, replies) {
      times[number] = reply.items?.map { $0.integer ?? -1 } ?? []
    }
    return times
  }

  private static func text(_ reply: RedisReply) -> String { KeyPicture.text(reply.bytes ?? []) }

  private static func elements(
    _ reply: RedisReply, _ type: String, _ times: [Int64]
  ) -> [String] {
    let items = reply.items ?? []
    switch type {
    case "string": return [text(reply)]
    case "list": return items.map(text)
    case "set": return items.map(text).sorted()
    default:
      return stride(from: 0, to: items.count, by: 2).map { index in
        let second = text(items[index + 1])
        let time = times.isEmpty ? -1 : times[index / 2]
        return text(items[index]) + "="
          + (type == "zset" ? "\((Double(second) ?? .nan) + 0)" : second)
          + (time < 0 ? "" : " until \(time)")
      }.sorted()
    }
  }

  private static func describe(stream: Fields, in key: inout KeyPicture) {
    key.elements = (stream["entries"]?.items ?? []).map { entry in
      let parts = entry.items ?? []
      return ([parts[0]] + (parts[1].items ?? [])).map(text).joined(separator: " ")
    }
    func id(_ name: String) -> String { stream[name]?.text ?? "?" }
    key.details = [
      "last \(id("last-generated-id")) deleted \(id("max-deleted-entry-id")) "
        + "added \(id("entries-added")) first \(id("recorded-first-entry-id"))"
    ]
    let groups = (stream["groups"]?.items ?? []).map { group -> [String] in
      let group = Fields(group)
      let name = text(group["name"] ?? .bulk(nil))
      let read = group["entries-read"]?.integer ?? -1
      let head = "\(name) last \(group["last-delivered-id"]?.text ?? "?") read \(read)"
      let consumers = (group["consumers"]?.items ?? []).map {
        "\(head) consumer \(text(Fields($0)["name"] ?? .bulk(nil)))"
      }
      let pending = (group["pel"] ?? group["pending"])?.items ?? []
      return [head] + consumers.sorted()
        + pending.map { entry in
          let parts = entry.items ?? []
          return "\(head) pending \(text(parts[0])) of \(text(parts[1])) "
            + "at \(parts[2].integer ?? -1) x\(parts[3].integer ?? -1)"
        }
    }
    key.details += groups.sorted { $0[0] < $1[0] }.joined()
  }

  /// An array of names and values.
  private struct Fields {
    private var table: [String: RedisReply] = [:]

    init(_ reply: RedisReply) {
      let items = reply.items ?? []
      for index in stride(from: 0, to: items.count - 1, by: 2) {
        table[items[index].text ?? ""] = items[index + 1]
      }
    }

    subscript(_ name: String) -> RedisReply? { table[name] }
  }
}

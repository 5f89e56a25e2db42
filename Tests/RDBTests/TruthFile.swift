import Foundation

/// What a real server said of the keys of one dump (`X.truth.jsonl`).
enum TruthFile {
  static func read(_ path: String) throws -> [CollectedKey] {
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      let parsed = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return key(parsed as? [String: Any] ?? [:])
    }
  }

  private static func key(_ row: [String: Any]) -> CollectedKey {
    var key = CollectedKey()
    key.db = row["db"] as? Int ?? -1
    key.key = row["key"] as? String ?? "?"
    key.type = row["type"] as? String ?? "?"
    key.expiresAt = (row["pexpireat"] as? NSNumber)?.int64Value
    key.frequency = (row["freq"] as? NSNumber)?.uint8Value
    key.idle = (row["idletime"] as? NSNumber)?.uint64Value
    let value = row["value"]
    switch key.type {
    case "string": key.parts = [value as? String ?? "?"]
    case "list": key.parts = value as? [String] ?? ["?"]
    case "set": key.parts = (value as? [String] ?? ["?"]).sorted()
    case "zset":
      key.parts = rows(value).map { "\($0[0]) \(number($0[1]))" }.sorted()
    case "hash":
      key.parts =
        rows(value).map { row in
          let expiry = row.count > 2 ? (row[2] as? NSNumber)?.int64Value ?? -1 : -1
          return "\(row[0]) \(row[1]) \(expiry)"
        }.sorted()
    case "array":
      let items = rows((value as? [String: Any])?["items"])
      key.parts = items.map { "\(($0[0] as? NSNumber)?.uint64Value ?? 0) \($0[1])" }
    case "stream": key.parts = stream(value as? [String: Any] ?? [:])
    default: break
    }
    return key
  }

  private static func rows(_ value: Any?) -> [[Any]] { value as? [[Any]] ?? [] }

  private static func number(_ value: Any) -> Double {
    let text = value as? String ?? "?"
    return unsafe text.withCString { unsafe strtod($0, nil) }
  }

  /// In the words of ``Collector``; what the server did not tell is left out.
  private static func stream(_ value: [String: Any]) -> [String] {
    var parts: [String] = []
    for row in rows(value["entries"]) {
      parts.append(
        ([row[0] as? String ?? "?"] + (row[1] as? [String] ?? [])).joined(separator: " "))
    }
    let names = [
      ("length", "length"), ("last", "last-generated-id"), ("deleted", "max-deleted-entry-id"),
      ("first", "recorded-first-entry-id"), ("added", "entries-added"),
    ]
    for (name, field) in names {
      if let told = value[field], !(told is NSNull) { parts.append("\(name) \(told)") }
    }
    for group in value["groups"] as? [[String: Any]] ?? [] {
      let read = group["entries-read"].map { $0 is NSNull ? "-1" : "\($0)" } ?? "?"
      parts.append("group \(group["name"] ?? "?") \(group["last-delivered-id"] ?? "?") \(read)")
      var inside: [String] = []
      for row in rows(group["pel"]) {
        let time = row[2] is NSNull ? "?" : "\(row[2])"
        let owner = row[1] is NSNull ? "" : "\(row[1])"
        inside.append("pending \(row[0]) \(owner) \(time) \(row[3])")
      }
      for consumer in group["consumers"] as? [[String: Any]] ?? [] {
        inside.append("consumer \(consumer["name"] ?? "?")")
      }
      parts += inside.sorted()
    }
    return parts
  }

  /// Whether what we read is what the server said; a `?` in its words stands for anything.
  static func agrees(_ ours: CollectedKey, _ theirs: CollectedKey) -> Bool {
    guard ours.id == theirs.id, ours.expiresAt == theirs.expiresAt else { return false }
    // The truth names the module's type and does not tell its content.
    if ours.type == "module" { return !ours.parts.isEmpty && theirs.parts.isEmpty }
    guard ours.type == theirs.type else { return false }
    // Dumps before version 9 hold neither.
    if let told = theirs.frequency, let own = ours.frequency, told != own { return false }
    if let told = theirs.idle, let idle = ours.idle {
      guard told >= idle, told - idle <= 3 else { return false }
    }
    if ours.parts == theirs.parts { return true }
    if ours.type == "hash" {
      // A server leaves out fields whose time has passed.
      return ours.parts.filter { part in
        let time = part.split(separator: " ", omittingEmptySubsequences: false).last
        guard let ms = time.flatMap({ Int64($0) }), ms != -1 else { return true }
        return ms > Int64(Date().timeIntervalSince1970 * 1000)
      } == theirs.parts
    }
    guard ours.type == "stream" else { return false }
    // Old servers do not tell all numbers of a stream.
    func words(_ part: String) -> [Substring] {
      part.split(separator: " ", omittingEmptySubsequences: false)
    }
    let told = Set(theirs.parts.map { words($0)[0] })
    let own = ours.parts.map(words).filter { part in
      !["deleted", "first", "added"].contains(part[0]) || told.contains(part[0])
    }
    return own.count == theirs.parts.count
      && zip(own, theirs.parts).allSatisfy { own, their in
        let their = words(their)
        return own.count == their.count && zip(own, their).allSatisfy { $0 == $1 || $1 == "?" }
      }
  }
}

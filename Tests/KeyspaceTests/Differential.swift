import AOF
import Bytes
import Foundation
import Keyspace
import RDB
import TestSupport

/// What a key holds, in a form that can be compared and printed.
struct KeyPicture: Equatable, CustomStringConvertible {
  var type: String
  /// The elements as text; those of sets and hashes are sorted.
  var elements: [String]
  /// When it expires, in unix milliseconds.
  var expiresAt: Int64?

  var description: String {
    let content = elements.prefix(20).joined(separator: ", ")
    return "\(type) \(expiresAt.map { "until \($0)" } ?? "for ever"): \(content)"
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
}

/// All keys, by database and name.
typealias Picture = [String: KeyPicture]

/// Collects the picture of a keyspace.
struct PictureSink: ValueSink, ~Copyable {
  var picture = Picture()
  private var name = ""
  private var key = KeyPicture(type: "", elements: [])

  mutating func begin(_ description: KeyDescription) {
    name = "\(description.db)/" + KeyPicture.text(description.key.bytes)
    key = KeyPicture(
      type: "\(description.type)", elements: [], expiresAt: description.expiresAt)
  }

  mutating func element(_ element: ValueElement) {
    switch key.type {
    case "zset":
      key.elements.append(KeyPicture.text(element.first.bytes) + "=\(element.score)")
    case "hash":
      key.elements.append(
        KeyPicture.text(element.first.bytes) + "=" + KeyPicture.text(element.second.bytes))
    default: key.elements.append(KeyPicture.text(element.first.bytes))
    }
  }

  mutating func stream(_ event: StreamEvent) {
    if case .entry(let id, _) = event { key.elements.append("\(id.ms)-\(id.seq)") }
  }
  mutating func module(_ item: ModuleItem) {}

  mutating func end() {
    if ["zset", "hash", "set"].contains(key.type) { key.elements.sort() }
    picture[name] = key
  }
}

/// Commands on their way into a log.
struct CommandLog {
  private(set) var bytes: [UInt8] = []
  /// The words of each command.
  private(set) var commands: [[[UInt8]]] = []

  mutating func add(_ words: [[UInt8]]) {
    bytes += RedisConnection.encode(words)
    commands.append(words)
  }

  mutating func add(_ words: String...) { add(words.map { Array($0.utf8) }) }
}

/// Bytes that stay where they are.
final class StableBytes {
  private var buffer: ScratchBuffer
  init(_ bytes: [UInt8]) {
    buffer = ScratchBuffer(capacity: bytes.count)
    bytes.withByteSlice { buffer.append($0) }
  }
  var slice: ByteSlice { buffer.slice }
}

/// Compares what replaying a log makes with what a server holds.
enum Differential {
  /// The keyspace after `log`.
  static func replay(_ log: [UInt8], now: Int64, eager: Bool = false) throws -> Keyspace {
    let keyspace = Keyspace(now: now, eager: eager)
    let stable = StableBytes(log)
    _ = try keyspace.replay(ByteCursor(stable.slice, owner: stable))
    return keyspace
  }

  /// What `keyspace` holds, without what has expired at `moment`.
  static func picture(_ keyspace: Keyspace, without moment: Int64) -> Picture {
    var sink = PictureSink()
    keyspace.feed(&sink, expiredBefore: moment)
    return sink.picture
  }

  /// What `server` holds.
  static func picture(_ server: RealServer, databases: Int = 16) throws -> Picture {
    var picture = Picture()
    for db in 0..<databases {
      try server.call("SELECT", "\(db)")
      let keys = try server.call("KEYS", "*").items?.compactMap(\.bytes) ?? []
      guard !keys.isEmpty else { continue }
      let types = try server.attempt(batch: keys.map { [Array("TYPE".utf8), $0] })
      let times = try server.attempt(batch: keys.map { [Array("PEXPIRETIME".utf8), $0] })
      let values = try server.attempt(
        batch: zip(keys, types).map { reading($0, $1.text ?? "") })
      for index in keys.indices {
        let type = types[index].text ?? ""
        if type == "none" { continue }
        var key = KeyPicture(type: type, elements: elements(values[index], type))
        let time = times[index].integer ?? -1
        key.expiresAt = time == -1 ? nil : time
        picture["\(db)/" + KeyPicture.text(keys[index])] = key
      }
    }
    try server.call("SELECT", "0")
    return picture
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
    case "stream": return words("XRANGE", "-", "+")
    default: return words("GET")
    }
  }

  private static func elements(_ reply: RedisReply, _ type: String) -> [String] {
    func text(_ reply: RedisReply) -> String { KeyPicture.text(reply.bytes ?? []) }
    let items = reply.items ?? []
    switch type {
    case "string": return [text(reply)]
    case "list": return items.map(text)
    case "set": return items.map(text).sorted()
    case "stream": return items.map { $0.items?.first.map(text) ?? "" }
    default:
      return stride(from: 0, to: items.count, by: 2).map { index in
        let second = text(items[index + 1])
        return text(items[index]) + "="
          + (type == "zset" ? "\(Double(second) ?? .nan)" : second)
      }.sorted()
    }
  }

  /// What differs, a line each. Times to live may differ by `slack` milliseconds.
  static func differences(_ ours: Picture, _ theirs: Picture, slack: Int64 = 0) -> [String] {
    var lines: [String] = []
    for name in Set(ours.keys).union(theirs.keys).sorted() {
      guard let our = ours[name], let their = theirs[name] else {
        lines.append(
          "\(name): ours \(ours[name]?.description ?? "absent"), "
            + "theirs \(theirs[name]?.description ?? "absent")")
        continue
      }
      var adjusted = our
      if let a = our.expiresAt, let b = their.expiresAt, abs(a - b) <= slack {
        adjusted.expiresAt = b
      }
      if adjusted != their { lines.append("\(name): ours \(our), theirs \(their)") }
    }
    return lines
  }

  /// How many times more random commands than usual are drawn, for a thorough search.
  static let rounds =
    ProcessInfo.processInfo.environment["REDIS_BACKUP_ROUNDS"].flatMap { UInt64($0) } ?? 1

  /// The time now in unix milliseconds.
  static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

  /// Lets a server load `log` and compares; gives what differs. How many commands the server
  /// answers with errors is compared, too, for which `log` may hold no reads.
  static func loading(
    _ log: CommandLog, _ version: RealServer.Version, slack: Int64 = 60_000
  ) throws -> [String] {
    let folder = try TemporaryDirectory()
    let path = try folder.write(log.bytes, to: "appendonly.aof")
    let now = now
    let server = try RealServer.loading(aof: path, version)
    defer { server.kill() }
    let theirs = try picture(server)
    var lines: [String] = []
    for eager in [false, true] {
      let keyspace = try replay(log.bytes, now: now, eager: eager)
      let ours = picture(keyspace, without: now)
      lines += differences(ours, theirs, slack: slack).map { (eager ? "eager " : "") + $0 }
      // What a later SET makes irrelevant is not executed otherwise.
      let errors = server.log.components(separatedBy: "error to its AOF-loading-client").count - 1
      if eager && keyspace.faultCount != errors {
        lines.append("\(keyspace.faultCount) faults, \(errors) errors")
      }
    }
    return lines
  }

  /// Sends `log` to a server that logs, and compares the server's state with what its log makes;
  /// gives what differs.
  static func living(_ log: CommandLog, _ version: RealServer.Version) throws -> [String] {
    let folder = try TemporaryDirectory()
    let server = try RealServer(
      version, directory: folder.file("data"),
      options: ["--appendonly", "yes", "--aof-use-rdb-preamble", "no"])
    defer { server.kill() }
    try server.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    _ = try server.attempt(batch: log.commands)
    let theirs = try picture(server)
    try server.shutdown()
    let base = folder.file("data/appendonlydir/appendonly.aof.1.incr.aof")
    let bytes = [UInt8](FileManager.default.contents(atPath: base) ?? Data())
    let ours = picture(try replay(bytes, now: now), without: now)
    return differences(ours, theirs)
  }

  /// The shortest beginning of `log` that still makes a difference, for finding out why.
  static func firstDifference(
    _ log: CommandLog, _ check: (CommandLog) throws -> [String]
  ) throws -> String {
    var low = 0
    var high = log.commands.count
    func beginning(_ count: Int) -> CommandLog {
      var part = CommandLog()
      let words = log.commands.prefix(count)
      let names = words.map { KeyPicture.text($0[0]) }
      // A transaction that is still open would make the log end early.
      var end = words.endIndex
      if let multi = names.lastIndex(of: "MULTI"), !names[multi...].contains("EXEC") { end = multi }
      for words in words[..<end] { part.add(words) }
      return part
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if try check(beginning(middle)).isEmpty { low = middle } else { high = middle }
    }
    let shown = log.commands.prefix(high).suffix(1)
      .map { $0.map { KeyPicture.text($0.prefix(200)) }.joined(separator: " ") }
    return "command \(high): \(shown.joined(separator: "\n")): "
      + (try check(beginning(high))).prefix(3).joined(separator: "\n  ")
  }
}

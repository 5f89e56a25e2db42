import AOF
import Bytes
import Foundation
import Keyspace
import RDB
import TestSupport

/// Commands on their way into a log.
struct CommandLog {
  private(set) var bytes: [UInt8] = []
  /// The words of each command.
  private(set) var commands: [[[UInt8]]] = []

  init() {}

  /// A log that is given as bytes; its words are not known.
  init(_ bytes: [UInt8]) { self.bytes = bytes }

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
  static func replay(
    _ log: [UInt8], now: Int64, eager: Bool = false, generation: ServerGeneration = .from7
  ) throws -> Keyspace {
    let keyspace = Keyspace(now: now, eager: eager)
    keyspace.generation = generation
    let stable = StableBytes(log)
    _ = try keyspace.replay(ByteCursor(stable.slice, owner: stable))
    return keyspace
  }

  /// What `keyspace` holds, without what has expired at `moment`.
  static func picture(
    _ keyspace: Keyspace, without moment: Int64, hasNumbers: Bool = true
  ) -> Picture {
    var sink = PictureSink(hasNumbers: hasNumbers)
    keyspace.feed(&sink, expiredBefore: moment)
    return sink.picture
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
      if adjusted != their { lines.append("\(name): \(adjusted.differences(to: their))") }
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
    let theirs = try ServerPicture.take(server)
    var lines: [String] = []
    for eager in [false, true] {
      let keyspace = try replay(
        log.bytes, now: now, eager: eager, generation: version == .redis6_2 ? .upTo6 : .from7)
      // Redis 7.0 makes no consumers that own nothing, which a log does not tell.
      func cut(_ picture: Picture) -> Picture {
        version == .redis7_0 ? picture.mapValues(\.withoutIdle) : picture
      }
      let ours = picture(keyspace, without: now, hasNumbers: version != .redis6_2)
      lines += differences(cut(ours), cut(theirs), slack: slack).map {
        (eager ? "eager " : "") + $0
      }
      // What a later SET makes irrelevant is not executed otherwise.
      let errors = refusals(in: server.log)
      if eager && keyspace.faultCount != errors {
        lines.append("\(keyspace.faultCount) faults, \(errors) errors")
      }
    }
    return lines
  }

  /// How many commands a server refused while it loaded a log.
  static func refusals(in log: String) -> Int {
    log.components(separatedBy: "error to its AOF-loading-client").count - 1
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
    let theirs = try ServerPicture.take(server)
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
    let shown = log.commands.prefix(high).suffix(5)
      .map { $0.map { KeyPicture.text($0.prefix(200)) }.joined(separator: " ") }
    return "command \(high): \(shown.joined(separator: "\n")): "
      + (try check(beginning(high))).prefix(3).joined(separator: "\n  ")
  }
}

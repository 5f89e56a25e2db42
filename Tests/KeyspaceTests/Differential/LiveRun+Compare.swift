import AOF
import Bytes
import Foundation
import Keyspace
import RDB
import TestSupport

// Comparing what a server holds with what its log makes.

extension LiveRun {
  /// Compares the whole state: alive, and as the server loads its own log.
  mutating func compare() throws -> Outcome {
    var outcome = Outcome()
    let liveDigest = try server.debugDigest()
    let now = Differential.now
    let live = try ServerPicture.take(server)
    let liveFunctions = try ServerPicture.functions(server)
    outcome.keys = live.count
    try countCalls(&outcome)
    let refusedBefore = Differential.refusals(in: server.log)
    try server.call("DEBUG", "LOADAOF")
    let refused = Differential.refusals(in: server.log) - refusedBefore
    let digest = try server.debugDigest()
    let loaded = try ServerPicture.take(server)
    let functions = try ServerPicture.functions(server)

    defer {
      let environment = ProcessInfo.processInfo.environment
      if !outcome.lines.isEmpty, let kept = environment["REDIS_BACKUP_KEEP"] {
        try? FileManager.default.copyItem(
          atPath: folder.file("data"), toPath: "\(kept)/\(version.rawValue)-\(chance.random.next())"
        )
      }
    }
    for eager in [false, true] {
      let keyspace = try replay(eager: eager)
      let ours = Differential.picture(
        keyspace, without: now, hasNumbers: version != .redis6_2)
      var builder = DigestBuilder(style: version == .valkey9_1 ? .valkey : .redis70, now: now)
      keyspace.feed(&builder)
      let ourDigest = builder.finish().text
      // 6.2 tells times to live, not moments.
      let slack: Int64 = version == .redis6_2 ? 5000 : 0
      // Whether Redis 7.0 made consumers that own nothing can't be told without a dump.
      func cut(_ picture: Picture) -> Picture {
        version == .redis7_0 && rewrite == .commands ? picture.mapValues(\.withoutIdle) : picture
      }
      var lines = Differential.differences(
        cut(ours), cut(loaded), slack: slack)
      // The log of a server does not tell all of groups. One key may differ between a server and
      // what its own log makes of it: servers do not log a PFADD that fails half way.
      let living = Differential.differences(
        ours.mapValues(\.withoutDetails), live.mapValues(\.withoutDetails), slack: slack)
      let isServers = living.count == 1 && lines.isEmpty
      if !isServers { lines += living.map { "living " + $0 } }
      let hasMinusZero = Self.hasMinusZero(keyspace)
      if !hasMinusZero, ourDigest != digest {
        lines.append("digest \(ourDigest) is \(digest) for the loader")
      }
      if !hasMinusZero, !isServers, ourDigest != liveDigest {
        lines.append("digest \(ourDigest) is \(liveDigest) alive")
      }
      let codes = keyspace.functions.map(\.code.text).sorted()
      if codes != functions || codes != liveFunctions {
        lines.append("functions \(codes) are \(functions), alive \(liveFunctions)")
      }
      // Some servers log commands that they refuse when they load them.
      if eager, keyspace.faultCount != refused {
        let shown = keyspace.faults.prefix(8).map { "\($0.fault): \(command(of: $0))" }
        lines.append(
          "\(keyspace.faultCount) refused, \(refused) by the loader:\n    "
            + shown.joined(separator: "\n    "))
      }
      lines += history(of: lines)
      outcome.lines += lines.map { (eager ? "eager " : "") + $0 }
    }
    return outcome
  }

  /// Whether a score is -0, which servers keep or lose by how they pack the sorted set.
  private static func hasMinusZero(_ keyspace: Keyspace) -> Bool {
    var found = false
    for database in keyspace.databases {
      keyspace.forEachKey(in: database) { _, state in
        guard case .sortedSet(let zset)? = state.value else { return }
        if zset.table.items.contains(where: { $0.payload == 0 && $0.payload.sign == .minus }) {
          found = true
        }
      }
    }
    return found
  }

  private func countCalls(_ outcome: inout Outcome) throws {
    for (name, text) in try server.info("commandstats") {
      let name = name.dropFirst("cmdstat_".count).uppercased()
        .replacingOccurrences(of: "|", with: " ")
      var numbers: [String: Int] = [:]
      for part in text.split(separator: ",") {
        let pair = part.split(separator: "=")
        numbers[String(pair[0])] = Int(pair[1])
      }
      outcome.calls[name] = numbers["calls", default: 0] - numbers["failed_calls", default: 0]
    }
  }

  /// The words of the command that was refused.
  private func command(of fault: ReplayFault) -> String {
    guard let file = try? files()[fault.file] else { return "?" }
    let bytes = Array(
      (FileManager.default.contents(atPath: file) ?? Data()).dropFirst(fault.offset))
    return Self.words(bytes[...])?.words.joined(separator: " ") ?? "?"
  }

  /// The last commands of the log on the first key that differs.
  private func history(of lines: [String]) -> [String] {
    guard let name = lines.compactMap({ $0.firstMatch(of: /^(living )?(\d+)\/([^:]*):/) }).first,
      let file = try? files().last, let data = FileManager.default.contents(atPath: file)
    else { return [] }
    var found: [String] = []
    var rest = [UInt8](data)[...]
    if rest.first == 0x52,
      let tail = data.range(of: Data("*2\r\n$6\r\nSELECT\r\n".utf8))
    {
      rest = rest.dropFirst(tail.lowerBound)
    }
    while let (words, count) = Self.words(rest) {
      rest = rest.dropFirst(count)
      let isWide = ["SWAPDB", "FLUSHALL", "FLUSHDB"].contains(words[0].uppercased())
      if isWide || words.dropFirst().contains(String(name.3)) {
        found.append(String(words.joined(separator: " ").prefix(400)))
      }
    }
    return found.suffix(6).map { "  history: " + $0 }
  }

  /// The words of the command at the start of `bytes`, and its length.
  private static func words(_ bytes: ArraySlice<UInt8>) -> (words: [String], count: Int)? {
    var rest = bytes
    func number(_ mark: UInt8) -> Int? {
      guard rest.first == mark, let end = rest.firstIndex(of: 0x0D) else { return nil }
      defer { rest = rest[(end + 2)...] }
      return Int(String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self))
    }
    guard let count = number(0x2A) else { return nil }
    var words: [String] = []
    for _ in 0..<count {
      guard let length = number(0x24) else { return nil }
      words.append(KeyPicture.text(rest.prefix(length)))
      rest = rest.dropFirst(length + 2)
    }
    return (words, bytes.count - rest.count)
  }

  /// The files of the log, in order.
  private func files() throws -> [String] {
    let data = folder.file("data")
    if version == .redis6_2 { return [data + "/appendonly.aof"] }
    let text = try String(
      contentsOfFile: data + "/appendonlydir/appendonly.aof.manifest", encoding: .utf8)
    return text.split(separator: "\n").map { $0.split(separator: " ") }
      .filter { $0[5] != "h" }.map { data + "/appendonlydir/\($0[1])" }
  }

  /// The keyspace that the log of the server makes.
  private func replay(eager: Bool) throws -> Keyspace {
    let keyspace = Keyspace(now: Differential.now, eager: eager)
    if version == .redis6_2 { keyspace.generation = .upTo6 }
    var last: AOFCommand?
    for (number, file) in try files().enumerated() {
      last = try Self.replay(file, keyspace, number, last)
    }
    return keyspace
  }

  private static func replay(
    _ path: String, _ keyspace: Keyspace, _ file: Int, _ last: AOFCommand?
  ) throws -> AOFCommand {
    let stable = StableBytes([UInt8](FileManager.default.contents(atPath: path) ?? Data()))
    return try keyspace.replay(ByteCursor(stable.slice, owner: stable), file: file, after: last)
  }
}

extension KeyPicture {
  /// The same without consumers that own nothing.
  var withoutIdle: KeyPicture {
    var copy = self
    copy.details = details.filter { line in
      guard let at = line.range(of: " consumer ") else { return true }
      let owner = " of \(line[at.upperBound...]) at "
      return details.contains { $0.hasPrefix(line[..<at.lowerBound]) && $0.contains(owner) }
    }
    return copy
  }

  /// The same without what servers lose of groups.
  var withoutDetails: KeyPicture {
    var copy = self
    copy.details = Array(details.prefix(1))
    return copy
  }
}

import AOF
import Bytes
import Foundation
import Operations
import RDB
import TestSupport
import Testing

/// `compact --keep-unknown`: in the result every unknown command meets each key that it may touch as it
/// did in the log, and everything else is as it was.
@Suite struct KeepUnknownTests {
  static let seeds = Array(1...60)

  /// The words of all commands.
  private func allWords(_ path: String) throws -> [[[UInt8]]] {
    var entries = try LogEntries(try AppendOnlyLog.open(path), try LogSelection())
    var all: [[[UInt8]]] = []
    while try entries.next() {
      all.append((0..<entries.arguments.count).map { entries.arguments[$0].bytes })
    }
    return all
  }

  /// Both ways: with unknown commands that do nothing, and with their real effects.
  private func expectSame(_ a: String, _ b: String, _ comment: String) throws {
    for known in [[:], UnknownLog.aliases] {
      let difference = LogMoments.difference(
        try LogMoments(a, known: known), try LogMoments(b, known: known))
      #expect(difference == nil, "\(comment): \(difference ?? "")")
    }
  }

  /// What the rule says is kept, and not more.
  private func expect(
    _ report: Compact.Report, _ rule: KeptByRule, _ comment: String
  ) {
    #expect((report.verbatim?.unknownCommands ?? 0) == rule.unknown, "\(comment)")
    #expect((report.verbatim?.knownCommands ?? 0) == rule.known, "\(comment)")
    #expect((report.verbatim?.keys ?? 0) == rule.named.count, "\(comment)")
  }

  @Test func everyUnknownCommandMeetsWhatItMet() throws {
    let directory = try TemporaryDirectory()
    var sums = (known: 0, rest: 0, saved: 0, plain: 0)
    for seed in Self.seeds {
      let density = [2, 6, 20, 1][seed % 4]
      let log = UnknownLog(seed: UInt64(seed), commands: 500, unknownPerMille: density)
      let path = try directory.write(UnknownLog.bytes(log.commands), to: "log\(seed)")
      let out = directory.file("out\(seed)")
      let report = try UnknownLog.compact(path, to: out)
      try expectSame(path, out, "seed \(seed)")
      expect(report, KeptByRule(log.units), "seed \(seed)")
      #expect(report.bytesAfter == (try directory.read("out\(seed)")).count)
      sums.known += report.verbatim?.knownCommands ?? 0
      sums.rest += report.keys
      sums.saved += report.commandsBefore - report.commandsAfter
      if report.verbatim == nil { sums.plain += 1 }
      // Once more: what is kept is kept, in the same order.
      let again = directory.file("again\(seed)")
      let second = try UnknownLog.compact(out, to: again)
      try expectSame(path, again, "seed \(seed), twice")
      #expect(second.verbatim?.unknownCommands == report.verbatim?.unknownCommands)
    }
    print("kept \(sums.known) known commands, \(sums.rest) keys compacted, saved \(sums.saved)")
    // Otherwise little was tried.
    #expect(sums.known > 1000 && sums.rest > 1000 && sums.saved > 3000)
  }

  @Test(arguments: [false, true]) func theDumpInFrontAndSeveralFiles(_ isMultiPart: Bool) throws {
    let directory = try TemporaryDirectory()
    for seed in 1...20 {
      let before = UnknownLog(seed: UInt64(seed + 500), commands: 200, unknownPerMille: 0)
      let first = UnknownLog(seed: UInt64(seed), commands: 150, unknownPerMille: 8)
      let second = UnknownLog(seed: UInt64(seed + 900), commands: 150, unknownPerMille: 4)
      let old = try directory.write(UnknownLog.bytes(before.commands), to: "old\(seed)")
      let dump = directory.file("dump\(seed)")
      var options = Compact.Options()
      options.form = .rdb
      options.target = "redis:7.0"
      _ = try Compact.run(old, to: dump, options)
      let base = try LogMoments(old).keys.keys.map { text in
        let parts = text.split(separator: " ", maxSplits: 1)
        return PlacedKey(db: Int(parts[0]) ?? 0, name: String(parts[1].dropFirst().dropLast()))
      }
      let path = directory.file("log\(seed)")
      if isMultiPart {
        try Logs.multiPart(
          path, base: try directory.read("dump\(seed)"),
          increments: [UnknownLog.bytes(first.commands), UnknownLog.bytes(second.commands)])
      } else {
        // The second part goes on in the database of the first.
        _ = try directory.write(
          try directory.read("dump\(seed)") + UnknownLog.bytes(first.commands + second.commands),
          to: "log\(seed)")
      }
      let out = directory.file("out\(seed)")
      let report = try UnknownLog.compact(path, to: out) {
        $0.form = seed % 2 == 0 ? .aof : .multiPart
      }
      try expectSame(path, out, "seed \(seed)")
      expect(report, KeptByRule(first.units + second.units, base: base), "seed \(seed)")
      // The same in its place.
      let inPlace = try UnknownLog.compact(path, to: path) { $0.inPlace = true }
      #expect(inPlace.bytesAfter == report.bytesAfter && inPlace.stateHash == report.stateHash)
      try expectSame(out, path, "seed \(seed), in place")
    }
  }

  /// A server to which these commands are known, since it was told to call its own ones so.
  @Test func aServerThatKnowsThemHoldsTheSame() throws {
    let directory = try TemporaryDirectory()
    let renamed = UnknownLog.aliases.flatMap { ["--rename-command", $0.value, $0.key] }
    var rest = 0
    for seed in 1...10 {
      let log = UnknownLog(seed: UInt64(seed + 100), commands: 800, unknownPerMille: 8)
      let path = try directory.write(UnknownLog.bytes(log.commands), to: "log\(seed)")
      let out = directory.file("out\(seed)")
      let report = try UnknownLog.compact(path, to: out)
      #expect((report.verbatim?.unknownCommands ?? 0) > 0)
      rest += report.keys
      var seen: [(digest: String, functions: RedisReply)] = []
      for file in [path, out] {
        let server = try RealServer.loading(aof: file, .redis7_0, options: renamed)
        seen.append((try server.debugDigest(), try server.call("FUNCTION", "LIST", "WITHCODE")))
        server.kill()
      }
      #expect(seen[0].digest == seen[1].digest, "seed \(seed)")
      #expect("\(seen[0].functions)".count == "\(seen[1].functions)".count)
      // And one to which they are not known stops at the same command in both.
      for file in [path, out] {
        #expect(throws: (any Error).self) { try RealServer.loading(aof: file, .redis7_0) }
      }
    }
    #expect(rest > 200)
  }

  /// Without the unknown commands, original and result are the same for servers and for `diff`.
  @Test func withoutTheUnknownCommandsAServerHoldsTheSame() throws {
    let directory = try TemporaryDirectory()
    for seed in 1...6 {
      let log = UnknownLog(seed: UInt64(seed + 200), commands: 900, unknownPerMille: 6)
      let path = try directory.write(UnknownLog.bytes(log.commands), to: "log\(seed)")
      let out = directory.file("out\(seed)")
      _ = try UnknownLog.compact(path, to: out)
      let names = Set(UnknownLog.aliases.keys)
      var bare: [UInt8] = []
      for words in try allWords(out)
      where !names.contains(String(decoding: words[0], as: UTF8.self).uppercased()) {
        bare += RedisConnection.encode(words)
      }
      let original = try directory.write(
        UnknownLog.bytes(log.commands, withoutUnknown: true), to: "bare\(seed)")
      let result = try directory.write(bare, to: "bareOut\(seed)")
      let same = try Verify.run(ComparedState(original), ComparedState(result))
      #expect(same.isEqual, "seed \(seed): \(same)")
      let one = try RealServer.loading(aof: original, .redis7_0)
      let two = try RealServer.loading(aof: result, .redis7_0)
      #expect(try one.debugDigest() == two.debugDigest(), "seed \(seed)")
    }
  }

  /// The comparison above sees what it is to see.
  @Test func theMomentsTellWhenSomethingIsMissing() throws {
    let directory = try TemporaryDirectory()
    let log = UnknownLog(seed: 3, commands: 1000, unknownPerMille: 12)
    let path = try directory.write(UnknownLog.bytes(log.commands), to: "log")
    let out = directory.file("out")
    let report = try UnknownLog.compact(path, to: out)
    let kept = try #require(report.verbatim)
    let words = try allWords(out)
    let moments = try LogMoments(path, known: UnknownLog.aliases)
    var missed = 0
    var tried = 0
    // Each command of the verbatim part, and as many behind it.
    for place in 0..<min(words.count, 2 * (kept.knownCommands + kept.unknownCommands)) {
      var changed = words
      let gone = changed.remove(at: place)
      let name = String(decoding: gone[0], as: UTF8.self)
      if ["SELECT", "MULTI", "EXEC", "PUBLISH", "STRLEN"].contains(name) { continue }
      let file = try directory.write(changed.flatMap(RedisConnection.encode), to: "changed")
      tried += 1
      if LogMoments.difference(moments, try LogMoments(file, known: UnknownLog.aliases)) == nil {
        missed += 1
      }
    }
    print("\(tried) commands left out, one at a time; \(missed) made no difference")
    // Commands that are overwritten later, or fail, make none.
    #expect(tried > 200 && missed * 3 < tried * 2)
  }
}

import AOF
import Bytes
import Foundation
import TestSupport
import Testing

@testable import Keyspace

/// Every name that can stand in a log is executed, or changes no data, or is refused with a reason.
@Suite struct CommandListTests {
  /// What the replay can't execute.
  static let unsupported: [String: UnsupportedReason] = [
    "XREADGROUP": .deliveryTime, "HIMPORT SET": .sessionOfClient, "GCRASETVALUE": .rateLimiter,
    "GCRA": .rateLimiter, "KEYDB.CRON": .keyDB, "EXPIREMEMBER": .keyDB, "VADD": .vectorSet,
    "VREM": .vectorSet, "VSETATTR": .vectorSet,
  ]
  static let scripts: Set<String> = ["EVAL", "EVALSHA", "FCALL"]
  /// What changes no data though it has another effect: scripts are remembered, nothing more.
  static let remembered: Set<String> = ["SCRIPT LOAD", "SCRIPT FLUSH"]

  @Test func everyNameOfTheFormat() throws {
    let rows = try Fixture.text("commands/aof-commands.tsv").split(separator: "\n")
    #expect(rows.count > 160)
    for row in rows {
      let parts = row.split(separator: "\t").map(String.init)
      let name = parts[0]
      let words = name.split(separator: " ").map(String.init)
      if name.hasPrefix("<") {
        #expect(throws: ReplayError.self) { try replay(["JSON.SET", "k", "$", "1"]) }
        continue
      }
      let number = try #require(
        Array(words[0].utf8).withByteSlice { CommandRegistry.shared.find($0) }, "\(name)")
      let entry = CommandRegistry.shared.entries[number]
      let arity = try #require(Int(parts[1]))
      // Other servers have another arity than the one that the list names.
      let differs = ["ZUNION", "ZINTER", "PFDEBUG"].contains(name)
      if words.count == 1, !differs { #expect(entry.arity == arity, "\(name)") }
      var kind: ReplayError.Kind?
      do throws(ReplayError) {
        let fill = [String](repeating: "1", count: max(0, abs(arity) - words.count))
        try replay(words + fill)
      } catch { kind = error.kind }
      switch kind {
      case nil:
        #expect(Self.unsupported[name] == nil && !Self.scripts.contains(name), "\(name)")
        if case .nothing = entry.action {
          #expect(parts[2] == "none" || Self.remembered.contains(name), "\(name) is not executed")
        }
      case .script: #expect(Self.scripts.contains(name), "\(name)")
      case .unsupported(let reason): #expect(Self.unsupported[name] == reason, "\(name)")
      // A transaction that is open at the end.
      case .log: #expect(name == "MULTI")
      default: Issue.record("\(name): \(String(describing: kind))")
      }
    }
  }

  private func replay(_ words: [String]) throws(ReplayError) {
    let keyspace = Keyspace(now: 1_700_000_000_000)
    let stable = StableBytes(RedisConnection.encode(words.map(\.utf8Bytes)))
    _ = try keyspace.replay(ByteCursor(stable.slice, owner: stable))
  }

  /// Redis 1.3 stored with names that later only read.
  @Test func unionsOfRedis1_3() {
    let h = CommandHarness()
    h.run("ZADD a 1 x 2 y")
    h.run("ZADD b 5 x")
    #expect(h.run("ZUNION c 2 a b") == .done(.changed))
    #expect(h.run("ZINTER d 2 a b AGGREGATE MIN") == .done(.changed))
    #expect(h.run("ZUNION 2 a b") == .done(.unchanged))
    guard case .sortedSet(let union)? = h.state("c").value,
      case .sortedSet(let common)? = h.state("d").value
    else {
      Issue.record("nothing stored")
      return
    }
    #expect(union.count == 2 && union.score(of: ByteSlice("x")) == 6)
    #expect(common.count == 1 && common.score(of: ByteSlice("x")) == 1)
  }
}

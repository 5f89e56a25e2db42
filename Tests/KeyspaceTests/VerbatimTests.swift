import AOF
import Bytes
import TestSupport
import Testing

@testable import Keyspace

/// Which keys commands touch, as ``TouchReader`` tells it for the verbatim part.
@Suite struct VerbatimTests {
  private final class Words {
    var table = ArgumentTable()
    let memory = KeptBytes()
    init(_ words: [String]) {
      for word in words {
        table.append(Array(word.utf8).withByteSlice { memory.keep($0) })
      }
    }
  }

  private func touched(_ line: [String]) -> Set<String> {
    let words = Words(line)
    let reader = TouchReader()
    var command = AOFCommand()
    command.word = CommandWord(words.table[0])
    let number = CommandRegistry.shared.find(words.table[0]) ?? -1
    _ = reader.read(words.table.arguments, number, command)
    return Set((0..<reader.keys.count).map { reader.keys[$0].name.text })
  }

  /// Every command on several keys is in the table that tells where they are.
  @Test func theTableKnowsAllCommandsOnSeveralKeys() {
    let byHand: Set<String> = [
      "MOVE", "COPY", "SORT", "SWAPDB", "FLUSHALL", "FLUSHDB", "SFLUSH", "TRIMSLOTS", "CLUSTER",
      "FUNCTION",
    ]
    var seen = 0
    for entry in CommandRegistry.shared.entries {
      guard case .keyspace = entry.action, !byHand.contains("\(entry.name)") else { continue }
      let words = Words(["\(entry.name)", "CREATE", "2", "3", "4", "5", "6", "7", "8"])
      let info = CommandTable.shared.find(CommandWord(words.table[0]), words.table.arguments)
      #expect(info != nil && info?.keys != KeyRule.none, "\(entry.name)")
      seen += 1
    }
    #expect(seen > 30)
  }

  /// The keys are those that real servers name.
  @Test(arguments: [RealServer.Version.redis7_0, .valkey9_1])
  func serversNameTheSameKeys(_ version: RealServer.Version) throws {
    let server = try RealServer(version)
    let lines = [
      "BITOP XOR d a b", "GEORADIUS a 1 2 3 km STORE d", "GEORADIUSBYMEMBER a m 3 km STOREDIST d",
      "GEOSEARCHSTORE d a FROMLONLAT 1 2 BYRADIUS 3 km", "PFMERGE d a b", "RENAME a b",
      "RENAMENX a b", "COPY a b REPLACE", "MOVE a 3", "RPOPLPUSH a b", "BRPOPLPUSH a b 0",
      "LMOVE a b LEFT LEFT", "BLMOVE a b LEFT LEFT 0", "LMPOP 2 a b LEFT COUNT 3",
      "BLMPOP 0 2 a b LEFT", "BLPOP a b 0", "BRPOP a b 0", "SMOVE a b m", "SINTERSTORE d a b",
      "SUNIONSTORE d a b", "SDIFFSTORE d a b", "ZMPOP 2 a b MIN", "BZMPOP 0 2 a b MIN",
      "BZPOPMIN a b 0", "BZPOPMAX a b 0", "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
      "ZINTERSTORE d 2 a b AGGREGATE MAX", "ZDIFFSTORE d 2 a b", "ZRANGESTORE d a 0 1",
      "XGROUP CREATE a g 0", "XGROUP DESTROY a g", "MSET a 1 b 2", "MSETNX a 1 b 2",
      "DEL a b", "UNLINK a b", "SORT a ALPHA STORE d", "SET a 1", "XADD a 1-1 f v",
      "PFDEBUG TODENSE a",
    ]
    for line in lines {
      let words = line.split(separator: " ").map(String.init)
      let reply = try server.attempt((["COMMAND", "GETKEYS"] + words).map { Array($0.utf8) })
      guard let keys = reply.items?.compactMap(\.text) else {
        Issue.record("\(line): \(reply)")
        continue
      }
      #expect(touched(words) == Set(keys), "\(line)")
    }
  }
}

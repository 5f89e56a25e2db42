import AOF
import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct CommandTableTests {
  private func find(_ words: String...) -> CommandInfo? {
    var table = ArgumentTable()
    let bytes = words.map { Array($0.utf8) }
    return withSlices(bytes) { slices in
      for slice in slices { table.append(slice) }
      return CommandTable.shared.find(CommandWord(table[0]), table.arguments)
    }
  }

  private func withSlices<R>(_ words: [[UInt8]], _ body: ([ByteSlice]) -> R) -> R {
    let joined = words.flatMap { $0 }
    return joined.withByteSlice { all in
      var at = 0
      return body(
        words.map { word in
          defer { at += word.count }
          return all.slice(at: at, count: word.count)
        })
    }
  }

  private func keys(_ words: String...) -> [String] {
    let bytes = words.map { Array($0.utf8) }
    return withSlices(bytes) { slices in
      var table = ArgumentTable()
      for slice in slices { table.append(slice) }
      guard let info = CommandTable.shared.find(CommandWord(table[0]), table.arguments) else {
        return ["?"]
      }
      var places = KeyPlaces(info.keys, table.arguments)
      var keys: [String] = []
      while let place = places.pop() { keys.append(table[place].text) }
      return keys
    }
  }

  @Test func everyCommandIsFoundByItsName() {
    for id in CommandID.allCases {
      let info = CommandTable.shared[id]
      #expect(info.id == id)
      let words = ByteSlice(info.name).text.split(separator: " ").map(String.init)
      for form in [words, words.map { $0.lowercased() }] {
        let found = form.count > 1 ? find(form[0], form[1]) : find(form[0])
        #expect(found?.id == id, "\(form)")
      }
    }
  }

  @Test func namesThatOnlyFoldTheSameAreNotFound() {
    #expect(find("RESTORE\rASKING") == nil)
    #expect(find("KEYDB\u{0E}CRON") == nil)
    #expect(find("GEORADIUSBYMEMBEX") == nil)
    #expect(find("GET") == nil)
    #expect(find("") == nil)
    #expect(find("JSON.SET") == nil)
    #expect(find("XGROUP", "HELP")?.id == .xgroup)
    #expect(find("FUNCTION", "STATS") == nil)
    #expect(find("function", "load")?.id == .functionLoad)
  }

  @Test func keysOfEveryForm() {
    #expect(keys("DEL", "a", "b") == ["a", "b"])
    #expect(keys("MSET", "a", "1", "b", "2") == ["a", "b"])
    #expect(keys("MSETEX", "2", "a", "1", "b", "2", "PXAT", "9") == ["a", "b"])
    #expect(keys("BLPOP", "a", "b", "0") == ["a", "b"])
    #expect(keys("ZUNIONSTORE", "d", "2", "a", "b", "WEIGHTS", "1", "2") == ["a", "b", "d"])
    #expect(keys("SORT", "a", "BY", "x*", "STORE", "d") == ["a", "d"])
    #expect(keys("GEORADIUS", "a", "1", "2", "3", "km", "STORE", "d") == ["a", "d"])
    #expect(keys("EVAL", "return 1", "2", "a", "b", "c") == ["a", "b"])
    #expect(keys("XREADGROUP", "GROUP", "g", "c", "STREAMS", "a", "b", ">", ">") == ["a", "b"])
    #expect(keys("MIGRATE", "h", "1", "", "0", "9", "KEYS", "a", "b") == ["a", "b"])
    #expect(keys("MIGRATE", "h", "1", "k", "0", "9") == ["k"])
    #expect(keys("XGROUP", "CREATE", "a", "g", "$") == ["a"])
    #expect(keys("FLUSHALL") == [])
    #expect(keys("SMOVE", "a", "b", "m") == ["a", "b"])
    // Counts that can't be.
    #expect(keys("EVAL", "x", "99999999999999999999", "a") == [])
    #expect(keys("EVAL", "x", "3", "a") == ["a"])
    #expect(keys("LMPOP", "-1", "a") == [])
    #expect(keys("DEL") == [])
  }

  @Test func aritiesAreAsked() {
    #expect(find("SET", "a")?.allows(words: 2) == false)
    #expect(find("SET")?.allows(words: 5) == true)
    #expect(find("EXEC")?.allows(words: 2) == false)
  }

  @Test(.enabled(if: SharedCorpus.isPresent, "\(SharedCorpus.absence)"))
  func theTableIsThatOfTheList() throws {
    struct List: Decodable {
      struct Command: Decodable {
        var name: String
        var arity: Int?
        var destructive: Bool
      }
      var commands: [Command]
    }
    let url = try #require(SharedCorpus.root).appendingPathComponent("formats/aof-commands.json")
    let list = try JSONDecoder().decode(List.self, from: Data(contentsOf: url))
    let known = list.commands.filter { !$0.name.hasPrefix("<") }
    #expect(known.count == CommandID.allCases.count)
    for command in known {
      let words = command.name.split(separator: " ").map(String.init)
      let info = words.count > 1 ? find(words[0], words[1]) : find(words[0])
      #expect(info?.arity == command.arity ?? 0, "\(command.name)")
      #expect(info?.isDestructive == command.destructive, "\(command.name)")
    }
  }
}

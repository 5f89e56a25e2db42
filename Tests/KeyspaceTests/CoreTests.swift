import Bytes
import Testing

@testable import Keyspace

@Suite struct CoreTests {
  @Test func stringsAndHashes() {
    let h = CommandHarness()
    #expect(h.run("SET a 1") == .done(.changed))
    #expect(h.run("incr a") == .done(.changed))
    #expect(h.run("append a x") == .done(.changed))
    #expect(h.string("a") == "2x")
    #expect(h.run("INCR a") == .fault(.notInteger))
    #expect(h.run("HSET a f v") == .fault(.wrongType))
    #expect(h.string("a") == "2x")
    #expect(h.run("HSET h f v g w") == .done(.changed))
    #expect(h.run("HDEL h f x") == .done(.changed))
    #expect(h.run("HDEL h x") == .done(.unchanged))
    #expect(h.run("HDEL h g") == .done(.changed))
    #expect(!h.state("h").exists)
    #expect(h.run("NOSUCH a") == .unknown)
    #expect(h.run("INCR a b") == .wrongArity)
  }

  @Test func sliceTableAgainstDictionary() {
    var random = SystemRandomNumberGenerator()
    let memory = KeptBytes()
    var table = SliceTable<Int>()
    var model: [String: Int] = [:]
    for step in 0..<20_000 {
      let text = "k\(Int.random(in: 0..<300, using: &random))"
      let key = Array(text.utf8).withByteSlice { memory.keep($0) }
      if Int.random(in: 0..<3, using: &random) == 0 {
        let removed = table.remove(key)
        #expect(removed == model.removeValue(forKey: text))
      } else {
        let old = table.set(key, to: step)
        #expect(old == model.updateValue(step, forKey: text))
      }
    }
    #expect(table.count == model.count)
    for item in table.items { #expect(model[item.key.text] == item.payload) }
  }

  @Test func sortedChunksAgainstArray() {
    var random = SystemRandomNumberGenerator()
    var chunks = SortedChunks<Int>()
    var model: [Int] = []
    for _ in 0..<20_000 {
      let value = Int.random(in: 0..<4000, using: &random)
      let place = model.firstIndex { $0 >= value } ?? model.count
      let there = place < model.count && model[place] == value
      if there {
        let removed = chunks.remove(value)
        #expect(removed)
        model.remove(at: place)
      } else {
        chunks.insert(value)
        model.insert(value, at: place)
        #expect(chunks.rank(chunks.firstPlace { $0 >= value }) == place)
      }
    }
    var all: [Int] = []
    chunks.forEach { all.append($0) }
    #expect(all == model)
    chunks.removeFirst(model.count / 2)
    model.removeFirst(model.count / 2)
    for rank in model.indices { #expect(chunks[rank] == model[rank]) }
  }

  /// What SPOP took of several members is told by no log; only that all went can be known.
  @Test func popsOfAllThatThereIs() {
    let harness = CommandHarness()
    harness.run("SADD one a")
    harness.run("SADD two a b")
    #expect(harness.run("SPOP one") == .done(.changed))
    #expect(!harness.state("one").exists)
    #expect(harness.run("SPOP two") == .fault(.notReproducible))
    #expect(harness.state("two").exists)
    #expect(harness.run("SPOP two 2") == .done(.changed))
    #expect(!harness.state("two").exists)
  }
}

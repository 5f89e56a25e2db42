import Bytes
import Operations
import TestSupport
import Testing

/// The same keys match as `KEYS` of a real server finds.
@Suite struct GlobServerTests {
  @Test func answersAsKEYSOfAServer() throws {
    let letters = Array("ab[]^-*?\\cz".utf8)
    var random = SplitMix64(seed: 20_261_123)
    func word(_ most: Int) -> [UInt8] {
      (0..<Int(random.next() % UInt64(most + 1))).map { _ in
        letters[Int(random.next() % UInt64(letters.count))]
      }
    }
    var keys = Set<[UInt8]>([[]])
    while keys.count < 300 { keys.insert(word(6)) }
    try withTemporaryDirectory { folder in
      let content = keys.flatMap { key in
        RedisConnection.encode([Array("SET".utf8), key, [0x31]])
      }
      let server = try RealServer.loading(aof: folder.write(content, to: "x.aof"), .redis7_0)
      #expect(try server.call("DBSIZE").integer == Int64(keys.count))
      var matches = 0
      for _ in 0..<4000 {
        let pattern = word(8)
        let answer = try server.call([Array("KEYS".utf8), pattern])
        let found = Set(answer.items?.compactMap(\.bytes) ?? [])
        let glob = Glob(pattern)
        let ours = keys.filter { key in key.withByteSlice { glob.matches($0) } }
        matches += ours.count
        #expect(ours == found, "\(String(decoding: pattern, as: UTF8.self))")
      }
      // Otherwise nothing was tried.
      #expect(matches > 1000)
    }
  }
}

import Bytes
import Testing

@testable import Operations

@Suite struct NearNamesTests {
  @Test func nearestNames() {
    #expect(
      NearNames.of("dump.rdb", among: ["dmup.rdb", "dump.rdb.gz", "dumps.rdb", "x"])
        == ["dmup.rdb", "dumps.rdb"])
    #expect(NearNames.of("DUMP.RDB", among: ["dump.rdb"]) == ["dump.rdb"])
    #expect(NearNames.of("a", among: ["b", "ab", "abc"]) == ["ab", "b"])
    #expect(
      NearNames.of("user:1", among: ["user:2", "user:3", "user:4", "user:5"])
        == ["user:2", "user:3", "user:4"])
    #expect(NearNames.of("", among: ["a"]) == ["a"])
    #expect(NearNames.of("chekc", among: ["check", "cut"]) == ["check"])
    #expect(NearNames.of("undo", among: ["log"]) == [])
    // What is called so already is not near.
    #expect(NearNames.of("same", among: ["same"]) == [])
  }

  /// The band agrees with the plain table.
  @Test func distanceWithinALimit() {
    var random = 12345 as UInt64
    func word() -> [UInt8] {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (0..<Int(random >> 60)).map { UInt8(ascii: "a") + UInt8(random >> UInt64($0 * 3) & 3) }
    }
    var swaps = 0
    for _ in 0..<3000 {
      let a = word()
      let b = word()
      var table = [Array(0...b.count)]
      for i in 0..<a.count {
        var next = [i + 1]
        for j in 0..<b.count {
          var best = min(
            table[i][j] + (a[i] == b[j] ? 0 : 1), table[i][j + 1] + 1, next[j] + 1)
          if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j], table[i - 1][j - 1] + 1 < best {
            best = table[i - 1][j - 1] + 1
            swaps += 1
          }
          next.append(best)
        }
        table.append(next)
      }
      let exact = table[a.count][b.count]
      for limit in 1...4 where abs(a.count - b.count) <= limit {
        let found = b.withByteSlice { NearNames.distance(a, $0, limit: limit) }
        #expect(found == (exact <= limit ? exact : nil), "\(a) \(b) \(limit)")
      }
    }
    #expect(swaps > 100)
  }
}

import Bytes
import Testing

@testable import redis_backup

@Suite struct TerminalTests {
  private func line(_ done: Int, _ total: Int, _ ms: Int64, _ columns: Int = 100) -> String {
    ProgressBar.line(done: done, total: total, milliseconds: ms, columns: columns)
  }

  @Test func tellsHowFarHowFastAndHowLong() {
    #expect(
      line(500_000_000, 1_000_000_000, 1000)
        == "[===================>                    ]  50%  500 MB of 1.0 GB  500 MB/s  0:01 left")
    #expect(line(0, 1_000_000_000, 600).contains("  0%  0 bytes of 1.0 GB  0 bytes/s"))
    #expect(line(2_000, 1_000, 1000).contains("100%"))
    #expect(line(5_000_000, 0, 500) == "5.0 MB  10.0 MB/s")
  }

  @Test func neverWiderThanTheTerminal() {
    for columns in 0..<120 {
      for done in [0, 1, 999, 123_456_789] {
        let text = line(done, 1_234_567_890, 1234, columns)
        #expect(text.utf8.count <= max(columns - 1, 0), "\(columns): \(text)")
      }
    }
  }

  @Test func spelling() {
    #expect(Spelling.distance("check", "check") == 0)
    #expect(Spelling.distance("check", "chekc") == 1)
    #expect(Spelling.distance("", "abc") == 3)
    #expect(Spelling.distance("undo", "log") == 4)
  }

  @Test func tables() {
    var table = Table(.left, .right)
    table.add("a", "1", "x")
    table.add("long", "100", "")
    #expect(table.text(indent: 1) == " a       1  x\n long  100\n")
    #expect(Table.width("\u{1B}[32mgood\u{1B}[0m") == 4)
  }
}

@Suite struct NearTests {
  private func nearest(_ word: String, _ names: [String]) -> [String] {
    Spelling.nearest(to: Array(word.utf8), among: names.map { Array($0.utf8) })
      .map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func nearestNames() {
    #expect(
      nearest("dump.rdb", ["dmup.rdb", "dump.rdb.gz", "dumps.rdb", "x"])
        == ["dumps.rdb", "dmup.rdb"])
    #expect(nearest("DUMP.RDB", ["dump.rdb"]) == ["dump.rdb"])
    #expect(nearest("a", ["b", "ab", "abc"]) == ["ab", "b"])
    #expect(
      nearest("user:1", ["user:2", "user:3", "user:4", "user:5"])
        == ["user:2", "user:3", "user:4"])
    #expect(nearest("", ["a"]) == ["a"])
    // What is called so already is not near.
    #expect(nearest("same", ["same"]) == [])
  }

  /// The band agrees with the plain table.
  @Test func distanceWithinALimit() {
    var random = 12345 as UInt64
    func word() -> [UInt8] {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (0..<Int(random >> 60)).map { UInt8(ascii: "a") + UInt8(random >> UInt64($0 * 3) & 3) }
    }
    for _ in 0..<3000 {
      let a = word()
      let b = word()
      var table = (0...b.count).map { $0 }
      for i in 0..<a.count {
        var next = [i + 1]
        for j in 0..<b.count {
          next.append(min(table[j] + (a[i] == b[j] ? 0 : 1), table[j + 1] + 1, next[j] + 1))
        }
        table = next
      }
      let exact = table[b.count]
      for limit in 1...4 where abs(a.count - b.count) <= limit {
        let found = b.withByteSlice { Spelling.Near.distance(a, $0, limit: limit) }
        #expect(found == (exact <= limit ? exact : nil), "\(a) \(b) \(limit)")
      }
    }
  }
}

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

  @Test func tables() {
    var table = Table(.left, .right)
    table.add("a", "1", "x")
    table.add("long", "100", "")
    #expect(table.text(indent: 1) == " a       1  x\n long  100\n")
    #expect(Table.width("\u{1B}[32mgood\u{1B}[0m") == 4)
  }
}

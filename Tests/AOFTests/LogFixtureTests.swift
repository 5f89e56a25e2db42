import RDB
import AOF
import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct LogFixtureTests {
  @Test func thereAreLogs() {
    #expect(LogFiles.all.count > 50)
    #expect(LogFiles.all.contains("r7.0/accident-del/appendonlydir"))
    #expect(LogFiles.all.contains("r6.2/accident-del/appendonly.aof"))
  }

  @Test(arguments: LogFiles.all) func everyLogIsReadToItsEnd(_ name: String) throws {
    let log = try AppendOnlyLog(Fixture.path(name))
    var walker = LogWalker(log)
    var last = AOFCommand()
    var end = 0
    while try walker.next() {
      let command = walker.reader.command
      #expect(command.index == last.index + 1)
      if command.file == last.file { #expect(command.offset >= end) }
      end = command.end
      last = command
    }
    #expect(last.index > 0)
    for (part, preamble) in walker.preambles.enumerated() {
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: log.parts[part].path)))
      #expect(
        (preamble != nil) == bytes.starts(with: Array("REDIS".utf8))
          || bytes.starts(with: Array("VALKEY".utf8)))
    }
  }

  @Test(arguments: LogFiles.files) func streamsSayTheSameAsMappedFiles(_ name: String) throws {
    let mapped = LogFiles.walk(try commandsOnly(try InputFile.open(Fixture.path(name))))
    let stream = LogFiles.walk(
      try commandsOnly(try InputFile.open(Fixture.path(name), mapping: false)))
    #expect(mapped == stream)
    #expect(mapped.error == nil)
  }

  private func commandsOnly(_ start: consuming ByteCursor) throws -> ByteCursor {
    var cursor = start
    guard Preamble.begins(at: &cursor) else { return cursor }
    var summary: Preamble.Summary?
    return try Preamble.skip(cursor, summary: &summary)
  }

  @Test func aLineThatBeginsWithFileMakesNoManifest() throws {
    let log = try AppendOnlyLog(Fixture.path("regressions/data-line-begins-with-file.aof"))
    #expect(!log.isMultiPart)
    var walker = LogWalker(log)
    while try walker.next() {}
    #expect(walker.reader.command.index > 0)
  }

  /// Every log below 64 KB, cut at every offset.
  @Test func everyCutOfSmallLogsIsATruncation() throws {
    var cuts = 0
    for name in LogFiles.files {
      let bytes = try Fixture.bytes(name)
      guard bytes.count < 1 << 16, bytes.first == 0x2A || bytes.first == 0x23 else { continue }
      bytes.withByteSlice { all in
        withQuietThrows {
          for cut in 0...all.count {
            cuts += 1
            let outcome = LogFiles.walk(ByteCursor(all.prefix(cut)))
            if let error = outcome.error {
              if !error.isTruncation || error.offset != cut || error.goodBytes > cut {
                Issue.record("\(name) cut at \(cut): \(error)")
              }
            } else if outcome.good != cut {
              Issue.record("\(name) cut at \(cut): \(outcome.good) bytes are good")
            }
          }
        }
      }
    }
    #expect(cuts > 100_000)
  }

  /// The same for logs that begin with a dump: inside it, it is the dump that ends too early. They are
  /// above 64 KB; cut at every offset of the first 6000 bytes and of 3000 around the end of the dump,
  /// and at every 97th elsewhere.
  @Test func everyCutOfALogWithPreambleIsReadOrRefused() throws {
    var cuts = 0
    for name in LogFiles.files {
      let bytes = try Fixture.bytes(name)
      guard bytes.starts(with: Array("REDIS".utf8)) else { continue }
      try bytes.withByteSlice { all in
        var whole: Preamble.Summary?
        let rest = try Preamble.skip(ByteCursor(all), summary: &whole)
        let border = rest.offset
        #expect(border > 100 && border < all.count)
        withQuietThrows {
          for cut in 0..<all.count where cut < 6000 || abs(cut - border) < 1500 || cut % 97 == 0 {
            var cursor = ByteCursor(all.prefix(cut))
            guard Preamble.begins(at: &cursor) else { continue }
            cuts += 1
            var summary: Preamble.Summary?
            do throws(Preamble.Failure) {
              let outcome = LogFiles.walk(try Preamble.skip(cursor, summary: &summary))
              if outcome.error?.isTruncation == false {
                Issue.record("\(name) cut at \(cut): \(outcome)")
              }
            } catch {
              if error.error.kind != .truncated || error.error.offset > cut {
                Issue.record("\(name) cut at \(cut): \(error)")
              }
            }
          }
        }
      }
    }
    #expect(cuts > 15_000)
  }

  /// 20,000 files (FUZZ_MUTATIONS, where it asks for more) with a few bytes changed, inserted or taken out: an answer, an offset inside the
  /// file, and the same one over a stream.
  @Test func mutationsAreReadOrRefused() throws {
    let sources = try LogFiles.files.map { try Fixture.bytes($0) }
      .filter { $0.count < 20_000 && ($0.first == 0x2A || $0.first == 0x23) }
    #expect(sources.count > 20)
    var random = SplitMix64(seed: 20_261_124)
    let interesting: [UInt8] = Array("*$#\r\n0123456789-+ ".utf8) + [0, 0xFF]
    var damaged = 0
    let asked = ProcessInfo.processInfo.environment["FUZZ_MUTATIONS"].flatMap { Int($0) } ?? 0
    for round in 0..<max(20_000, asked) {
      var bytes = sources[Int.random(in: 0..<sources.count, using: &random)]
      if bytes.count > 2000 { bytes = Array(bytes.prefix(2000)) }
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        let byte =
          Bool.random(using: &random)
          ? interesting[Int.random(in: 0..<interesting.count, using: &random)]
          : UInt8.random(in: 0...255, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.remove(at: at)
        case 1: bytes.insert(byte, at: at)
        default: bytes[at] = byte
        }
        if bytes.isEmpty { bytes = [0x2A] }
      }
      let outcome = LogFiles.walk(bytes)
      #expect(outcome.good >= 0 && outcome.good <= bytes.count)
      if let error = outcome.error {
        damaged += 1
        #expect(error.offset >= 0 && error.offset <= bytes.count, "round \(round): \(error)")
        #expect(error.goodBytes <= error.offset, "round \(round): \(error)")
        #expect(error.commandOffset <= error.offset, "round \(round): \(error)")
      } else {
        #expect(outcome.good == bytes.count)
      }
    }
    #expect(damaged > 5000)
  }

  @Test func hugeClaimsCostNothing() {
    for text in [
      "*2147483647\r\n$3\r\nSET\r\n", "*3\r\n$3\r\nSET\r\n$536870912\r\n",
      "*3\r\n$3\r\nSET\r\n$9223372036854775806\r\n", "*1000000000\r\n",
    ] {
      #expect(LogFiles.walk(Array(text.utf8)).error != nil)
    }
  }
}

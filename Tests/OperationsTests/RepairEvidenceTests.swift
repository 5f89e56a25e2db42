import Bytes
import Foundation
import Operations
import RDB
import TestSupport
import Testing

/// Damage around which everything is right: what else speaks against it.
extension RepairRDBTests {
  /// Bytes put in at a border that read as a key: what repair makes of them, when two letters elsewhere are
  /// changed too, and when none is.
  private func puttingKeyIn(
    _ record: [UInt8], changing: Bool
  ) throws -> (original: [UInt8], at: Int, report: RepairReport, result: [UInt8]) {
    let original = try dump(bytes: 400_000, databases: 1, seed: 8)
    let all = try records(original)
    var bytes = original
    if changing {
      let texts = all[500...].filter { original[$0.range.lowerBound] == 0 }
      for text in [texts[0], texts[texts.count - 1]] { bytes[text.range.upperBound - 1] ^= 1 }
    }
    let at = all[400].range.lowerBound
    bytes.insert(contentsOf: record, at: at)
    let (report, result) = try repair(bytes)
    return (original, at, report, result)
  }

  static let intruders: [[UInt8]] = [
    [0, 0, 0],
    // A name that is no text.
    [0, 5, 7, 0x91, 0, 0x1B, 0xFF, 3, 0x61, 0x62, 0x63],
    // Short text.
    [0, 2, 0x71, 0x7A, 1, 0x78],
    // A name like the others in all but its letters.
    [0, 18] + Array("admin:0:100399:nam".utf8) + [1, 0x78],
  ]

  /// Only the checksum tells: it comes out right without what was put in, and then everything is proven.
  @Test(arguments: intruders) func theChecksumTellsWhatWasPutIn(_ record: [UInt8]) throws {
    let (original, at, report, result) = try puttingKeyIn(record, changing: false)
    #expect(result == original)
    #expect(report.lost.map(\.offset) == [at] && report.lostBytes == record.count)
    #expect(report.doubtful.isEmpty && report.suspectKeys.isEmpty && report.undecided.isEmpty)
  }

  /// Where it can't, RESIZEDB tells that there is one key too many: which one can be seen when its name is
  /// empty or no text; else it is named.
  @Test(arguments: intruders) func sizesTellThatAKeyWasPutIn(_ record: [UInt8]) throws {
    let (original, at, report, result) = try puttingKeyIn(record, changing: true)
    #expect(report.doubtful.count == 1)
    let isStrange = record[1] == 0 || record[2] < 32
    let count = try records(result).count
    #expect(try count == records(original).count + (isStrange ? 0 : 1))
    if isStrange {
      #expect(report.lost.map(\.offset) == [at] && report.lostBytes == record.count)
      #expect(report.lost[0].reason.contains("more keys are than were announced"))
    } else {
      #expect(report.lost.isEmpty)
      #expect(report.suspectKeys.contains { $0.offset == at && $0.length == record.count })
      #expect(report.undecided.contains { $0.contains("1 key is there that RESIZEDB did not") })
    }
  }

  /// Where nothing was announced, the checksum alone decides.
  @Test func theChecksumTellsWithoutSizes() throws {
    let original = try withoutSizes(try dump(bytes: 100_000, databases: 1, seed: 8))
    let at = try records(original)[100].range.lowerBound
    for record in Self.intruders.prefix(2) {
      var bytes = original
      bytes.insert(contentsOf: record, at: at)
      let (report, result) = try repair(bytes)
      #expect(result == original && report.doubtful.isEmpty)
    }
  }

  private func withoutSizes(_ dump: [UInt8]) throws -> [UInt8] {
    var result = Array(dump.dropLast(8))
    let first = try records(dump)[0].range.lowerBound
    let at = try #require(result[..<first].lastIndex(of: Opcode.resizeDB))
    try #require(first - at == 11)
    result.removeSubrange(at..<first)
    let checksum = result.withByteSlice { CRC64.checksum($0) }
    return result + (0..<8).map { UInt8(truncatingIfNeeded: checksum >> UInt64(8 * $0)) }
  }

  /// The first text that is not compressed, and has more than ten letters.
  private func plainText(
    _ records: ArraySlice<(name: Name, range: Range<Int>)>, _ dump: [UInt8]
  ) -> (name: Name, range: Range<Int>)? {
    records.first {
      let length = $0.range.lowerBound + 2 + $0.name.key.count
      return dump[$0.range.lowerBound] == 0 && 11..<64 ~= dump[length]
    }
  }

  /// A size hint stands behind the selection of a database only. What looks like one behind a text that reaches
  /// into garbage hid that the text is damaged (seed 30137 of Benchmarks/repair).
  @Test func aSizeHintAmongKeysIsNone() throws {
    let original = try dump(bytes: 400_000, databases: 1, seed: 9)
    let all = try records(original)
    let range = try #require(plainText(all[300...], original)).range
    var bytes = original
    let garbage: [UInt8] = Array(repeating: 0xAC, count: 8) + [0xFB, 0x32, 0x0D, 0x7A, 0x3B, 0xE1]
    // The text ends behind 8 bytes of it.
    bytes.insert(contentsOf: garbage, at: range.upperBound - 8)
    let (report, result) = try repair(bytes)
    let whole = Set(all.map { Array(original[$0.range]) })
    #expect(try records(result).allSatisfy { whole.contains(Array(result[$0.range])) })
    #expect(try records(result).count >= all.count - 4)
    #expect(report.lostCount > 0)
  }

  /// Garbage behind which the last bytes of an expiry time are left: when a byte in it reads as the opcode, the
  /// time is another one (seed 40204 of Benchmarks/repair).
  @Test func aTimeBehindLostBytesIsNotTrusted() throws {
    let original = try dump(bytes: 400_000, databases: 1, seed: 9)
    let all = try records(original)
    let found = all[300...].first { original[$0.range.lowerBound] == Opcode.expiry }
    let at = try #require(found?.range.lowerBound)
    var bytes = original
    // Of the time the first three bytes are others: by an hour, and by seconds.
    for (third, isKept) in [(original[at + 3] &+ 0x40, false), (original[at + 3], true)] {
      bytes = original
      bytes.insert(
        contentsOf: [UInt8](repeating: 0xAC, count: 40)
          + [Opcode.expiry, original[at + 1] ^ 1, original[at + 2], third], at: at + 4)
      bytes.removeSubrange(at..<at + 4)
      // More damage, so that the checksum does not put it right.
      bytes[all[100].range.upperBound - 1] ^= 1
      let (report, result) = try repair(bytes)
      let kept = try records(result).contains { $0.name == found?.name }
      #expect(kept == isKept)
      let isNamed = report.suspectKeys.contains { $0.key == found?.name.key }
      #expect(isNamed == isKept)
    }
  }

  /// A copy of later records that begins inside a text and fits there: its other end gives it away (seed 30174 of
  /// Benchmarks/repair).
  @Test func aTextThatEndsInACopyGoes() throws {
    let original = try dump(bytes: 400_000, databases: 1, seed: 10)
    let all = try records(original)
    let text = try #require(plainText(all[300...], original))
    for end in [0, 7] {
      var bytes = original
      bytes.insert(
        contentsOf: original[
          all[700].range.lowerBound - 5..<all[720].range.upperBound - end - 5],
        at: text.range.upperBound - 5)
      let whole = Set(all.map { Array(original[$0.range]) })
      let (report, result) = try repair(bytes)
      let kept = try records(result)
      for record in kept {
        #expect(
          whole.contains(Array(result[record.range])), "\(KeyText.quoted(record.name.key))")
      }
      #expect(kept.count >= all.count - 5)
      #expect(report.lost.contains { $0.keys.contains(text.name.key) })
    }
  }

  /// A copy of later records that ends inside a text and fits there: its first end gives it away, and the text that it
  /// begins stays where it belongs.
  @Test func aTextThatBeginsInACopyGoes() throws {
    let original = try dump(bytes: 400_000, databases: 1, seed: 10)
    let all = try records(original)
    let cut = try #require(plainText(all[300...], original))
    let copied = try #require(plainText(all[720...], original))
    var bytes = original
    bytes.insert(
      contentsOf: original[all[700].range.lowerBound + 3..<copied.range.upperBound - 5],
      at: cut.range.upperBound - 5)
    let whole = Set(all.map { Array(original[$0.range]) })
    let (report, result) = try repair(bytes)
    let kept = try records(result)
    for record in kept {
      #expect(whole.contains(Array(result[record.range])), "\(KeyText.quoted(record.name.key))")
    }
    #expect(kept.count >= all.count - 5)
    #expect(kept.contains { $0.name == copied.name })
    #expect(report.lost.contains { $0.reason.contains("made of two") })
  }

  /// Where a copy goes on behind a text that differs, a letter of it was changed, here or there: neither can be trusted.
  @Test func aChangedTextWithinACopyIsNotMadeOfTwo() throws {
    let original = try dump(bytes: 400_000, databases: 1, seed: 10)
    let all = try records(original)
    let changed = try #require(plainText(all[710...], original))
    for isOfCopy in [false, true] {
      var bytes = original
      let first = all[700].range.lowerBound + 3
      var copy = Array(original[first..<all[740].range.upperBound])
      if isOfCopy {
        copy[changed.range.upperBound - 1 - first] ^= 1
      } else {
        bytes[changed.range.upperBound - 1] ^= 1
      }
      bytes.insert(contentsOf: copy, at: all[300].range.lowerBound)
      let (report, result) = try repair(bytes)
      #expect(try !records(result).contains { $0.name == changed.name })
      #expect(!report.lost.contains { $0.reason.contains("made of two") })
    }
  }
}

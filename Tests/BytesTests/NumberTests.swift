import TestSupport
import Testing

@testable import Bytes

@Suite struct NumberTests {
  static let corners: [Int64] = {
    var all: [Int64] = [0, 1, -1, .max, .min, .max - 1, .min + 1]
    var power: Int64 = 1
    for _ in 0..<18 {
      power *= 10
      all += [power, power - 1, power + 1, -power, -power + 1, -power - 1]
    }
    for shift in 0..<63 { all += [1 << shift, (1 << shift) - 1, -(1 << shift), -(1 << shift) - 1] }
    return all
  }()

  @Test func textIsWhatSwiftSays() {
    var random = SplitMix64(seed: 1)
    var scratch = ScratchBuffer()
    let target = MemoryTarget()
    var output = OutputBuffer(target, capacity: 1024)
    var wanted: [UInt8] = []
    var numbers = NumberTests.corners
    for _ in 0..<20_000 {
      numbers.append(Int64(truncatingIfNeeded: random.next()) >> random.below(64))
    }
    for number in numbers {
      scratch.clear()
      scratch.append(decimal: number)
      #expect(scratch.slice.text == String(number))
      #expect(DecimalText.canonical(scratch.slice) == number)
      let unsigned = UInt64(bitPattern: number)
      output.write(decimal: number)
      output.write(0x20)
      output.write(decimal: unsigned)
      wanted += Array("\(number) \(unsigned)".utf8)
      #expect(DecimalText.digitCount(unsigned) == String(unsigned).count)
    }
    #expect(throws: Never.self) { try output.flush() }
    #expect(target.bytes == wanted)
  }

  @Test func canonicalTextsAreThoseThatComeBack() {
    var random = SplitMix64(seed: 2)
    for _ in 0..<200_000 {
      let letters: [UInt8] = Array("-0123456789912345678 +a".utf8)
      let text = (0..<random.below(23)).map { _ in letters[random.below(letters.count)] }
      let string = String(decoding: text, as: UTF8.self)
      let number = Int64(string)
      let wanted = number.flatMap { String($0) == string ? $0 : nil }
      #expect(text.withByteSlice { DecimalText.canonical($0) } == wanted, "\(string)")
      let digits = !text.isEmpty && text.allSatisfy(ASCII.isDigit) && text.count <= 20
      #expect(text.withByteSlice { DecimalText.unsigned($0) } == (digits ? Int(string) : nil))
    }
    for text in ["9223372036854775807", "-9223372036854775808", "0"] {
      #expect(Array(text.utf8).withByteSlice { DecimalText.canonical($0) } == Int64(text))
    }
    for text in ["9223372036854775808", "-9223372036854775809", "-0", "00", "-", "", "+1", " 1"] {
      #expect(Array(text.utf8).withByteSlice { DecimalText.canonical($0) } == nil)
    }
  }

  @Test func checksumIsThatOfTheServer() {
    #expect(CRC64.checksum(ByteSlice("123456789")) == 0xE9C6_D914_C4B8_D9CA)
    var random = SplitMix64(seed: 3)
    for count in Array(0..<300) + [1000, 4096, 10_001] {
      let bytes = random.bytes(count)
      let cut = count / 3
      let whole = slowCRC(bytes)
      #expect(CRC64.checksumOf(bytes) == whole)
      let parts = bytes.withByteSlice {
        CRC64.update(CRC64.checksum($0.prefix(cut)), $0.dropFirst(cut))
      }
      #expect(parts == whole)
    }
  }

  @Test func hashesOfDifferentBytesDiffer() {
    var seen: Set<UInt64> = []
    var random = SplitMix64(seed: 4)
    var texts: Set<[UInt8]> = []
    for count in 0..<70 {
      for _ in 0..<200 { texts.insert(random.bytes(count, letters: 2)) }
    }
    for number in 0..<20_000 { texts.insert(Array("key:\(number)".utf8)) }
    for text in texts { seen.insert(text.withByteSlice { $0.fastHash }) }
    #expect(seen.count == texts.count)
    // The low and the high bits both spread: buckets of a table come from either.
    for shift in [0, 44] {
      let buckets = Set(seen.map { $0 >> UInt64(shift) & 0xFFFFF })
      #expect(buckets.count > seen.count * 95 / 100)
    }
  }

  @Test func slicesCompareAndSearchAsBytes() {
    let bytes: [UInt8] = [0x53, 0x45, 0x74, 0, 0xFF, 0x53]
    bytes.withByteSlice { slice in
      #expect(slice.prefix(3).equalsIgnoringCase("seT"))
      #expect(!slice.prefix(3).equals("SET"))
      #expect(slice.starts(with: "SE") && !slice.starts(with: "SEt\u{0}AAAAAAA"))
      #expect(slice.firstIndex(of: 0x53) == 0 && slice.firstIndex(of: 0x53, from: 1) == 5)
      #expect(slice.firstIndex(of: 1) == nil && slice.firstIndex(of: 0x53, from: 6) == nil)
      #expect(slice.load(at: 1, as: UInt16.self) == 0x7445)
      #expect(slice.offset(of: slice.slice(at: 4, count: 2)) == 4)
      #expect(slice.compare(slice.prefix(2)) > 0 && slice.prefix(2).compare(slice) < 0)
      #expect(ByteSlice("a").compare(ByteSlice("\u{7F}")) < 0 && slice.compare(slice) == 0)
      #expect(slice.holds(6, at: 0) && slice.holds(0, at: 6) && !slice.holds(1, at: 6))
      #expect(!slice.holds(Int.max, at: 1) && !slice.holds(-1, at: 1) && !slice.holds(1, at: -1))
    }
    #expect(ByteSlice() == ByteSlice("") && ByteSlice().bytes.isEmpty)
  }

  /// Words of all short lengths are read at once, up to the first that has another form.
  @Test func shortWordsAreReadAtOnce() {
    for length in [0, 1, 2, 3, 9, 10, 11, 99, 100, 999] {
      let word = [UInt8](repeating: 0x78, count: length)
      let bulk = Array("$\(length)\r\n".utf8) + word + [13, 10]
      let bytes = bulk + bulk + Array("$+1\r\ny\r\n........".utf8)
      bytes.withByteSlice { bytes in
        var words = [ByteSlice](repeating: ByteSlice(), count: 4)
        var at = 0
        let count = unsafe words.withUnsafeMutableBufferPointer { target in
          unsafe bytes.readShortWords(at: &at, into: target)
        }
        #expect(count == 2 && at == 2 * bulk.count, "\(length)")
        #expect(words[0].bytes == word && words[1].bytes == word)
      }
    }
  }
}

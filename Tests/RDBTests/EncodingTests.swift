import Bytes
import Testing

@testable import RDB

/// The packed encodings, from bytes made by hand.
@Suite struct EncodingTests {
  static func texts(listpack bytes: [UInt8]) throws -> [String] {
    try bytes.withByteSlice { slice in
      var list = try ListpackCursor(slice, origin: 0)
      var item = PackedItem()
      var scratch = ScratchBuffer()
      var texts: [String] = []
      while try list.next(&item) { texts.append(item.text(&scratch).text) }
      return texts
    }
  }

  static func texts(ziplist bytes: [UInt8]) throws -> [String] {
    try bytes.withByteSlice { slice in
      var list = try ZiplistCursor(slice, origin: 0)
      var item = PackedItem()
      var scratch = ScratchBuffer()
      var texts: [String] = []
      while try list.next(&item) { texts.append(item.text(&scratch).text) }
      return texts
    }
  }

  static let integers: [Int64] = [
    0, 1, 12, 13, 127, 128, -1, -128, -129, 4095, 4096, -4096, -4097, 32767, 32768, -32768, -32769,
    8_388_607, 8_388_608, -8_388_608, -8_388_609, 2_147_483_647, 2_147_483_648, -2_147_483_648,
    -2_147_483_649, .max, .min,
  ]
  static let lengths = [0, 1, 63, 64, 126, 127, 128, 4095, 4096, 16383, 16384, 70_000]

  @Test func listpacksComeBack() throws {
    var builder = ListpackBuilder()
    var wanted: [String] = []
    for integer in EncodingTests.integers {
      wanted.append(String(integer))
      Array(String(integer).utf8).withByteSlice { builder.append($0) }
    }
    for length in EncodingTests.lengths {
      let text = String(repeating: "x", count: length)
      wanted.append(text)
      Array(text.utf8).withByteSlice { builder.append($0) }
    }
    #expect(try EncodingTests.texts(listpack: builder.finish().bytes) == wanted)
  }

  @Test(arguments: [true, false]) func ziplistsComeBack(small: Bool) throws {
    var builder = ZiplistBuilder()
    builder.hasSmallIntegers = small
    var wanted: [String] = []
    for integer in EncodingTests.integers {
      wanted.append(String(integer))
      Array(String(integer).utf8).withByteSlice { builder.append($0) }
    }
    for length in EncodingTests.lengths + [252, 253, 254, 255] {
      let text = String(repeating: "x", count: length)
      wanted.append(text)
      Array(text.utf8).withByteSlice { builder.append($0) }
    }
    #expect(try EncodingTests.texts(ziplist: builder.finish().bytes) == wanted)
  }

  @Test func listpackOfTheFormatPage() throws {
    // "a", 1, -1, 200 bytes of x: its length backwards is 01 C9 for 202 bytes with the encoding.
    let long = [UInt8](repeating: 0x78, count: 200)
    var bytes: [UInt8] =
      [0x81, 0x61, 2, 1, 1, 0xDF, 0xFF, 2, 0xE0, 200] + long + [0x01, 0x80 | 74]
    bytes = [UInt8(bytes.count + 7), 0, 0, 0, 4, 0] + bytes + [0xFF]
    #expect(
      try EncodingTests.texts(listpack: bytes)
        == ["a", "1", "-1", String(repeating: "x", count: 200)])
  }

  @Test func everyBrokenByteOfAListpackIsAnError() throws {
    var builder = ListpackBuilder()
    for integer in EncodingTests.integers { builder.append(integer) }
    Array("hello".utf8).withByteSlice { builder.append($0) }
    let good = builder.finish().bytes
    #expect(try EncodingTests.texts(listpack: good).count == EncodingTests.integers.count + 1)
    func fails(_ bytes: [UInt8]) -> Bool {
      do {
        _ = try EncodingTests.texts(listpack: bytes)
        return false
      } catch { return true }
    }
    for index in [0, 1, 2, 3, 4, 5, good.count - 1, good.count - 2] {
      for bit in 0..<8 {
        var bytes = good
        bytes[index] ^= 1 << UInt8(bit)
        // 65535 elements: unknown.
        if index == 4 || index == 5, bytes[4] == 255, bytes[5] == 255 { continue }
        #expect(fails(bytes), "byte \(index) bit \(bit)")
      }
    }
    for count in 0..<good.count { #expect(fails(Array(good[..<count]))) }
  }

  @Test func restorePayloads() throws {
    // DUMP of "SET k v" on Redis 7.0.
    var scratch = ScratchBuffer()
    scratch.append(0)
    scratch.append(1)
    scratch.append(0x76)
    scratch.append(littleEndian: UInt16(10))
    scratch.append(littleEndian: CRC64.update(0, scratch.slice))
    var bytes = scratch.slice.bytes
    try bytes.withByteSlice { slice in
      let payload = try RestorePayload(slice)
      #expect(payload.version == 10)
      var decoder = ValueDecoder(dialect: .valkey)
      try decoder.begin(payload)
      var element = ValueElement()
      #expect(try decoder.reader.nextElement(&element))
      #expect(element.first.equals("v"))
      #expect(try !decoder.reader.nextElement(&element))
    }
    bytes[2] ^= 1
    let flipped = bytes
    #expect(throws: RDBError.self) {
      try flipped.withByteSlice { _ = try RestorePayload($0) }
    }
    for count in 0..<11 {
      #expect(throws: RDBError.self) {
        try flipped.withByteSlice { _ = try RestorePayload($0.prefix(count)) }
      }
    }
  }

  /// The examples of the format page for Redis 8.10, whose servers were not at hand.
  @Test func templates() throws {
    func bytes(_ hex: String) -> [UInt8] {
      let digits = hex.filter { $0 != " " }
      return stride(from: 0, to: digits.count, by: 2).compactMap { index in
        let start = digits.index(digits.startIndex, offsetBy: index)
        return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
      }
    }
    var file = Array("REDIS0015".utf8)
    file += bytes("f2 00 02 03") + Array("age".utf8) + bytes("04") + Array("name".utf8)
    file += bytes("fe 00 1e 02") + Array("k1".utf8)
    file += bytes("10 10000000 0300 00 01 05 01 83") + Array("bob".utf8) + bytes("04 ff 20 02")
    file += Array("k2".utf8) + bytes("00 c0 06 03") + Array("eve".utf8) + bytes("ff")
    file += bytes("a3319fbacd560e63")
    let keys = try file.withByteSlice { try Collector.read(ByteCursor($0)).keys }
    func field(_ name: String, _ value: String) -> String {
      Array(name.utf8).withByteSlice { name in
        Array(value.utf8).withByteSlice {
          "\(Collector.base64(name)) \(Collector.base64($0)) -1"
        }
      }
    }
    #expect(
      keys.map(\.parts) == [
        [field("age", "5"), field("name", "bob")].sorted(),
        [field("age", "6"), field("name", "eve")].sorted(),
      ])
    // DUMP of {field1: 1, field2: 2} as type 31.
    let raw =
      bytes("01 02 06") + Array("field1".utf8) + bytes("06") + Array("field2".utf8)
      + bytes("c001c002")
    try raw.withByteSlice { (slice) throws in
      var decoder = ValueDecoder(dialect: .redis)
      decoder.begin(.templateArray, slice)
      var element = ValueElement()
      #expect(try decoder.reader.nextElement(&element))
      #expect(element.first.equals("field1") && element.second.equals("1"))
      #expect(try decoder.reader.nextElement(&element))
      #expect(element.first.equals("field2") && element.second.equals("2"))
      #expect(try !decoder.reader.nextElement(&element))
    }
  }

  /// Attributes wait for the next key, whatever stands between.
  @Test func attributesWaitForTheirKey() throws {
    let file: [UInt8] =
      Array("REDIS0009".utf8) + [252, 1, 0, 0, 0, 0, 0, 0, 0, 250, 1, 0x61, 1, 0x62]
      + [250, 1, 0x61, 1, 0x62, 249, 5, 0, 1, 0x6B, 1, 0x76, 0, 1, 0x6C, 1, 0x76, 255]
      + [UInt8](repeating: 0, count: 8)
    let keys = try file.withByteSlice { try Collector.read(ByteCursor($0)).keys }
    #expect(keys.map(\.expiresAt) == [1, nil])
    #expect(keys.map(\.frequency) == [5, nil])
  }

  /// The header of an intset has eight bytes, with which it may end.
  @Test func intsetsOfNothingAndLess() throws {
    let header: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0]
    try header.withByteSlice { (slice) throws in
      #expect(try IntsetCursor(slice, origin: 0).count == 0)
      #expect(throws: RDBError.self) { _ = try IntsetCursor(slice.prefix(7), origin: 0) }
    }
  }

  /// A library in the form of 7.0-rc is put together as 7.0 does, and says so.
  @Test func functionsOfAPreRelease() throws {
    func library(_ code: UInt8, _ strings: [UInt8]) throws -> (text: String, preRelease: Bool) {
      let file =
        Array("REDIS0010".utf8) + [code] + strings + [255] + [UInt8](repeating: 0, count: 8)
      return try file.withByteSlice { (slice) throws in
        var reader = try RDBReader(ByteCursor(slice))
        guard case .function(let text, let preRelease) = try reader.next() else {
          return ("", false)
        }
        let copy = text.text
        guard case .end = try reader.next() else { return ("", false) }
        return (copy, preRelease)
      }
    }
    func string(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
    let plain = try library(246, string("lib") + string("lua") + [0] + string("return 1"))
    #expect(plain.text == "#!lua name=lib\nreturn 1" && plain.preRelease)
    let described = try library(
      246, string("lib") + string("lua") + [1] + string("words") + string("return 1"))
    #expect(described.text == plain.text && described.preRelease)
    let released = try library(245, string(plain.text))
    #expect(released.text == plain.text && !released.preRelease)
  }
}

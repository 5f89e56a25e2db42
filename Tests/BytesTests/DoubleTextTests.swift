import Foundation
import TestSupport
import Testing

@testable import Bytes

/// One line of `Fixtures/doubles/doubles.txt`.
struct DoubleVector {
  var value: Double
  var printf: String
  var server: String
  var python: String
}

@Suite struct DoubleTextTests {
  static func vectors() throws -> [DoubleVector] {
    let path = ProcessInfo.processInfo.environment["REDIS_BACKUP_DOUBLES"]
    let text = String(
      decoding: try Data(
        contentsOf: path.map { URL(fileURLWithPath: $0) } ?? Fixture.url("doubles/doubles.txt")),
      as: UTF8.self)
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 4, let bits = UInt64(words[0], radix: 16) else { return nil }
      return DoubleVector(
        value: Double(bitPattern: bits), printf: words[1], server: words[2], python: words[3])
    }
  }

  static func text(_ value: Double, _ style: DoubleText.Style, slowly: Bool = false) -> String {
    var scratch = ScratchBuffer()
    if slowly {
      let start = unsafe scratch.unusedStart(DoubleText.longest)
      scratch.grow(by: unsafe DoubleText.writeSlowly(value, style, to: start))
    } else {
      scratch.append(double: value, style)
    }
    return scratch.slice.text
  }

  static func parse(_ text: String, _ rule: DoubleText.Rule) -> Double? {
    Array(text.utf8).withByteSlice { DoubleText.parse($0, rule) }
  }

  static func printf17(_ value: Double) -> String {
    var bytes = [CChar](repeating: 0, count: 64)
    let count = unsafe bytes.withUnsafeMutableBufferPointer { raw in
      unsafe withVaList([value]) { unsafe vsnprintf(raw.baseAddress, 64, "%.17g", $0) }
    }
    return String(decoding: bytes.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Sign, digits without zeros at either end, and the power of ten of the first digit.
  static func digits(_ text: String) -> String {
    let parts = text.lowercased().split(separator: "e", maxSplits: 1)
    let mantissa = parts[0].drop { $0 == "-" }
    let whole = mantissa.prefix { $0 != "." }
    let all = mantissa.filter { $0 != "." }
    let lead = all.prefix { $0 == "0" }.count
    let trimmed = String(all.dropFirst(lead).reversed().drop { $0 == "0" }.reversed())
    if trimmed.isEmpty { return text.hasPrefix("-") ? "-0" : "0" }
    let power = whole.count - lead + (parts.count > 1 ? Int(parts[1].drop { $0 == "+" }) ?? 0 : 0)
    return "\(text.hasPrefix("-") ? "-" : "")\(trimmed)@\(power)"
  }

  @Test func vectorsOfServerAndPython() throws {
    let vectors = try DoubleTextTests.vectors()
    #expect(vectors.count > 2000)
    for vector in vectors {
      let value = vector.value
      #expect(DoubleTextTests.text(value, .printf) == vector.printf)
      #expect(DoubleTextTests.text(value, .server) == vector.server)
      #expect(DoubleTextTests.text(value, .printf, slowly: true) == vector.printf)
      #expect(DoubleTextTests.text(value, .server, slowly: true) == vector.server)
      for text in [vector.printf, vector.server, vector.python] {
        #expect(DoubleTextTests.parse(text, .command)?.bitPattern == value.bitPattern)
      }
      guard value.isFinite else { continue }
      for slowly in [false, true] {
        let shortest = DoubleTextTests.text(value, .shortest, slowly: slowly)
        #expect(DoubleTextTests.digits(shortest) == DoubleTextTests.digits(vector.python))
        #expect(DoubleTextTests.parse(shortest, .command)?.bitPattern == value.bitPattern)
      }
    }
  }

  @Test func randomDoublesAgainstC() {
    var random = SplitMix64(seed: 1)
    for round in 0..<100_000 {
      var bits = random.next()
      if round % 3 == 1 {
        // Near the middle of the range, where scores live.
        bits = bits & ~(0x7FF << 52) | UInt64(1023 - 40 + bits >> 52 % 110) << 52
      }
      var value = Double(bitPattern: bits)
      // Short binary fractions: the exact ties of the 17 digits.
      if round % 3 == 2 { value = Double(bits >> 8 % (1 << 54)) / Double(1 << (bits % 62)) }
      if value.isNaN { continue }
      let expected = DoubleTextTests.printf17(value)
      let got = DoubleTextTests.text(value, .printf)
      if got != expected { Issue.record("\(got) instead of \(expected)") }
      let short = DoubleTextTests.text(value, .shortest)
      if DoubleTextTests.digits(short) != DoubleTextTests.digits(value.description),
        value.isFinite
      {
        Issue.record("\(short) instead of \(value)")
      }
      for text in [got, short, DoubleTextTests.text(value, .server)] {
        let back = DoubleTextTests.parse(text, .command)
        if back?.bitPattern != value.bitPattern { Issue.record("\(text) reads as \(back as Any)") }
      }
    }
  }

  @Test func randomTextsAgainstC() {
    var random = SplitMix64(seed: 2)
    for _ in 0..<100_000 {
      let count = Int(random.next() % 21) + 1
      var text = random.next() % 2 == 0 ? "-" : ""
      let point = Int(random.next() % 24)
      for index in 0..<count {
        if index == point { text += "." }
        text += String(random.next() % 10)
      }
      if random.next() % 2 == 0 { text += "e\(Int(random.next() % 640) - 320)" }
      let expected = unsafe strtod(text, nil)
      let got = DoubleTextTests.parse(text, .file)
      if got?.bitPattern != expected.bitPattern {
        Issue.record("\(text): \(got as Any) instead of \(expected)")
      }
      let strict = DoubleTextTests.parse(text, .command)
      let outside =
        expected.isInfinite || (expected == 0 && text.contains { $0 >= "1" && $0 <= "9" })
      if !outside && strict?.bitPattern != expected.bitPattern {
        Issue.record("\(text) as a score: \(strict as Any) instead of \(expected)")
      }
    }
  }

  @Test func whatCommandsRefuse() {
    for text in [
      "", " 1", "1 ", "1x", "nan", "-nan", "1e400", "1e-400", "--1", "e5", ".", "1e", "+",
    ] {
      #expect(DoubleTextTests.parse(text, .command) == nil, "\(text)")
    }
    let taken: [(String, Double)] = [
      ("inf", .infinity), ("-INF", -.infinity), ("+infinity", .infinity), ("0x1p3", 8), (".5", 0.5),
      ("5.", 5), ("+7", 7), ("1E3", 1000), ("-0", -0.0), ("1e-320", Double(bitPattern: 0x7E8)),
      ("007", 7),
    ]
    for (text, value) in taken {
      #expect(DoubleTextTests.parse(text, .command)?.bitPattern == value.bitPattern, "\(text)")
    }
  }

  @Test func whatFilesAccept() {
    #expect(DoubleTextTests.parse(" 12abc", .file) == 12)
    #expect(DoubleTextTests.parse("1e", .file) == 1)
    #expect(DoubleTextTests.parse("1e+", .file) == 1)
    #expect(DoubleTextTests.parse("2.5.1", .file) == 2.5)
    #expect(DoubleTextTests.parse("1e999", .file) == .infinity)
    #expect(DoubleTextTests.parse("nan", .file)?.isNaN == true)
    #expect(DoubleTextTests.parse("x", .file) == nil)
    #expect(DoubleTextTests.parse("", .file) == nil)
  }

  @Test func specialValues() {
    for style in [DoubleText.Style.printf, .server, .shortest] {
      #expect(DoubleTextTests.text(.infinity, style) == "inf")
      #expect(DoubleTextTests.text(-.infinity, style) == "-inf")
      #expect(DoubleTextTests.text(.nan, style) == "nan")
      #expect(DoubleTextTests.text(-0.0, style) == "-0")
    }
    #expect(DoubleTextTests.text(100_000_000, .server) == "1e+8")
    #expect(DoubleTextTests.text(100_000_000, .printf) == "100000000")
    #expect(DoubleTextTests.text(100_000_000, .shortest) == "100000000")
    #expect(DoubleTextTests.text(123_456_789_012_345_680, .server) == "123456789012345680")
    #expect(DoubleTextTests.text(1e16, .shortest) == "10000000000000000")
    #expect(DoubleTextTests.text(1e17, .shortest) == "1e+17")
    #expect(DoubleTextTests.text(0.00001, .shortest) == "0.00001")
    #expect(DoubleTextTests.text(0.000001, .shortest) == "1e-6")
  }

  /// The table is 10^k to 128 bits: spot checks against known values, and its neighbours agree.
  @Test func powersOfTen() {
    #expect(PowersOfTen.table[0].high == 1 << 63)
    #expect(PowersOfTen.table[0].low == 0)
    #expect(PowersOfTen.table[-1].high == 0xCCCC_CCCC_CCCC_CCCC)
    #expect(PowersOfTen.table[-1].low == 0xCCCC_CCCC_CCCC_CCCC)
    #expect(PowersOfTen.table[27].high == 0xCECB_8F27_F420_0F3A)
    #expect(PowersOfTen.table[27].low == 0)
    for power in PowersOfTen.least..<PowersOfTen.greatest {
      let (high, _) = PowersOfTen.table[power]
      let (next, _) = PowersOfTen.table[power + 1]
      let ratio = Double(next) / Double(high)
      #expect(abs(ratio - 1.25) < 1e-12 || abs(ratio - 0.625) < 1e-12)
    }
  }
}

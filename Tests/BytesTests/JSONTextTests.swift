import TestSupport
import Testing

@testable import Bytes

@Suite struct JSONTextTests {
  func json(_ bytes: [UInt8]) -> String? {
    let target = MemoryTarget()
    var output = OutputBuffer(target, capacity: 1024)
    let written = bytes.withByteSlice { output.writeJSON(string: $0) }
    try? output.flush()
    guard written else {
      #expect(target.bytes.isEmpty)
      return nil
    }
    return String(decoding: target.bytes, as: UTF8.self)
  }

  /// What RFC 8259 asks for, character by character.
  func expected(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{8}": result += "\\b"
      case "\u{C}": result += "\\f"
      case ..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  @Test func everyByteAtEveryPlace() {
    for count in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 600, 2000] {
      for place in Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 32, 511, 599, 1999, count - 1])
      where place < count {
        for byte in UInt8.min...UInt8.max {
          var bytes = [UInt8](repeating: 0x61, count: count)
          bytes[place] = byte
          let text = json(bytes)
          if byte >= 0x80 {
            #expect(text == nil)
          } else {
            #expect(text == expected(String(decoding: bytes, as: UTF8.self)))
          }
        }
      }
    }
    #expect(json([]) == "\"\"")
  }

  @Test func textOfAllKinds() {
    var random = SplitMix64(seed: 5)
    let pieces = [
      "a", "\"", "\\", "\n", "\u{0}", "é", "語", "🙂", "plain text of some length", "\u{7F}",
    ]
    for _ in 0..<3000 {
      var text = ""
      for _ in 0..<Int(random.next() % 12) { text += pieces[Int(random.next() % 10)] }
      #expect(json(Array(text.utf8)) == expected(text))
    }
  }

  @Test func invalidUTF8IsToldAndNotWritten() {
    for bad: [UInt8] in [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
      [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
      [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xF0, 0x9F, 0x99], [0xFF], [0xFE, 0xFE],
    ] {
      #expect(json(bad) == nil)
      #expect(json(Array("some plain text first ".utf8) + bad) == nil)
      #expect(json(bad + Array(" and behind it".utf8)) == nil)
    }
    for scalar: UInt32 in [0x80, 0x7FF, 0x800, 0xFFF, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF] {
      let text = String(Unicode.Scalar(scalar) ?? "?")
      #expect(json(Array(text.utf8)) == "\"\(text)\"")
    }
  }

  @Test func base64() {
    func encode(_ bytes: [UInt8]) -> String {
      let target = MemoryTarget()
      var output = OutputBuffer(target, capacity: 1024)
      bytes.withByteSlice { output.write(base64: $0) }
      try? output.flush()
      return String(decoding: target.bytes, as: UTF8.self)
    }
    #expect(encode([]) == "")
    #expect(encode(Array("f".utf8)) == "Zg==")
    #expect(encode(Array("fo".utf8)) == "Zm8=")
    #expect(encode(Array("foo".utf8)) == "Zm9v")
    #expect(encode(Array("foobar".utf8)) == "Zm9vYmFy")
    #expect(encode([0xFB, 0xFF, 0xBF]) == "+/+/")
    // Long input goes in pieces that must not be padded.
    for count in [719, 720, 721, 722, 723, 5000] {
      let text = encode([UInt8](repeating: 0, count: count))
      let full = count / 3
      let rest = ["", "AA==", "AAA="][count % 3]
      #expect(text == String(repeating: "AAAA", count: full) + rest)
    }
  }
}

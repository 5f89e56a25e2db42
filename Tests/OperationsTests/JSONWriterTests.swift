import Bytes
import Foundation
import Operations
import TestSupport
import Testing

@Suite struct JSONWriterTests {
  private func text(_ body: (inout JSONWriter, inout OutputBuffer) -> Void) throws -> String {
    let target = MemoryTarget()
    var output = OutputBuffer(target, capacity: 1024)
    var json = JSONWriter()
    body(&json, &output)
    try output.flush()
    return String(decoding: target.bytes, as: UTF8.self)
  }

  @Test func containers() throws {
    let written = try text { json, output in
      json.beginObject(&output)
      json.field("a", 1, &output)
      json.key("b", &output)
      json.beginArray(&output)
      json.endArray(&output)
      json.key("c", &output)
      json.beginArray(&output)
      json.bool(true, &output)
      json.null(&output)
      json.beginObject(&output)
      json.endObject(&output)
      json.number(-9_223_372_036_854_775_808 as Int64, &output)
      json.endArray(&output)
      json.field("d", nil as String?, &output)
      json.endObject(&output)
      json.endLine(&output)
      json.number(UInt64.max, &output)
      json.endLine(&output)
    }
    #expect(
      written
        == #"{"a":1,"b":[],"c":[true,null,{},-9223372036854775808],"d":null}"# + "\n"
        + "18446744073709551615\n")
  }

  @Test func escapes() throws {
    func string(_ bytes: [UInt8]) throws -> String {
      try bytes.withByteSlice { slice in try text { $0.string(slice, &$1) } }
    }
    #expect(try string(Array("plain text of more than 8".utf8)) == #""plain text of more than 8""#)
    #expect(
      try string([0x22, 0x5C, 0x08, 0x0C, 0x0A, 0x0D, 0x09, 0x00, 0x1F, 0x7F])
        == "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\u{7F}\"")
    #expect(try string(Array("é😀".utf8)) == "\"é😀\"")
    #expect(try string([0xFF]) == #"{"base64":"/w=="}"#)
    #expect(try string([0xED, 0xA0, 0x80]) == #"{"base64":"7aCA"}"#)  // a surrogate
    #expect(try string([0xC0, 0x80]) == #"{"base64":"wIA="}"#)  // not the shortest form
    #expect(try string([0xF4, 0x90, 0x80, 0x80]) == #"{"base64":"9JCAgA=="}"#)  // beyond U+10FFFF
    #expect(try string([0x61, 0xC3]) == #"{"base64":"YcM="}"#)
    #expect(try string([]) == "\"\"")
  }

  /// Every string reads back as itself, by a parser that is not ours.
  @Test func readsBack() throws {
    var random = SplitMix64(seed: 7)
    for round in 0..<20_000 {
      let count = Int(random.next() % 40)
      let mask: UInt8 = round % 3 == 0 ? 0xFF : 0x7F
      var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) & mask }
      if round % 7 == 0 { bytes += Array("é".utf8) }
      let written = try bytes.withByteSlice { slice in
        try text { json, output in
          json.beginArray(&output)
          json.string(slice, &output)
          json.base64(slice, &output)
          json.endArray(&output)
        }
      }
      let read = try #require(
        try JSONSerialization.jsonObject(with: Data(written.utf8)) as? [Any])
      let base64 = try #require(read[1] as? String)
      #expect([UInt8](Data(base64Encoded: base64) ?? Data()) == bytes)
      if let string = String(validating: bytes, as: UTF8.self) {
        #expect(read[0] as? String == string, "\(bytes)")
      } else {
        let inner = (read[0] as? [String: String])?["base64"]
        #expect(inner == base64, "\(bytes)")
      }
    }
  }
}

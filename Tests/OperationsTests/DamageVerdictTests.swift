import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// What `redis-check-aof` of 4.0 and 7.0 said about damaged copies of logs, held against
/// ours: the same verdict, and the same number of good bytes.
@Suite struct DamageVerdictTests {
  struct Case: Decodable, CustomStringConvertible {
    var file: String
    var kind: String
    var offset: Int
    var bytes: Piece?
    var check_rc: Int
    var check_out: String
    var fixed_size: Int?
    var description: String { "\(file) \(kind) at \(offset)" }
  }

  /// A byte, or base64.
  enum Piece: Decodable {
    case byte(UInt8)
    case base64([UInt8])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let byte = try? container.decode(UInt8.self) {
        self = .byte(byte)
      } else {
        let text = try container.decode(String.self)
        self = .base64([UInt8](Data(base64Encoded: text) ?? Data()))
      }
    }
  }

  @Test(arguments: ["r4.0", "r7.0"]) func verdictsAreThoseOfRedisCheckAOF(_ label: String) throws {
    let data = try Data(contentsOf: Fixture.url("\(label)/damage/cases.json"))
    let cases = try JSONDecoder().decode([Case].self, from: data)
    #expect(cases.count > 80)
    let directory = try TemporaryDirectory()
    for test in cases {
      var bytes = try Fixture.bytes("\(label)/\(test.file)")
      switch (test.kind, test.bytes) {
      case ("cut", _): bytes = Array(bytes[..<test.offset])
      case ("flip", .byte(let byte)?): bytes[test.offset] = byte
      case ("append", .base64(let more)?): bytes += more
      default: Issue.record("unknown case \(test)")
      }
      let check = try Logs.check(try directory.write(bytes, to: "a.aof"))
      #expect(check.isOK == (test.check_rc == 0), "\(test): \(check.problems) \(test.check_out)")
      // In the RDB nothing can be repaired, and no good bytes are counted.
      let inPreamble = check.parts.first?.log == nil
      if !inPreamble, let fixed = test.fixed_size {
        #expect(check.goodBytes == fixed, "\(test): \(test.check_out)")
      }
    }
  }
}

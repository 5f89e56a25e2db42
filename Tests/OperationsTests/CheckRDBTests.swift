import Bytes
import Foundation
import Operations
import RDB
import TestSupport
import Testing

@Suite struct CheckRDBTests {
  static func check(_ bytes: [UInt8], deep: Bool = true) -> CheckReport {
    bytes.withByteSlice { slice in
      var report = CheckReport()
      _ = RDBCheck.run(ByteCursor(slice), file: "dump.rdb", deep: deep, report: &report)
      return report
    }
  }

  static func dump(_ body: [UInt8], _ magic: String = "REDIS0012") -> [UInt8] {
    Array(magic.utf8) + body + [255] + [UInt8](repeating: 0, count: 8)
  }

  @Test func goodDumpsAreGood() throws {
    for name in Fixture.files() where name.hasSuffix(".rdb") && !name.contains("regressions") {
      for deep in [false, true] {
        let report = try RDBCheck.run(Fixture.path(name), deep: deep)
        // XGROUP with ENTRIESREAD told this server more than was true.
        let isOdd = deep && name == "r7.0/aof-preamble/appendonlydir/appendonly.aof.2.base.rdb"
        #expect(report.ok && report.findings.count == (isOdd ? 1 : 0), "\(name): \(report)")
        #expect(try report.goodBytes == Fixture.bytes(name).count, "\(name)")
      }
    }
  }

  struct Case: Decodable {
    var file: String
    var kind: String
    var offset: Int
    var byte: Int?
    var appended: String?
    var check_rc: Int
    var check_out: String
  }

  /// What redis-check-rdb of 4.0 and 7.0 said of damaged copies. Where it found nothing, neither
  /// do we, unless its version looks less closely.
  @Test(arguments: ["r4.0", "r7.0"])
  func verdictsAreThoseOfRedisCheckRDB(label: String) throws {
    let file = Fixture.url("\(label)/damage/rdb-cases.json")
    let cases = try JSONDecoder().decode([Case].self, from: try Data(contentsOf: file))
    #expect(cases.count > 90)
    var stricter = 0
    for test in cases {
      var bytes = try Fixture.bytes("\(label)/\(test.file)")
      switch test.kind {
      case "cut": bytes = Array(bytes[..<test.offset])
      case "flip": bytes[test.offset] = UInt8(test.byte ?? 0)
      case "append" where test.appended == "the whole file again": bytes += bytes
      case "append": bytes += [UInt8](Data(base64Encoded: test.appended ?? "") ?? Data())
      default: Issue.record("unknown case \(test)")
      }
      let report = CheckRDBTests.check(bytes)
      if test.check_rc != 0 {
        #expect(!report.ok, "\(test.file) \(test.kind) \(test.offset): \(test.check_out)")
      } else if !report.ok {
        stricter += 1
        // Only where one key is damaged inside, which 4.0 does not see at all.
        #expect(report.findings.allSatisfy { $0.severity == .damaged }, "\(test): \(report)")
      }
      // A byte that was changed may show late, a missing one shows at once.
      if test.kind == "cut", let good = report.goodBytes { #expect(good <= test.offset, "\(test)") }
      if test.kind == "append" {
        #expect(report.ok && report.findings.map(\.severity) == [.unusual], "\(test)")
      }
    }
    #expect(stricter <= (label == "r4.0" ? 3 : 0), "\(stricter)")
  }

  /// One damaged value each, with the key behind it still read.
  static let damaged: [(String, [UInt8])] = {
    func string(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count)] + bytes }
    func listpack(_ count: Int, _ body: [UInt8]) -> [UInt8] {
      string([UInt8(body.count + 7), 0, 0, 0, UInt8(count), 0] + body + [0xFF])
    }
    let a: [UInt8] = [0x81, 0x61, 2]
    let b: [UInt8] = [0x81, 0x62, 2]
    let key: [UInt8] = [1, 0x6B]
    return [
      ("a member twice in a listpack", [20] + key + listpack(2, a + a)),
      ("an integer and its text", [20] + key + listpack(2, [1, 1, 0x81, 0x31, 2])),
      ("a field twice", [16] + key + listpack(4, a + b + a + b)),
      ("a field without value", [16] + key + listpack(1, a)),
      ("scores that fall", [17] + key + listpack(4, a + [2, 1] + b + [1, 1])),
      ("members that fall", [17] + key + listpack(4, b + [1, 1] + a + [1, 1])),
      ("a score that is none", [17] + key + listpack(2, a + b)),
      ("a wrong count", [20] + key + listpack(3, a + b)),
      ("a wrong back length", [20] + key + listpack(1, [0x81, 0x61, 3])),
      ("an intset out of order", [11] + key + string([2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0])),
      ("an intset with a member twice", [11] + key + string([2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0])),
      ("a set with a member twice", [2] + key + [2, 1, 0x61, 1, 0x61]),
      ("a set with a number twice", [2] + key + [2, 0xC0, 5, 1, 0x35]),
      ("a hash with a field twice", [4] + key + [2, 1, 0x61, 0, 1, 0x61, 0]),
      ("NaN", [5] + key + [1, 1, 0x61, 0, 0, 0, 0, 0, 0, 0xF8, 0x7F]),
      ("NaN as text", [3] + key + [1, 1, 0x61, 253]),
      ("a score of no text", [3] + key + [1, 1, 0x61, 0]),
      (
        "field times that fall",
        [25] + key + [UInt8](repeating: 0, count: 8)
          + listpack(6, a + a + [5, 1] + b + b + [4, 1])
      ),
      (
        "a field time behind none",
        [25] + key + [UInt8](repeating: 0, count: 8)
          + listpack(6, a + a + [0, 1] + b + b + [4, 1])
      ),
      ("bad LZF", [0] + key + [0xC3, 2, 30, 0x20, 0xFF]),
      ("an unknown container", [18] + key + [1, 3] + listpack(1, a)),
      ("an empty node", [18] + key + [1, 2, 0]),
    ]
  }()

  @Test func damagedKeysAreNamedAndTheRestIsRead() {
    for (name, body) in CheckRDBTests.damaged {
      let report = CheckRDBTests.check(CheckRDBTests.dump(body + [0, 1, 0x7A, 1, 0x31]))
      #expect(!report.ok, "\(name)")
      #expect(report.findings.count == 1, "\(name): \(report.findings)")
      #expect(report.findings.first?.severity == .damaged, "\(name)")
      #expect(report.findings.first?.error.key == [0x6B], "\(name)")
      #expect(report.keys == 2, "\(name)")
      #expect(report.goodBytes == 9, "\(name)")
    }
  }

  @Test func keysTwice() {
    let key: [UInt8] = [0, 1, 0x61, 1, 0x31]
    let twice = CheckRDBTests.dump(key + key + [0, 1, 0x62, 1, 0x31])
    let report = CheckRDBTests.check(twice)
    #expect(report.findings.map { $0.error.key } == [[0x61]])
    #expect(report.findings.map { $0.error.offset } == [14])
    #expect(!report.ok)
    // Not looked for without deep, nor in other databases.
    #expect(CheckRDBTests.check(twice, deep: false).ok)
    #expect(CheckRDBTests.check(CheckRDBTests.dump(key + [254, 1] + key)).ok)
  }

  @Test func whatIsUnusualIsNoDamage() {
    let cases: [(String, [UInt8])] = [
      ("an empty set", CheckRDBTests.dump([2, 1, 0x61, 0])),
      (
        "a negative expiry",
        CheckRDBTests.dump([252] + [UInt8](repeating: 255, count: 8) + [0, 1, 0x61, 0])
      ),
      ("bytes behind the end", CheckRDBTests.dump([]) + [1, 2, 3]),
      ("a wrong hint", CheckRDBTests.dump([254, 0, 251, 2, 0, 0, 1, 0x61, 0])),
    ]
    for (name, bytes) in cases {
      let report = CheckRDBTests.check(bytes)
      #expect(report.ok, "\(name)")
      #expect(report.findings.map(\.severity) == [.unusual], "\(name): \(report.findings)")
    }
  }

  /// A file is read in pieces; what that can't decide is decided all the same.
  @Test func aFileIsCheckedAsItsBytesAre() throws {
    let folder = try TemporaryDirectory()
    func string(_ count: Int, _ byte: UInt8) -> [UInt8] {
      [0x80] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
        + [UInt8](repeating: byte, count: count)
    }
    let key: [UInt8] = [0, 1, 0x61, 1, 0x78]
    // Twice the key a; a set with the member x twice; and values larger than the window may become.
    let set: [UInt8] = [2, 1, 0x73, 3, 1, 0x78, 1, 0x79, 1, 0x78]
    let large: [UInt8] = [0, 1, 0x62] + string(12 << 20, 0x7A)
    let bodies = [
      key + key, set + key, large + key, large + key + key, key + large + set,
      // The large value breaks off.
      key + Array(large.dropLast(10 << 20)),
    ]
    for (number, body) in bodies.enumerated() {
      let bytes = CheckRDBTests.dump([254, 0] + body)
      let path = try folder.write(bytes, to: "dump.rdb")
      for deep in [false, true] {
        var expected = CheckReport()
        bytes.withByteSlice { slice in
          _ = RDBCheck.run(ByteCursor(slice), file: path, deep: deep, report: &expected)
        }
        let report = try RDBCheck.run(path, deep: deep)
        #expect("\(report.findings)" == "\(expected.findings)", "\(number) \(deep)")
        #expect(report.goodBytes == expected.goodBytes && report.keys == expected.keys)
        #expect(report.ok == (number == 2 || (!deep && number < 5)), "\(number) \(deep)")
      }
    }
  }

  @Test(.enabled(if: SharedCorpus.isPresent, "\(SharedCorpus.absence)"))
  func dumpsOfOtherProjects() throws {
    let folder = try #require(SharedCorpus.path("peers"))
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".rdb") }
    #expect(names.count > 60)
    for name in names {
      let report = try RDBCheck.run(folder + "/" + name, deep: true)
      let isBad = ["future_v19", "invalid_chksum", "corrupt_ziplist"].contains {
        name.contains($0)
      }
      #expect(report.ok == !isBad, "\(name): \(report.findings)")
      if name.contains("corrupt_empty_keys") {
        #expect(
          report.findings.count == 9 && report.findings.allSatisfy { $0.severity == .unusual })
      }
    }
  }
}

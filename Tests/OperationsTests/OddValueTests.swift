import Bytes
import Foundation
import Keyspace
import Operations
import RDB
import TestSupport
import Testing

/// Scores that are no numbers, infinities, and entries of streams that name a field twice.
@Suite struct OddValueTests {
  /// `z`: two members of type 3 (text scores), NaN and 2.
  static let textScores: [UInt8] = [3, 1, 0x7A, 2, 1, 0x61, 253, 1, 0x62, 1, 0x32]
  /// `y`: members of type 5 (binary scores): NaN, infinity, minus infinity, 1.5.
  static let binaryScores: [UInt8] = {
    var bytes: [UInt8] = [5, 1, 0x79, 4]
    for (name, score) in [(0x61, Double.nan), (0x62, .infinity), (0x63, -.infinity), (0x64, 1.5)] {
      bytes += [1, UInt8(name)]
      bytes += (0..<8).map { UInt8(truncatingIfNeeded: score.bitPattern >> (8 * UInt64($0))) }
    }
    return bytes
  }()
  static let bytes = ConvertStreamTests.dump(textScores + binaryScores, "REDIS0009")

  @Test func scoresInExports() throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(OddValueTests.bytes, to: "a.rdb")
      let objects = try ExportTests.objects(ExportTests.export(path, Export.Options()))
      #expect(objects.count == 2)
      func scores(_ key: String) -> [String: Double] {
        let object = objects.first { $0["key"].text == key } ?? .null
        let pairs = object["value"].items.map { ($0[0].text ?? "", $0[1].score ?? 0) }
        return Dictionary(uniqueKeysWithValues: pairs)
      }
      #expect(scores("z")["a"]?.isNaN == true && scores("z")["b"] == 2)
      #expect(scores("y")["a"]?.isNaN == true && scores("y")["b"] == .infinity)
      #expect(scores("y")["c"] == -.infinity && scores("y")["d"] == 1.5)
      var csv = Export.Options()
      csv.format = .csv
      #expect(CSVRows(try ExportTests.export(path, csv)).rows.allSatisfy { $0.count == 10 })
      // What was exported can be taken back.
      let jsonl = try directory.write(ExportTests.export(path, Export.Options()), to: "a.jsonl")
      _ = try Import.run(jsonl, to: directory.file("b.rdb"), Convert.Options())
      let report = try Verify.run(ComparedState(path), ComparedState(directory.file("b.rdb")))
      #expect(report.isEqual, "\(report.differences)")
    }
  }

  @Test func scoresInCommandsAndDigests() throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(OddValueTests.bytes, to: "a.rdb")
      var options = Convert.Options()
      _ = try Convert.run(DataInput(path), to: directory.file("b.rdb"), options)
      #expect(
        try Digest.of(DataInput(path)).digest
          == Digest.of(DataInput(directory.file("b.rdb"))).digest)
      options.form = .resp
      let refused = try Convert.run(DataInput(path), to: directory.file("b.resp"), options)
      #expect(refused.isRefused && refused.lost.count == 2)
      #expect(refused.lost.allSatisfy { $0.loss == .nanScore })
      options.lossy = true
      _ = try Convert.run(DataInput(path), to: directory.file("b.resp"), options)
      let words = try Logs.words(directory.file("b.resp")).filter { $0[0] == "ZADD" }
      #expect(
        words == [["ZADD", "z", "2", "b"], ["ZADD", "y", "inf", "b", "-inf", "c", "1.5", "d"]])
      // As payloads they stay.
      options.lossy = false
      options.restoresPayloads = true
      options.replacing = true
      let payloads = try Convert.run(DataInput(path), to: directory.file("b.resp"), options)
      #expect(payloads.lost.isEmpty && payloads.keys == 2)
    }
  }

  /// `x` twice in one entry: a client sees both.
  @Test func fieldsThatComeTwice() throws {
    try withTemporaryDirectory { directory in
      let log = try directory.write(
        command("SELECT", "0") + command("XADD", "s", "1-1", "x", "1", "x", "2", "y", "3")
          + command("XADD", "s", "1-2", "x", "4", "x", "4"), to: "a.aof")
      let dump = directory.file("a.rdb")
      _ = try Convert.run(DataInput(log), to: dump)
      let entries = try ExportTests.objects(ExportTests.export(dump, Export.Options()))[0]["value"][
        "entries"]
      let words = { (line: JSONValue) in line[1].items.compactMap(\.text) }
      #expect(entries.items.map(words) == [["x", "1", "x", "2", "y", "3"], ["x", "4", "x", "4"]])
      var options = Convert.Options()
      options.form = .resp
      _ = try Convert.run(DataInput(dump), to: directory.file("b.resp"), options)
      let added = try Logs.words(directory.file("b.resp")).filter { $0[0] == "XADD" }.map {
        Array($0.dropFirst(3))
      }
      #expect(added == [["x", "1", "x", "2", "y", "3"], ["x", "4", "x", "4"]])
      let server = try RealServer(.redis7_0, files: ["dump.rdb": dump])
      #expect(try server.debugDigest() == Digest.of(DataInput(dump), style: .redis70).digest)
    }
  }
}

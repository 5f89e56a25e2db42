import Bytes
import Foundation
import Operations
import RDB
import TestSupport
import Testing

@Suite struct MergeSplitTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func keys(_ path: String) throws -> [String: Int] {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    return try bytes.withByteSlice { slice in
      var reader = try RDBReader(ByteCursor(slice))
      var all: [String: Int] = [:]
      while true {
        switch try reader.next() {
        case .key: all["\(reader.key.db) \(KeyText.quoted(reader.key.key))", default: 0] += 1
        case .end: return all
        default: break
        }
      }
    }
  }

  private func log(_ name: String, _ commands: [[UInt8]]) throws -> String {
    try directory.write(commands.flatMap { $0 }, to: name)
  }

  private func run(_ rule: SplitRule, _ path: String, _ name: String) throws -> Split.Report {
    var options = Split.Options()
    options.rule = rule
    return try Split.run(DataInput(path), to: directory.file(name), options)
  }

  @Test(arguments: ["r7.0", "r8.8", "v9.1", "r2.8"]) func partsTogetherAreTheWhole(
    _ label: String
  ) throws {
    let source = Fixture.path("\(label)/types.rdb")
    let rules: [SplitRule] = [
      .database, .type, try .slots("0-5460,5461-10922,10923-16383"),
    ]
    for (index, rule) in rules.enumerated() {
      let report = try run(rule, source, "parts\(index)")
      let names = report.parts.map { directory.file("parts\(index)/\($0.name)") }
      for name in names { #expect(try RDBCheck.run(name, deep: true).ok, "\(name)") }
      guard names.count > 1 else { continue }
      let merged = directory.file("merged\(index).rdb")
      let result = try Merge.run(names, to: merged)
      #expect(result.duplicateCount == 0 && result.lost.isEmpty)
      #expect(try keys(merged) == keys(source))
      #expect(try RDBCheck.run(merged, deep: true).ok)
    }
  }

  @Test func slotsDecide() throws {
    let path = try log("a.aof", (0..<200).map { command("SET", "key\($0)", "v") })
    let report = try run(try .slots("0-8191,8192-16000"), path, "slots")
    #expect(report.keys == 200)
    for part in report.parts {
      for name in try keys(directory.file("slots/\(part.name)")).keys {
        let key = Array(name.dropFirst(3).dropLast().utf8)
        let slot = key.withByteSlice { HashSlot.of($0) }
        let wanted =
          slot <= 8191
          ? "slots-0-8191.rdb" : slot <= 16000 ? "slots-8192-16000.rdb" : "no-shard.rdb"
        #expect(part.name == wanted)
      }
    }
  }

  @Test func clusterNodesName() throws {
    let id = String(repeating: "a", count: 40)
    let text = """
      \(id) 10.0.0.1:7000@17000,one myself,master - 0 0 1 connected 0-8000 9000 [93->-\(id)]
      \(id) 10.0.0.2:7000@17000 master - 0 0 2 connected 8001-8999 9001-16383
      \(id) 10.0.0.3:7000@17000 slave \(id) 0 0 2 connected

      """
    guard case .slots(let shards) = try SplitRule.clusterNodes(text, file: "nodes") else {
      Issue.record("no slots")
      return
    }
    #expect(shards.map(\.name) == ["10.0.0.1-7000", "10.0.0.2-7000"])
    #expect(shards[0].slots == [0...8000, 9000...9000])
    #expect(throws: ToolError.self) { try SplitRule.clusterNodes("garbage", file: "nodes") }
  }

  @Test func prefixesBecomeNames() throws {
    let path = try log(
      "p.aof",
      [
        command("SET", "user:1", "a"), command("SET", "user:2", "b"), command("SET", "plain", "c"),
        command("SET", "a/b:1", "d"),
      ])
    let report = try run(.prefix(separator: 0x3A), path, "prefix")
    #expect(
      report.parts.map { "\($0.name) \($0.keys)" }
        == ["no-prefix.rdb 1", "prefix-a%2fb.rdb 1", "prefix-user.rdb 2"])
  }

  @Test func duplicatesByPolicy() throws {
    let a = try log("1.aof", [command("SET", "same", "old"), command("SET", "a", "1")])
    let b = try log("2.aof", [command("SET", "same", "new"), command("SET", "b", "2")])
    let output = directory.file("m.rdb")
    var options = Merge.Options()
    let refused = try Merge.run([a, b], to: output, options)
    #expect(refused.isRefused && refused.duplicateCount == 1)
    #expect(!FileManager.default.fileExists(atPath: output))
    options.replacing = true
    for (policy, wanted) in [(Merge.Policy.first, "old"), (.last, "new")] {
      options.policy = policy
      let report = try Merge.run([a, b], to: output, options)
      #expect(report.keys == 3)
      #expect(report.duplicates[0].taken == (policy == .first ? a : b))
      let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: output)), as: UTF8.self)
      #expect(text.contains(wanted))
      #expect(try keys(output).count == 3)
    }
  }

  @Test func theNewerInputWins() throws {
    let output = directory.file("m.rdb")
    var options = Merge.Options()
    options.policy = .newer
    options.replacing = true
    // Logs do not say when they were made: the times of the files count.
    let old = try log("old.aof", [command("SET", "same", "older"), command("SET", "a", "1")])
    let new = try log("new.aof", [command("SET", "same", "newer"), command("SET", "b", "2")])
    for (name, seconds) in [(old, 1_700_000_000.0), (new, 1_700_000_100)] {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: name)
    }
    for inputs in [[old, new], [new, old]] {
      let report = try Merge.run(inputs, to: output, options)
      #expect(report.duplicates.map(\.taken) == [new])
      let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: output)), as: UTF8.self)
      #expect(text.contains("newer") && !text.contains("older"))
    }
    // Dumps say it themselves, whatever the times of the files are.
    func dump(_ name: String, _ made: String, _ value: String) throws -> String {
      var bytes = Array("REDIS0009".utf8) + [0xFA, 5] + Array("ctime".utf8)
      bytes += [UInt8(made.utf8.count)] + Array(made.utf8) + [0xFE, 0, 0, 4] + Array("same".utf8)
      bytes += [UInt8(value.utf8.count)] + Array(value.utf8) + [0xFF]
      return try directory.write(bytes + [UInt8](repeating: 0, count: 8), to: name)
    }
    let first = try dump("1.rdb", "1700000000", "older")
    let second = try dump("2.rdb", "1700000100", "newer")
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1_600_000_000)], ofItemAtPath: second)
    for inputs in [[first, second], [second, first]] {
      let report = try Merge.run(inputs, to: output, options)
      #expect(report.duplicates.map(\.taken) == [second])
    }
  }
}

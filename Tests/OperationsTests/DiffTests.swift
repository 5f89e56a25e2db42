import Bytes
import Foundation
import RDB
import TestSupport
import Testing

@testable import Operations

/// `diff` tells what changed, and its patch brings it about.
@Suite struct DiffTests {
  private func diff(
    _ a: String, _ b: String, _ form: Diff.Form, _ change: (inout Diff.Options) -> Void = { _ in }
  ) throws -> (report: Diff.Report, text: String, bytes: [UInt8]) {
    var options = Diff.Options()
    options.form = form
    change(&options)
    let target = MemoryTarget()
    var output = OutputBuffer(target)
    let report = try Diff.run(ComparedState(a), ComparedState(b), options, to: &output)
    return (report, String(decoding: target.bytes, as: UTF8.self), target.bytes)
  }

  private static let before = """
    {"key":"user:1","type":"hash","value":[["name","Ann",null],["age","30",null]]}
    {"key":"user:2","type":"string","value":"gone"}
    {"key":"user:3","type":"string","pexpireat":4102444800000,"value":"same"}
    {"key":"list:1","type":"list","value":["a","b"]}
    {"db":2,"key":"plain","type":"set","value":["x"]}
    """
  private static let after = """
    {"key":"user:1","type":"hash","value":[["name","Anna",null],["mail","a@b",null]]}
    {"key":"user:3","type":"string","value":"same"}
    {"key":"list:1","type":"list","value":["a","b","c"]}
    {"key":"new:1","type":"zset","value":[["m","1.5"]]}
    {"db":2,"key":"plain","type":"set","value":["x"]}
    """

  @Test func linesForPeople() throws {
    try withTemporaryDirectory { directory in
      let a = try directory.write(Self.before, to: "a.jsonl")
      let b = try directory.write(Self.after, to: "b.jsonl")
      let (report, text, _) = try diff(a, b, .text)
      #expect(
        text == """
          - db 0 "user:2" (string)
          ~ db 0 "user:1" (hash)
              field "name": "Ann" -> "Anna"
              field "age": removed, was "30"
              field "mail": added, "a@b"
          ~ db 0 "user:3" (string)
              expires: removed, was 4102444800000 (2100-01-01T00:00:00Z)
          ~ db 0 "list:1" (list)
              element 2: added, "c"
          + db 0 "new:1" (zset)

          """)
      #expect(report.total.onlyA == 1 && report.total.onlyB == 1)
      #expect(report.total.changed == 2 && report.total.onlyExpiry == 1)
      #expect(report.prefixes.first?.prefix == Array("user:".utf8))
      #expect(report.prefixes.first?.count.all == 3)
    }
  }

  @Test func json() throws {
    try withTemporaryDirectory { directory in
      let a = try directory.write(Self.before, to: "a.jsonl")
      let b = try directory.write(Self.after, to: "b.jsonl")
      let (_, _, bytes) = try diff(a, b, .json)
      let document = try #require(
        try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
      func keys(_ name: String) -> [String] {
        (document[name] as? [[String: Any]] ?? []).compactMap { $0["key"] as? String }
      }
      #expect(keys("onlyA") == ["user:2"])
      #expect(keys("onlyB") == ["new:1"])
      #expect(keys("different") == ["user:1", "user:3", "list:1"])
      #expect(document["equal"] as? Bool == false)
      let (_, _, same) = try diff(a, a, .json)
      let equal = try #require(
        try JSONSerialization.jsonObject(with: Data(same)) as? [String: Any])
      #expect(equal["equal"] as? Bool == true)
      #expect((equal["different"] as? [Any])?.isEmpty == true)
    }
  }

  @Test func onlyTheSelectedKeys() throws {
    try withTemporaryDirectory { directory in
      let a = try directory.write(Self.before, to: "a.jsonl")
      let b = try directory.write(Self.after, to: "b.jsonl")
      let (report, _, _) = try diff(a, b, .stat) { $0.selection.keys = [Glob("list:*")] }
      #expect(report.total.all == 1)
      #expect(report.keysOfA == 1)
    }
  }

  /// A as a log, and the patch behind it: what it amounts to is B.
  private func check(_ a: String, _ b: String, in directory: TemporaryDirectory) throws {
    var options = Convert.Options()
    options.form = .aof
    options.target = RDBTarget("redis:8.8")
    options.replacing = true
    let log = directory.file("patched.aof")
    let source = try ExportReader.recognises(a, .system)
    let report =
      source ? try Import.run(a, to: log, options) : try Convert.run(DataInput(a), to: log, options)
    #expect(!report.isRefused)
    let patch = try diff(log, b, .patch)
    #expect(patch.report.impossible.isEmpty)
    let bytes = try directory.read("patched.aof") + patch.bytes
    try directory.write(bytes, to: "patched.aof")
    var ignoring = Verify.Options()
    // Deleting takes consumers along that only owned what is gone.
    ignoring.ignored = [.usage, .goneEntries, .consumers]
    let result = try Verify.run(ComparedState(log), ComparedState(b), ignoring)
    #expect(result.isEqual, "\(result.differences.flatMap(\.lines).prefix(10))")
    #expect(result.notes.isEmpty)
  }

  @Test func thePatchTurnsAIntoB() throws {
    try withTemporaryDirectory { directory in
      let a = try directory.write(Self.before, to: "a.jsonl")
      let b = try directory.write(Self.after, to: "b.jsonl")
      try check(a, b, in: directory)
      try check(b, a, in: directory)
    }
  }

  @Test(arguments: SingleChange.all)
  func thePatchBringsAboutEachChange(_ change: SingleChange) throws {
    guard change.isInLogs else { return }
    try withTemporaryDirectory { directory in
      let a = try directory.write(StateText.text, to: "a.jsonl")
      let b = try directory.write(StateText.changing(change.from, to: change.to), to: "b.jsonl")
      try check(a, b, in: directory)
      try check(b, a, in: directory)
    }
  }

  @Test(arguments: [("r2.8", "r7.0"), ("r7.0", "r6.2"), ("r7.4", "v9.1"), ("r7.0", "r8.8")])
  func thePatchTurnsFixturesIntoEachOther(_ first: String, _ second: String) throws {
    try withTemporaryDirectory { directory in
      try check(
        Fixture.path("\(first)/types.rdb"), Fixture.path("\(second)/types.rdb"), in: directory)
    }
  }

  /// A real server takes the patch of two of its dumps, and then holds the second.
  @Test func aServerTakesThePatch() throws {
    let a = Fixture.path("r4.0/types.rdb")
    let b = Fixture.path("r7.0/types.rdb")
    let patch = try diff(a, b, .patch)
    let server = try RealServer.loading(rdb: a, .redis7_0)
    let commands = try #require(CommandCount.of(patch.bytes))
    let connection = try RedisConnection(socket: server.socket)
    let replies = try connection.send(patch.bytes, replies: commands)
    let errors = replies.filter { if case .error = $0 { true } else { false } }
    #expect(errors.isEmpty, "\(errors.prefix(3))")
    _ = try server.call("SAVE")
    var options = Verify.Options()
    // The server is a master: it drops what has expired.
    options.expiredBefore = Moment.now.milliseconds
    // Redis 4.0 has no functions, so that none are told of, and the times of consumers are those of
    // the commands.
    options.ignored = [
      .usage, .functions, .seenTime, .activeTime, .goneEntries, .consumers,
    ]
    let result = try Verify.run(
      ComparedState(b), ComparedState(server.directory + "/dump.rdb"), options)
    #expect(result.isEqual, "\(result.differences.flatMap(\.lines))")
  }
}

/// How many commands there are in the form of a log.
enum CommandCount {
  static func of(_ bytes: [UInt8]) -> Int? {
    var at = 0
    var count = 0
    func number() -> Int? {
      var value = 0
      at += 1
      while at < bytes.count, bytes[at] != 0x0D {
        guard 0x30...0x39 ~= bytes[at] else { return nil }
        value = value * 10 + Int(bytes[at] - 0x30)
        at += 1
      }
      at += 2
      return value
    }
    while at < bytes.count {
      guard bytes[at] == 0x2A, let words = number() else { return nil }
      for _ in 0..<words {
        guard at < bytes.count, bytes[at] == 0x24, let length = number() else { return nil }
        at += length + 2
      }
      count += 1
    }
    return at == bytes.count ? count : nil
  }
}

import Bytes
import Foundation
import RDB
import TestSupport
import Testing

@testable import Operations

/// `verify` finds every difference, says which key and part, and takes nothing else for one.
@Suite struct VerifyTests {
  private func verify(
    _ a: String, _ b: String, ignoring ignored: StateAspects = .usage
  ) throws -> Verify.Report {
    var options = Verify.Options()
    options.ignored = ignored
    return try Verify.run(ComparedState(a), ComparedState(b), options)
  }

  @Test(arguments: SingleChange.all, [Convert.Form.rdb, .multiPart, .aof])
  func findsEverySingleChange(_ change: SingleChange, _ form: Convert.Form) throws {
    if form == .aof && !change.isInLogs { return }
    try withTemporaryDirectory { directory in
      let a = try StateText.make(StateText.text, form, "a", in: directory)
      let changed = try StateText.changing(change.from, to: change.to)
      let b = try StateText.make(changed, form, "b", in: directory)
      #expect(try verify(a, a).isEqual)
      let report = try verify(a, b)
      #expect(report.differing == 1)
      #expect(report.changed == 1)
      let key = try #require(report.differences.first)
      #expect(String(decoding: key.key, as: UTF8.self) == change.key)
      #expect(key.parts.contains { $0.part == change.part })
      #expect(key.parts.count == key.partCount)
      // The same across formats: what one of them is in does not matter.
      let other: Convert.Form = form == .rdb ? .aof : .rdb
      if change.isInLogs {
        let c = try StateText.make(changed, other, "c", in: directory)
        #expect(try verify(b, c).isEqual)
        #expect(try verify(a, c).differing == 1)
      }
    }
  }

  @Test func findsTheNumberOfADatabase() throws {
    try withTemporaryDirectory { directory in
      let a = try StateText.make(StateText.text, .rdb, "a", in: directory)
      let text = try StateText.changing(#""db":3,"key":"other""#, to: #""db":4,"key":"other""#)
      let b = try StateText.make(text, .rdb, "b", in: directory)
      let report = try verify(a, b)
      #expect(report.onlyA == 1)
      #expect(report.onlyB == 1)
      #expect(report.changed == 0)
      #expect(report.differences.map(\.database) == [3, 4])
      #expect(report.differences.map(\.kind) == [.onlyA, .onlyB])
    }
  }

  @Test func idleTimesAloneAreNoDifference() throws {
    try withTemporaryDirectory { directory in
      let a = try StateText.make(StateText.text, .rdb, "a", in: directory)
      let text = try StateText.changing(#""value":"hello"#, to: #""idle":77,"value":"hello"#)
      let b = try StateText.make(text, .rdb, "b", in: directory)
      #expect(try verify(a, b).isEqual)
      let strict = try verify(a, b, ignoring: [])
      #expect(strict.differences.first?.parts.map(\.part) == [.idle])
    }
  }

  @Test func whatIsIgnoredDoesNotCount() throws {
    let words: [(String, String, String)] = [
      ("expiry", #""pexpireat":4102444800000"#, #""pexpireat":null"#),
      ("field-ttl", #"["f","v",4102444800000]"#, #"["f","v",null]"#),
      ("consumers", #",{"name":"d","seen-time":1700000000002,"active-time":-1}"#, ""),
      ("stream-numbers", #""entries-added":4"#, #""entries-added":9"#),
      ("entries-read", #""entries-read":2"#, #""entries-read":1"#),
      ("seen-time", #""seen-time":1700000000002"#, #""seen-time":1"#),
      ("active-time", #""active-time":-1"#, #""active-time":1"#),
      ("functions", "return 1", "return 2"),
    ]
    for (word, from, to) in words {
      try withTemporaryDirectory { directory in
        let a = try StateText.make(StateText.text, .rdb, "a", in: directory)
        let b = try StateText.make(
          StateText.changing(from, to: to), .rdb, "b", in: directory)
        var ignored = StateAspects.usage
        #expect(try !verify(a, b, ignoring: ignored).isEqual, "\(word)")
        try ignored.add(word)
        #expect(try verify(a, b, ignoring: ignored).isEqual, "\(word)")
      }
    }
    #expect(throws: ToolError.self) {
      var ignored = StateAspects()
      try ignored.add("consumer")
    }
  }

  @Test func theOrderOfKeysAndMembersDoesNotMatter() throws {
    let head = StateText.lines.prefix(2)
    var lines = Array(head + StateText.lines.dropFirst(2).reversed())
    lines = lines.map { line in
      line.replacingOccurrences(of: #"["1","2","x"]"#, with: #"["x","2","1"]"#)
        .replacingOccurrences(
          of: #"[["f","v",4102444800000],["g","w",null]]"#,
          with: #"[["g","w",null],["f","v",4102444800000]]"#)
    }
    try withTemporaryDirectory { directory in
      let a = try StateText.make(StateText.text, .rdb, "a", in: directory)
      let b = try StateText.make(
        lines.joined(separator: "\n"), .rdb, "b", in: directory)
      let report = try verify(a, b)
      #expect(report.isEqual)
      #expect(report.digest == report.digestOfB)
    }
  }

  /// The same values as old and new encodings, small and large ones.
  @Test(arguments: ["redis:7.0", "redis:7.2", "redis:7.4", "redis:8.8", "valkey:9.0"])
  func encodingsAndVersionsDoNotMatter(_ target: String) throws {
    for label in ["r2.8", "r4.0", "r6.2"] {
      let original = Fixture.path("\(label)/types.rdb")
      try withTemporaryDirectory { directory in
        var options = Convert.Options()
        options.target = RDBTarget(target)
        let made = directory.file("made")
        let report = try Convert.run(DataInput(original), to: made, options)
        #expect(report.lost.isEmpty)
        #expect(try verify(original, made).isEqual, "\(label)")
      }
    }
  }

  @Test func aPipeAndACompressedFileAreCompared() throws {
    let original = Fixture.path("r7.0/types.rdb")
    try withTemporaryDirectory { directory in
      let packed = directory.file("x.gz")
      let result = try Shell.run("/bin/sh", ["-c", "gzip -c '\(original)' > '\(packed)'"])
      #expect(result.status == 0)
      #expect(try verify(original, packed).isEqual)
      let other = Fixture.path("r6.2/types.rdb")
      let there = try verify(packed, other)
      let back = try verify(other, packed)
      #expect(there.differing > 0)
      #expect(there.onlyA == back.onlyB && there.onlyB == back.onlyA)
      #expect(there.changed == back.changed)
    }
  }

  @Test func damageIsAnError() throws {
    var bytes = try Fixture.bytes("r7.0/types.rdb")
    bytes.removeLast(2000)
    try withTemporaryDirectory { directory in
      let path = try directory.write(bytes, to: "cut.rdb")
      #expect(throws: ToolError.self) {
        try verify(Fixture.path("r7.0/types.rdb"), path)
      }
    }
  }

  @Test func aKeyTakesAtMost24Bytes() {
    let table = FingerprintTable(expected: 0)
    var random = SplitMix64(seed: 7)
    for _ in 0..<1_000_000 { table.insert(random.next(), random.next()) }
    #expect(table.bytes <= 24 * 1_000_000)
    let presized = FingerprintTable(expected: 1_000_000)
    for _ in 0..<1_000_000 { presized.insert(random.next(), random.next()) }
    #expect(presized.bytes <= 24 * 1_000_000)
  }

  @Test func marksFollowBothStates() {
    let table = FingerprintTable(expected: 10)
    for name in 1...5 as ClosedRange<UInt64> { table.insert(name << 40, name << 8) }
    #expect(table.match(1 << 40, 1 << 8) == .equal)
    #expect(table.match(2 << 40, 77 << 8) == .different)
    #expect(table.match(9 << 40, 9 << 8) == .absent)
    #expect(table.mark(of: 1 << 40) == .equal)
    #expect(table.mark(of: 2 << 40) == .different)
    #expect(table.mark(of: 3 << 40) == .unseen)
    #expect(table.mark(of: 9 << 40) == .absent)
    #expect(table.equal == 1 && table.different == 1 && table.count == 5)
  }
}

/// Through every pair of formats and back.
@Suite struct RoundTripTests {
  static let dumps = Fixture.files().filter {
    $0.hasSuffix(".rdb") && !$0.hasPrefix("writing") && !$0.hasPrefix("regressions")
      && !$0.contains("damage")
  }
  /// Logs with scripts or commands of modules can't be replayed, which other tests are about.
  static let logs = Fixture.files().filter { $0.hasSuffix("/aof.digest") }
    .map { name -> String in RoundTripTests.logPath(String(name.dropLast("/aof.digest".count))) }
    .filter { log in
      do throws(ToolError) {
        _ = try DataInput(Fixture.path(log))
        return true
      } catch {
        print("left out: \(log): \(error.line)")
        return false
      }
    }

  private static func logPath(_ folder: String) -> String {
    let isMultiPart = Fixture.files(under: folder).contains { $0.contains("appendonlydir/") }
    return folder + (isMultiPart ? "/appendonlydir" : "/appendonly.aof")
  }

  @Test(arguments: dumps) func dump(_ name: String) throws {
    try trip(Fixture.path(name))
  }

  @Test func thereAreFixtures() {
    #expect(Self.dumps.count > 50)
    #expect(Self.logs.count > 30)
  }

  @Test(arguments: logs) func log(_ name: String) throws { try trip(Fixture.path(name)) }

  @Test(.enabled(if: SharedCorpus.isPresent, "\(SharedCorpus.absence)"))
  func typesOfTheCorpus() throws {
    var tried = 0
    for label in ["r2.8", "r4.0", "r6.2", "r7.0", "r7.4", "r8.8", "v9.1"] {
      let root = try #require(SharedCorpus.path(label))
      for file in try FileManager.default.subpathsOfDirectory(atPath: root).sorted()
      where file.hasSuffix(".rdb") && FilePath.name(of: file).hasPrefix("types") {
        try trip(FilePath.join(root, file))
        tried += 1
      }
    }
    #expect(tried > 7)
  }

  private func trip(_ path: String) throws {
    try withTemporaryDirectory { directory in
      var options = RoundTrip.Options()
      options.folder = directory.path
      let report = try RoundTrip.run(path, options)
      #expect(report.steps.count >= 7)
      for step in report.steps where !step.isEqual {
        Issue.record(
          "\(step.from) -> \(step.to): \(step.failure ?? "") \(step.differences.flatMap(\.lines).prefix(8))"
        )
      }
      #expect(try directory.names().isEmpty)
    }
  }
}

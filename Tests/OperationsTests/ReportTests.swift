import Bytes
import Foundation
import RDB
import TestSupport
import Testing

@testable import Operations

@Suite struct ReportTests {
  private func report(
    _ path: String, _ change: (inout KeyspaceReport.Options) -> Void = { _ in }
  ) throws -> KeyspaceReport {
    var options = KeyspaceReport.Options()
    options.now = DumpCase.now
    change(&options)
    return try KeyspaceReport(DataInput(path), options)
  }

  private func log(_ commands: [[String]], in folder: TemporaryDirectory) throws -> String {
    var text = ""
    for words in commands {
      text += "*\(words.count)\r\n"
      for word in words { text += "$\(word.utf8.count)\r\n\(word)\r\n" }
    }
    let file = folder.file("a.aof")
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }

  /// Every table adds up to what the listing of the keys says.
  @Test(arguments: DumpCase.all) func agreesWithTheListing(_ dump: DumpCase) throws {
    let rows = try KeyListingTests.list(dump.name + ".rdb").rows
    let report = try report(Fixture.path(dump.name + ".rdb")) { $0.top = 1_000_000 }
    #expect(!report.isLog && report.prefixBound == 0)
    #expect(report.total.keys == rows.count)
    #expect(report.total.bytes == rows.reduce(0) { $0 + $1.bytes })
    #expect(report.total.memory == rows.reduce(0) { $0 + $1.memory })
    #expect(report.total.elements == rows.reduce(0) { $0 + Int($1.elements) })
    #expect(report.total.expiring == rows.count { $0.expiresAt != nil })
    for tallies in [
      report.types.map(\.tally), report.encodings.map(\.tally), report.databases.map(\.tally),
      report.expiries.map(\.tally), report.sizes.map(\.tally),
    ] {
      #expect(tallies.reduce(0) { $0 + $1.memory } == report.total.memory)
      #expect(tallies.reduce(0) { $0 + $1.bytes } == report.total.bytes)
      #expect(tallies.reduce(0) { $0 + $1.keys } == report.total.keys)
    }
    for type in report.types {
      #expect(type.tally.keys == rows.count { "\($0.type.name)" == type.name })
    }
    #expect(report.biggest.map(\.memory) == rows.map(\.memory).sorted(by: >))
    // Keys that begin with a prefix of one part, counted by hand.
    let firsts = Dictionary(
      grouping: rows.compactMap { row in row.key.firstIndex(of: 0x3A).map { row.key[...$0] } },
      by: { $0 })
    #expect(rows.count - firsts.values.reduce(0) { $0 + $1.count } == report.unprefixed.keys)
    let literal = try self.report(Fixture.path(dump.name + ".rdb")) {
      $0.depth = 1
      $0.isLiteral = true
      $0.top = 1_000_000
    }
    #expect(literal.prefixes.count == firsts.count)
    for prefix in literal.prefixes {
      #expect(prefix.tally.keys == firsts[prefix.name[...]]?.count)
    }
  }

  @Test func prefixesOfALog() throws {
    let folder = try TemporaryDirectory()
    var commands: [[String]] = []
    for number in 0..<10 {
      commands.append(["SET", "user:\(number):name", "somebody"])
      commands.append(["RPUSH", "user:\(number):cart", String(repeating: "x", count: 200)])
    }
    commands.append(["SET", "lonely", "1"])
    commands.append(["SET", "cache:a", "1", "PXAT", "\(DumpCase.now + 1000)"])
    let report = try report(try log(commands, in: folder))
    #expect(report.isLog)
    #expect(report.total.keys == 22 && report.total.expiring == 1)
    // "user:" holds the same keys as "user:*:", so only the longer one is told.
    #expect(
      report.prefixes.map { String(decoding: $0.name, as: UTF8.self) }
        == ["user:*:", "user:*:cart", "user:*:name", "cache:"])
    #expect(
      report.prefixes.map { String(decoding: $0.glob, as: UTF8.self) }
        == ["user:*:*", "user:*:cart", "user:*:name", "cache:*"])
    #expect(report.prefixes.map(\.tally.keys) == [20, 10, 10, 1])
    #expect(report.prefixes.map(\.isWhole) == [false, true, true, false])
    #expect(report.unprefixed.keys == 1)
    #expect(report.expiries.map(\.name) == ["never", "within an hour"])
    // The glob of a prefix chooses its keys.
    for prefix in report.prefixes {
      let chosen = try self.report(folder.file("a.aof")) {
        $0.selection.keys = [Glob(String(decoding: prefix.glob, as: UTF8.self))]
      }
      #expect(chosen.total == prefix.tally)
    }
  }

  @Test func ranksByWhatIsAsked() throws {
    let folder = try TemporaryDirectory()
    let path = try log(
      [
        ["SET", "big:1", String(repeating: "x", count: 5000)],
        ["RPUSH", "many:1"] + (0..<500).map { "\($0)" },
      ], in: folder)
    #expect(try report(path).biggest.map { $0.key.count } == [5, 6])
    #expect(try report(path) { $0.ranking = .size }.biggest.map { $0.key.count } == [5, 6])
    let byElements = try report(path) { $0.ranking = .elements }
    #expect(byElements.biggest.map { $0.key.count } == [6, 5])
    #expect(byElements.prefixes.map(\.name) == [Array("many:".utf8), Array("big:".utf8)])
    #expect(try report(path) { $0.top = 1 }.biggest.count == 1)
    #expect(try report(path) { $0.depth = 0 }.prefixes.isEmpty)
  }

  @Test func damageIsAnError() throws {
    let folder = try TemporaryDirectory()
    let bytes = try Fixture.bytes("r7.0/types.rdb")
    let path = folder.file("cut.rdb")
    try Data(bytes.prefix(bytes.count / 2)).write(to: URL(fileURLWithPath: path))
    #expect(throws: ToolError.self) { try report(path) }
  }

  // MARK: - Names

  private func levels(_ key: String, _ style: KeyLevels.Style = .init()) -> [String] {
    var levels = KeyLevels(style)
    Array(key.utf8).withByteSlice { levels.read($0) }
    return (0..<levels.count).map { levels[$0].text } + (levels.endsWhole ? ["whole"] : [])
  }

  @Test func takesNamesApart() {
    #expect(levels("plain") == [])
    #expect(levels("") == [])
    #expect(levels("a:b") == ["a:"])
    #expect(levels(":") == [":"])
    #expect(levels("a::b") == ["a:", "a::"])
    #expect(levels("user:17") == ["user:"])
    #expect(levels("user:17:cart") == ["user:", "user:*:", "user:*:cart", "whole"])
    #expect(levels("user:17:18") == ["user:", "user:*:"])
    #expect(levels("user:17:") == ["user:", "user:*:"])
    #expect(levels("{user:17}:cart") == ["{user:", "{user:*}:", "{user:*}:cart", "whole"])
    #expect(levels("{17}:x") == ["{*}:", "{*}:x", "whole"])
    let uuid = "s:0b5c9a1e-7f7c-4f0e-9d3c-0a1b2c3d4e5f:d"
    #expect(levels(uuid) == ["s:", "s:*:", "s:*:d", "whole"])
    #expect(levels("d:2026-11-27:x") == ["d:", "d:*:", "d:*:x", "whole"])
    #expect(levels("t:Zk3jQ9xYpL0aWb7Vu2Tc:x") == ["t:", "t:*:", "t:*:x", "whole"])
    // Words are no ids: without digits, or too short.
    #expect(levels("facade:deadbeef:x") == ["facade:", "facade:deadbeef:"])
    #expect(levels("v2:a1:x") == ["v2:", "v2:a1:"])
    // What means something in a glob.
    #expect(levels("a*b:[1]:x") == [#"a\*b:"#, #"a\*b:\[1]:"#])
  }

  @Test func stylesOfNames() {
    #expect(levels("a/b.c:d", .init(separators: Array("/.".utf8))) == ["a/", "a/b."])
    #expect(levels("a:b:c:d", .init(depth: 2)) == ["a:", "a:b:"])
    #expect(levels("a:1:c", .init(depth: 2)) == ["a:", "a:*:"])
    #expect(levels("a:1:c", .init(isLiteral: true)) == ["a:", "a:1:"])
    #expect(levels("a*:1", .init(isLiteral: true)) == ["a*:"])
    let long = String(repeating: "x", count: 5000)
    #expect(levels("a:\(long):b") == ["a:"])
    #expect(levels(long + ":b") == [])
  }

  // MARK: - Counting in bounded memory

  /// Many more prefixes than places: what is promised of the numbers holds.
  @Test(arguments: [2, 3, 16, 100, 1000]) func promisesOfTheCounter(places: Int) {
    var random = SplitMix64(seed: UInt64(places))
    var counter = PrefixCounter(places: places)
    var exact: [[UInt8]: Int] = [:]
    var all = 0
    for _ in 0..<20_000 {
      // Few prefixes have most of it.
      let rank = 1 << (random.next() % 12)
      let name = Array("p\(rank + Int(random.next() % UInt64(rank))):".utf8)
      var row = KeyRow()
      row.memory = Int(random.next() % 1000)
      name.withByteSlice {
        counter.add($0, isWhole: false, depth: 1, row, weight: row.memory)
      }
      exact[name, default: 0] += row.memory
      all += row.memory
    }
    #expect(counter.count <= places)
    #expect(counter.bound > 0)
    #expect(counter.bound <= 2 * all / places)
    var seen: Set<[UInt8]> = []
    for index in 0..<counter.count {
      let name = counter.name(index).bytes
      let entry = counter[index]
      seen.insert(name)
      let truth = exact[name] ?? -1
      #expect(entry.tally.memory <= truth)
      #expect(truth <= entry.tally.memory + entry.missed)
      #expect(entry.missed <= counter.bound)
    }
    #expect(seen.count == counter.count)
    for (name, truth) in exact where !seen.contains(name) { #expect(truth <= counter.bound) }
  }

  /// Through the whole report: prefixes that do not fit, and the note that says so.
  @Test func fewPlaces() throws {
    let folder = try TemporaryDirectory()
    var commands: [[String]] = []
    for number in 0..<500 {
      commands.append(["SET", "rare\(number)x:a", "1"])
      commands.append(["SET", "often:\(number)x", "1"])
    }
    let path = try log(commands, in: folder)
    let exact = try report(path)
    #expect(exact.prefixBound == 0 && exact.prefixes[0].tally.keys == 500)
    let few = try report(path) { $0.places = 50 }
    #expect(few.prefixBound > 0)
    #expect(few.prefixes[0].name == Array("often:".utf8))
    #expect(few.prefixes[0].tally.memory <= exact.prefixes[0].tally.memory)
    #expect(
      few.prefixes[0].tally.memory + few.prefixes[0].missed >= exact.prefixes[0].tally.memory)
    #expect(ReportText.notes(few).contains { $0.contains("more prefixes than") })
    #expect(!ReportText.notes(exact).contains { $0.contains("more prefixes than") })
  }

  // MARK: - The page

  private func page(_ report: KeyspaceReport, title: String) -> String {
    let target = MemoryTarget()
    var output = OutputBuffer(target)
    ReportPage(report, title: title).write(to: &output)
    try? output.flush()
    return String(decoding: target.bytes, as: UTF8.self)
  }

  /// Names of keys are data: nothing in them becomes markup, and nothing is asked for from outside.
  @Test func thePageIsSafe() throws {
    let folder = try TemporaryDirectory()
    let path = try log(
      [
        ["SET", "<script>alert(1)</script>:&\"'", "1"],
        ["SET", "https://example.org/:1", "1"], ["SET", "\u{0}\u{7F}é", "1"],
      ], in: folder)
    let page = page(try report(path), title: "<b>.rdb")
    #expect(!page.contains("<script") && !page.contains("<b>.rdb"))
    #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;:&amp;\\&quot;&#39;"))
    #expect(page.contains("default-src 'none'"))
    for word in ["src=\"", "href=", "url(", "@import", "onload", "javascript"] {
      #expect(!page.contains(word), "\(word)")
    }
  }

  /// A prefix stands below its own, and beside others in the order of the ranking.
  @Test func thePageRanksPrefixes() throws {
    let folder = try TemporaryDirectory()
    let big = String(repeating: "x", count: 5000)
    let path = try log(
      [
        ["SET", "a:1:x", "1"], ["SET", "b:k:1", "1"], ["SET", "b:z:1", big], ["SET", "b:z:2", big],
        ["SET", "c:1", big],
      ], in: folder)
    let page = page(try report(path), title: "x.rdb")
    let names = page.split(separator: "<code>").dropFirst(2).prefix(6).map {
      String($0.prefix { $0 != "<" }).replacingOccurrences(of: "&quot;", with: "")
    }
    #expect(Array(names) == ["b:", "b:z:", "b:k:", "c:", "a:*:x", "b:z:1"], "\(names)")
  }

  @Test(arguments: DumpCase.all) func thePageIsWellFormed(_ dump: DumpCase) throws {
    let report = try report(Fixture.path(dump.name + ".rdb"))
    let page = page(report, title: "x.rdb")
    var open: [Substring] = []
    let empty: Set<Substring> = ["meta", "!DOCTYPE"]
    for piece in page.split(separator: "<", omittingEmptySubsequences: true) {
      guard let end = piece.firstIndex(of: ">") else {
        Issue.record("no end: \(piece)")
        return
      }
      let tag = piece[..<end].split(separator: " ").first ?? ""
      if empty.contains(tag) { continue }
      if tag.hasPrefix("/") {
        #expect(open.popLast() == tag.dropFirst())
      } else {
        open.append(tag)
      }
    }
    #expect(open.isEmpty)
    for key in report.biggest.prefix(1) {
      #expect(page.contains("<td>\(key.type.name)</td>"))
    }
  }

  @Test func numbersForPeople() {
    #expect(
      [0, 12, 999, 1000, 1_234_567, -1000].map(ReportText.count)
        == ["0", "12", "999", "1 000", "1 234 567", "-1 000"])
    let now: Int64 = 1_000_000_000_000
    let hour: Int64 = 3_600_000
    let classes = [
      nil, now - 1, now, now + hour, now + hour + 1, now + 24 * hour,
      now + 7 * 24 * hour, now + 30 * 24 * hour, now + 30 * 24 * hour + 1, .max, .min,
    ]
    .map { ExpiryClass.of($0, now: now) }
    #expect(classes == [0, 1, 2, 2, 3, 3, 4, 5, 6, 6, 1])
    #expect(
      [0, 99, 100, 999, 1000, 99_999_999, 100_000_000, .max].map(SizeClass.of)
        == [0, 0, 1, 1, 2, 6, 7, 7])
  }
}

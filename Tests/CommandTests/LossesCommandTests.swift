import Foundation
import TestSupport
import Testing

/// The way out of an accident, as a person goes it: `losses`, and the line that it prints.
@Suite(.serialized) struct LossesCommandTests {
  struct Accident: CustomStringConvertible, Sendable {
    var folder: String
    var log: String
    var description: String { folder.split(separator: "/").suffix(3).joined(separator: "/") }
    /// What DEBUG DIGEST of the server is called here.
    var style: String {
      if folder.contains("/v9.1/") || folder.hasPrefix("v9.1/") { return "valkey" }
      return folder.contains("r7.4/") ? "redis7.4" : "redis7.0"
    }
  }

  struct Meta: Decodable {
    var log_removed: [[String]]
    var derivable_by_removal: Bool?
    var digest_clock2000: String?
  }

  private static func find(_ root: URL, _ labels: [String]) -> [Accident] {
    let manager = FileManager.default
    var found: [Accident] = []
    for label in labels {
      let start = root.appendingPathComponent(label).path
      for name in (try? manager.subpathsOfDirectory(atPath: start)) ?? []
      where name.hasSuffix("/without.meta.json") {
        let folder = start + "/" + name.dropLast("/without.meta.json".count)
        let logs = ["appendonlydir", "appendonly.aof"].map { folder + "/" + $0 }
        if let log = logs.first(where: { manager.fileExists(atPath: $0) }) {
          found.append(Accident(folder: folder, log: log))
        }
      }
    }
    return found.sorted { $0.folder < $1.folder }
  }

  static let fixtures = find(Fixture.root, ["r6.2", "r7.0", "v9.1"])
  static let corpus =
    SharedCorpus.root.map {
      find($0.appendingPathComponent("corpus"), ["r2.8", "r4.0", "r6.2", "r7.0", "r7.4", "v9.1"])
    } ?? []

  private func json(_ text: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
  }

  private func text(_ value: Any) -> String {
    if let text = value as? String { return text }
    let encoded = (value as? [String: String])?["base64"] ?? ""
    return String(decoding: Data(base64Encoded: encoded) ?? Data(), as: UTF8.self)
  }

  /// The commands of a log by number: name in upper case, then the words.
  private func commands(_ log: String) throws -> [Int: [String]] {
    var all: [Int: [String]] = [:]
    for line in try Shell.redisBackup("log", log, "--json").lines {
      let row = try json(line)
      let words = (row["arguments"] as? [Any] ?? []).map(text)
      all[try #require(row["index"] as? Int)] = [text(row["command"] ?? "").uppercased()] + words
    }
    return all
  }

  /// Where `wanted` stand in the log: the last ones that fit, in their order.
  private func numbers(_ wanted: [[String]], _ log: [Int: [String]]) throws -> [Int] {
    var picked: [Int] = []
    var at = log.count + 1
    for words in wanted.reversed() {
      repeat { at -= 1 } while at > 0 && log[at] != words
      try #require(at > 0, "\(words)")
      picked.append(at)
    }
    return picked.reversed()
  }

  /// Runs a line as it was printed, in a shell that finds the built program.
  private func runPrinted(_ line: String, _ more: String = "") throws -> Shell.Result {
    let program = URL(fileURLWithPath: PackageRoot.redisBackup)
    let folder = program.deletingLastPathComponent().path
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return try Shell.run(
      "/bin/sh", ["-c", "\(line) \(more)"], environment: ["PATH": "\(folder):\(path)"])
  }

  /// The worst loss is one of the accident's commands; undoing what `losses` tells of it, line by line
  /// until nothing of the accident is left, gives the state of a server without the accident.
  private func walk(_ accident: Accident) throws {
    let meta = try JSONDecoder().decode(
      Meta.self,
      from: Data(contentsOf: URL(fileURLWithPath: accident.folder + "/without.meta.json")))
    let recorded = try String(contentsOfFile: accident.folder + "/without.digest", encoding: .utf8)
    let wanted = meta.digest_clock2000 ?? String(recorded.prefix(40))
    // `DEL user:1 user:2 …`, of which user:2 was meant.
    let keys = meta.derivable_by_removal == false ? ["--not-key", "user:2"] : []
    let directory = try TemporaryDirectory()
    var log = directory.file(accident.log.hasSuffix("dir") ? "appendonlydir" : "appendonly.aof")
    try FileManager.default.copyItem(atPath: accident.log, toPath: log)
    var left = meta.log_removed.map { words in
      words.map { String(decoding: Data(base64Encoded: $0) ?? Data(), as: UTF8.self) }
    }.filter { !["MULTI", "EXEC"].contains($0[0].uppercased()) }.map {
      [$0[0].uppercased()] + $0.dropFirst()
    }
    var isFirst = true
    while !left.isEmpty {
      let all = try commands(log)
      let mine = try numbers(left, all)
      let answer = try Shell.run(
        PackageRoot.redisBackup, ["losses", log, "--json", "--top", "500"] + keys)
      #expect(answer.status == 0, "\(answer.errorText)")
      let losses = try #require(try json(answer.text)["losses"] as? [[String: Any]])
      let place = try #require(losses.firstIndex { mine.contains($0["index"] as? Int ?? 0) })
      if isFirst { #expect(place == 0, "\(losses[0]["command"] ?? "") is ranked first") }
      isFirst = false
      let line = try #require(losses[place]["undo"] as? String)
      #expect(line.hasPrefix("redis-backup undo "))
      let undo = try runPrinted(line, "--json")
      try #require(undo.status == 0, "\(line): \(undo.errorText)")
      let result = try json(undo.text)
      let index = { (list: String) in
        (result[list] as? [[String: Any]] ?? []).compactMap { $0["index"] as? Int }
      }
      let gone = index("removed")
      #expect(gone.allSatisfy(mine.contains), "\(gone) are more than \(mine)")
      let done = Set(gone + index("partlyRemoved"))
      try #require(!done.isEmpty)
      left = mine.indices.filter { !done.contains(mine[$0]) }.map { left[$0] }
      log = try #require(result["written"] as? String)
    }
    let digest = try Shell.redisBackup("digest", log, "--style", accident.style)
    #expect(digest.text.hasPrefix(wanted))
  }

  @Test(arguments: fixtures) func thePrintedLineUndoesTheAccident(_ accident: Accident) throws {
    try walk(accident)
  }

  @Test func thereAreAccidents() { #expect(LossesCommandTests.fixtures.count >= 39) }

  @Test(
    .enabled(if: SharedCorpus.isPresent, Comment(rawValue: SharedCorpus.absence)), arguments: corpus
  )
  func thePrintedLineUndoesTheAccidentOfTheCorpus(_ accident: Accident) throws {
    try walk(accident)
  }

  @Test func theTableShowsTheLine() throws {
    let log = Fixture.path("r7.0/accident-flushall/appendonlydir")
    let result = try Shell.redisBackup("losses", log, "--top", "1")
    #expect(result.status == 0)
    #expect(result.lines[0].contains("elements"))
    #expect(result.lines[1].contains("FLUSHALL"))
    #expect(result.lines[2].hasPrefix("    redis-backup undo "))
    #expect(try Shell.redisBackup("losses", log, "--top", "0").status == 64)
    #expect(try Shell.redisBackup("losses", log, "--key", "nosuchkey").status == 1)
    #expect(try Shell.redisBackup("losses", "/nonexistent").status == 66)
  }

  // MARK: - undo

  private func write(_ directory: TemporaryDirectory, _ commands: [[String]]) throws -> String {
    let bytes = ([["SELECT", "0"]] + commands).map { words in
      "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }.joined()
    return try directory.write(bytes, to: "a.aof")
  }

  @Test func undoRefusesToLoseLaterWrites() throws {
    try withTemporaryDirectory { directory in
      let log = try write(
        directory, [["HSET", "k", "f", "v"], ["DEL", "k"], ["RPUSH", "k", "x"]])
      let out = directory.file("out.aof")
      for more in [["-o", out], ["--in-place"], ["--dry-run"]] {
        let result = try Shell.run(
          PackageRoot.redisBackup, ["undo", log, "--index", "3", "--json"] + more)
        #expect(result.status == 1)
        #expect(result.errorText.contains("later writes would be lost"))
        let answer = try json(result.text)
        let conflict = try #require((answer["conflicts"] as? [[String: Any]])?.first)
        #expect(conflict["kind"] as? String == "wrong-type")
        #expect(conflict["index"] as? Int == 4)
        #expect(conflict["key"] as? String == "k")
        #expect(conflict["losesWrites"] as? Bool == true)
        #expect(answer["written"] is NSNull)
        #expect(try directory.names() == ["a.aof"])
      }
      let kept = try Shell.redisBackup(
        "undo", log, "--index", "3", "--on-conflict", "keep-restored", "-o", out, "--json")
      #expect(kept.status == 0)
      let answer = try json(kept.text)
      #expect((answer["dropped"] as? [Any])?.count == 1)
      let restored = try #require((answer["changed"] as? [[String: Any]])?.first)
      #expect(restored["key"] as? String == "k")
      #expect(restored["how"] as? String == "list of 1 element → hash of 1 field")
      #expect((answer["digestBefore"] as? String)?.count == 16)
      #expect(
        try Shell.redisBackup("undo", log, "--index", "3", "--on-conflict", "x", "-o", out).status
          == 64)
    }
  }

  @Test func undoGoesOnWhereTheEffectCantBeTold() throws {
    try withTemporaryDirectory { directory in
      let log = try write(
        directory, [["SET", "a", "1"], ["DEL", "a"], ["EVAL", "return 1", "0"]])
      let out = directory.file("out.aof")
      let result = try Shell.redisBackup("undo", log, "--index", "3", "-o", out, "--json")
      #expect(result.status == 0)
      #expect(result.errorText.contains("what this changes can't be told"))
      #expect(result.errorText.contains("EVAL"))
      #expect(try json(result.text)["impactKnown"] as? Bool == false)
      #expect(try directory.read("out.aof").count > 0)
      let other = try Shell.redisBackup(
        "undo", log, "--index", "3", "-o", out, "--force", "--on-conflict", "keep-later")
      #expect(other.status == 65)
    }
  }
}

import Foundation
import TestSupport
import Testing

/// `log`, `undo` and `cut` as a shell sees them: exit codes, what is on which stream, JSON.
@Suite struct LogCommandTests {
  private let demo = Fixture.path("demo/appendonly.aof")

  private func object(_ line: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
  }

  @Test func logShowsCommandsForPeopleAndPrograms() throws {
    let text = try Shell.redisBackup("log", demo, "--last", "2")
    #expect(text.status == 0)
    #expect(
      text.lines.map { $0.split(separator: " ").suffix(2).joined(separator: " ") }.last
        == "DEL \"test\"")
    let json = try Shell.redisBackup("log", demo, "--json", "--command", "DEL")
    let row = try object(try #require(json.lines.last))
    #expect(row["command"] as? String == "DEL")
    #expect(row["arguments"] as? [String] == ["test"])
    #expect(row["index"] as? Int == 17)
    #expect(row["db"] as? Int == 0)
    #expect(row["time"] is NSNull)
    for name in ["file", "offset", "length"] { #expect(row[name] != nil) }
  }

  @Test func logReadsStreams() throws {
    let bytes = try Fixture.bytes("demo/appendonly.aof")
    let whole = try Shell.redisBackup("log", "-", "--count", stdin: bytes)
    #expect(whole.text == "17\n")
    let cut = try Shell.redisBackup("log", "-", "--json", stdin: Array(bytes.dropLast(3)))
    #expect(cut.status == 65)
    #expect(cut.lines.count == 16)
    #expect(cut.errorText.contains("command 17"))
    #expect(try Shell.redisBackup("log", "-", "--last", "1", stdin: bytes).status == 64)
  }

  @Test func nothingMatchedIsExitOne() throws {
    let log = try Shell.redisBackup("log", demo, "--command", "FLUSHALL")
    #expect(log.status == 1)
    #expect(log.text.isEmpty)
    try withTemporaryDirectory { directory in
      let out = directory.file("out.aof")
      let undo = try Shell.redisBackup("undo", demo, "--command", "FLUSHALL", "-o", out)
      #expect(undo.status == 1)
      #expect(undo.errorText.contains("no command passes"))
      #expect(try directory.names().isEmpty)
    }
  }

  @Test func undoWritesBesideOrInPlaceOrNothing() throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(try Fixture.bytes("demo/appendonly.aof"), to: "a.aof")
      let before = try directory.read("a.aof")
      let dry = try Shell.redisBackup("undo", path, "--index", "17", "--dry-run", "--json")
      #expect(dry.status == 0)
      let plan = try object(dry.text)
      #expect((plan["removed"] as? [[String: Any]])?.first?["command"] as? String == "DEL")
      #expect((plan["partlyRemoved"] as? [Any])?.isEmpty == true)
      #expect(try directory.names() == ["a.aof"])

      let out = directory.file("b.aof")
      #expect(try Shell.redisBackup("undo", path, "--index", "17", "-o", out).status == 0)
      #expect(try directory.read("b.aof") == before.dropLast(23))
      #expect(try Shell.redisBackup("undo", path, "--index", "17", "-o", out).status == 73)
      #expect(
        try Shell.redisBackup("undo", path, "--index", "17", "-o", out, "--force").status == 0)

      let done = try Shell.redisBackup("undo", path, "--index", "17", "--in-place")
      #expect(done.status == 0)
      #expect(done.text.contains("DEL \"test\""))
      #expect(try directory.read("a.aof") == before.dropLast(23))
      let kept = try #require(try directory.names().first { $0.hasPrefix("a.aof.before-") })
      #expect(try directory.read(kept) == before)
    }
  }

  @Test func wrongUseIsExit64() throws {
    for arguments in [
      ["undo", demo], ["undo", demo, "--dry-run"], ["undo", demo, "--index", "0", "--dry-run"],
      ["undo", demo, "--index", "1", "-o", "x", "--in-place"], ["cut", demo, "-o", "x"],
      ["cut", demo, "--before", "0", "-o", "x"], ["log", demo, "--type", "hash"],
      ["log", demo, "--since", "yesterday"], ["log", demo, "--follow", "--last", "1"],
      ["undo", "-", "--index", "1", "--dry-run"],
    ] {
      let result = try Shell.run(PackageRoot.redisBackup, arguments, stdin: [])
      #expect(result.status == 64, "\(arguments): \(result.errorText)")
      #expect(result.text.isEmpty)
    }
    #expect(try Shell.redisBackup("log", "/nonexistent.aof").status == 66)
    #expect(try Shell.redisBackup("undo", "/nonexistent", "--index", "1", "--dry-run").status == 66)
  }

  @Test func cutKeepsWhatStoodBefore() throws {
    try withTemporaryDirectory { directory in
      let log = Fixture.path("r7.0/accident-flushall/appendonlydir")
      let out = directory.file("appendonlydir")
      let result = try Shell.redisBackup("cut", log, "--before", "154", "-o", out, "--json")
      #expect(result.status == 0, "\(result.errorText)")
      let plan = try object(result.text)
      #expect(plan["commandsKept"] as? Int == 153)
      #expect(plan["commandsDropped"] as? Int == 23)
      #expect(try Shell.redisBackup("log", out, "--count").text == "153\n")
      #expect(try Shell.redisBackup("log", out, "--command", "FLUSHALL").status == 1)
      #expect(try Shell.redisBackup("check", out).status == 0)
      let late = try Shell.redisBackup("cut", log, "--to-time", "2026-11-23T17:11:50Z", "--dry-run")
      #expect(late.status == 0)
      let early = try Shell.redisBackup(
        "cut", log, "--to-time", "2001-01-01T00:00:00Z", "--dry-run")
      #expect(early.status == 1)
    }
  }

  @Test func aLogWithAnRDBBaseSaysWhereItEnds() throws {
    let log = Fixture.path("r7.0/aof-preamble/appendonlydir")
    let result = try Shell.redisBackup("undo", log, "--key", "nosuchkey", "--dry-run")
    #expect(result.status == 1)
    #expect(result.errorText.contains("RDB base"))
  }
}

import Foundation
import TestSupport
import Testing

@Suite struct ReportCommandTests {
  private let dump = Fixture.path("r7.0/types.rdb")

  @Test func jsonHasWhatOthersRelyOn() throws {
    let result = try Shell.redisBackup("report", "--json", "--top", "5", dump)
    #expect(result.status == 0 && result.lines.count == 1)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any])
    #expect((object["prefixes"] as? [[String: Any]])?.count == 5)
    #expect((object["biggest"] as? [[String: Any]])?.count == 5)
    let types = try #require(object["types"] as? [[String: Any]])
    let total = try #require(object["total"] as? [String: Any])
    #expect(total["keys"] as? Int == 263)
    #expect(types.reduce(0) { $0 + ($1["keys"] as? Int ?? 0) } == 263)
    #expect(object["bytesMean"] as? String == "file")
    #expect(object["prefixesExact"] as? Bool == true)
  }

  /// Dumps, logs, multi-part logs, folders of servers, streams.
  @Test func whateverAPathMeans() throws {
    for (path, mean) in [
      ("demo/appendonly.aof", "elements"), ("r7.0/aof-preamble", "elements"),
      ("r7.0/aof-preamble/appendonlydir", "elements"), ("live/live_2.4.rdb", "file"),
    ] {
      let result = try Shell.redisBackup("report", "--json", Fixture.path(path))
      #expect(result.status == 0, "\(path): \(result.errorText)")
      let object =
        try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any] ?? [:]
      #expect(object["bytesMean"] as? String == mean, "\(path)")
      let keys = try Shell.redisBackup("keys", Fixture.path(path))
      #expect((object["total"] as? [String: Any])?["keys"] as? Int == keys.lines.count, "\(path)")
    }
    let stream = try Shell.run(
      PackageRoot.redisBackup, ["report", "-"], stdin: try Fixture.bytes("r7.0/types.rdb"))
    #expect(stream.status == 0 && stream.text.hasPrefix("standard input: 263 keys"))
  }

  @Test func makesAPage() throws {
    let folder = try TemporaryDirectory()
    let page = folder.file("report.html")
    let made = try Shell.redisBackup("report", dump, "-o", page)
    #expect(made.status == 0 && made.output.isEmpty, "\(made.errorText)")
    let text = try String(contentsOfFile: page, encoding: .utf8)
    #expect(text.hasPrefix("<!DOCTYPE html>") && text.hasSuffix("</html>\n"))
    #expect(text.contains("lzf:65541") && !text.contains("<script"))
    // Never over something that is there, and never a piece of a page.
    #expect(try Shell.redisBackup("report", dump, "-o", page).status == 73)
    #expect(try Shell.redisBackup("report", dump, "-o", page, "--force").status == 0)
    let damaged = folder.file("damaged.rdb")
    try Data(Fixture.bytes("r7.0/types.rdb").dropLast(5000))
      .write(to: URL(fileURLWithPath: damaged))
    #expect(try Shell.redisBackup("report", damaged, "-o", folder.file("no.html")).status == 65)
    #expect(!FileManager.default.fileExists(atPath: folder.file("no.html")))
  }

  @Test func selection() throws {
    let some = try Shell.redisBackup("report", "--json", "--type", "zset", "--sort", "size", dump)
    #expect(some.text.contains(#""rankedBy":"size""#) && some.text.contains(#""keys":14,"#))
    #expect(try Shell.redisBackup("report", "--key", "nowhere*", dump).status == 1)
    #expect(try Shell.redisBackup("report", "--depth", "17", dump).status == 64)
    #expect(try Shell.redisBackup("report", "--top", "0", dump).status == 64)
    #expect(try Shell.redisBackup("report", "--separator", "", dump).status == 64)
    #expect(try Shell.redisBackup("report", "--force", dump).status == 64)
  }
}

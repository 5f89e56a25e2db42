import Foundation
import TestSupport
import Testing

/// What the commands print, compared with what was recorded in `Fixtures/golden/`; `RECORD=1` in the
/// environment records anew.
@Suite struct GoldenTests {
  private static let cases: [(name: String, arguments: [String])] = [
    ("info-aof", ["info", "demo/appendonly.aof"]),
    ("info-aof-json", ["info", "--json", "demo/appendonly.aof"]),
    ("info-rdb", ["info", "live/live_2.4.rdb"]),
    ("info-rdb-json", ["info", "--json", "r7.0/types-negzero.rdb"]),
    ("info-rdb-valkey", ["info", "v9.1/types-negzero.rdb"]),
    ("info-timestamps", ["info", "r7.0/aof-ts/appendonlydir"]),
    ("check-rdb", ["check", "--deep", "r7.0/types.rdb"]),
    ("check-aof", ["check", "demo/appendonly.aof"]),
    ("check-aof-json", ["check", "--json", "demo/appendonly.aof"]),
    ("check-multi-part", ["check", "--deep", "r7.0/aof-preamble/appendonlydir"]),
    ("check-manifest", ["check", "manifests/bad-two-bases.manifest"]),
    (
      "report-aof",
      ["report", "--drop-expired", "--now", "2026-11-27T00:00:00Z", "demo/appendonly.aof"]
    ),
    (
      "report-rdb",
      [
        "report", "--drop-expired", "--now", "2026-11-27T00:00:00Z", "--top", "8",
        "live/live_7.4.rdb",
      ]
    ),
    (
      "report-rdb-json",
      [
        "report", "--json", "--drop-expired", "--now", "2026-11-27T00:00:00Z", "--top", "3",
        "live/live_7.4.rdb",
      ]
    ),
    ("help-report", ["report", "--help"]),
    ("help-info", ["info", "--help"]),
    ("help-check", ["check", "--help"]),
  ]

  @Test(arguments: cases.map(\.name))
  func prints(name: String) throws {
    let golden = try #require(Self.cases.first { $0.name == name })
    let result = try Shell.run(
      PackageRoot.redisBackup, golden.arguments, directory: Fixture.root.path)
    let text =
      "$ redis-backup \(golden.arguments.joined(separator: " "))\n\(result.text)"
      + (result.errorText.isEmpty ? "" : "--- standard error\n\(result.errorText)")
      + "--- exit code \(result.status)\n"
    let difference = try Golden.difference(of: text, from: "golden/\(name).txt")
    #expect(difference == nil, "\(difference ?? "")")
  }

  /// A directory like that of an operator, made here since git keeps no empty directories.
  @Test func aServersDirectory() throws {
    let folder = try TemporaryDirectory()
    let data = folder.file("data")
    try FileManager.default.createDirectory(
      atPath: data + "/lost+found", withIntermediateDirectories: true)
    try Fixture.copy("demo/appendonly.aof", to: data + "/appendonly.aof")
    try Fixture.copy("r7.0/types-negzero.rdb", to: data + "/dump.rdb")
    for arguments in [["info", "data"], ["check", "data"]] {
      let result = try Shell.run(PackageRoot.redisBackup, arguments, directory: folder.path)
      let text =
        "\(result.text)--- standard error\n\(result.errorText)--- exit code \(result.status)\n"
      let difference = try Golden.difference(
        of: text, from: "golden/\(arguments[0])-directory.txt")
      #expect(difference == nil, "\(difference ?? "")")
    }
  }

  @Test func jsonIsOneDocumentAndNothingElse() throws {
    for path in ["demo/appendonly.aof", "r7.0/types.rdb", "r7.0/aof-preamble", "live/live_2.4.rdb"]
    {
      for command in ["info", "check"] {
        let result = try Shell.redisBackup(command, "--json", Fixture.path(path))
        #expect(try JSONSerialization.jsonObject(with: Data(result.output)) is [String: Any])
        #expect(result.lines.count == 1)
      }
    }
  }

  @Test func coloursOnlyWhenAsked() throws {
    let log = Fixture.path("demo/appendonly.aof")
    #expect(!(try Shell.redisBackup("info", log).text.contains("\u{1B}")))
    #expect(try Shell.redisBackup("info", "--color", "always", log).text.contains("\u{1B}["))
    #expect(
      !(try Shell.redisBackup("info", log, environment: ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"])
        .text.contains("\u{1B}")))
  }

  @Test func quietSaysOnlyTheAnswer() throws {
    let result = try Shell.redisBackup("check", "--quiet", Fixture.path("r7.0/types.rdb"))
    #expect(result.status == 0)
    #expect(result.output.isEmpty && result.error.isEmpty)
  }
}

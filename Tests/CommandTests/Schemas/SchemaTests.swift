import Foundation
import TestSupport
import Testing

/// Every `--json` output fits its schema in `Documentation/schemas/`, which names every field.
@Suite struct SchemaTests {
  static let folder = PackageRoot.url.appendingPathComponent("Documentation/schemas")
  static let names =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()

  static func schema(_ name: String) throws -> JSONSchema {
    try JSONSchema(Data(contentsOf: folder.appendingPathComponent(name + ".json")))
  }

  /// Runs the program and holds what it prints against the schema.
  static func check(
    _ name: String, _ arguments: [String], isLines: Bool = false, status: [Int32] = [0, 1],
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let result = try Shell.run(PackageRoot.redisBackup, arguments)
    #expect(
      status.contains(result.status), "\(arguments): \(result.errorText)", sourceLocation: location)
    let documents =
      isLines ? result.lines.map { Data($0.utf8) } : [Data(result.output)]
    #expect(!documents.isEmpty, "\(arguments)", sourceLocation: location)
    let schema = try schema(name)
    for document in documents {
      let problems = schema.problems(try JSONValue(document))
      #expect(problems.isEmpty, "\(arguments): \(problems.prefix(5))", sourceLocation: location)
      if !problems.isEmpty { return }
    }
  }

  private static let dumps = [
    "r2.8/types.rdb", "r7.0/types.rdb", "r7.0/types-lapsed.rdb", "r7.0/types-lfu.rdb",
    "r7.0/types-lru.rdb",
    "r7.4/types.rdb",
    "r8.8/types.rdb", "r7.4/types-module.rdb", "v9.1/types.rdb", "live/live_7.4.rdb",
  ]
  private static let logs = [
    "demo/appendonly.aof", "r7.0/aof-ts", "r7.0/aof-preamble", "r7.0/accident-flushall",
    "r7.0/accident-multi", "r7.0/accident-oneofseveral", "r7.0/accident-laterwrites",
  ]

  // MARK: - The schemas themselves

  @Test(arguments: names) func namesEveryField(_ name: String) throws {
    let schema = try Self.schema(name)
    #expect(schema.root["$schema"].text == "https://json-schema.org/draft/2020-12/schema")
    #expect(schema.root["$id"].text == name + ".json")
    #expect(schema.openObjects().isEmpty)
    let index = try String(
      contentsOf: Self.folder.appendingPathComponent("README.md"), encoding: .utf8)
    #expect(index.contains("[\(name).json](\(name).json)"))
  }

  /// A validator that finds nothing would make every test here pass.
  @Test func theValidatorFindsWhatIsWrong() throws {
    let schema = try JSONSchema(
      Data(
        #"""
        {"type":"object","properties":{"a":{"type":"integer","minimum":0},"b":{"type":["string","null"]},
        "c":{"type":"array","items":{"$ref":"#/$defs/x"}},"d":{"enum":[1,"z"]},"e":{"anyOf":[{"type":"boolean"},
        {"const":"k"}]},"f":{"type":"string","pattern":"^[0-9]+$"},"g":{"type":"array","prefixItems":[{"type":"string"}],
        "items":false,"minItems":1},"h":{"type":"object","additionalProperties":{"type":"number"},
        "propertyNames":{"pattern":"^p"}}},
        "required":["a"],"additionalProperties":false,"$defs":{"x":{"type":"boolean"}}}
        """#.utf8))
    for good in [
      #"{"a":1}"#, #"{"a":0,"b":null,"c":[true],"d":"z","e":"k","f":"12","g":["s"],"h":{"p":1.5}}"#,
      #"{"a":2,"d":1,"e":false,"h":{}}"#,
    ] {
      #expect(schema.problems(try JSONValue(Data(good.utf8))).isEmpty, "\(good)")
    }
    for bad in [
      "{}", #"{"a":1,"new":1}"#, #"{"a":-1}"#, #"{"a":1.5}"#, #"{"a":true}"#, #"{"a":null}"#,
      #"{"a":1,"b":1}"#,
      #"{"a":1,"c":[1]}"#, #"{"a":1,"c":{}}"#, #"{"a":1,"d":2}"#, #"{"a":1,"e":"x"}"#,
      #"{"a":1,"f":"1x"}"#,
      #"{"a":1,"g":[]}"#, #"{"a":1,"g":["s",1]}"#, #"{"a":1,"h":{"p":"x"}}"#,
      #"{"a":1,"h":{"q":1}}"#, "[]",
    ] {
      #expect(!schema.problems(try JSONValue(Data(bad.utf8))).isEmpty, "\(bad)")
    }
    #expect(throws: JSONSchema.Unknown.self) { try JSONSchema(Data(#"{"maxLength":3}"#.utf8)) }
    let open = try JSONSchema(
      Data(#"{"type":"array","items":{"type":"object","properties":{"a":{}}}}"#.utf8))
    #expect(open.openObjects() == ["/items"])
  }

  // MARK: - What the program prints

  @Test(arguments: dumps + logs) func everyInput(_ name: String) throws {
    let folder = try TemporaryDirectory()
    let path = Fixture.path(name)
    try Self.check("info", ["info", "--json", path])
    try Self.check("check", ["check", "--json", "--deep", path])
    try Self.check("keys", ["keys", "--json", path])
    try Self.check("keys", ["keys", "--json", "--sort", "memory", "--top", "2", path])
    try Self.check("report", ["report", "--json", path])
    try Self.check("export", ["export", path], isLines: true)
    try Self.check("export-all", ["export", "--all", path], isLines: true)
    try Self.check(
      "convert",
      ["convert", "--json", "--to", "rdb", "--target", "redis:5.0", path, "-o", folder.file("c")])
    try Self.check("repair", ["repair", "--json", path, "-o", folder.file("r")])
    if name.contains("module") { return }
    try Self.check("digest", ["digest", "--json", path])
    try Self.check(
      "compact", ["compact", "--json", "--as", "aof", path, "-o", folder.file("small")])
  }

  @Test(arguments: logs) func everyLog(_ name: String) throws {
    let folder = try TemporaryDirectory()
    let path = Fixture.path(name)
    try Self.check("info", ["info", "--json", "--replay", path])
    try Self.check("log", ["log", "--json", path], isLines: true)
    try Self.check("log-count", ["log", "--count", "--json", path])
    try Self.check("losses", ["losses", "--json", path])
    let all = ["--command", "destructive", path]
    try Self.check("undo", ["undo", "--json", "--dry-run"] + all)
    try Self.check("undo", ["undo", "--json", "--dry-run", "--no-impact"] + all)
    try Self.check(
      "undo-recovery", ["undo", "--json", "--patch", folder.file("p"), "--dry-run"] + all)
    try Self.check("cut", ["cut", "--json", "--before", "5", "--dry-run", path])
    try Self.check(
      "cut-choices", ["cut", "--json", "--to-time", "2001-01-01T00:00:00Z", "--dry-run", path])
  }

  @Test func damagedAndOdd() throws {
    let folder = try TemporaryDirectory()
    var changed = try Fixture.bytes("r7.0/types.rdb")
    changed[3000] ^= 0xFF
    for (name, bytes) in [
      ("cut.aof", Array(try Fixture.bytes("demo/appendonly.aof").prefix(700))),
      ("cut.rdb", Array(try Fixture.bytes("r7.0/types.rdb").prefix(3000))),
      ("changed.rdb", changed), ("empty", []),
    ] {
      let path = folder.file(name)
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      try Self.check("info", ["info", "--json", path])
      try Self.check("check", ["check", "--json", path])
      if bytes.isEmpty { continue }
      try Self.check("repair", ["repair", "--json", "--dry-run", path])
      try Self.check("repair", ["repair", "--json", path, "-o", path + ".repaired"])
    }
    let data = folder.file("data")
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    try Fixture.copy("demo/appendonly.aof", to: data + "/appendonly.aof")
    try Fixture.copy("r7.0/types-negzero.rdb", to: data + "/dump.rdb")
    try Self.check("info", ["info", "--json", data])
    try Self.check("check", ["check", "--json", data])
  }

  @Test func compactWithUnknownCommands() throws {
    let folder = try TemporaryDirectory()
    let log = try folder.write(
      "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$6\r\nBF.ADD\r\n$1\r\na\r\n$1\r\nx\r\n"
        + "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n", to: "log")
    for words in [["--keep-unknown", "-o", folder.file("out")], ["--keep-unknown", "--dry-run"]] {
      let arguments = ["compact", "--json", log] + words
      try Self.check("compact", arguments)
      let text = try Shell.run(PackageRoot.redisBackup, arguments + ["--force"]).text
      #expect(text.contains(#""kept":{"unknownCommands":1,"#), "\(text)")
      #expect(text.contains(#""keys":1,"otherCommands":2,"bytes":78"#), "\(text)")
    }
    // Without it the error says what to do; nothing is made.
    let refused = try Shell.redisBackup("compact", log, "-o", folder.file("none"))
    #expect(refused.status == 65)
    #expect(refused.errorText.contains("unknown command \"BF.ADD\""), "\(refused.errorText)")
    #expect(refused.errorText.contains("--keep-unknown"), "\(refused.errorText)")
    let dump = try Shell.redisBackup(
      "compact", log, "-o", folder.file("none"), "--keep-unknown", "--as", "rdb")
    #expect(dump.status == 65 && dump.errorText.contains("BF.ADD"), "\(dump.errorText)")
    #expect(try folder.names() == ["log", "out"])
  }

  @Test func twoFiles() throws {
    let folder = try TemporaryDirectory()
    let a = Fixture.path("r7.0/types.rdb")
    let b = Fixture.path("r7.4/types.rdb")
    let valkey = Fixture.path("v9.1/types.rdb")
    for (first, second) in [(a, a), (a, b), (b, valkey), (Fixture.path("demo/appendonly.aof"), a)] {
      try Self.check("diff", ["diff", "--json", first, second])
      try Self.check("verify", ["verify", "--json", first, second])
    }
    try Self.check(
      "verify-round-trip",
      ["verify", "--json", "--round-trip", Fixture.path("r7.0/types-negzero.rdb")])
    try Self.check("merge", ["merge", "--json", a, a, "-o", folder.file("refused")])
    try Self.check(
      "merge", ["merge", "--json", "--on-duplicate", "first", a, a, "-o", folder.file("merged")])
    try Self.check("split", ["split", "--json", a, "--by", "db", "-o", folder.file("split")])
    let export = folder.file("export.jsonl")
    #expect(try Shell.redisBackup("export", a, "-o", export).status == 0)
    try Self.check("import", ["import", "--json", export, "-o", folder.file("imported")])
    let key = try #require(try Shell.redisBackup("keys", "--type", "stream", a).lines.first)
    let name = String(key.split(separator: "\t")[1])
    try Self.check("export", ["get", "--json", a, name])
  }

  @Test func theBackupJob() throws {
    let folder = try TemporaryDirectory()
    let data = folder.file("data")
    for name in ["data", "repository"] {
      try FileManager.default.createDirectory(
        atPath: folder.file(name), withIntermediateDirectories: true)
    }
    try Fixture.copy("r7.0/types-negzero.rdb", to: data + "/dump.rdb")
    let config = folder.file("c.yaml")
    try """
    source:
      method: file
      data-dir: \(data)
    repository:
      path: \(folder.file("repository"))
    """.write(toFile: config, atomically: true, encoding: .utf8)
    func check(_ schema: String, _ words: String...) throws {
      try Self.check(schema, words + ["-c", config, "--json"])
    }
    try check("config-check", "config", "check")
    try check("snapshot-status", "snapshot", "status")
    try check("backup-record", "snapshot", "create")
    try check("snapshot-list", "snapshot", "list")
    try check("backup-record", "snapshot", "show")
    try check("snapshot-verify", "snapshot", "verify")
    try check("snapshot-restore", "snapshot", "restore", "latest", "-o", folder.file("restored"))
    try check("snapshot-prune", "snapshot", "prune", "--dry-run")
    try check("snapshot-drill", "snapshot", "drill")
    try check("snapshot-status", "snapshot", "status")
    let record = try #require(
      try FileManager.default.subpathsOfDirectory(atPath: folder.file("repository"))
        .first { $0.hasSuffix("backup.json") })
    let path = folder.file("repository/" + record)
    let text = try Data(contentsOf: URL(fileURLWithPath: path))
    // A backup's folder is an input like others.
    let backup = URL(fileURLWithPath: path).deletingLastPathComponent().path
    for command in ["report", "keys", "info", "check"] {
      try Self.check(command, [command, "--json", backup])
    }
    #expect(try Self.schema("backup-record").problems(JSONValue(text)).isEmpty)
  }

  @Test func besideAServer() throws {
    let folder = try TemporaryDirectory()
    let server = try RealServer(.redis7_0, options: ["--appendonly", "yes"])
    let url = "unix://\(server.socket)"
    try server.call("SET", "a", "1")
    try server.call("SET", "b", "1")
    let safe = folder.file("safe")
    let environment = ["XDG_STATE_HOME": folder.file("state")]
    func check(_ name: String, _ arguments: [String]) throws {
      let result = try Shell.run(PackageRoot.redisBackup, arguments, environment: environment)
      #expect(result.status == 0 || result.status == 1, "\(arguments): \(result.errorText)")
      #expect(
        try Self.schema(name).problems(JSONValue(Data(result.output))).isEmpty, "\(result.text)")
    }
    try check("rescue", ["rescue", "--json", url, "-o", safe])
    try check("verify-against", ["verify", "--json", safe, "--against", url])
    try server.call("SET", "a", "2")
    try server.call("DEL", "b")
    try check("verify-against", ["verify", "--json", safe, "--against", url])
    try check("rescue-release", ["rescue", "--json", "--release", url])
    let directory = server.directory + "/appendonlydir"
    try check(
      "undo-recovery", ["undo", "--json", directory, "--command", "DEL", "--apply", url])
    #expect(try server.call("GET", "b").text == "1")
  }
}

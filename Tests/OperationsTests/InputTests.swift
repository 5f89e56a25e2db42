import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// A path is what its content says, whatever its name.
@Suite struct InputTests {
  private func name(_ kind: InputKind) -> String {
    switch kind {
    case .rdb: "rdb"
    case .aof: "aof"
    case .multiPart: "multi-part"
    case .empty: "empty"
    }
  }

  private func kind(_ bytes: some Sequence<UInt8>, named: String = "x") throws -> String {
    try withTemporaryDirectory { folder in
      let path = try folder.write(bytes, to: named)
      let input = try Input(path)
      return name(input.kind)
    }
  }

  @Test(arguments: [
    ("REDIS0011", "rdb"), ("VALKEY080", "rdb"), ("*1\r\n$4\r\nPING\r\n", "aof"),
    ("#TS:1700000000\r\n*1\r\n", "aof"), ("#TS:1\r\n", "aof"), ("", "empty"),
    ("file a.aof seq 1 type i\n", "multi-part"), ("# c\nSEQ 1 file a type b\n", "multi-part"),
  ])
  func byContent(content: String, expected: String) throws {
    for name in ["dump.rdb", "appendonly.aof", "a.manifest", "x"] {
      #expect(try kind(content.utf8, named: name) == expected, "\(name)")
    }
  }

  @Test func aDataLineThatBeginsWithFileIsNoManifest() throws {
    let input = try Input(Fixture.path("regressions/data-line-begins-with-file.aof"))
    #expect(name(input.kind) == "aof")
  }

  @Test(arguments: [
    "hello", "REDIX0011", "+OK\r\n", "\u{0}\u{0}\u{0}", "PK\u{3}\u{4}", "{\"a\":1}", "file",
    "$5\r\n",
  ])
  func nothingKnown(content: String) throws {
    let error = #expect(throws: ToolError.self) { try kind(content.utf8) }
    #expect(error?.status == .badData)
    #expect(error?.line.contains("\n") == false)
  }

  @Test func compressedWithOthersSaysHow() throws {
    let error = #expect(throws: ToolError.self) { try kind([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]) }
    #expect(error?.line.contains("xz -dc") == true)
  }

  @Test func brokenManifestsNameTheLine() throws {
    let error = #expect(throws: ToolError.self) { try kind("file a seq 0 type i\n".utf8) }
    #expect(error?.status == .badData)
    #expect(error?.line.contains("line 1 of the manifest") == true)
  }

  @Test func missingAndForbidden() {
    let error = #expect(throws: ToolError.self) { _ = try Input("/nonexistent/x") }
    #expect(error?.status == .noInput)
  }

  // MARK: - Directories

  private func choose(_ files: [String: String]) throws -> (file: String, notes: [String]) {
    try withTemporaryDirectory { folder in
      for (name, content) in files {
        let path = folder.file(name)
        try FileManager.default.createDirectory(
          atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(content.utf8).write(to: URL(fileURLWithPath: path))
      }
      let facts = try Input(folder.path).facts
      return (String(facts.file.dropFirst(folder.path.count + 1)), facts.notes)
    }
  }

  private let dump = "REDIS0011"
  private let log = "*1\r\n$4\r\nPING\r\n"
  private let manifest = "file a.1.incr.aof seq 1 type i\n"

  @Test func theLogWins() throws {
    let both = try choose(["dump.rdb": dump, "appendonly.aof": log, "lost+found/x": ""])
    #expect(both.file == "appendonly.aof")
    #expect(both.notes.count == 1 && both.notes[0].contains("dump.rdb"))
    let parts = try choose([
      "dump.rdb": dump, "appendonly.aof": log, "appendonlydir/appendonly.aof.manifest": manifest,
    ])
    #expect(parts.file == "appendonlydir/appendonly.aof.manifest")
    #expect(try choose(["dump.rdb": dump]).file == "dump.rdb")
    #expect(try choose(["dump.rdb": dump]).notes.isEmpty)
    #expect(try choose(["dump.rdb": dump, "appendonly.aof": ""]).file == "appendonly.aof")
  }

  @Test func theConfigurationNamesTheFiles() throws {
    let named = try choose([
      "redis.conf": "dir /data\nappendonly yes\nappenddirname \"log\"\nappendfilename x.aof\n",
      "log/x.aof.manifest": manifest, "other/y.manifest": manifest, "dump.rdb": dump,
    ])
    #expect(named.file == "log/x.aof.manifest")
    let off = try choose([
      "valkey.conf": "appendonly no\ndbfilename 'v.rdb'\n", "v.rdb": dump, "appendonly.aof": log,
    ])
    #expect(off.file == "v.rdb")
  }

  @Test func directoriesWithoutAnything() throws {
    for files in [["x.txt": "hello"], ["backup.rdb": "REDIS0011"], [:]] {
      let error = #expect(throws: ToolError.self) { try choose(files) }
      #expect(error?.status == .noInput, "\(files)")
    }
    let two = #expect(throws: ToolError.self) {
      try choose(["a.manifest": manifest, "b.manifest": manifest])
    }
    #expect(two?.status == .usage)
    #expect(
      try choose(["appendonly.aof.manifest": manifest, "temp-appendonly.aof.manifest": manifest])
        .file == "appendonly.aof.manifest")
  }
}

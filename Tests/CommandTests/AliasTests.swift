import Foundation
import TestSupport
import Testing

/// This program under the names of the servers' tools, beside those tools: the same exit codes, the
/// same closing lines, the same files afterwards.
@Suite struct AliasTests {
  private static let tools = ["redis-check-aof", "redis-check-rdb"]
  private static let isThere = tools.allSatisfy {
    (try? Shell.run("sh", ["-c", "command -v \($0)"]).status) == 0
  }

  /// Two folders with the same content, one for each program.
  private final class Pair {
    let ours: TemporaryDirectory
    let theirs: TemporaryDirectory
    let links: TemporaryDirectory

    init() throws {
      ours = try TemporaryDirectory()
      theirs = try TemporaryDirectory()
      links = try TemporaryDirectory()
      for tool in AliasTests.tools {
        try FileManager.default.createSymbolicLink(
          atPath: links.file(tool), withDestinationPath: PackageRoot.redisBackup)
      }
    }

    func write(_ bytes: [UInt8], _ name: String) throws {
      for folder in [ours.path, theirs.path] {
        let url = URL(fileURLWithPath: folder + "/" + name)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
      }
    }

    func copy(_ fixture: String, _ name: String) throws {
      for folder in [ours.path, theirs.path] { try Fixture.copy(fixture, to: folder + "/" + name) }
    }

    func run(
      _ tool: String, _ arguments: [String], stdin: String? = nil
    ) throws -> (ours: Shell.Result, theirs: Shell.Result) {
      let input = stdin.map { Array($0.utf8) }
      return (
        try Shell.run(links.file(tool), arguments, stdin: input, directory: ours.path),
        try Shell.run(tool, arguments, stdin: input, directory: theirs.path)
      )
    }

    /// Runs both and compares exit codes, closing lines, and `file` afterwards.
    func same(
      _ tool: String, _ arguments: [String], stdin: String? = nil, closing count: Int = 1,
      file: String? = nil, _ location: SourceLocation = #_sourceLocation
    ) throws {
      let (mine, other) = try run(tool, arguments, stdin: stdin)
      #expect(
        mine.status == other.status, "\(arguments): \(mine.text)\(mine.errorText)",
        sourceLocation: location)
      #expect(
        mine.lines.suffix(count) == other.lines.suffix(count), "\(arguments)",
        sourceLocation: location)
      // The numbers of a log, but for the line at which it stopped.
      func numbers(_ result: Shell.Result) -> [String] {
        result.lines.filter { $0.hasPrefix("AOF analyzed") }.map {
          result.status == 0 && !arguments.contains("--fix")
            ? $0 : $0.replacing(#/ok_up_to_line=\d+, /#, with: "")
        }
      }
      #expect(numbers(mine) == numbers(other), "\(arguments)", sourceLocation: location)
      if let file {
        let left = try Data(contentsOf: URL(fileURLWithPath: ours.path + "/" + file))
        let right = try Data(contentsOf: URL(fileURLWithPath: theirs.path + "/" + file))
        #expect(left == right, "\(arguments)", sourceLocation: location)
      }
    }
  }

  @Test(.enabled(if: isThere)) func goodLogs() throws {
    let pair = try Pair()
    try pair.copy("demo/appendonly.aof", "a.aof")
    try pair.copy("r7.0/aof-preamble/appendonlydir", "d")
    try pair.copy("r7.0/aof-ts/appendonlydir", "ts")
    try pair.write([], "empty.aof")
    for file in [
      "a.aof", "d/appendonly.aof.2.base.rdb", "d/appendonly.aof.2.incr.aof",
      "d/appendonly.aof.manifest", "ts/appendonly.aof.manifest", "ts/appendonly.aof.1.incr.aof",
      "empty.aof",
    ] {
      try pair.same("redis-check-aof", [file])
      try pair.same("redis-check-aof", ["--fix", file], file: file)
    }
    let base = try Fixture.bytes("r7.0/aof-preamble/appendonlydir/appendonly.aof.2.base.rdb")
    let tail = try Fixture.bytes("r7.0/aof-preamble/appendonlydir/appendonly.aof.2.incr.aof")
    try pair.write(base + tail, "both.aof")
    try pair.same("redis-check-aof", ["both.aof"], closing: 2)
  }

  @Test(.enabled(if: isThere)) func damagedLogs() throws {
    let pair = try Pair()
    let bytes = try Fixture.bytes("demo/appendonly.aof")
    for cut in [1, 3, 4, 5, 100, 400, 700, bytes.count - 1] {
      try pair.write(Array(bytes.prefix(cut)), "cut.aof")
      try pair.same("redis-check-aof", ["cut.aof"])
      try pair.same("redis-check-aof", ["--fix", "cut.aof"], stdin: "n\n", file: "cut.aof")
      try pair.same("redis-check-aof", ["--fix", "cut.aof"], stdin: "", file: "cut.aof")
      try pair.same("redis-check-aof", ["--fix", "cut.aof"], stdin: "y\n", file: "cut.aof")
      try pair.same("redis-check-aof", ["cut.aof"])
    }
    var random = SplitMix64(seed: 8)
    for _ in 0..<40 {
      var changed = bytes
      changed[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 + random.next() % 255)
      try pair.write(changed, "changed.aof")
      try pair.same("redis-check-aof", ["changed.aof"])
    }
    try pair.write(bytes + Array("*1\r\n$5\r\nMULTI\r\n".utf8), "multi.aof")
    try pair.same("redis-check-aof", ["multi.aof"])
    try pair.same("redis-check-aof", ["--fix", "multi.aof"], stdin: "y\n", file: "multi.aof")
    try pair.write(Array("hello world, this is nothing".utf8), "junk")
    try pair.same("redis-check-aof", ["junk"])
  }

  @Test(.enabled(if: isThere)) func damagedDirectories() throws {
    let pair = try Pair()
    try pair.copy("r7.0/aof-preamble/appendonlydir", "d")
    let manifest = "d/appendonly.aof.manifest"
    let incr = "d/appendonly.aof.2.incr.aof"
    let base = "d/appendonly.aof.2.base.rdb"
    let tail = try Fixture.bytes(
      "r7.0/aof-preamble/" + incr.replacing("d/", with: "appendonlydir/"))
    try pair.write(Array(tail.dropLast(3)), incr)
    try pair.same("redis-check-aof", [manifest])
    try pair.same("redis-check-aof", ["--fix", manifest], stdin: "y\n", closing: 1, file: incr)
    try pair.same("redis-check-aof", [manifest])
    let head = try Fixture.bytes(
      "r7.0/aof-preamble/" + base.replacing("d/", with: "appendonlydir/"))
    try pair.write(Array(head.dropLast(100)), base)
    try pair.same("redis-check-aof", [manifest])
    try pair.write(head, base)
    try pair.write(Array("file a 1 type x\n".utf8), manifest)
    #expect(try pair.run("redis-check-aof", [manifest]).ours.status == 1)
    // A directory itself, which the original does not take.
    let good = try Shell.run(
      pair.links.file("redis-check-aof"), [Fixture.path("r7.0/aof-ts/appendonlydir")])
    #expect(good.status == 0 && good.lines.last == "All AOF files and manifest are valid")
  }

  @Test(.enabled(if: isThere)) func upToATime() throws {
    let pair = try Pair()
    try pair.copy("demo/appendonly.aof", "none.aof")
    try pair.copy("r7.0/aof-ts/appendonlydir", "ts")
    let incr = "ts/appendonly.aof.1.incr.aof"
    let manifest = "ts/appendonly.aof.manifest"
    let text = String(
      decoding: try Fixture.bytes("r7.0/aof-" + incr.replacing("ts/", with: "ts/appendonlydir/")),
      as: UTF8.self)
    let times = text.matches(of: #/\#TS:(\d+)/#).map { Int($0.1) ?? 0 }
    #expect(times.count > 3)
    let option = "--truncate-to-timestamp"
    for seconds in [times[times.count - 1] + 5, times[times.count - 1], times[2], times[1] + 0] {
      try pair.same("redis-check-aof", [option, "\(seconds)", manifest], file: incr)
      try pair.same("redis-check-aof", [option, "\(seconds)", incr], file: incr)
    }
    try pair.same("redis-check-aof", [option, "1", incr], file: incr)
    try pair.same("redis-check-aof", [option, "1", "none.aof"])
    try pair.same("redis-check-aof", [option, "x", incr])
    try pair.same("redis-check-aof", [option, "0", incr])
  }

  @Test(.enabled(if: isThere)) func dumps() throws {
    let pair = try Pair()
    for fixture in [
      "r7.0/types.rdb", "r7.0/types-lapsed.rdb", "r2.8/types.rdb", "live/live_2.4.rdb",
      "r7.0/types-nochecksum.rdb",
    ] {
      let name = fixture.replacing("/", with: "-")
      try pair.copy(fixture, name)
      try pair.same("redis-check-rdb", [name], closing: 4)
    }
    let bytes = try Fixture.bytes("r7.0/types.rdb")
    for cut in [0, 5, 9, 100, 3000, bytes.count - 1] {
      try pair.write(Array(bytes.prefix(cut)), "cut.rdb")
      try pair.same("redis-check-rdb", ["cut.rdb"], closing: 0)
    }
    var random = SplitMix64(seed: 9)
    for _ in 0..<20 {
      var changed = bytes
      changed[9 + Int(random.next() % UInt64(bytes.count - 9))] ^= UInt8(1 + random.next() % 255)
      try pair.write(changed, "changed.rdb")
      try pair.same("redis-check-rdb", ["changed.rdb"], closing: 0)
    }
    try pair.write(Array("no dump at all, but some text".utf8), "junk")
    try pair.same("redis-check-rdb", ["junk"], closing: 0)
    try pair.copy("demo/appendonly.aof", "a.aof")
    try pair.same("redis-check-rdb", ["a.aof"], closing: 0)
  }

  @Test(.enabled(if: isThere)) func wrongUse() throws {
    let pair = try Pair()
    for arguments in [["nowhere"], ["--fix"], ["--fix", "nowhere"]] {
      try pair.same("redis-check-aof", arguments)
    }
    // Both tell how to use them under the name by which they were called.
    for arguments in [[], ["a", "b"], ["--fix", "a", "b"]] {
      try pair.same("redis-check-aof", arguments, closing: 0)
      let (mine, other) = try pair.run("redis-check-aof", arguments)
      #expect(
        mine.text.replacing(#/Usage: \S*\//#, with: "Usage: ")
          == other.text.replacing(#/Usage: \S*\//#, with: "Usage: "))
    }
    try pair.same("redis-check-rdb", [], closing: 0)
    try pair.same("redis-check-rdb", ["nowhere"])
  }

  /// What `--fix` cuts off is not lost.
  @Test func whatItWasStays() throws {
    let folder = try TemporaryDirectory()
    let link = folder.file("redis-check-aof")
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: PackageRoot.redisBackup)
    let file = folder.file("a.aof")
    let bytes = try Fixture.bytes("demo/appendonly.aof").dropLast(3)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    let result = try Shell.run(link, ["--fix", file], stdin: Array("y\n".utf8))
    #expect(result.status == 0, "\(result.errorText)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let kept = try #require(names.first { $0.hasPrefix("a.aof.before-") })
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file(kept))) == Data(bytes))
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)).count < bytes.count)
    #expect(try Shell.run(link, [file]).status == 0)
    #expect(try Shell.run(link, ["--version"]).text.hasPrefix("redis-check-aof (redis-backup "))
  }
}

import Foundation
import TestSupport
import Testing

/// The table of exit codes in the contract of the command line, and that every error is one line.
@Suite struct ExitCodeTests {
  private func expect(
    _ status: Int32, _ arguments: [String], says: String? = nil, stdin: [UInt8]? = nil,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let result = try Shell.run(PackageRoot.redisBackup, arguments, stdin: stdin)
    let error = result.errorText
    #expect(result.status == status, "\(arguments): \(error)", sourceLocation: location)
    if status > 1 {
      #expect(result.output.isEmpty, "\(arguments)", sourceLocation: location)
      #expect(error.hasPrefix("redis-backup: "), "\(arguments): \(error)", sourceLocation: location)
      #expect(
        error.filter { $0 == "\n" }.count == 1 && error.hasSuffix("\n"), "\(error)",
        sourceLocation: location)
    }
    if let says {
      #expect(error.contains(says), "\(arguments): \(error)", sourceLocation: location)
    }
  }

  private let log = Fixture.path("demo/appendonly.aof")
  private let dump = Fixture.path("live/live_7.0.rdb")

  @Test func done() throws {
    try expect(0, ["info", log])
    try expect(0, ["check", log])
    try expect(0, ["check", "--deep", dump])
    try expect(0, ["--help"])
    try expect(0, ["--version"])
    try expect(0, ["check", "--version"])
    try expect(0, ["help", "check"])
    try expect(0, [])
    for shell in ["bash", "zsh", "fish"] { try expect(0, ["--generate-completion-script", shell]) }
  }

  @Test func no() throws {
    let damaged = try Fixture.bytes("live/live_7.0.rdb").dropLast(20)
    try expect(1, ["check", "-"], stdin: Array(damaged))
    try expect(1, ["info", "-"], stdin: Array(damaged))
    try expect(1, ["check", "-"], says: "is empty", stdin: [])
  }

  @Test func wrongUse() throws {
    try expect(64, ["nonsense"], says: "'nonsense' is no command. Try: redis-backup --help")
    try expect(64, ["chekc", log], says: "did you mean 'check'? Try: redis-backup --help")
    try expect(64, ["snapshot", "crate"], says: "did you mean 'create'?")
    try expect(64, ["check"], says: "redis-backup check --help")
    try expect(64, ["check", "--nonsense", log], says: "--nonsense")
    try expect(64, ["check", log, log])
    try expect(64, ["info", "--progress", "sometimes", log], says: "auto")
    try expect(64, ["info", "--quiet", "--verbose", log])
    try expect(64, ["log", "--index", "0", log], says: "--index")
    try expect(64, ["log", "--since", "yesterday", log], says: "Try: 2026-11-23T02:00:00Z")
    try expect(64, ["log", "--key-regex", "(", log], says: "--key-regex")
    try expect(64, ["log", "--db", "x", log], says: "--db")
  }

  @Test func notWhatItClaims() throws {
    try withTemporaryDirectory { folder in
      try expect(65, ["info", folder.write("hello world", to: "x")], says: "hello")
      try expect(
        65, ["check", folder.write([UInt8](repeating: 0, count: 99), to: "z")], says: "zero")
      try expect(65, ["check", folder.write("file a seq 0 type i\n", to: "m")], says: "line 1")
      try expect(65, ["check", "/dev/zero"], says: "zero")
    }
  }

  @Test func missing() throws {
    try expect(66, ["info", "/nonexistent"], says: "/nonexistent: no such file")
    try expect(66, ["check", "/nonexistent"])
    try expect(66, ["log", "/nonexistent"])
    try withTemporaryDirectory { folder in
      try expect(66, ["check", folder.path], says: "neither appendonlydir/")
    }
  }

  @Test func outputExists() throws {
    try withTemporaryDirectory { folder in
      let there = try folder.write("precious", to: "there")
      try expect(73, ["undo", log, "--command", "DEL", "-o", there], says: "--force")
      #expect(try folder.read("there") == Array("precious".utf8))
      try expect(
        73, ["undo", log, "--command", "DEL", "-o", folder.file("no/such/folder")],
        says: "mkdir -p")
      #expect(try folder.names() == ["there"])
    }
  }

  @Test(arguments: ["info", "check", "log"])
  func fullDisk(command: String) throws {
    let result = try Shell.run(
      "/bin/sh",
      ["-c", "exec \"$0\" \"$1\" \"$2\" >/dev/full", PackageRoot.redisBackup, command, log])
    #expect(result.status == 74)
    #expect(result.errorText.contains("standard output: no space left"), "\(result.errorText)")
  }

  /// Root may read everything, so another user tries.
  @Test func noPermission() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write(try Fixture.bytes("demo/appendonly.aof"), to: "x.aof")
    try FileManager.default.setAttributes([.posixPermissions: 0o000], ofItemAtPath: file)
    var program = [PackageRoot.redisBackup, "check", file]
    if getuid() == 0 {
      // The program and the folder must be reachable for that user; the file is not.
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
      program = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + program
      let reach = try Shell.run(
        program[0], Array(program[1..<4]) + [PackageRoot.redisBackup, "--version"])
      try #require(
        reach.status == 0, "not tried: another user can't run \(PackageRoot.redisBackup)")
    }
    let result = try Shell.run(program[0], Array(program.dropFirst()))
    #expect(result.status == 77)
    #expect(result.errorText.contains("no permission"), "\(result.errorText)")
  }
}

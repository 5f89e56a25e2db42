import Foundation
import TestSupport
import Testing

/// What `verify --round-trip --server` prints, with the three real servers as witnesses.
@Suite(.serialized) struct RoundTripCommandTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private struct Report: Decodable {
    struct Step: Decodable {
      struct Difference: Decodable { var key: String? }
      var from: String
      var to: String
      var ok: Bool
      var skipped: Bool
      var digest: String
      var seconds: Double
      var keys: Int
      var failure: String?
      var notes: [String]
      var differences: [Difference]
    }
    var ok: Bool
    var keys: Int
    var digest: String
    var steps: [Step]
  }

  private func servers() throws -> [String] {
    try RealServer.Version.allCases.flatMap { ["--server", try $0.path()] }
  }

  /// The words by which a server is called in the report.
  private static let names = ["redis-server 6.2.", "redis-server 7.0.", "valkey-server 9.1."]

  @Test(arguments: ["r6.2/types.rdb", "r7.0/types.rdb", "demo/appendonly.aof"])
  func theTableNamesEveryStep(_ name: String) throws {
    let path = Fixture.path(name)
    let result = try redisBackup(
      ["verify", "--round-trip", path] + servers(), directory)
    let steps = result.lines.dropLast()
    #expect(steps.count >= 15)
    for line in steps {
      // Word, way, seconds.
      #expect(line.hasPrefix("same    "), "\(line)")
      #expect(line.contains(" -> ") && line.hasSuffix(" s"), "\(line)")
      let time = line.dropLast(2).split(separator: " ").last.flatMap { Double($0) }
      #expect(time != nil, "\(line)")
    }
    for server in Self.names {
      // A dump and a log; from 7.0 on the folder of a multi-part log too.
      let loads = steps.filter { $0.contains("-> \(server)") }.count
      #expect(loads == (server.contains("6.2") ? 2 : 3), "\(server)")
    }
    let last = try #require(result.lines.last)
    #expect(last.hasPrefix("all \(steps.count) steps hold the same "), "\(last)")
    let quiet = try redisBackup(["verify", "--round-trip", path, "-q"] + servers(), directory)
    #expect(quiet.output.isEmpty)
  }

  @Test func theSameAsJSON() throws {
    let path = Fixture.path("r7.0/types.rdb")
    let result = try redisBackup(
      ["verify", "--round-trip", path, "--json"] + servers(), directory)
    let report = try JSONDecoder().decode(Report.self, from: Data(result.output))
    #expect(report.ok && report.keys > 50 && !report.digest.isEmpty)
    let text = try redisBackup(["verify", "--round-trip", path] + servers(), directory)
    #expect(text.lines.count == report.steps.count + 1)
    for step in report.steps {
      #expect(step.ok && !step.skipped && step.failure == nil, "\(step)")
      #expect(step.differences.isEmpty && step.seconds >= 0, "\(step)")
    }
    for server in Self.names {
      let loads = report.steps.filter { $0.to.hasPrefix(server) }
      #expect(!loads.isEmpty, "\(server)")
      // What DEBUG DIGEST answered, and what was compared beside it.
      #expect(loads.allSatisfy { $0.digest.count == 40 && $0.keys > 0 }, "\(server)")
      #expect(loads.allSatisfy { !$0.notes.isEmpty }, "\(server)")
      #expect(Set(loads.map(\.digest)).count == 1, "\(server)")
    }
    // The server's own word, asked here once more.
    let server = try RealServer.loading(
      rdb: path, .redis7_0, options: ["--replicaof", "127.0.0.1", "9"])
    let digest = try server.debugDigest()
    #expect(report.steps.contains { $0.to.hasPrefix(Self.names[1]) && $0.digest == digest })
  }

  /// A server that loads another dump than the one it is given.
  private func liar() throws -> String {
    let server = try RealServer.Version.redis7_0.path()
    let other = Fixture.path("r6.2/types.rdb")
    let text = """
      #!/bin/sh
      [ "$1" = --version ] && exec '\(server)' --version
      for word; do [ "$before" = --dir ] && folder=$word; before=$word; done
      if [ -e "$folder/dump.rdb" ]; then rm "$folder/dump.rdb"; cp '\(other)' "$folder/dump.rdb"; fi
      exec '\(server)' "$@"
      """
    let path = try directory.write(Array(text.utf8), to: "redis-server")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  @Test func aServerThatHoldsOtherDataIsTold() throws {
    let path = Fixture.path("r7.0/types.rdb")
    let arguments = ["verify", "--round-trip", path, "--server", try liar()]
    let result = try redisBackup(arguments, directory, status: 1)
    let bad = result.lines.filter { $0.hasPrefix("DIFFER") }
    #expect(bad.count == 1)
    #expect(bad.allSatisfy { $0.contains("-> redis-server 7.0.") })
    #expect(result.lines.last?.hasPrefix("1 of ") == true)
    #expect(result.lines.last?.hasSuffix(" steps DIFFER") == true)
    let json = try redisBackup(arguments + ["--json"], directory, status: 1)
    let report = try JSONDecoder().decode(Report.self, from: Data(json.output))
    #expect(!report.ok)
    let step = try #require(report.steps.first { !$0.ok })
    #expect(report.steps.filter { !$0.ok }.count == 1)
    #expect(step.to.hasPrefix("redis-server 7.0."))
    #expect(!step.differences.isEmpty || step.failure != nil)
  }

  @Test func whatIsNoServerIsAnError() throws {
    for program in ["/bin/cat", directory.file("nothing")] {
      let result = try Shell.run(
        PackageRoot.redisBackup,
        ["verify", "--round-trip", Fixture.path("r7.0/types.rdb"), "--server", program])
      #expect(result.status > 1, "\(program)")
      #expect(result.output.isEmpty && result.errorText.hasPrefix("redis-backup: "))
    }
  }
}

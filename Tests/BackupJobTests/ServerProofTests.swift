import BackupJob
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// Real servers as witnesses: they load what was converted, and hold what the file holds.
@Suite struct ServerProofTests {
  static let dumps = Fixture.files().filter {
    $0.hasSuffix(".rdb") && ($0.contains("/types") || $0.hasPrefix("live/"))
  }

  @Test(arguments: dumps) func everyServerLoadsEveryFixture(_ name: String) throws {
    try expectRoundTrip(Fixture.path(name), name)
  }

  private func expectRoundTrip(_ path: String, _ name: String) throws {
    try withTemporaryDirectory { directory in
      var options = RoundTrip.Options()
      options.folder = directory.path
      options.servers = try RealServer.Version.allCases.map { try ServerProof($0.path()) }
      var loaded = 0
      let report = try RoundTrip.run(path, options)
      for step in report.steps {
        if step.to.contains("-server") && !step.isSkipped { loaded += 1 }
        guard !step.isEqual else { continue }
        Issue.record(
          "\(step.from) -> \(step.to): \(step.failure ?? "") \(step.differences.flatMap(\.lines).prefix(8))"
        )
      }
      // Without its module no server loads such a file: that is told.
      let needsModule = name.contains("module") || name.contains("vset")
      #expect(needsModule || loaded == 8)
    }
  }

  /// Those files of the shared corpus that hold every type, from every version there is.
  static let corpus: [String] = {
    guard let root = SharedCorpus.path("") else { return [] }
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []
    return names.sorted().filter {
      $0.hasSuffix(".rdb") && ($0.split(separator: "/").last?.hasPrefix("types") ?? false)
    }
  }()

  @Test(
    .enabled(if: SharedCorpus.isPresent, "\(SharedCorpus.absence)"), arguments: Self.corpus)
  func everyServerLoadsTheTypesOfTheCorpus(_ name: String) throws {
    try expectRoundTrip(try #require(SharedCorpus.path(name)), name)
  }

  @Test(.enabled(if: SharedCorpus.isPresent, "\(SharedCorpus.absence)"))
  func theCorpusIsThere() { #expect(Self.corpus.count > 7) }

  /// A server that loads another file than the one it is compared with is found out.
  @Test func aServerWithOtherDataIsFoundOut() throws {
    try withTemporaryDirectory { directory in
      let server = try ServerProof(RealServer.Version.redis7_0.path())
      let state = try ComparedState(Fixture.path("r7.0/types.rdb"))
      let loaded = try server.load(
        Fixture.path("r6.2/types.rdb"), as: .rdb, comparedWith: state, allowing: [])
      #expect(loaded.differing > 0)
      #expect(loaded.contradictions.contains { $0.contains("FUNCTION LIST") })
      let expired = try ComparedState(
        directory.write(
          #"{"key":"str:int:1","value":"1","pexpireat":4102444800001}"#, to: "x.jsonl"))
      let other = try server.load(
        Fixture.path("r6.2/types.rdb"), as: .rdb, comparedWith: expired, allowing: [])
      #expect(other.contradictions.contains { $0.contains("PEXPIRETIME") })
    }
  }
}

/// `verify PATH --against URL`.
@Suite struct LiveServerTests {
  private func check(
    _ path: String, _ server: RealServer,
    _ change: (inout LiveServerCheck.Options) -> Void = { _ in }
  ) throws -> LiveServerCheck.Report {
    var options = LiveServerCheck.Options()
    options.pause = .milliseconds(50)
    change(&options)
    return try LiveServerCheck(options).run(
      ComparedState(path), ServerURL("unix://\(server.socket)"), ConnectionSettings())
  }

  private static let version: [(RealServer.Version, String)] = [
    (.redis6_2, "r6.2"), (.redis7_0, "r7.0"), (.valkey9_1, "v9.1"),
  ]

  @Test(arguments: version)
  func aServerHoldsWhatItLoaded(_ version: RealServer.Version, _ label: String) throws {
    let path = Fixture.path("\(label)/types.rdb")
    let server = try RealServer.loading(rdb: path, version)
    let report = try check(path, server)
    #expect(report.isGood, "\(report.differences.flatMap(\.lines))")
    #expect(report.equal + report.expired == report.keys)
    #expect(report.touched == 0 && report.new == 0)
  }

  @Test func whatWasChangedIsTold() throws {
    let path = Fixture.path("r7.0/types.rdb")
    let server = try RealServer.loading(rdb: path, .redis7_0)
    let before = try check(path, server)
    _ = try server.call("SET", "brand-new", "x")
    let name = "lzf:16383"
    #expect(try server.call("DEL", name).text == "1")
    let report = try check(path, server)
    #expect(report.new == 1)
    #expect(report.missing == 1)
    #expect(report.equal == before.equal - 1)
    #expect(report.differences.map { String(decoding: $0.key, as: UTF8.self) } == [name])
    #expect(!report.isGood)
  }

  /// The file is from the past, so a key that is written now was used since; a file from the future
  /// leaves only what is wrong.
  @Test func usedSinceIsToldFromWrong() throws {
    try withTemporaryDirectory { directory in
      let server = try RealServer(.redis7_0)
      _ = try server.call("SET", "a", "1")
      let now = Int(Date().timeIntervalSince1970)
      for (time, isGood) in [(now - 100, true), (now + 100, false)] {
        let source = try directory.write(
          #"{"aux":"redis-ver","value":"7.0.0"}{"aux":"ctime","value":"\#(time)"}{"key":"a","value":"2"}"#,
          to: "x.jsonl")
        var options = Convert.Options()
        options.replacing = true
        _ = try Import.run(source, to: directory.file("x.rdb"), options)
        let report = try check(directory.file("x.rdb"), server)
        #expect(report.isGood == isGood)
        #expect(report.touched == (isGood ? 1 : 0))
        #expect(report.different == (isGood ? 0 : 1))
        #expect(report.differences.flatMap(\.parts).count == (isGood ? 0 : 1))
      }
    }
  }

  @Test func theRateIsKept() throws {
    let path = Fixture.path("r7.0/types.rdb")
    let server = try RealServer.loading(rdb: path, .redis7_0)
    let clock = ContinuousClock.now
    let report = try check(path, server) { $0.keysPerSecond = 500 }
    let least = Double(report.keysOfServer) / 500 * 0.9
    #expect(clock.duration(to: .now) >= .seconds(least))
  }
}

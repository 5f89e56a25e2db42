import Bytes
import Foundation
import Keyspace
import Operations
import RDB
import TestSupport
import Testing

/// The dumps among the fixtures that have a digest of the server that wrote them.
struct DumpCase: CustomTestStringConvertible, Sendable {
  /// The path inside `Fixtures/`, without `.rdb`.
  var name: String
  var testDescription: String { name }

  /// Whose digest it is.
  var style: DigestStyle {
    if name.contains("v9") { return .valkey }
    for (label, style) in [
      ("7.4", DigestStyle.redis74), ("8.8", .redis74), ("8.6", .redis74), ("7.2", .redis72),
    ] where name.contains(label) { return style }
    return .redis70
  }

  /// Holds keys that a master drops when it loads.
  var isLapsed: Bool { name.contains("lapsed") }

  /// All of them; those with values of modules or enormous arrays have no digest.
  static let all = Fixture.files()
    .filter { $0.hasSuffix(".rdb") && !$0.hasPrefix("writing") }
    .map { String($0.dropLast(4)) }
    .filter { name in
      !["module", "vset", "sparse"].contains { name.contains($0) }
        && FileManager.default.fileExists(atPath: Fixture.path(name + ".digest"))
    }
    .map { DumpCase(name: $0) }

  /// Behind the expiry of everything in `types-lapsed.rdb`, and before that of all else.
  static let now: Int64 = 1_795_500_000_000

  var expiredBefore: Int64? { isLapsed ? DumpCase.now : nil }
}

@Suite struct DigestTests {
  @Test(arguments: DumpCase.all) func dumps(_ dump: DumpCase) throws {
    let expected = try Fixture.text(dump.name + ".digest").prefix(40)
    let report = try Digest.of(
      DataInput(Fixture.path(dump.name + ".rdb")), style: dump.style,
      expiredBefore: dump.expiredBefore, now: DumpCase.now)
    #expect(report.digest == expected)
  }

  @Test func thereAreDumps() { #expect(DumpCase.all.count > 40) }

  /// Logs reach the digest too; that their commands are understood is the matter of KeyspaceTests.
  @Test func logs() throws {
    var tried = 0
    for name in Fixture.files() where name.hasSuffix("/aof.digest") && name.contains("/accident-") {
      let folder = String(name.dropLast("/aof.digest".count))
      // Scripts stand verbatim in logs of old servers.
      if folder.hasSuffix("-eval") { continue }
      let files = Fixture.files(under: folder)
      let log =
        folder
        + (files.contains { $0.contains("appendonlydir/") } ? "/appendonlydir" : "/appendonly.aof")
      let expected = try Fixture.text(name).prefix(40)
      let report = try Digest.of(
        DataInput(Fixture.path(log)), style: DumpCase(name: folder).style, now: DumpCase.now)
      #expect(report.digest == expected, "\(folder)")
      tried += 1
    }
    #expect(tried > 20)
  }

  @Test func theStyleComesFromTheProducer() throws {
    for name in [
      "live/live_2.8", "live/live_7.0", "live/live_7.4", "live/live_8.8", "live/live_v9.1",
    ] {
      let expected = try Fixture.text(name + ".digest").prefix(40)
      #expect(
        try Digest.of(DataInput(Fixture.path(name + ".rdb")), now: DumpCase.now).digest == expected)
    }
  }

  @Test func modulesAreNamed() throws {
    do {
      _ = try Digest.of(DataInput(Fixture.path("r7.4/types-module.rdb")))
      Issue.record("a digest without the module")
    } catch {
      #expect(error.line.contains("module type"), "\(error.line)")
      #expect(error.key != nil)
    }
  }
}

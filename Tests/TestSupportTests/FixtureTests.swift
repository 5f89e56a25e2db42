import Foundation
import TestSupport
import Testing

/// The fixtures say what real servers say.
@Suite struct FixtureTests {
  struct ManifestCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Entry: Decodable, Sendable {
      var file: String
      var type: String
    }
    var manifest: String
    var verdict: String
    var entries: [Entry]?
    var servers: [String: String]

    var testDescription: String { manifest }

    static func all() -> [Self] {
      let data = (try? Data(contentsOf: Fixture.url("manifests/verdicts.json"))) ?? Data()
      return (try? JSONDecoder().decode([Self].self, from: data)) ?? []
    }
  }

  @Test func everyManifestHasItsVerdict() {
    let files = Fixture.files(under: "manifests").filter { $0.hasSuffix(".manifest") }
    #expect(files == ManifestCase.all().map { "manifests/" + $0.manifest }.sorted())
    #expect(files.count > 50)
  }

  @Test(arguments: ManifestCase.all())
  func serversTreatTheManifestAsRecorded(manifest: ManifestCase) throws {
    let read = manifest.entries?.filter { $0.type != "h" }.map(\.file)
    let folder = try TemporaryDirectory()
    for name in read ?? ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"] {
      let command = ["SET", name, "1"].map { Array($0.utf8) }
      try folder.write(RedisConnection.encode(command), to: name)
    }
    try Fixture.copy(
      "manifests/" + manifest.manifest, to: folder.file("appendonly.aof.manifest"))
    for (label, version) in [
      ("redis7.0", RealServer.Version.redis7_0), ("valkey9.1", .valkey9_1),
    ] {
      let server = try? RealServer.loading(aof: folder.path, version)
      #expect((server == nil ? "refuses" : "loads") == manifest.servers[label], "\(version)")
      if let read, let server {
        #expect(try server.call("DBSIZE").integer == Int64(read.count), "\(version)")
      }
    }
  }

  @Test(arguments: RealServer.Version.allCases)
  func aLineOfDataThatBeginsWithFileIsNoManifest(version: RealServer.Version) throws {
    let log = Fixture.path("regressions/data-line-begins-with-file.aof")
    #expect(try RealServer.loading(aof: log, version).call("DBSIZE").integer == 3)
  }

  @Test(arguments: [
    ("r6.2", RealServer.Version.redis6_2), ("r7.0", .redis7_0), ("v9.1", .valkey9_1),
  ])
  func digestsAreThoseOfRealServers(label: String, version: RealServer.Version) throws {
    let snapshot = try RealServer.loading(rdb: Fixture.path("\(label)/types.rdb"), version)
    #expect(try snapshot.debugDigest() == Fixture.text("\(label)/types.digest"))
    let accident = "\(label)/accident-del"
    let log = version == .redis6_2 ? "appendonly.aof" : "appendonlydir"
    let server = try RealServer.loading(aof: Fixture.path("\(accident)/\(log)"), version)
    #expect(try server.debugDigest() == Fixture.text("\(accident)/aof.digest"))
    #expect(
      try Fixture.text("\(accident)/without.digest") != Fixture.text("\(accident)/aof.digest"))
  }
}

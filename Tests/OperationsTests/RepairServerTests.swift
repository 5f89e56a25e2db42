import Foundation
import Operations
import RDB
import TestSupport
import Testing

/// Repaired files load in the real servers.
@Suite(.serialized) struct RepairServerTests {
  @Test(arguments: RealServer.Version.allCases) func repairedFilesLoad(
    _ version: RealServer.Version
  ) throws {
    let directory = try TemporaryDirectory()
    let target = [
      RealServer.Version.redis6_2: "redis:6.2", .redis7_0: "redis:7.0", .valkey9_1: "valkey:9.1",
    ][version]
    for seed in 0..<UInt64(4) {
      let log = LogSample.make(bytes: 200_000, databases: 1, seed: seed)
      // Annotations are of 7.0 and later.
      let text = version == .redis6_2 ? withoutStamps(log) : log
      let damaged = Damager(
        text, count: 8, most: 4096, kinds: [.flip, .zero, .random, .cut, .insert], seed: seed + 3)
      let path = try directory.write(damaged.bytes, to: "a\(seed).aof")
      let report = try Repair.run(path, to: path + ".out")
      #expect(report.keptCommands > 500)
      let server = try RealServer(
        version, files: ["appendonly.aof": path + ".out"], options: ["--appendonly", "yes"])
      #expect(try server.debugDigest() == Digest.of(path + ".out", version))

      let source = try directory.write(text, to: "b\(seed).aof")
      let dump = directory.file("b\(seed).rdb")
      var options = Convert.Options()
      options.target = target.flatMap { RDBTarget($0) }
      _ = try Convert.run(DataInput(source), to: dump, options)
      let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: dump)))
      let broken = Damager(
        whole, count: 6, most: 2048, kinds: [.flip, .zero, .random, .cut, .insert], seed: seed + 5)
      let bad = try directory.write(broken.bytes, to: "c\(seed).rdb")
      let saved = try Repair.run(bad, to: bad + ".out")
      #expect(saved.keptKeys > 300)
      let other = try RealServer(version, files: ["dump.rdb": bad + ".out"])
      #expect(try other.debugDigest() == Digest.of(bad + ".out", version))
    }
  }

  /// Every damaged file of the damage sets, repaired, loads in the server of its version (of 4.0 in the
  /// oldest one that is there).
  @Test(arguments: [("r4.0", RealServer.Version.redis6_2), ("r7.0", .redis7_0)])
  func repairedDamageSetsLoad(_ label: String, _ version: RealServer.Version) throws {
    let directory = try TemporaryDirectory()
    var options = Repair.Options()
    options.replacing = true
    var loaded = (logs: 0, dumps: 0)
    for test in try RepairAOFTests.damageSet(label) {
      let path = try directory.write(try test.damaged(label), to: "a.aof")
      guard (try? Repair.run(path, to: path + ".out", options)) != nil else { continue }
      do { _ = try RealServer.loading(aof: path + ".out", version) } catch {
        Issue.record("\(label) \(test): \(error)")
      }
      loaded.logs += 1
    }
    for test in try RepairRDBTests.damageSet(label) {
      let path = try directory.write(try test.damaged(label), to: "b.rdb")
      guard (try? Repair.run(path, to: path + ".out", options)) != nil else { continue }
      do { _ = try RealServer.loading(rdb: path + ".out", version) } catch {
        Issue.record("\(label) \(test): \(error)")
      }
      loaded.dumps += 1
    }
    print("repaired files of \(label)/damage that \(version) loads: \(loaded)")
    #expect(loaded.logs > 75 && loaded.dumps > 75)
  }

  private func withoutStamps(_ log: [UInt8]) -> [UInt8] {
    log.split(separator: 0x0A, omittingEmptySubsequences: false).filter {
      !$0.starts(with: Array("#TS:".utf8))
    }
    .joined(separator: [0x0A]).map { $0 }
  }

  private enum Digest {
    static func of(_ path: String, _ version: RealServer.Version) throws -> String {
      let style = ["--style", version == .valkey9_1 ? "valkey" : "redis7.0"]
      let result = try Shell.run(PackageRoot.redisBackup, ["digest", path] + style)
      return String(result.text.prefix(40))
    }
  }
}

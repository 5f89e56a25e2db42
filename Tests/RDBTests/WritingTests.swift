import Bytes
import Foundation
import RDB
import TestSupport
import Testing

/// Dumps that we write: for every target, from every fixture.
@Suite struct WritingTests {
  static let dumps = Fixture.files().filter { $0.hasSuffix(".rdb") && !$0.hasPrefix("regressions") }

  /// What is left of a key when `loss` is taken from it.
  static func reduced(_ key: CollectedKey, _ loss: RDBLoss) -> CollectedKey {
    var key = key
    if loss.contains(.milliseconds) || loss.contains(.lateExpiry) {
      key.expiresAt = key.expiresAt.map {
        min(($0 + 999) / 1000, Int64(Int32.max)) * 1000
      }
    }
    if loss.contains(.evictionHint) {
      key.idle = nil
      key.frequency = nil
    }
    if loss.contains(.fieldExpiry) {
      key.parts = key.parts.map { part in
        part.split(separator: " ", omittingEmptySubsequences: false).dropLast()
          .joined(separator: " ") + " -1"
      }.sorted()
    }
    func isKept(_ part: String) -> Bool {
      if loss.contains(.streamNumbers) {
        if ["deleted ", "first ", "added "].contains(where: { part.hasPrefix($0) }) {
          return false
        }
      }
      // Without an owner.
      if loss.contains(.unownedPending) && part.hasPrefix("pending ") {
        return part.split(separator: " ", omittingEmptySubsequences: false)[2] != ""
      }
      return true
    }
    if key.type == "stream" {
      key.parts = key.parts.filter(isKept)
      if loss.contains(.entriesRead) || loss.contains(.streamNumbers) {
        key.parts = key.parts.map { part in
          guard part.hasPrefix("group ") else { return part }
          return part.split(separator: " ").dropLast().joined(separator: " ")
        }
      }
    }
    return key
  }

  @Test func everyTargetReadsBackWhatWasWritten() throws {
    var report = ""
    for dump in WritingTests.dumps {
      let original = try Collector.read(try InputFile.open(Fixture.path(dump)))
      for target in RDBTarget.all {
        let written = try Rewritten(Fixture.path(dump), target)
        let again = try written.bytes.withByteSlice { try Collector.read(ByteCursor($0)) }
        var byID: [String: CollectedKey] = [:]
        for key in again.keys { byID[key.id] = key }
        #expect(again.keys.count == byID.count)
        for key in original.keys {
          let loss = written.losses[key.id] ?? []
          let found = byID.removeValue(forKey: key.id)
          if loss.contains(.key) {
            #expect(found == nil)
            continue
          }
          guard let found else {
            Issue.record("\(dump) for \(target): \(key.id) is missing")
            continue
          }
          let wanted = WritingTests.reduced(key, loss)
          let reduced = WritingTests.reduced(found, loss)
          if wanted != reduced {
            Issue.record(
              "\(dump) for \(target): \("\(reduced)".prefix(900)) instead of \("\(wanted)".prefix(900))"
            )
          }
        }
        #expect(byID.isEmpty, "\(dump) for \(target)")
        var counts: [String: Int] = [:]
        for (_, loss) in written.losses { counts[loss.names, default: 0] += 1 }
        if !counts.isEmpty {
          let words = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
          report += "\(dump) \(target): \(words.joined(separator: ", "))\n"
        }
      }
    }
    let difference = try Golden.difference(of: report, from: "writing/losses.txt")
    #expect(difference == nil, "\(difference ?? "")")
  }

  @Test func writesOnlyWhatTheTargetLoadsAndNothingDamaged() throws {
    for dump in WritingTests.dumps {
      for target in RDBTarget.all {
        for raw in [false, true] {
          let written = try Rewritten(Fixture.path(dump), target, raw: raw, compressing: raw)
          try written.bytes.withByteSlice { bytes in
            var reader = try RDBReader(ByteCursor(bytes))
            #expect(reader.header == target.header)
            var checker = ValueChecker()
            reading: while true {
              switch try reader.next() {
              case .key:
                let type = reader.key.type
                #expect(target.loads(type), "\(dump) for \(target): \(type)")
                do { try checker.check(&reader) } catch {
                  Issue.record(
                    "\(dump) for \(target): \(reader.key.key.text) \(type): \(error)")
                  return
                }
              case .end: break reading
              default: break
              }
            }
          }
        }
      }
    }
  }

  /// Dumps that each real server loads, and the target to write for it.
  @Test(arguments: RealServer.Version.allCases)
  func realServersLoadWhatWeWrite(version: RealServer.Version) throws {
    let name: String
    let labels: [String]
    switch version {
    case .redis6_2:
      name = "redis:6.2"
      labels = ["r2.8", "r4.0", "r6.2"]
    case .redis7_0:
      name = "redis:7.0"
      labels = ["r2.8", "r4.0", "r6.2", "r7.0"]
    case .valkey9_1:
      name = "valkey:9.1"
      labels = ["r2.8", "r4.0", "r6.2", "r7.0", "v9.1"]
    }
    let target = try #require(RDBTarget(name))
    let folder = try TemporaryDirectory()
    for label in labels {
      let dump = Fixture.path("\(label)/types.rdb")
      let theirs = try RealServer(version, files: ["dump.rdb": dump])
      let digest = try theirs.debugDigest()
      for raw in [false, true] {
        let written = try Rewritten(dump, target, raw: raw)
        #expect(!written.losses.values.contains { $0.contains(.key) })
        let path = try folder.write(written.bytes, to: "\(label)-\(raw).rdb")
        let server = try RealServer(version, files: ["dump.rdb": path])
        #expect(try server.debugDigest() == digest, "\(label) for \(target), raw \(raw)")
      }
    }
  }

  /// Downgrades from versions that these servers can't load themselves.
  @Test(arguments: RealServer.Version.allCases)
  func realServersLoadDowngrades(version: RealServer.Version) throws {
    let name =
      switch version {
      case .redis6_2: "redis:6.2"
      case .redis7_0: "redis:7.0"
      case .valkey9_1: "valkey:9.1"
      }
    let target = try #require(RDBTarget(name))
    let folder = try TemporaryDirectory()
    for label in ["r7.0", "r7.4", "r8.8", "v9.1"] {
      let written = try Rewritten(Fixture.path("\(label)/types.rdb"), target)
      let path = try folder.write(written.bytes, to: "\(label).rdb")
      let server = try RealServer(version, files: ["dump.rdb": path])
      let info = try server.info("keyspace")
      var keys = 0
      for (_, line) in info {
        let count = line.split(separator: ",").first { $0.hasPrefix("keys=") }
        keys += count.flatMap { Int($0.dropFirst(5)) } ?? 0
      }
      #expect(keys == written.keys, "\(label) for \(target)")
      if version == .redis6_2 { continue }
      // The strictest look that a server takes at its values.
      _ = try server.debugDigest()
    }
  }

  @Test func targetsAreNamed() {
    #expect(RDBTarget("redis:7.2")?.header == RDBHeader(dialect: .redis, version: 11))
    #expect(RDBTarget("6.0")?.header == RDBHeader(dialect: .redis, version: 9))
    #expect(RDBTarget("redis:8.10")?.header == RDBHeader(dialect: .redis, version: 15))
    #expect(RDBTarget("valkey:8.1.2")?.header == RDBHeader(dialect: .redis, version: 11))
    #expect(RDBTarget("valkey:9.1")?.header == RDBHeader(dialect: .valkey, version: 80))
    for text in ["", "redis", "redis:", "redis:7", "redis:7.", "redis:x.y", "keydb:6.0", "1.2"] {
      #expect(RDBTarget(text) == nil, "\(text)")
    }
    #expect(RDBTarget.all.count == 18)
  }
}

import Bytes
import Foundation
import RDB
import TestSupport
import Testing

/// Every key of every dump against what the server that loaded it said.
@Suite struct TruthTests {
  /// The dumps below `folder` that have a truth file.
  static func pairs(_ folder: String) -> [(String, String)] {
    let inside = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
    return inside.filter { $0.hasSuffix(".rdb") && !$0.contains("peers/") }.sorted().compactMap {
      let truth = String($0.dropLast(4)) + ".truth.jsonl"
      guard inside.contains(truth) else { return nil }
      return (folder + "/" + $0, folder + "/" + truth)
    }
  }

  @Test func fixturesAreWhatTheServerSaid() throws {
    let pairs = TruthTests.pairs(Fixture.root.path)
    #expect(pairs.count >= 30)
    for (dump, truth) in pairs { try TruthTests.compare(dump, truth) }
  }

  @Test(.enabled(if: SharedCorpus.isPresent, "\(SharedCorpus.absence)"))
  func corpusIsWhatTheServerSaid() throws {
    let folder = try #require(SharedCorpus.path(""))
    let pairs = TruthTests.pairs(folder)
    #expect(pairs.count >= 50)
    for (dump, truth) in pairs { try TruthTests.compare(dump, truth) }
  }

  static func compare(_ dump: String, _ truth: String) throws {
    let name = dump.split(separator: "/").suffix(3).joined(separator: "/")
    let ours: Collector
    do { ours = try Collector.read(try InputFile.open(dump)) } catch {
      Issue.record("\(name): \(error)")
      return
    }
    let theirs = try TruthFile.read(truth)
    var byID: [String: CollectedKey] = [:]
    for key in ours.keys { byID[key.id] = key }
    #expect(byID.count == ours.keys.count, "\(name): a key twice")
    for their in theirs {
      guard let own = byID.removeValue(forKey: their.id) else {
        Issue.record("\(name): \(their.id) is missing")
        continue
      }
      if !TruthFile.agrees(own, their) {
        let key = Data(base64Encoded: own.key).map { String(decoding: $0, as: UTF8.self) } ?? ""
        Issue.record(
          "\(name): \(key) \(own.type): \("\(own)".prefix(1500)) instead of \("\(their)".prefix(1500))"
        )
      }
    }
    // Keys whose time has passed are dropped by a loading master.
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    for (_, left) in byID where left.expiresAt ?? .max > now {
      Issue.record("\(name): \(left.id) is not in the truth")
    }
  }
}

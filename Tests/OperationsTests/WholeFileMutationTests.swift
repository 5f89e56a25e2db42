import Bytes
import Foundation
import Operations
import RDB
import TestSupport
import Testing

/// A dump that `check --deep` accepts always exports and converts, to every form.
@Suite struct WholeFileMutationTests {
  static let mutations =
    ProcessInfo.processInfo.environment["FUZZ_MUTATIONS"].flatMap { Int($0) } ?? 100_000

  static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    for _ in 0...random.below(2) {
      // Neither the head, which is soon told, nor the checksum, which does not count here.
      let at = 9 + random.below(bytes.count - 18)
      switch random.below(6) {
      case 0: bytes[at] ^= 1 << UInt8(random.below(8))
      case 1: bytes[at] = UInt8(random.below(256))
      case 2: bytes[at] = bytes[at] &+ 1
      case 3: bytes[at] = bytes[at] &- 1
      case 4: bytes.remove(at: at)
      default: bytes.insert(UInt8(random.below(256)), at: at)
      }
      if bytes.count < 32 { return }
    }
  }

  /// Dumps that end in a checksum, which is said not to be computed.
  static func dumps() throws -> [[UInt8]] {
    var dumps: [[UInt8]] = []
    for name in Fixture.files() where name.hasSuffix(".rdb") {
      var bytes = try Fixture.bytes(name)
      guard 40..<16_384 ~= bytes.count, bytes.count > 9 else { continue }
      let isValkey = bytes.starts(with: Array("VALKEY".utf8))
      guard
        isValkey || bytes[5..<9].elementsEqual("0005".utf8) || bytes[7] > 0x30 || bytes[8] > 0x35
      else { continue }
      guard bytes[bytes.count - 9] == 0xFF else { continue }
      for at in bytes.count - 8..<bytes.count { bytes[at] = 0 }
      dumps.append(bytes)
    }
    return dumps
  }

  @Test func mutatedDumpsThatAreAcceptedExportAndConvert() throws {
    let dumps = try WholeFileMutationTests.dumps()
    #expect(dumps.count > 10)
    var random = SplitMix64(seed: 18_450)
    var accepted = 0
    let rounds = WholeFileMutationTests.mutations / 50
    let limit = Date(timeIntervalSinceNow: Double(max(60, rounds / 20)))
    try withTemporaryDirectory { directory in
      for round in 0..<rounds {
        if round % 100 == 0 && Date() > limit {
          Issue.record("only \(round) of \(rounds) mutations were tried in time")
          break
        }
        var bytes = dumps[random.below(dumps.count)]
        WholeFileMutationTests.mutate(&bytes, &random)
        let isGood = withQuietThrows { CheckRDBTests.check(bytes).ok }
        guard isGood else { continue }
        accepted += 1
        let path = try directory.write(bytes, to: "a.rdb")
        WholeFileMutationTests.use(path, directory, round)
      }
    }
    // Otherwise this says nothing.
    #expect(accepted > rounds / 20, "\(accepted) of \(rounds)")
  }

  static func use(_ path: String, _ directory: TemporaryDirectory, _ round: Int) {
    func attempt(_ what: String, _ body: () throws -> Void) {
      do { try body() } catch {
        let words = (error as? ToolError)?.line ?? "\(error)"
        Issue.record("mutation \(round): \(what): \(words)")
      }
    }
    attempt("export") {
      var options = Export.Options()
      options.all = true
      let text = try ExportTests.export(path, options)
      if round % 8 == 0 { _ = try ExportTests.objects(text) }
    }
    if round % 4 == 0 {
      attempt("csv") {
        var options = Export.Options()
        options.format = .csv
        _ = try ExportTests.export(path, options)
      }
    }
    // Which target, goes around.
    let targets: [RDBTarget?] = [nil] + RDBTarget.all
    for (number, form) in Convert.Form.allCases.enumerated() {
      attempt("convert to \(form.rawValue)") {
        var options = Convert.Options()
        options.form = form
        options.lossy = true
        options.replacing = true
        if form != .multiPart { options.target = targets[(round + number) % targets.count] }
        options.restoresPayloads = form == .resp && round % 2 == 0
        let made = directory.file(form == .multiPart ? "made\(round)" : "made")
        _ = try Convert.run(DataInput(path), to: made, options)
        // What was made is good.
        if form == .rdb {
          let report = try RDBCheck.run(made, deep: true)
          if !report.ok { Issue.record("mutation \(round) becomes a bad dump: \(report)") }
        }
        try? FileManager.default.removeItem(atPath: made)
      }
    }
  }

  /// With memory of 96 MB, of which a program without work takes about 30.
  @Test func bombsTakeNoMemory() throws {
    try withTemporaryDirectory { directory in
      func run(_ words: String) throws -> Int32 {
        try Shell.run(
          "bash", ["-c", "ulimit -d 98304; exec \"$0\" \(words)", PackageRoot.redisBackup]
        ).status
      }
      let good = Fixture.path("r8.8/types.rdb")
      #expect(try run("export '\(good)' > /dev/null") == 0)
      for (number, bomb) in Bombs.dumps.enumerated() {
        let path = try directory.write(bomb.1, to: "bomb.rdb")
        for words in [
          "export '\(path)' > /dev/null", "export '\(path)' --all > /dev/null",
          "convert '\(path)' --lossy --to rdb -o '\(path)\(number).a'",
          "convert '\(path)' --lossy --to resp -o '\(path)\(number).b'",
          "convert '\(path)' --lossy --to resp --restore-payloads -o '\(path)\(number).c'",
          "check --deep '\(path)'",
        ] {
          let status = try run(words)
          #expect([0, 1, 65].contains(status), "\(bomb.0): \(words) ended with \(status)")
        }
      }
    }
  }
}

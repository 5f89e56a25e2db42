import Bytes
import Foundation
import RDB
import TestSupport
import Testing

@testable import Operations

/// Dumps of new releases for old ones. What a release knows stands here once more, written down
/// from its sources and not from ours, so that a mistake there shows.
@Suite struct DowngradeTests {
  /// What a release loads.
  struct Rules: Sendable {
    var header: String
    /// Codes of value types.
    var types: Set<UInt8>
    /// Has ms in expiry times; AUX and RESIZEDB; IDLE, FREQ and data of modules; libraries; slots; metadata.
    var milliseconds = true
    var aux = true
    var hints = true
    var functions = true
    var slots = false
    var metadata = false
    /// What it can't hold, and why (rdb-format.md 13).
    var reasons: [(RDBLoss, String)] = []
    var mayLose: RDBLoss { reasons.reduce(into: []) { $0.formUnion($1.0) } }
  }

  /// Each entry is the release that began it.
  static let rules: [String: Rules] = {
    let oldest: Set<UInt8> = [0, 1, 2, 3, 4, 9, 10, 11, 12]
    let hashes = (
      RDBLoss.fieldExpiry,
      "fields of hashes expire since Redis 7.4 and Valkey 9.0 (22-25; Valkey's 22)"
    )
    let numbers = (
      RDBLoss.streamNumbers, "types 16 and 19 tell max-deleted and entries-added since 7.0"
    )
    let read = (RDBLoss.entriesRead, "types 16 and 19 tell entries-read since 7.0")
    let active = (RDBLoss.activeTime, "type 21 tells the time of the last activity since 7.2")
    let idempotency = (
      RDBLoss.idempotency, "type 26 holds ids of producers since Redis 8.6; Valkey has none"
    )
    let unowned = (
      RDBLoss.unownedPending, "type 27 holds entries without owner since Redis 8.8; Valkey has none"
    )
    let metadata = (
      RDBLoss.keyMetadata, "opcode 243 since Redis 8.6; in Valkey it is something else"
    )
    let key = { (why: String) in (RDBLoss.key, why) }
    let noArrays = key("type 28 (array) since Redis 8.8; Valkey has none")
    let noStreams = key("type 15 (stream) since 5.0; arrays and types of modules neither")
    let hints = (RDBLoss.evictionHint, "opcodes 248 and 249 since 5.0")
    let times = (RDBLoss.milliseconds, "opcode 252 since 2.6; 253 counts seconds")
    let late = (RDBLoss.lateExpiry, "opcode 253 has 32 bits")
    let newest = [unowned, noArrays]
    let upTo8_0 = newest + [idempotency, metadata]
    let upTo7_2 = upTo8_0 + [hashes]
    let upTo7_0 = upTo7_2 + [active]
    let upTo6_2 = upTo7_0 + [numbers, read]
    let upTo4_0 = [hashes, noStreams, hints, metadata]
    let v8 = oldest.union([5, 7, 13, 14])
    let v9 = v8.union([15])
    let v10 = v9.union([16, 17, 18, 19])
    let v11 = v10.union([20, 21])
    let v12 = v11.union([22, 23, 24, 25])
    let v13 = v12.union([26])
    let v14 = v13.union([27, 28])
    return [
      "redis:2.4": Rules(
        header: "REDIS0002", types: oldest, milliseconds: false, aux: false, hints: false,
        functions: false, reasons: upTo4_0 + [times, late]),
      "redis:2.6": Rules(
        header: "REDIS0006", types: oldest.union([13]), aux: false, hints: false, functions: false,
        reasons: upTo4_0),
      "redis:3.2": Rules(
        header: "REDIS0007", types: oldest.union([13, 14]), hints: false, functions: false,
        reasons: upTo4_0),
      "redis:4.0": Rules(
        header: "REDIS0008", types: v8, hints: false, functions: false, reasons: upTo4_0),
      "redis:5.0": Rules(header: "REDIS0009", types: v9, functions: false, reasons: upTo6_2),
      "redis:6.2": Rules(header: "REDIS0009", types: v9, functions: false, reasons: upTo6_2),
      "redis:7.0": Rules(header: "REDIS0010", types: v10, reasons: upTo7_0),
      "redis:7.2": Rules(header: "REDIS0011", types: v11, reasons: upTo7_2),
      "redis:7.4": Rules(header: "REDIS0012", types: v12, slots: true, reasons: upTo8_0),
      "redis:8.0": Rules(header: "REDIS0012", types: v12, slots: true, reasons: upTo8_0),
      "redis:8.6": Rules(
        header: "REDIS0013", types: v13, slots: true, metadata: true, reasons: newest),
      "redis:8.8": Rules(header: "REDIS0014", types: v14, slots: true, metadata: true),
      "redis:8.10": Rules(
        header: "REDIS0015", types: v14.union([31, 32]), slots: true, metadata: true),
      "valkey:7.2": Rules(header: "REDIS0011", types: v11, reasons: upTo7_2),
      "valkey:8.0": Rules(header: "REDIS0011", types: v11, reasons: upTo7_2),
      "valkey:8.1": Rules(header: "REDIS0011", types: v11, reasons: upTo7_2),
      "valkey:9.0": Rules(
        header: "VALKEY080", types: v11.union([22]), slots: true, reasons: upTo8_0),
      "valkey:9.1": Rules(
        header: "VALKEY080", types: v11.union([22]), slots: true, reasons: upTo8_0),
    ]
  }()

  @Test func everyTargetHasRules() {
    #expect(Set(DowngradeTests.rules.keys) == Set(RDBTarget.all.map(\.description)))
  }

  static let sources = [
    "r7.4/types", "r8.8/types", "v9.1/types", "live/live_8.8", "live/live_v9.1",
  ]

  @Test(arguments: sources, RDBTarget.all)
  func whatIsKeptIsEqual(_ source: String, _ target: RDBTarget) throws {
    let path = Fixture.path(source + ".rdb")
    let rules = try #require(DowngradeTests.rules[target.description])
    try withTemporaryDirectory { directory in
      let made = directory.file("made.rdb")
      var options = Convert.Options()
      options.target = target
      options.lossy = true
      let report = try Convert.run(DataInput(path), to: made, options)
      var comparison = Comparison.Options()
      comparison.ignored = []
      for loss in report.lost {
        #expect(rules.mayLose.isSuperset(of: loss.loss), "\(loss) is lost without a reason")
        guard let key = loss.key, let db = loss.database else {
          if loss.isModuleData {
            comparison.excused.insert(.moduleData)
          } else {
            comparison.excused.insert(.functions)
          }
          continue
        }
        let hash = key.withByteSlice {
          KeyHead(db: db, key: $0, type: .string, expiresAt: nil).hash
        }
        if loss.loss.contains(.key) {
          comparison.mayLack.insert(hash)
        } else {
          comparison.excusedOfKeys[hash] = loss.loss.aspects
        }
      }
      let list = FirstDifferences(most: 5)
      let outcome = try Comparison(ComparedState(path), ComparedState(made), comparison).run(list)
      #expect(outcome.isEqual, "\(list.keys)")
      #expect(outcome.keysOfB == outcome.keysOfA - comparison.mayLack.count)
      try DowngradeTests.obeys(made, rules)
    }
  }

  /// Reads `path` as the release would, which knows nothing newer.
  static func obeys(_ path: String, _ rules: Rules) throws {
    var reader = try RDBReader(InputFile.open(path))
    let head = try Data(contentsOf: URL(fileURLWithPath: path)).prefix(9)
    #expect(String(decoding: head, as: UTF8.self) == rules.header)
    var keys = 0
    while true {
      switch try reader.next() {
      case .key:
        keys += 1
        let key = reader.key
        #expect(rules.types.contains(key.type.code), "\(key.type)")
        #expect(rules.hints || (key.idle == nil && key.frequency == nil))
        #expect(rules.metadata || key.metadata.isEmpty)
        #expect(rules.milliseconds || (key.expiresAt ?? 0) % 1000 == 0)
      case .aux: #expect(rules.aux)
      case .resizeDB: #expect(rules.aux)
      case .function: #expect(rules.functions)
      case .moduleAux: #expect(rules.hints)
      case .slotInfo, .slotImport: #expect(rules.slots)
      case .hashTemplate: #expect(rules.types.contains(31))
      case .selectDB: break
      case .end:
        #expect(keys > 10)
        return
      }
    }
  }

  /// The recorded list of losses names nothing that has no reason.
  @Test func everyRecordedLossHasAReason() throws {
    let names = [
      "key", "fieldExpiry", "streamNumbers", "entriesRead", "activeTime", "idempotency",
      "unownedPending", "milliseconds", "lateExpiry", "evictionHint", "keyMetadata",
    ]
    let lines = try Fixture.text("writing/losses.txt").split(separator: "\n")
    #expect(lines.count > 300)
    for line in lines {
      let parts = line.split(separator: " ", maxSplits: 2)
      let rules = try #require(DowngradeTests.rules[String(parts[1].dropLast())], "\(line)")
      for word in parts[2].split(separator: ",").flatMap({
        $0.split(separator: " ")[0].split(separator: "+")
      }) {
        let loss = try #require(
          names.firstIndex(of: String(word)).map { RDBLoss.all[$0] }, "\(line)")
        #expect(rules.mayLose.contains(loss), "\(line)")
      }
    }
  }
}

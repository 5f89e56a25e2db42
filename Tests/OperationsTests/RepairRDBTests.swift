import Bytes
import Foundation
import Operations
import RDB
import TestSupport
import Testing

@Suite struct RepairRDBTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  struct Name: Hashable {
    var db: Int
    var key: [UInt8]
  }

  /// The bytes of each key's record.
  func records(_ bytes: [UInt8]) throws -> [(name: Name, range: Range<Int>)] {
    try bytes.withByteSlice { slice in
      var reader = try RDBReader(ByteCursor(slice))
      var all: [(name: Name, range: Range<Int>)] = []
      while true {
        switch try reader.next() {
        case .key:
          let name = Name(db: reader.key.db, key: reader.key.key.bytes)
          let start = reader.key.offset
          try reader.skipValue()
          all.append((name, start..<reader.offset))
        case .end: return all
        default: break
        }
      }
    }
  }

  /// A dump of every common type.
  func dump(bytes size: Int, databases: Int, seed: UInt64) throws -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var log: [UInt8] = []
    for database in 0..<databases {
      log += command("SELECT", "\(database)")
      let end = log.count + size / databases
      var number = 0
      while log.count < end {
        number += 1
        let key =
          "user:\(database):\(100_000 + number):\(["name", "cart", "tags"][random.below(3)])"
        let letters = String(Array("abcdefgh").prefix(1 + random.below(7)))
        let value = "\(number) " + String(repeating: letters, count: 1 + random.below(20))
        switch random.below(10) {
        case ..<4: log += command("SET", key, value)
        case 4: log += command("SET", key, "\(random.below(1_000_000))")
        case 5:
          log += command(["HSET", key] + (0..<8).flatMap { ["field\($0)", "\(value)\($0)"] })
        case 6: log += command(["RPUSH", key] + (0..<10).map { "\(value)\($0)" })
        case 7: log += command(["SADD", key] + (0..<8).map { "\(number * 10 + $0)" })
        case 8:
          log += command(["ZADD", key] + (0..<8).flatMap { ["\($0).5", "\(value)\($0)"] })
        default: log += command(["SADD", key] + (0..<40).map { "m\(value)\($0)" })
        }
        if random.below(3) == 0 {
          log += command("PEXPIREAT", key, "\(1_990_000_000_000 + number)")
        }
      }
    }
    let path = try directory.write(log, to: "source.aof")
    let output = directory.file("source.rdb")
    var options = Convert.Options()
    options.target = RDBTarget("redis:7.0")
    options.replacing = true
    _ = try Convert.run(DataInput(path), to: output, options)
    return try withSizes([UInt8](try Data(contentsOf: URL(fileURLWithPath: output))))
  }

  /// With the size hints that a server writes.
  private func withSizes(_ dump: [UInt8]) throws -> [UInt8] {
    var keys: [Int: (all: Int, expiring: Int)] = [:]
    var places: [(offset: Int, db: Int)] = []
    try dump.withByteSlice { slice in
      var reader = try RDBReader(ByteCursor(slice))
      walk: while true {
        switch try reader.next() {
        case .key:
          keys[reader.key.db, default: (0, 0)].all += 1
          if reader.key.expiresAt != nil { keys[reader.key.db, default: (0, 0)].expiring += 1 }
        case .selectDB(let db): places.append((reader.offset, db))
        case .end: break walk
        default: break
        }
      }
    }
    var result = Array(dump.dropLast(8))
    for place in places.reversed() {
      let count = keys[place.db] ?? (0, 0)
      var hint: [UInt8] = [Opcode.resizeDB]
      for number in [count.all, count.expiring] {
        hint.append(0x80)
        for shift in [24, 16, 8, 0] { hint.append(UInt8(truncatingIfNeeded: number >> shift)) }
      }
      result.insert(contentsOf: hint, at: place.offset)
    }
    let checksum = result.withByteSlice { CRC64.checksum($0) }
    return result + (0..<8).map { UInt8(truncatingIfNeeded: checksum >> UInt64(8 * $0)) }
  }

  func repair(
    _ bytes: [UInt8], _ options: Repair.Options = Repair.Options()
  ) throws -> (report: RepairReport, result: [UInt8]) {
    let path = try directory.write(bytes, to: UUID().uuidString)
    let report = try Repair.run(path, to: path + ".out", options)
    return (report, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + ".out"))))
  }

  /// Keeps what went wrong, for a look at it.
  private func tell(
    _ damaged: Damager, _ salvaged: Salvaged, _ report: RepairReport, _ seed: UInt64, _ left: Int,
    _ kept: Int
  ) {
    guard let folder = ProcessInfo.processInfo.environment["REDIS_BACKUP_TELL"] else { return }
    let name = "\(folder)/\(UUID().uuidString)"
    try? Data(damaged.bytes).write(to: URL(fileURLWithPath: name + ".rdb"))
    let text = """
      seed \(seed) \(left) left, \(kept) kept
      \(salvaged.wrong)
      \(damaged.damages.map { "\($0)" }.joined(separator: "\n"))
      \(damaged.whole)
      """
    try? Data(text.utf8).write(to: URL(fileURLWithPath: name + ".txt"))
  }

  private func salvage(
    _ original: [UInt8], count: Int, most: Int, kinds: [Damager.Kind], seed: UInt64
  ) throws -> Salvaged {
    let damaged = Damager(original, count: count, most: most, kinds: kinds, seed: seed &* 31 &+ 7)
    let (report, result) = try repair(damaged.bytes)
    var salvaged = Salvaged()
    var places: [Name: (bytes: [UInt8], isTouched: Bool)] = [:]
    var hidden: Set<[UInt8]> = []
    let all = try records(original)
    let borders = damaged.borders(all.flatMap { [$0.range.lowerBound, $0.range.upperBound] })
    for record in all {
      let isTouched = !damaged.damages(in: record.range).isEmpty
      if !isTouched { salvaged.undamaged += 1 }
      if let changed = damaged.changed(record.range) { hidden.insert(changed) }
      places[record.name] = (Array(original[record.range]), isTouched)
    }
    for record in try records(result) {
      let bytes = Array(result[record.range])
      if let place = places[record.name], place.bytes == bytes {
        if !place.isTouched { salvaged.kept += 1 }
      } else if hidden.contains(bytes) || damaged.isSeamless(bytes, borders) {
        salvaged.hidden += 1
        if report.suspectKeys.contains(where: { $0.key == record.name.key }) { salvaged.named += 1 }
        if !report.suspects(bytes, in: damaged.bytes) { salvaged.unsuspected += 1 }
      } else {
        salvaged.wrong.append(
          "seed \(seed): db \(record.name.db) \(KeyText.quoted(record.name.key)) \(report.lost.count)"
        )
      }
    }
    // Without what is reported as lost, the input holds exactly what the result holds.
    var input = damaged.bytes
    for correction in report.corrected {
      let end = correction.offset + correction.now.count
      input.replaceSubrange(correction.offset..<end, with: correction.now)
    }
    var remaining = report.remaining(of: input)
    if remaining.count < 9 || report.lost.first?.offset == 0 {
      remaining = Array(result.prefix(9)) + remaining
    }
    // Its checksum is of other bytes; and its end may be lost.
    let none = [UInt8](repeating: 0, count: 8)
    let unsigned = Array(remaining.dropLast(8)) + none
    remaining = (try? records(unsigned)) != nil ? unsigned : remaining + [0xFF] + none
    let left = (try? records(remaining)) ?? []
    let kept = try records(result)
    let isSame =
      left.count == kept.count
      && zip(left, kept).allSatisfy {
        remaining[$0.range] == result[$1.range]
      }
    if !isSame { salvaged.unreported += abs(left.count - kept.count) + 1 }
    if !isSame || !salvaged.wrong.isEmpty {
      tell(damaged, salvaged, report, seed, left.count, kept.count)
    }
    return salvaged
  }

  @Test(arguments: [
    [Damager.Kind.flip], [.zero], [.random], [.cut], [.insert], [.duplicate],
    [.flip, .zero, .random, .cut, .insert],
  ])
  func keepsWhatIsNotDamaged(_ kinds: [Damager.Kind]) throws {
    var all = Salvaged()
    for seed in RepairAOFTests.seedRange(5) {
      let original = try dump(
        bytes: RepairAOFTests.size(seed, or: 2_500_000), databases: 1, seed: seed)
      all += try salvage(
        original, count: RepairAOFTests.damages(seed), most: 65536, kinds: kinds, seed: seed)
    }
    print("repair RDB, \(kinds): \(all)")
    #expect(all.share >= 0.98)
    #expect(all.wrong.isEmpty, "\(all.wrong.prefix(3))")
    #expect(all.unsuspected == 0)
    #expect(all.unreported == 0)
  }

  @Test func twoDatabases() throws {
    var all = Salvaged()
    for seed in RepairAOFTests.seedRange(5) {
      let original = try dump(bytes: 2_500_000, databases: 2, seed: seed)
      all += try salvage(
        original, count: 1 + Int(seed * 3 % 7), most: 4096,
        kinds: [.flip, .zero, .random, .cut, .insert], seed: seed)
    }
    print("repair RDB of two databases: \(all)")
    #expect(all.share >= 0.98)
    #expect(all.wrong.isEmpty, "\(all.wrong.prefix(3))")
    #expect(all.unsuspected == 0)
    #expect(all.unreported == 0)
  }

  @Test func oneChangedByteIsPutRight() throws {
    let original = try dump(bytes: 60_000, databases: 2, seed: 5)
    var random = SplitMix64(seed: 9)
    for _ in 0..<40 {
      var bytes = original
      // Not the magic: a file of no known kind is another matter.
      let at = 9 + random.below(bytes.count - 9)
      bytes[at] ^= UInt8(1 + random.below(255))
      let (report, result) = try repair(bytes)
      #expect(result == original, "byte \(at)")
      #expect(report.lostCount == 0 && report.corrected.count == 1, "byte \(at): \(report.lost)")
    }
  }

  /// Changes in three texts, which only the checksum of the whole dump gives away: the keys are named.
  @Test func changedTextsAreNamed() throws {
    let original = try dump(bytes: 400_000, databases: 1, seed: 3)
    var bytes = original
    var texts: [(name: Name, value: Range<Int>)] = []
    for record in try records(original) where original[record.range.lowerBound] == 0 {
      // Type, length and name, length and text.
      let length = record.range.lowerBound + 2 + record.name.key.count
      if original[length] < 64, record.range.upperBound - length == Int(original[length]) + 1 {
        texts.append((record.name, length + 1..<record.range.upperBound))
      }
    }
    try #require(texts.count > 30)
    let (zeroed, marked, renamed) = (texts[10], texts[20], texts[30])
    bytes[zeroed.value.upperBound - 1] = 0
    bytes[zeroed.value.upperBound - 2] = 0
    bytes[marked.value.lowerBound] = UInt8(ascii: "#")
    bytes[renamed.value.lowerBound - 1 - renamed.name.key.count] = UInt8(ascii: "x")
    let (report, result) = try repair(bytes)
    #expect(report.lostCount == 0 && report.corrected.isEmpty)
    #expect(try records(result).count == records(original).count)
    #expect(report.doubtful.count == 1 && report.undecided.count == 1)
    let new = [UInt8(ascii: "x")] + renamed.name.key.dropFirst()
    #expect(report.suspectKeys.map(\.key) == [zeroed.name.key, marked.name.key, new])
    #expect(report.suspectKeys[0].reason.contains("0x00"))
    for suspect in report.suspectKeys {
      #expect(suspect.database == 0 && suspect.length > 0)
      #expect(bytes[suspect.offset] == 0)
    }
    // Of a whole dump none is named, and none of one of which everything was put right.
    #expect(try repair(original).report.suspectKeys.isEmpty)
    bytes = original
    bytes[marked.value.lowerBound] = UInt8(ascii: "#")
    #expect(try repair(bytes).report.suspectKeys.isEmpty)
  }

  /// Zeros from the length of a text on make an empty text of it, and the rest of the text may read as the
  /// next record: neither is kept.
  @Test func aTextThatLostItsLengthIsNotEmpty() throws {
    let original = try dump(bytes: 400_000, databases: 1, seed: 4)
    var whole: [Name: [UInt8]] = [:]
    let all = try records(original)
    for record in all { whole[record.name] = Array(original[record.range]) }
    let texts = all.filter { original[$0.range.lowerBound] == 0 }
    for count in 1...9 {
      for shift in -2...3 {
        var bytes = original
        for record in stride(from: 20, to: texts.count, by: 40).map({ texts[$0] }) {
          let at = record.range.lowerBound + 2 + record.name.key.count + shift
          for index in at..<min(at + count, record.range.upperBound) { bytes[index] = 0 }
        }
        let changed = Set(all.map { Array(bytes[$0.range]) })
        let (_, result) = try repair(bytes)
        for record in try records(result) {
          let found = Array(result[record.range])
          #expect(
            whole[record.name] == found || changed.contains(found),
            "\(count) zeros, \(shift): \(KeyText.quoted(record.name.key))")
        }
      }
    }
  }

  /// Garbage that reads as a function of 7.0-rc is none: no server of 7.0 and later loads such.
  @Test func garbageIsNoFunction() throws {
    let original = try dump(bytes: 100_000, databases: 1, seed: 6)
    let all = try records(original)
    var bytes = original
    bytes[all[200].range.upperBound - 1] ^= 1
    let text: [UInt8] = [2, 0x79, 0x7A]
    bytes.insert(
      contentsOf: [Opcode.functionPreRelease] + text + text + [0] + text,
      at: all[100].range.lowerBound)
    // What makes the dump a damaged one.
    bytes.insert(contentsOf: [0x7F, 0x7F, 0x7F], at: all[50].range.lowerBound)
    let (report, result) = try repair(bytes)
    #expect(report.lostCount >= 2)
    let isThere = result.withByteSlice { all in
      text.withByteSlice { all.firstRange(of: $0) != nil }
    }
    #expect(!isThere)
    #expect(try records(result).count > all.count - 8)
  }

  /// What repair makes of a dump with `bytes` put in before record 1200, and one letter changed
  /// elsewhere: how many keys are missing, and the records that are none of the original.
  private func puttingIn(
    _ bytes: [UInt8], seed: UInt64
  ) throws -> (missing: Int, foreign: [(name: Name, range: Range<Int>)]) {
    let original = try dump(bytes: 800_000, databases: 1, seed: seed)
    let all = try records(original)
    try #require(all.count > 1400)
    var damaged = original
    // Behind the place, so that it does not move; a letter of a text, which may be kept as it is.
    let last = all[1300].range
    damaged[last.upperBound - 1] ^= 1
    damaged.insert(contentsOf: bytes, at: all[1200].range.lowerBound)
    let whole = Set(all.map { Array(original[$0.range]) })
    let (_, result) = try repair(damaged)
    let kept = try records(result)
    let foreign = kept.filter {
      !whole.contains(Array(result[$0.range])) && $0.name != all[1300].name
    }
    return (all.count - kept.count + foreign.count, foreign)
  }

  /// A byte that reads as the end of the dump is none when records follow: else up to all the rest was lost.
  @Test func aStrayEndIsNotTheEnd() throws {
    for bytes in [[0xFF], [0xFF, 0xFF], [UInt8](repeating: 0xFF, count: 40)] as [[UInt8]] {
      let (missing, foreign) = try puttingIn(bytes, seed: 7)
      #expect(missing <= 3, "\(bytes.count) bytes")
      #expect(foreign.isEmpty, "\(bytes.count) bytes: \(foreign.map { $0.name.key })")
    }
  }

  @Test func anEmptyDumpIsNoDump() throws {
    let path = try directory.write([], to: "empty.rdb")
    #expect(throws: ToolError.self) { try Repair.run(path, to: path + ".out") }
    #expect(!FileManager.default.fileExists(atPath: path + ".out"))
  }

  @Test func locatesNothingWhereMoreIsChanged() {
    let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let right = bytes.withByteSlice { CRC64.checksum($0) }
    var changed = bytes
    changed[10] ^= 1
    changed[4000] ^= 64
    let wrong = changed.withByteSlice { CRC64.checksum($0) }
    #expect(CRC64.locate(difference: right ^ wrong, length: bytes.count) == nil)
    changed[10] ^= 1
    changed[4001] ^= 3
    let near = changed.withByteSlice { CRC64.checksum($0) }
    let burst = CRC64.locate(difference: right ^ near, length: bytes.count)
    #expect(burst?.offset == 4000)
    #expect(burst?.flips == [64, 3])
  }

  struct Case: Decodable {
    var file: String
    var kind: String
    var offset: Int
    var byte: UInt8?
    var appended: String?

    /// The damaged file.
    func damaged(_ label: String) throws -> [UInt8] {
      let whole = try Fixture.bytes("\(label)/\(file)")
      switch kind {
      case "cut": return Array(whole[..<offset])
      case "flip":
        var changed = whole
        changed[offset] = byte ?? 0
        return changed
      case "append": return whole + [UInt8](Data(base64Encoded: appended ?? "") ?? Data())
      default: throw TestSupportError("unknown case \(self)")
      }
    }
  }

  static func damageSet(_ label: String) throws -> [Case] {
    let data = try Data(contentsOf: Fixture.url("\(label)/damage/rdb-cases.json"))
    return try JSONDecoder().decode([Case].self, from: data)
  }

  @Test(arguments: ["r4.0", "r7.0"]) func damageSets(_ label: String) throws {
    let cases = try Self.damageSet(label)
    var kept = 0
    var whole = 0
    var all = 0
    for test in cases {
      let original = try Fixture.bytes("\(label)/\(test.file)")
      let bytes = try test.damaged(label)
      if bytes.isEmpty { continue }
      var places: [Name: [UInt8]] = [:]
      for record in try records(original) { places[record.name] = Array(original[record.range]) }
      all += test.kind == "flip" ? places.count : 0
      do {
        let (_, result) = try repair(bytes)
        let found = try records(result)

        if found.count == places.count { whole += 1 }
        // Without a checksum, a changed byte inside a text can't be seen.
        let isHidden = test.file.contains("nochecksum")
        for record in found {
          let isSame = places[record.name] == Array(result[record.range])
          if test.kind == "flip" && isSame { kept += 1 }
          #expect(isSame || isHidden, "\(test)")
        }
        if test.kind == "flip" && !isHidden { #expect(result == original, "\(test)") }
      } catch { #expect("\(error)".contains("nothing of it can be saved"), "\(test): \(error)") }
    }
    print(
      "repair \(label)/damage, dumps: \(whole) of \(cases.count) whole; of flips \(kept) of \(all) keys"
    )
    #expect(kept * 100 >= all * 98)
  }
}

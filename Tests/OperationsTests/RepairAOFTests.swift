import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

@Suite struct RepairAOFTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func repair(
    _ bytes: [UInt8], _ options: Repair.Options = Repair.Options()
  ) throws -> (report: RepairReport, result: [UInt8]) {
    let name = UUID().uuidString
    let path = try directory.write(bytes, to: name)
    let output = path + ".out"
    let report = try Repair.run(path, to: output, options)
    #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == bytes)
    return (report, [UInt8](try Data(contentsOf: URL(fileURLWithPath: output))))
  }

  /// Repairs a log that was damaged at random, and compares command by command.
  private func salvage(
    bytes size: Int, databases: Int, count: Int, most: Int, kinds: [Damager.Kind], seed: UInt64
  ) throws -> Salvaged {
    let original = LogSample.make(bytes: size, databases: databases, seed: seed)
    let damaged = Damager(original, count: count, most: most, kinds: kinds, seed: seed &* 31 &+ 7)
    let (report, result) = try repair(damaged.bytes)
    var salvaged = Salvaged()
    var places: [[UInt8]: (index: Int, isTouched: Bool)] = [:]
    var hidden: Set<[UInt8]> = []
    let all = try LogSample.commands(original)
    let borders = damaged.borders(all.flatMap { [$0.range.lowerBound, $0.range.upperBound] })
    for (index, command) in all.enumerated() {
      let isTouched = !damaged.damages(in: command.range).isEmpty
      if !isTouched { salvaged.undamaged += 1 }
      if let changed = damaged.changed(command.range) { hidden.insert(changed) }
      places[Array(original[command.range]) + [UInt8(command.database)]] = (index, isTouched)
    }
    var last = -1
    for command in try LogSample.commands(result) {
      let bytes = Array(result[command.range])
      guard let place = places[bytes + [UInt8(command.database)]] else {
        if hidden.contains(bytes) || damaged.isSeamless(bytes, borders) {
          salvaged.hidden += 1
          if !report.suspects(bytes, in: damaged.bytes) { salvaged.unsuspected += 1 }
        } else if report.corrects(bytes, in: damaged.bytes) {
          // It is told; more than a line end may have been cut out there.
          salvaged.hidden += 1
        } else {
          salvaged.wrong.append(
            "seed \(seed): \(String(decoding: bytes.prefix(80), as: UTF8.self))")
        }
        continue
      }
      if place.index <= last {
        salvaged.wrong.append("seed \(seed): out of order or twice: command \(place.index)")
        continue
      }
      last = place.index
      if !place.isTouched { salvaged.kept += 1 }
    }
    // Without what is reported as lost, the input is the result, but for line ends and SELECTs.
    let remaining = report.remaining(of: damaged.bytes)
    if report.corrected.isEmpty && databases == 1 {
      if remaining != result { salvaged.unreported += max(1, remaining.count - result.count) }
    } else {
      let kept = Set(try LogSample.commands(result).map { Array(result[$0.range]) })
      let corrected = Set(report.corrected.map(\.offset))
      for command in all {
        guard let place = damaged.place(of: command.range), !corrected.contains(place.lowerBound)
        else { continue }
        let bytes = Array(original[command.range])
        var at = place.lowerBound
        for range in report.lost where range.offset <= at {
          at = max(at, range.offset + range.length)
        }
        let isLost = at >= place.upperBound
        if !isLost && !kept.contains(bytes) { salvaged.unreported += bytes.count }
      }
    }
    if let folder = ProcessInfo.processInfo.environment["REDIS_BACKUP_TELL"],
      salvaged.unreported > 0 || !salvaged.wrong.isEmpty || salvaged.unsuspected > 0
    {
      let name = "\(folder)/\(UUID().uuidString)"
      try? Data(damaged.bytes).write(to: URL(fileURLWithPath: name + ".aof"))
      let text =
        "seed \(seed)\n\(salvaged)\n\(salvaged.wrong)\n\(damaged.damages)\n\(damaged.whole)"
      try? Data(text.utf8).write(to: URL(fileURLWithPath: name + ".txt"))
    }
    return salvaged
  }

  /// Whether files of 1 to 50 MB are asked for.
  static let large = ProcessInfo.processInfo.environment["REDIS_BACKUP_LARGE"] != nil

  /// How many files of each kind; `REDIS_BACKUP_SEEDS` asks for more.
  static func seeds(_ few: Int) -> UInt64 {
    let asked = ProcessInfo.processInfo.environment["REDIS_BACKUP_SEEDS"].flatMap { UInt64($0) }
    return asked ?? UInt64(few)
  }

  /// The seeds of that many files; `REDIS_BACKUP_FIRST_SEED` asks for others than those from 0 on.
  static func seedRange(_ few: Int) -> Range<UInt64> {
    let asked = ProcessInfo.processInfo.environment["REDIS_BACKUP_FIRST_SEED"]
    let first = asked.flatMap { UInt64($0) } ?? 0
    return first..<first + seeds(few)
  }

  /// Bytes of the file with this seed.
  static func size(_ seed: UInt64, or small: Int) -> Int {
    large ? 1_000_000 * [1, 50, 5, 20, 2, 10][Int(seed % 6)] : small
  }

  /// How often the file with this seed is damaged: 1 to 20 times.
  static func damages(_ seed: UInt64) -> Int { 1 + Int(seed * 7 % 20) }

  private func expectGood(_ all: Salvaged) {
    #expect(all.share >= 0.99)
    #expect(all.wrong.isEmpty, "\(all.wrong.prefix(3))")
    #expect(all.unsuspected == 0)
    #expect(all.unreported == 0)
  }

  @Test(arguments: [
    [Damager.Kind.flip], [.zero], [.random], [.cut], [.insert],
    [.flip, .zero, .random, .cut, .insert],
  ])
  func keepsWhatIsNotDamaged(_ kinds: [Damager.Kind]) throws {
    var all = Salvaged()
    for seed in RepairAOFTests.seedRange(6) {
      all += try salvage(
        bytes: Self.size(seed, or: 400_000), databases: 1, count: Self.damages(seed), most: 65536,
        kinds: kinds, seed: seed)
    }
    print("repair AOF, \(kinds): \(all)")
    expectGood(all)
  }

  @Test func decidesDatabasesByKeys() throws {
    var all = Salvaged()
    for seed in RepairAOFTests.seedRange(6) {
      all += try salvage(
        bytes: Self.size(seed, or: 400_000), databases: 3, count: Self.damages(seed), most: 4096,
        kinds: [.flip, .zero, .random, .cut, .insert], seed: seed)
    }
    print("repair AOF of three databases: \(all)")
    expectGood(all)
  }

  @Test(arguments: [
    (Damager.Kind.duplicate, 400_000), (.overwrite, 400_000), (.duplicate, 12_000),
    (.overwrite, 12_000),
  ])
  func bytesWrittenTwiceAreFound(_ kind: Damager.Kind, _ size: Int) throws {
    var all = Salvaged()
    for seed in RepairAOFTests.seedRange(15) {
      all += try salvage(
        bytes: size, databases: 1, count: 1, most: min(65536, size / 3), kinds: [kind], seed: seed)
    }
    print("repair AOF of \(size) bytes, \(kind): \(all)")
    expectGood(all)
  }

  // MARK: - One by one

  private let set = (1...20).map { command("SET", "key\($0)", "value\($0)") }
  private func log(_ parts: [[UInt8]]) -> [UInt8] { command("SELECT", "0") + parts.flatMap { $0 } }

  @Test func undamagedIsCopied() throws {
    let (report, result) = try repair(log(set))
    #expect(result == log(set))
    #expect(!report.isDamaged && report.keptCommands == 21)
  }

  @Test func oneByteCostsOneCommand() throws {
    var bytes = log(set)
    let at = log(Array(set[..<9])).count
    bytes[at + 6] = 0x21
    let (report, result) = try repair(bytes)
    #expect(result == log(Array(set[..<9] + set[10...])))
    #expect(report.lostCount == 1 && report.lost[0].offset == at)
    #expect(report.lost[0].length == set[9].count)
  }

  @Test func wrongCountOfWordsCostsTheCommand() throws {
    // The first four words are a whole command; what follows shows that it was longer.
    let long = command("RPUSH", "list", "a", "b", "c")
    var short = long
    short[1] = 0x34
    let (report, result) = try repair(log([set[0], short, set[1], set[2]]))
    #expect(result == log([set[0], set[1], set[2]]))
    #expect(report.lostBytes == long.count)
  }

  /// A damaged length takes 40 commands into a word, and ends inside a command, or where one ends: they stay (seed
  /// 40101 of Benchmarks/repair).
  @Test(arguments: [false, true]) func commandsInsideAWrongLengthStay(_ endsWithOne: Bool) throws {
    let parts = (100..<200).map { command("SET", "key\($0)", "value\($0)") }
    let taken =
      parts[51].count - (endsWithOne ? 2 : "\r\n$6\r\nkey151\r\n$8\r\nvalue151\r\n".utf8.count)
    let inside = parts[11...50].reduce(0) { $0 + $1.count } + taken
    let wrong = String(decoding: parts[10], as: UTF8.self)
      .replacingOccurrences(of: "$8\r\nvalue110", with: "$\(inside + 10)\r\nvalue110")
    var damaged = parts
    damaged[10] = Array(wrong.utf8)
    // Damage in several places, so that words are looked at which fit.
    for index in [80, 90] { damaged[index].removeSubrange(10..<20) }
    let (report, result) = try repair(log(damaged))
    let lost = [10, 80, 90]
    #expect(result == log(parts.indices.filter { !lost.contains($0) }.map { parts[$0] }))
    #expect(report.keptCommands == parts.count - lost.count + 1)
    #expect(report.lost.first?.length == damaged[10].count)
  }

  @Test func lineEndsArePutRight() throws {
    var bytes = log(Array(set[..<5]))
    let whole = bytes
    bytes.removeSubrange(bytes.count - 2..<bytes.count)
    bytes += log(Array(set[5..<9])).dropFirst(command("SELECT", "0").count)
    let (report, result) = try repair(bytes)
    #expect(result == whole + set[5..<9].flatMap { $0 })
    #expect(report.lostCount == 0 && report.corrected.count == 1)
    let unix = Array(String(decoding: log(set), as: UTF8.self).replacing("\r\n", with: "\n").utf8)
    #expect(try repair(unix).result == log(set))
  }

  @Test func zerosAreTold() throws {
    let bytes = log(Array(set[..<10])) + [UInt8](repeating: 0, count: 4096)
    let (report, result) = try repair(bytes + set[10...].flatMap { $0 })
    #expect(result == log(set))
    #expect(report.lost[0].reason == "4096 zero bytes")
  }

  @Test func commandsInsideAValueAreNone() throws {
    let inner = (1...12).flatMap { command("SET", "inner\($0)", "x") }
    let outer = command("SET", "outer", String(decoding: inner, as: UTF8.self))
    var bytes = log([set[0], outer, set[1], set[2], set[3]])
    // The head of the command around them is damaged.
    bytes[log([set[0]]).count] = 0
    let (_, result) = try repair(bytes)
    #expect(result == log([set[0], set[1], set[2], set[3]]))
  }

  @Test func transactionsCloseAsServersDo() throws {
    let multi = command("MULTI")
    let exec = command("EXEC")
    // Cut at the end: goes as a whole.
    let (cut, first) = try repair(log([set[0], multi, set[1], set[2]]))
    #expect(first == log([set[0]]))
    #expect(cut.lost[0].readable == 3)
    // Damage took EXEC: the commands stay.
    var bytes = log([multi, set[0], exec, set[1], multi, set[2], exec])
    bytes[log([multi, set[0]]).count] = 0x21
    #expect(try repair(bytes).result == log([set[0], set[1], multi, set[2], exec]))
    // Damage took MULTI.
    bytes = log([set[3], multi, set[0], exec, set[1]])
    bytes[log([set[3]]).count] = 0x21
    #expect(try repair(bytes).result == log([set[3], set[0], set[1]]))
  }

  @Test func lostSelectIsNotGuessed() throws {
    let one = command("SELECT", "1")
    let other = (1...4).map { command("SET", "other\($0)", "x") }
    var bytes = log([set[0], set[1]]) + one + other[0] + command("SELECT", "0") + set[2]
    let at = bytes.count
    bytes += one + other[1] + other[2]
    bytes[at] = 0x21
    // Nothing tells where other2 and other3 belong.
    let (report, result) = try repair(bytes)
    #expect(result == log([set[0], set[1]]) + one + other[0] + command("SELECT", "0") + set[2])
    #expect(!report.undecided.isEmpty)
    var options = Repair.Options()
    options.assumedDatabase = 1
    let assumed = try repair(bytes, options).result
    #expect(assumed == result + one + other[1] + other[2])
    // A key that is known elsewhere tells.
    let known = bytes + other[0]
    #expect(try repair(known).result == result + one + other[1] + other[2] + other[0])
  }

  @Test func strictStopsAtTheFirstDamage() throws {
    var bytes = log(set)
    let at = log(Array(set[..<9])).count
    bytes[at] = 0x21
    var options = Repair.Options()
    options.strict = true
    #expect(try repair(bytes, options).result == log(Array(set[..<9])))
  }

  @Test func manifestIsMadeAnew() throws {
    let folder = directory.file("appendonlydir")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    _ = try directory.write(log([set[0]]), to: "appendonlydir/appendonly.aof.2.base.aof")
    var middle = log([set[1], set[2], set[3]])
    middle[log([set[1]]).count] = 0x21
    _ = try directory.write(middle, to: "appendonlydir/appendonly.aof.2.incr.aof")
    _ = try directory.write(log([set[4]]), to: "appendonlydir/appendonly.aof.3.incr.aof")
    let output = directory.file("repaired")
    let report = try Repair.run(folder, to: output)
    #expect(report.lostCount == 1 && report.keptCommands == 7)
    #expect(try Survey(Input(output)).isOK)
    let words = try Logs.words(output)
    #expect(words.filter { $0[0] == "SET" }.map { $0[1] } == ["key1", "key2", "key4", "key5"])
  }

  struct Case: Decodable {
    var file: String
    var kind: String
    var offset: Int
    var bytes: DamageVerdictTests.Piece?

    /// The damaged file.
    func damaged(_ label: String) throws -> [UInt8] {
      let whole = try Fixture.bytes("\(label)/\(file)")
      switch (kind, bytes) {
      case ("cut", _): return Array(whole[..<offset])
      case ("flip", .byte(let byte)?):
        var changed = whole
        changed[offset] = byte
        return changed
      case ("append", .base64(let more)?): return whole + more
      default: throw TestSupportError("unknown case \(self)")
      }
    }
  }

  static func damageSet(_ label: String) throws -> [Case] {
    let data = try Data(contentsOf: Fixture.url("\(label)/damage/cases.json"))
    return try JSONDecoder().decode([Case].self, from: data)
  }

  @Test(arguments: ["r4.0", "r7.0"]) func damageSets(_ label: String) throws {
    var strictKept = 0
    var kept = 0
    var saved = 0
    let cases = try Self.damageSet(label)
    for test in cases {
      let path = try directory.write(try test.damaged(label), to: "a.aof")
      var options = Repair.Options()
      options.replacing = true
      do {
        let report = try Repair.run(path, to: path + ".out", options)
        kept += report.kept
        saved += 1
        options.strict = true
        if let strict = try? Repair.run(path, to: path + ".strict", options) {
          strictKept += strict.kept
          #expect(report.kept >= strict.kept, "\(test)")
        }
      } catch { #expect("\(error)".contains("nothing of it can be saved"), "\(test): \(error)") }
    }
    print(
      "repair \(label)/damage: \(saved) of \(cases.count) files, \(kept) commands; up to the first damage \(strictKept)"
    )
    #expect(saved * 10 >= cases.count * 9)
  }
}

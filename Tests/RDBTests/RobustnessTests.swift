import Bytes
import Foundation
import RDB
import TestSupport
import Testing

/// Takes everything and keeps nothing.
struct NullSink: ValueSink {
  var count = 0
  mutating func begin(_ key: KeyDescription) { count &+= key.key.count }
  mutating func element(_ element: inout ValueElement) {
    count &+= element.first.count &+ element.second.count
  }
  mutating func stream(_ event: StreamEvent) { count &+= 1 }
  mutating func module(_ item: ModuleItem) { count &+= 1 }
  mutating func end() {}
}

/// A value of some fixture, with its dialect.
struct RawValue {
  var type: ValueType
  var dialect: RDBDialect
  var bytes: [UInt8]
}

/// Whatever the bytes are, the answer is an error or a success.
@Suite struct RobustnessTests {
  static let dumps = Fixture.files().filter { $0.hasSuffix(".rdb") }

  /// Reads all of it; true when the end was reached without an error.
  @discardableResult
  static func survives(_ bytes: ByteSlice, verifying: Bool = true) -> Bool {
    var isGood = true
    do throws(RDBError) {
      var reader = try RDBReader(ByteCursor(bytes))
      reader.verifiesChecksum = verifying
      var sink = NullSink()
      while true {
        do throws(RDBError) {
          switch try reader.next() {
          case .key: try reader.drain(into: &sink)
          case .end: return isGood
          default: break
          }
        } catch {
          isGood = false
          // Offsets are inside, so that people can look there.
          #expect(error.offset >= 0 && error.offset <= bytes.count)
          if !reader.canSkipValue { return false }
        }
      }
    } catch { return false }
  }

  @Test func everyCutIsAnError() throws {
    var cuts = 0
    for dump in RobustnessTests.dumps {
      let bytes = try Fixture.bytes(dump)
      if bytes.count >= 1 << 16 { continue }
      bytes.withByteSlice { all in
        withQuietThrows {
          for count in 0..<all.count {
            cuts += 1
            var reached = false
            do throws(RDBError) {
              var reader = try RDBReader(ByteCursor(all.prefix(count)))
              while !reached { if case .end = try reader.next() { reached = true } }
            } catch {
              let isTruncated = error.kind == .truncated || error.kind == .notAnRDB
              if !isTruncated { Issue.record("\(dump) cut at \(count): \(error)") }
            }
            if reached { Issue.record("\(dump) cut at \(count) reads to its end") }
            if count % 13 == 0 { RobustnessTests.survives(all.prefix(count)) }
          }
        }
      }
    }
    #expect(cuts > 400_000)
  }

  /// Every value of the fixtures, as it is and written anew without compression for others.
  static func values() throws -> [RawValue] {
    var values: [RawValue] = []
    func collect(_ bytes: [UInt8]) throws {
      try bytes.withByteSlice { slice in
        var reader = try RDBReader(ByteCursor(slice))
        reading: while true {
          switch try reader.next() {
          case .key:
            let type = reader.key.type
            let raw = try reader.rawValue()
            if raw.count <= 4096 {
              values.append(
                RawValue(type: type, dialect: reader.header.dialect, bytes: raw.bytes))
            }
          case .end: break reading
          default: break
          }
        }
      }
    }
    for label in ["live/live_2.4", "live/live_8.8", "r6.2/types", "r8.8/types", "v9.1/types"] {
      let path = Fixture.path(label + ".rdb")
      try collect(try Fixture.bytes(label + ".rdb"))
      for name in ["redis:2.6", "redis:6.2", "redis:7.0", "redis:8.10", "valkey:9.1"] {
        let target = try #require(RDBTarget(name))
        try collect(try Rewritten(path, target, compressing: false).bytes)
      }
    }
    return values
  }

  static let mutations =
    ProcessInfo.processInfo.environment["FUZZ_MUTATIONS"].flatMap { Int($0) } ?? 100_000

  @Test func mutatedValuesNeverTrap() throws {
    let values = try RobustnessTests.values()
    #expect(values.count > 1000)
    var random = SplitMix64(seed: 20_261_124)
    var decoder = ValueDecoder(dialect: .redis)
    var valkey = ValueDecoder(dialect: .valkey)
    var checker = ValueChecker()
    var writer = RestoreWriter(target: try #require(RDBTarget("redis:8.8")))
    var outcomes = [0, 0, 0]
    // A test run must end; so many seconds are enough for the default number by far.
    let limit = Date(timeIntervalSinceNow: Double(max(60, RobustnessTests.mutations / 2000)))
    for round in 0..<RobustnessTests.mutations {
      if round % 1000 == 0 && Date() > limit {
        Issue.record("only \(round) of \(RobustnessTests.mutations) mutations were tried in time")
        break
      }
      let value = values[random.below(values.count)]
      var bytes = value.bytes
      RobustnessTests.mutate(&bytes, &random)
      try bytes.withByteSlice { slice in
        let outcome =
          value.dialect == .redis
          ? try RobustnessTests.outcome(value.type, slice, &decoder, &checker, &writer)
          : try RobustnessTests.outcome(value.type, slice, &valkey, &checker, &writer)
        outcomes[outcome] += 1
      }
    }
    // All three must happen, or the mutations are of no use.
    #expect(outcomes.allSatisfy { $0 > 1000 }, "\(outcomes)")
  }

  /// 0 an error, 1 readable but damaged, 2 good. What is good can be written and read again.
  static func outcome(
    _ type: ValueType, _ bytes: ByteSlice, _ decoder: inout ValueDecoder,
    _ checker: inout ValueChecker, _ writer: inout RestoreWriter
  ) throws -> Int {
    var sink = NullSink()
    decoder.begin(type, bytes)
    var isReadable = false
    do throws(RDBError) {
      try decoder.reader.drain(into: &sink)
      isReadable = true
    } catch { if decoder.reader.canSkipValue { try? decoder.reader.skipValue() } }
    decoder.begin(type, bytes)
    do throws(RDBError) { try checker.check(&decoder.reader) } catch { return isReadable ? 1 : 0 }
    if !isReadable {
      Issue.record("the check accepts what can't be read: \(type) \(bytes.bytes)")
      return 0
    }
    decoder.begin(type, bytes)
    try decoder.reader.drain(into: &writer)
    if writer.loss.contains(.key) { return 2 }
    let payload = writer.payload.bytes
    try payload.withByteSlice { slice in
      var again = ValueDecoder(dialect: .redis)
      try again.begin(try RestorePayload(slice))
      var copy = NullSink()
      try again.reader.drain(into: &copy)
      // Streams may hold deleted entries, which are not written.
      if type.logical != .stream {
        #expect(copy.count == sink.count, "\(type) \(bytes.bytes)")
      }
    }
    return 2
  }

  static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    let interesting: [UInt8] = [
      0, 1, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xC0, 0xC3, 0xF0, 0xF4, 0xFE, 0xFF,
    ]
    for _ in 0...random.below(3) {
      if bytes.isEmpty { return }
      let at = random.below(bytes.count)
      switch random.below(7) {
      case 0: bytes[at] ^= 1 << UInt8(random.below(8))
      case 1: bytes[at] = UInt8(random.below(256))
      case 2: bytes[at] = interesting[random.below(interesting.count)]
      case 3: bytes.remove(at: at)
      case 4: bytes.insert(interesting[random.below(interesting.count)], at: at)
      case 5: bytes.removeLast(min(bytes.count, 1 + random.below(8)))
      default:
        // A pair of bytes counted up or down by one: sizes and counts.
        bytes[at] = random.below(2) == 0 ? bytes[at] &+ 1 : bytes[at] &- 1
      }
    }
  }

  @Test func mutatedFilesNeverTrap() throws {
    var random = SplitMix64(seed: 7)
    var files: [[UInt8]] = []
    for dump in RobustnessTests.dumps {
      let bytes = try Fixture.bytes(dump)
      if bytes.count < 1 << 16 { files.append(bytes) }
    }
    for _ in 0..<RobustnessTests.mutations / 20 {
      var bytes = files[random.below(files.count)]
      RobustnessTests.mutate(&bytes, &random)
      bytes.withByteSlice { slice in
        withQuietThrows { _ = RobustnessTests.survives(slice, verifying: false) }
      }
    }
  }

  @Test func windowsThatMoveGiveTheSameEvents() throws {
    for dump in RobustnessTests.dumps {
      let path = Fixture.path(dump)
      let mapped = try Collector.read(try InputFile.open(path))
      for (most, seed) in [(7, 1), (4096, 2)] {
        var faults = FaultyFileSystem.Faults()
        faults.mostBytes = most
        faults.seed = UInt64(seed)
        let files = FaultyFileSystem(faults)
        // Tiny pieces of large files take long and show nothing more.
        if most < 100 && mapped.events.count > 5000 { continue }
        let stream = try Collector.read(
          try InputFile.open(path, mapping: false, fileSystem: files))
        #expect(stream.events == mapped.events, "\(dump) in pieces of \(most)")
      }
    }
  }

  @Test func partlyReadValuesAreLeftBehind() throws {
    for dump in RobustnessTests.dumps {
      for taken in 0..<4 {
        var reader = try RDBReader(InputFile.open(Fixture.path(dump)))
        var keys = 0
        reading: while true {
          switch try reader.next() {
          case .key:
            keys += 1
            var element = ValueElement()
            for _ in 0..<taken {
              switch reader.key.type.logical {
              case .stream: _ = try reader.nextStreamEvent()
              case .module: _ = try reader.nextModuleItem()
              default: _ = try reader.nextElement(&element)
              }
            }
          case .end: break reading
          default: break
          }
        }
        #expect(keys > 0 || dump.contains("base"), "\(dump)")
      }
    }
  }

  @Test func bombsAreErrorsAndTakeNoMemory() throws {
    let before = RobustnessTests.peakMemory()
    for (name, bytes) in Bombs.dumps {
      let isGood = bytes.withByteSlice { RobustnessTests.survives($0) }
      #expect(!isGood, "\(name)")
      var checker = ValueChecker()
      bytes.withByteSlice { slice in
        do throws(RDBError) {
          var reader = try RDBReader(ByteCursor(slice))
          while true { if case .key = try reader.next() { try checker.check(&reader) } }
        } catch {}
      }
      // The same through a window, and walked without a look inside.
      let folder = try TemporaryDirectory()
      let path = try folder.write(bytes, to: "bomb.rdb")
      do throws(RDBError) {
        var reader = try RDBReader(try! InputFile.open(path, mapping: false))
        while true { if case .end = try reader.next() { break } }
        Issue.record("\(name) reads to an end")
      } catch {}
    }
    #expect(RobustnessTests.peakMemory() - before < 128 << 20)
  }

  /// The most memory this process had so far, in bytes.
  static func peakMemory() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
    return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
  }
}

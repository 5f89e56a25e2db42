import Bytes
import TestSupport
import Testing

@testable import RDB

/// Passing keys in one loop gives what reading them one by one gives, also of broken files.
@Suite struct PlainKeysTests {
  enum Way { case next, keys, checked }

  /// What a walk over a dump found.
  struct Outcome: Equatable {
    var keys = 0
    var expires = 0
    var expired = 0
    var databases = 0
    var error: RDBError?
  }

  /// What counts as expired in all ways but ``Way/keys``, which does not tell.
  static let now: Int64 = 4_103_000_000_000

  static func walk(_ bytes: ByteSlice, _ way: Way, _ filter: inout KeyFilter) -> Outcome {
    var outcome = Outcome()
    var checker = ValueChecker()
    do throws(RDBError) {
      var reader = try RDBReader(ByteCursor(bytes))
      reader.verifiesChecksum = false
      while true {
        switch way {
        case .next: break
        case .keys:
          let passed = try reader.passKeys()
          outcome.keys += passed.keys
          outcome.expires += passed.expires
        case .checked:
          let passed = try reader.checkKeys(&filter, &checker, now: now)
          outcome.keys += passed.keys
          outcome.expires += passed.expires
          outcome.expired += passed.expired
        }
        switch try reader.next() {
        case .key:
          outcome.keys += 1
          if let time = reader.key.expiresAt {
            outcome.expires += 1
            if time < now { outcome.expired += 1 }
          }
          if way == .checked {
            filter.add(KeyFilter.hash(reader.key.key, db: reader.key.db))
            try checker.check(&reader)
          } else {
            try reader.skipValue()
          }
        case .selectDB: outcome.databases += 1
        case .end: return outcome
        default: break
        }
      }
    } catch { outcome.error = error }
    return outcome
  }

  static func deep(_ bytes: ByteSlice) -> Outcome {
    var outcome = Outcome()
    var checker = ValueChecker()
    do throws(RDBError) {
      var reader = try RDBReader(ByteCursor(bytes))
      reader.verifiesChecksum = false
      while true {
        switch try reader.next() {
        case .key:
          outcome.keys += 1
          if let time = reader.key.expiresAt {
            outcome.expires += 1
            if time < now { outcome.expired += 1 }
          }
          try checker.check(&reader)
        case .selectDB: outcome.databases += 1
        case .end: return outcome
        default: break
        }
      }
    } catch { outcome.error = error }
    return outcome
  }

  @Test func allWaysFindTheSame() throws {
    var random = SplitMix64(seed: 20_261_124)
    var passed = 0
    var lapsed = 0
    for dump in RobustnessTests.dumps {
      let bytes = try Fixture.bytes(dump)
      // As it is, and with bytes changed.
      for round in 0..<(bytes.count < 1 << 16 ? 150 : 2) {
        var changed = bytes
        if round > 0 {
          var tail = Array(changed[9...])
          RobustnessTests.mutate(&tail, &random)
          changed = changed[..<9] + tail
        }
        changed.withByteSlice { slice in
          withQuietThrows {
            var filter = KeyFilter()
            let expected = PlainKeysTests.walk(slice, .next, &filter)
            var keys = PlainKeysTests.walk(slice, .keys, &filter)
            keys.expired = expected.expired
            if keys != expected { Issue.record("\(dump) \(round): \(keys), not \(expected)") }
            let checked = PlainKeysTests.walk(slice, .checked, &filter)
            let deep = PlainKeysTests.deep(slice)
            if checked != deep { Issue.record("\(dump) \(round): \(checked), not \(deep)") }
            passed += keys.keys
            lapsed += deep.expired
          }
        }
      }
    }
    #expect(passed > 10_000 && lapsed > 100)
  }

  @Test func keysThatAreThereTwiceAreFound() {
    var random = SplitMix64(seed: 3)
    for count in [0, 1, 2, 31, 32, 100, 5000, 40_000] {
      var filter = KeyFilter()
      var hashes: [UInt64: Int] = [:]
      for index in 0..<count {
        // Some lists get many; some hashes differ in their highest bits only.
        var hash = UInt64.random(in: 0...UInt64.max, using: &random)
        if index % 3 == 0 { hash &= 0x3F00_0000_0000_FFFF }
        if index % 1000 == 7 { hash = 0 }
        hashes[hash, default: 0] += 1
        filter.add(hash)
      }
      let expected = Set(hashes.filter { $0.value > 1 }.keys)
      #expect(filter.takeSuspects() == expected, "\(count)")
      #expect(filter.takeSuspects().isEmpty)
    }
  }
}

import Bytes
import TestSupport
import Testing

@testable import RDB

@Suite struct WideDuplicatesTests {
  /// Takes all hashes in as many passes as are asked for.
  private func found(_ hashes: [UInt64], elements: UInt64) -> (Set<UInt64>, passes: Int, Bool) {
    var wide = WideDuplicates(elements: elements)
    var passes = 0
    repeat {
      passes += 1
      for hash in hashes { wide.note(hash) }
    } while wide.endPass()
    return (Set(wide.found), passes, wide.isIncomplete)
  }

  @Test(arguments: [1 << 20, 20_000_000, 50_000_000] as [UInt64])
  func whatIsThereTwiceIsFound(_ elements: UInt64) {
    var random = SplitMix64(seed: elements)
    var hashes = (0..<200_000).map { _ in random.next() }
    hashes[17] = 0
    hashes[18] = UInt64.max
    #expect(found(hashes, elements: elements).0.isEmpty)
    var twice: Set<UInt64> = []
    for index in stride(from: 17, to: 200_000, by: 997) {
      twice.insert(hashes[index])
      hashes.insert(hashes[index], at: Int(random.next() % UInt64(hashes.count)))
    }
    // One that differs from another in its last bit only is not that one.
    hashes.append(hashes[5] ^ 1)
    let (got, passes, isIncomplete) = found(hashes, elements: elements)
    #expect(got.subtracting(twice).allSatisfy { $0 | 1 == hashes[5] | 1 })
    #expect(twice.isSubset(of: got))
    #expect(!isIncomplete)
    #expect(passes == Int((elements - 1) >> 24) + 2)
  }

  @Test func tooManyAreSaidToBeSo() {
    var random = SplitMix64(seed: 2)
    let half = (0..<300_000).map { _ in random.next() }
    let (got, _, isIncomplete) = found(half + half, elements: 1 << 20)
    #expect(isIncomplete && !got.isEmpty)
  }

  /// A value of more elements than are kept as a table, with or without one of them twice.
  private func dump(_ type: ValueType, count: Int, twice: Int?) -> [UInt8] {
    var bytes = Array("REDIS0009".utf8) + [type.rawValue, 1, UInt8(ascii: "k"), 0x80]
    bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    bytes.reserveCapacity(count * 12)
    for index in 0..<count {
      let element = index == count - 1 ? twice ?? index : index
      // Integers and texts, also the same number in both ways.
      if element % 2 == 0 && index % 3 > 0 {
        bytes.append(0xC2)
        for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: element >> shift)) }
      } else {
        let text = Array(String(element).utf8)
        bytes.append(UInt8(text.count))
        bytes += text
      }
      if type == .hash { bytes += [1, 0x76] }
      if type == .zset2 { bytes += [0, 0, 0, 0, 0, 0, 0, 0] }
    }
    return bytes + [0xFF, 0, 0, 0, 0, 0, 0, 0, 0]
  }

  @Test(arguments: [ValueType.set, .hash, .zset2]) func values(_ type: ValueType) throws {
    let count = Int(WideDuplicates.fewest) + 1000
    for twice in [nil, 0, 77, count - 2] {
      let bytes = dump(type, count: count, twice: twice)
      try bytes.withByteSlice { slice in
        var reader = try RDBReader(ByteCursor(slice))
        guard case .key = try reader.next() else {
          Issue.record("no key")
          return
        }
        var checker = ValueChecker()
        do throws(RDBError) {
          try checker.check(&reader)
          #expect(twice == nil && checker.elements == count, "\(type) \(String(describing: twice))")
        } catch {
          guard twice != nil, case .corrupt(_, .duplicate) = error.kind else { throw error }
        }
      }
    }
  }
}

import TestSupport
import Testing

@testable import Bytes

/// The place of changed bytes, found in strides of several bytes, must be the one that is found byte by byte.
@Suite struct LocateTests {
  /// Byte by byte: where one zero byte less is behind, only the lowest bytes differ.
  private func slowly(_ difference: UInt64, _ length: Int) -> CRC64.Burst? {
    let lengthBits = Int.bitWidth - length.leadingZeroBitCount
    let limit = UInt64(1) << UInt64(8 * max(1, min(4, (44 - lengthBits) / 8)))
    let entries = (0...255).map { byte in [UInt8(byte)].withByteSlice { CRC64.checksum($0) } }
    var state = difference
    for steps in 1...length {
      guard let byte = entries.firstIndex(where: { $0 >> 56 == state >> 56 }) else { return nil }
      state = (state ^ entries[byte]) << 8 | UInt64(byte)
      guard state < limit else { continue }
      let flips = (0..<8).map { UInt8(truncatingIfNeeded: state >> (8 * UInt64($0))) }
      let used = (flips.lastIndex { $0 != 0 } ?? -1) + 1
      return used <= steps
        ? CRC64.Burst(offset: length - steps, flips: Array(flips[..<used])) : nil
    }
    return nil
  }

  @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 31, 40]) func everyPlace(_ length: Int) {
    var random = SplitMix64(seed: UInt64(length))
    for count in 1...min(4, length) {
      for offset in 0...length - count {
        var flips = random.bytes(count)
        flips[0] |= 1
        flips[count - 1] |= 1
        var changes = [UInt8](repeating: 0, count: length)
        changes.replaceSubrange(offset..<offset + count, with: flips)
        let difference = changes.withByteSlice { CRC64.checksum($0) }
        let found = CRC64.locate(difference: difference, length: length)
        #expect(found == slowly(difference, length))
        // A change of the last bytes may be told otherwise: fewer of the bytes are left then.
        if offset + 8 <= length { #expect(found == CRC64.Burst(offset: offset, flips: flips)) }
      }
    }
  }

  @Test func differencesOfAnyKind() {
    var random = SplitMix64(seed: 99)
    for round in 0..<2000 {
      // Few bits too, in front of which a burst may seem to be.
      let difference = random.next() >> UInt64(random.below(64))
      if difference == 0 { continue }
      let length = 1 + random.below(round % 4 == 0 ? 3000 : 30)
      #expect(
        CRC64.locate(difference: difference, length: length) == slowly(difference, length),
        "\(difference) \(length)")
    }
  }

  @Test(arguments: [100_000, 1 << 21]) func farFromTheEnd(_ length: Int) {
    for (offset, flips) in [(0, [1, 2]), (1, [255]), (5, [3, 0, 4]), (length - 9, [7])]
      as [(Int, [UInt8])]
    where length < 1 << 20 || flips.count < 3 {
      var changes = [UInt8](repeating: 0, count: length)
      changes.replaceSubrange(offset..<offset + flips.count, with: flips)
      let difference = changes.withByteSlice { CRC64.checksum($0) }
      #expect(
        CRC64.locate(difference: difference, length: length)
          == CRC64.Burst(offset: offset, flips: flips))
    }
  }
}

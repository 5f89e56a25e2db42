import CLZF
import TestSupport
import Testing

@testable import Bytes

/// Our decompressor against liblzf's, on honest and on broken input.
@Suite struct LZFTests {
  /// What liblzf makes of `source`, or nil.
  static func oracle(_ source: [UInt8], _ length: Int) -> [UInt8]? {
    var output = [UInt8](repeating: 0, count: max(length, 1))
    let got = unsafe source.withUnsafeBytes { input in
      unsafe output.withUnsafeMutableBytes { target in
        unsafe lzf_decompress(
          input.baseAddress, UInt32(input.count), target.baseAddress, UInt32(length))
      }
    }
    return Int(got) == length ? Array(output[..<length]) : nil
  }

  static func ours(_ source: [UInt8], _ length: Int, _ scratch: inout ScratchBuffer) -> [UInt8]? {
    // At the end of its allocation, so that a read behind it is seen by the sanitizer.
    let owned = OwnedBytes(source)
    guard LZF.decompress(owned.slice, length: length, into: &scratch) else { return nil }
    return scratch.slice.bytes
  }

  /// Bytes with repetitions of all distances and lengths.
  static func sample(_ random: inout SplitMix64, _ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      switch random.below(3) {
      case 0: bytes += random.bytes(1 + random.below(40), letters: 1 + random.below(256))
      default:
        guard !bytes.isEmpty else { continue }
        let distance =
          1 + random.below(min(bytes.count, [1, 8, 17, 300, 8192, 10_000][random.below(6)]))
        for _ in 0..<(1 + random.below([10, 300][random.below(2)])) {
          bytes.append(bytes[bytes.count - distance])
        }
      }
    }
    return Array(bytes[..<count])
  }

  @Test func roundTrips() {
    var random = SplitMix64(seed: 1)
    var packed = ScratchBuffer()
    var scratch = ScratchBuffer()
    var compressed = 0
    for round in 0..<3000 {
      let bytes = LZFTests.sample(&random, round < 300 ? round : random.below(20_000))
      guard bytes.withByteSlice({ LZF.compress($0, into: &packed) }) else {
        #expect(packed.count == 0)
        continue
      }
      compressed += 1
      #expect(packed.count <= bytes.count - 4)
      let source = packed.slice.bytes
      #expect(LZFTests.ours(source, bytes.count, &scratch) == bytes)
      #expect(LZFTests.ours(source, bytes.count - 1, &scratch) == nil)
      #expect(LZFTests.ours(source, bytes.count + 1, &scratch) == nil)
    }
    #expect(compressed > 2000)
  }

  @Test func compressionIsTheSameEveryTime() {
    var random = SplitMix64(seed: 2)
    var first = ScratchBuffer()
    var second = ScratchBuffer()
    for _ in 0..<300 {
      let bytes = LZFTests.sample(&random, 4000)
      let other = random.bytes(4000, letters: 3)
      _ = bytes.withByteSlice { LZF.compress($0, into: &first) }
      _ = other.withByteSlice { LZF.compress($0, into: &second) }
      _ = bytes.withByteSlice { LZF.compress($0, into: &second) }
      #expect(first.slice == second.slice)
    }
  }

  /// What is not tried could not have been compressed, and much of what could not is not tried.
  @Test func onlyWhatCanNotShrinkIsNotTried() {
    var random = SplitMix64(seed: 5)
    var packed = ScratchBuffer()
    var room = [UInt8](repeating: 0, count: 4096)
    var counts = (shrunk: 0, tried: 0, untried: 0)
    for round in 0..<60_000 {
      // Some of the texts are near the border: a few repetitions among bytes that seldom repeat.
      var bytes = random.bytes(5 + random.below(1100), letters: 2 + random.below(255))
      for _ in 0..<random.below(12) where round % 2 == 0 {
        let length = min(3 + random.below(8), bytes.count / 2)
        let from = random.below(bytes.count - length)
        let to = random.below(bytes.count - length)
        bytes.replaceSubrange(to..<to + length, with: Array(bytes[from..<from + length]))
      }
      let shrinks =
        unsafe lzf_compress(bytes, UInt32(bytes.count), &room, UInt32(bytes.count - 4)) > 0
      let mayShrink = bytes.withByteSlice { LZF.mayShrink($0, &packed) }
      switch (shrinks, mayShrink) {
      case (true, true): counts.shrunk += 1
      case (false, true): counts.tried += 1
      case (false, false): counts.untried += 1
      case (true, false): Issue.record("\(bytes) can be compressed")
      }
    }
    #expect(counts.shrunk > 10_000 && counts.untried > 10_000, "\(counts)")
    #expect(counts.tried < counts.untried, "\(counts)")
  }

  @Test func brokenInputAgreesWithLiblzf() {
    var random = SplitMix64(seed: 3)
    var packed = ScratchBuffer()
    var scratch = ScratchBuffer()
    var refused = 0
    for round in 0..<40_000 {
      let length = 6 + random.below(400)
      var source: [UInt8]
      if round % 4 == 0 {
        source = random.bytes(1 + random.below(60), letters: [256, 40][round / 4 % 2])
      } else {
        let bytes = LZFTests.sample(&random, length)
        guard bytes.withByteSlice({ LZF.compress($0, into: &packed) }) else { continue }
        source = packed.slice.bytes
        for _ in 0..<random.below(4) {
          source[random.below(source.count)] = UInt8.random(in: 0...255, using: &random)
        }
        if random.below(4) == 0 { source.removeLast(random.below(source.count)) }
      }
      guard !source.isEmpty else { continue }
      let wanted = LZFTests.oracle(source, length)
      let got = LZFTests.ours(source, length, &scratch)
      #expect(got == wanted, "\(source) \(length)")
      if wanted == nil {
        refused += 1
        #expect(scratch.count == 0)
      }
    }
    #expect(refused > 10_000 && refused < 39_000)
  }

  @Test func claimsTakeNoMemory() {
    var scratch = ScratchBuffer()
    let before = Memory.peak()
    for length in [Int.max, 1 << 62, 1 << 40, 3 * 88 + 1, -1] {
      #expect(LZFTests.ours([0xE0, 0xFF, 0], length, &scratch) == nil)
    }
    #expect(Memory.peak() - before < 32 << 20)
    #expect(LZFTests.ours([], 0, &scratch) == [])
    #expect(LZFTests.ours([], 1, &scratch) == nil)
    // One byte, repeated 264 times: nothing makes more of three bytes.
    #expect(LZFTests.ours([0, 0x61, 0xE0, 0xFF, 0], 265, &scratch)?.count == 265)
  }

  /// What decompresses is told without decompressing it.
  @Test func givesTellsWhatDecompressDoes() {
    var random = SplitMix64(seed: 4)
    var packed = ScratchBuffer()
    var scratch = ScratchBuffer()
    var counts = [0, 0]
    for _ in 0..<20_000 {
      let bytes = LZFTests.sample(&random, 5 + random.below(600))
      guard bytes.withByteSlice({ LZF.compress($0, into: &packed) }) else { continue }
      var source = packed.slice.bytes
      var length = bytes.count
      for _ in 0..<random.below(3) {
        switch random.below(4) {
        case 0: source[random.below(source.count)] = UInt8(random.below(256))
        case 1: source.removeLast(min(source.count - 1, 1 + random.below(3)))
        case 2: length += random.below(3) - 1
        default: source.append(UInt8(random.below(256)))
        }
      }
      let owned = OwnedBytes(source)
      let expected = LZF.decompress(owned.slice, length: length, into: &scratch)
      counts[expected ? 1 : 0] += 1
      if LZF.gives(length, from: owned.slice) != expected {
        Issue.record("\(source) as \(length) bytes")
      }
    }
    #expect(counts[0] > 1000 && counts[1] > 1000, "\(counts)")
  }

  /// A reference may reach back to the very first byte of the output, no further; far from both ends
  /// (where another loop works) as near them. Such streams are made by hand: compressors seldom do.
  @Test func referencesReachTheFirstByteAndNoFurther() {
    var scratch = ScratchBuffer()
    for produced in 1...32 {
      for behind in [0, 40] {
        for excess in [0, 1] {
          let distance = produced + excess - 1
          var source: [UInt8] = [UInt8(produced - 1)]
          source += (0..<produced).map { UInt8($0 + 1) }
          // Five bytes from `distance` + 1 back.
          source += [UInt8(3 << 5 | distance >> 8), UInt8(distance & 0xFF)]
          var length = produced + 5
          for _ in 0..<behind {
            source += [31] + [UInt8](repeating: 0x61, count: 32)
            length += 32
          }
          let expected = LZFTests.oracle(source, length)
          #expect((expected == nil) == (excess == 1))
          #expect(LZFTests.ours(source, length, &scratch) == expected, "\(produced), \(behind)")
        }
      }
    }
  }
}

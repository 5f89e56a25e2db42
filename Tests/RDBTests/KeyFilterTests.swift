import Bytes
import RDB
import TestSupport
import Testing

@Suite struct KeyFilterTests {
  private func suspects(_ hashes: [UInt64]) -> Set<UInt64> {
    var filter = KeyFilter()
    for hash in hashes { filter.add(hash) }
    return filter.takeSuspects()
  }

  @Test func whatIsThereTwiceIsFound() {
    var random = SplitMix64(seed: 3)
    var hashes = (0..<50_000).map { _ in random.next() }
    hashes += [0, 0, .max, .max, hashes[7], hashes[40_000]]
    #expect(suspects(hashes) == [0, .max, hashes[7], hashes[40_000]])
  }

  @Test func nothingTwiceIsNoSuspect() {
    var random = SplitMix64(seed: 4)
    #expect(suspects((0..<50_000).map { _ in random.next() }) == [])
    #expect(suspects([]) == [])
  }

  /// Names can be made so that their hashes share the first byte and the last bits; then a set compares
  /// them, and the time does not grow with the square of their number.
  @Test func hashesMadeToLieTogetherAreCompared() {
    let hashes = (0..<200_000).map { 0xAB << 56 | UInt64($0) << 24 | 0x123 }
    #expect(suspects(hashes) == [])
    #expect(suspects(hashes + [hashes[5], hashes[199_999]]) == [hashes[5], hashes[199_999]])
  }
}

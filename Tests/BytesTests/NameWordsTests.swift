import TestSupport
import Testing

@testable import Bytes

/// What tables keep of a name tells it from every other of its length, if it is short.
@Suite struct NameWordsTests {
  private static func words(_ name: [UInt8]) -> NameWords {
    // At the end of its allocation, so that a read behind it is seen by the sanitizer.
    let owned = OwnedBytes(name)
    return withExtendedLifetime(owned) { NameWords(owned.slice) }
  }

  @Test(arguments: 0...60)
  func everyByteCounts(length: Int) {
    var random = SplitMix64(seed: UInt64(length))
    let name = random.bytes(length, letters: 256)
    let words = NameWordsTests.words(name)
    #expect(words == NameWordsTests.words(name))
    for place in 0..<length {
      var other = name
      other[place] ^= 1 << UInt8(random.below(8))
      let isKept = length <= NameWords.most || place < 16 || place >= length - 8
      #expect((NameWordsTests.words(other) != words) == isKept, "byte \(place)")
    }
  }
}

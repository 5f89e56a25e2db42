import Bytes
import Operations
import Testing

/// Whether the server's `stringmatchlen` says the same.
@Suite struct GlobTests {
  private func matches(_ pattern: String, _ key: String) -> Bool {
    Array(key.utf8).withByteSlice { Glob(pattern).matches($0) }
  }

  @Test(arguments: [
    ("*", "", true), ("", "", true), ("**", "", false), ("", "a", false),
    ("*", "anything", true), ("a*", "a", true), ("a**", "a", true), ("a*", "b", false),
    ("*a", "ba", true), ("*a", "bab", false), ("a*c", "abc", true), ("a*c", "ac", true),
    ("a*b*c", "axbxbxc", true), ("a*b*c", "axbxbx", false), ("?", "a", true), ("?", "ab", false),
    ("h[ae]llo", "hello", true), ("h[ae]llo", "hillo", false), ("h[^e]llo", "hello", false),
    ("h[^e]llo", "hallo", true), ("[a-c]", "b", true), ("[c-a]", "b", true), ("[a-c]", "d", false),
    ("\\*", "*", true), ("\\*", "a", false), ("\\", "\\", true), ("a\\", "a\\", true),
    ("[\\]]", "]", true), ("[abc", "c", true), ("[abc", "d", false), ("[", "a", false),
    ("[^", "a", true), ("[]", "a", false), ("[]]", "]", false), ("[a-]", "_", true),
    ("user:[0-9]*:name", "user:17:name", true), ("user:[0-9]*:name", "user:x:name", false),
  ])
  func answersAsTheServer(pattern: String, key: String, expected: Bool) {
    #expect(matches(pattern, key) == expected, "\(pattern) on \(key)")
  }

  @Test func bytesAboveASCII() {
    let key: [UInt8] = [0xFF, 0x00, 0x80]
    key.withByteSlice { slice in
      #expect(Glob([0x3F, 0x3F, 0x3F]).matches(slice))
      #expect(Glob([0xFF, 0x2A]).matches(slice))
      #expect(Glob([0x5B, 0xF0, 0x2D, 0xFF, 0x5D, 0x2A]).matches(slice))
      #expect(!Glob([0x5B, 0x5E, 0xFF, 0x5D, 0x2A]).matches(slice))
    }
  }

  /// Patterns that take exponential time when matched by plain recursion.
  @Test func manyStarsAreQuick() {
    let pattern = String(repeating: "a*", count: 400) + "b"
    #expect(!matches(pattern, String(repeating: "a", count: 2000)))
  }
}

public import Bytes

/// A pattern of Redis, as KEYS, SCAN and PSUBSCRIBE understand it.
///
/// ```text
///     *        any bytes, also none        [a-z]   one byte of these; ranges in either order
///     ?        any one byte                [^a]    one byte that is none of these
///     \x       the byte x itself           an open [ reaches to the end of the pattern
/// ```
///
/// The same answers as the server's `stringmatchlen`, its odd corners included: an empty key is
/// matched by the empty pattern and by `*` alone. One difference: where a range has one end above
/// 0x7F, bytes count as unsigned here; servers on x86 take them as signed.
///
/// Time is bounded by pattern length times key length.
public struct Glob: Sendable {
  /// The pattern as it was given.
  public let pattern: [UInt8]

  private enum Token: Sendable {
    case byte(UInt8), anyByte, anyBytes
    case set(Int)
  }

  private var tokens: [Token] = []
  private var sets: [ByteSet] = []
  /// How many tokens at the start are plain bytes.
  private var literalPrefix = 0

  /// Compiles `pattern`.
  public init(_ pattern: [UInt8]) {
    self.pattern = pattern
    var at = 0
    while at < pattern.count {
      let byte = pattern[at]
      switch byte {
      case 0x2A:
        if case .anyBytes? = tokens.last {} else { tokens.append(.anyBytes) }
      case 0x3F: tokens.append(.anyByte)
      case 0x5B:
        at = readSet(from: at + 1)
        continue
      case 0x5C where at + 1 < pattern.count:
        at += 1
        tokens.append(.byte(pattern[at]))
      default: tokens.append(.byte(byte))
      }
      at += 1
    }
    for token in tokens {
      guard case .byte = token else { break }
      literalPrefix += 1
    }
  }

  /// Compiles the UTF-8 of `pattern`.
  public init(_ pattern: String) { self.init(Array(pattern.utf8)) }

  /// Reads what follows a `[`; returns where the pattern goes on.
  private mutating func readSet(from start: Int) -> Int {
    var at = start
    var set = ByteSet()
    let isNegated = at < pattern.count && pattern[at] == 0x5E
    if isNegated { at += 1 }
    while at < pattern.count {
      let left = pattern.count - at
      if left >= 2 && pattern[at] == 0x5C {
        at += 1
        set.insert(pattern[at])
      } else if pattern[at] == 0x5D {
        at += 1
        break
      } else if left >= 3 && pattern[at + 1] == 0x2D {
        let low = min(pattern[at], pattern[at + 2])
        let high = max(pattern[at], pattern[at + 2])
        for byte in low...high { set.insert(byte) }
        at += 2
      } else {
        set.insert(pattern[at])
      }
      at += 1
    }
    if isNegated { set.invert() }
    sets.append(set)
    tokens.append(.set(sets.count - 1))
    return at
  }

  /// Whether the whole of `key` matches.
  public func matches(_ key: ByteSlice) -> Bool {
    let count = tokens.count
    // The server never looks at an empty key, except for the pattern `*`, which it takes for "all".
    if key.isEmpty { return count == 0 || pattern == [0x2A] }
    guard key.count >= literalPrefix else { return false }
    var at = 0
    var token = 0
    // Where to go on when what follows the last `*` did not match.
    var retryToken = -1
    var retryAt = 0
    while at < key.count {
      if token < count {
        let byte = key[at]
        let fits: Bool
        switch tokens[token] {
        case .byte(let wanted): fits = wanted == byte
        case .anyByte: fits = true
        case .set(let index): fits = sets[index].contains(byte)
        case .anyBytes:
          token += 1
          if token == count { return true }
          retryToken = token
          retryAt = at
          continue
        }
        if fits {
          at += 1
          token += 1
          continue
        }
      }
      guard retryToken >= 0 else { return false }
      retryAt += 1
      at = retryAt
      token = retryToken
    }
    if token < count, case .anyBytes = tokens[token] { token += 1 }
    return token == count
  }
}

/// A set of byte values.
struct ByteSet: Sendable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  mutating func insert(_ byte: UInt8) {
    let bit = UInt64(1) << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: words.0 |= bit
    case 1: words.1 |= bit
    case 2: words.2 |= bit
    default: words.3 |= bit
    }
  }

  mutating func invert() { words = (~words.0, ~words.1, ~words.2, ~words.3) }

  func contains(_ byte: UInt8) -> Bool {
    let word =
      switch byte >> 6 {
      case 0: words.0
      case 1: words.1
      case 2: words.2
      default: words.3
      }
    return word >> UInt64(byte & 63) & 1 != 0
  }
}

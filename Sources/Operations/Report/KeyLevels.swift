import Bytes

/// Takes names of keys apart at separators: `user:17:cart` stands below `user:` and `user:*:`.
///
/// A part that looks like an id becomes `*`, so that all users are one prefix and not a million:
/// - digits only;
/// - at least 8 hexadecimal digits and hyphens, with a decimal digit among them: UUIDs, hashes, dates;
/// - at least 20 letters, digits, `_` and `-`, an eighth of them digits: tokens.
///
/// Braces around it (of a cluster's hash tag) stay. Behind an id the whole name is a level too, when
/// it ends in a word: `user:*:cart`. What stands there is a glob: `\`, `*`, `?` and `[` of the name
/// itself have a backslash before them.
struct KeyLevels: ~Copyable {
  /// How names are taken apart.
  struct Style: Sendable {
    /// The bytes that end a part.
    var separators: [UInt8] = [0x3A]
    /// How many levels at most.
    var depth = 4
    /// Whether ids stay as they are.
    var isLiteral = false
  }

  /// Longer prefixes are not made.
  static let longestPrefix = 512
  /// The most levels there can be.
  static let deepest = 16

  /// How many levels the name has that was read last.
  private(set) var count = 0
  /// Whether the last level is the whole name.
  private(set) var endsWhole = false

  private let depth: Int
  private let isLiteral: Bool
  /// One bit for what each byte is.
  private let kinds: [UInt8]
  private var text = ScratchBuffer(capacity: 2 * KeyLevels.longestPrefix)
  private var ends = [Int](repeating: 0, count: KeyLevels.deepest)

  private static let digit: UInt8 = 1
  private static let hexLetter: UInt8 = 2
  private static let letter: UInt8 = 4
  private static let hyphen: UInt8 = 8
  private static let other: UInt8 = 16
  private static let special: UInt8 = 32
  private static let separator: UInt8 = 64

  init(_ style: Style) {
    depth = min(max(style.depth, 0), KeyLevels.deepest)
    isLiteral = style.isLiteral
    var kinds = [UInt8](repeating: KeyLevels.other, count: 256)
    for byte in UInt8(ascii: "a")...UInt8(ascii: "z") {
      let kind = byte <= UInt8(ascii: "f") ? KeyLevels.hexLetter : KeyLevels.letter
      kinds[Int(byte)] = kind
      kinds[Int(ASCII.uppercased(byte))] = kind
    }
    for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { kinds[Int(byte)] = KeyLevels.digit }
    kinds[Int(UInt8(ascii: "-"))] = KeyLevels.hyphen
    kinds[Int(UInt8(ascii: "_"))] = KeyLevels.letter
    // Braces do not count.
    kinds[Int(UInt8(ascii: "{"))] = 0
    kinds[Int(UInt8(ascii: "}"))] = 0
    for byte in #"\*?["#.utf8 { kinds[Int(byte)] = KeyLevels.other | KeyLevels.special }
    for byte in style.separators { kinds[Int(byte)] = KeyLevels.separator }
    self.kinds = kinds
  }

  /// Takes `key` apart; the levels are valid until the next call.
  mutating func read(_ key: ByteSlice) {
    text.clear()
    count = 0
    endsWhole = false
    var from = 0
    var seen: UInt8 = 0
    var digits = 0
    var hasIDs = false
    var at = 0
    let most = min(key.count, KeyLevels.longestPrefix)
    while count < depth {
      if at == most {
        guard at == key.count, hasIDs, at > from else { return }
        if isID(seen, digits, at - from) { return }
        append(key, from, at, seen)
        end()
        endsWhole = true
        return
      }
      let byte = key[at]
      let kind = kinds[Int(byte)]
      at += 1
      if kind != KeyLevels.separator {
        seen |= kind
        if kind == KeyLevels.digit { digits += 1 }
        continue
      }
      let length = at - 1 - from
      if isID(seen, digits, length) {
        hasIDs = true
        if key[from] == UInt8(ascii: "{") { text.append(UInt8(ascii: "{")) }
        text.append(UInt8(ascii: "*"))
        if key[at - 2] == UInt8(ascii: "}") { text.append(UInt8(ascii: "}")) }
      } else {
        append(key, from, at - 1, seen)
      }
      text.append(byte)
      end()
      from = at
      seen = 0
      digits = 0
    }
  }

  /// The level at `index`, from the shortest.
  subscript(index: Int) -> ByteSlice { text.slice.prefix(ends[index]) }

  private mutating func end() {
    ends[count] = text.count
    count += 1
  }

  @inline(__always) private func isID(_ seen: UInt8, _ digits: Int, _ length: Int) -> Bool {
    if digits == 0 || isLiteral { return false }
    if seen == KeyLevels.digit { return true }
    if seen & ~(KeyLevels.digit | KeyLevels.hexLetter | KeyLevels.hyphen) == 0 {
      return length >= 8
    }
    return seen & (KeyLevels.other | KeyLevels.special) == 0 && length >= 20
      && digits >= length / 8
  }

  private mutating func append(_ key: ByteSlice, _ from: Int, _ to: Int, _ seen: UInt8) {
    if isLiteral || seen & KeyLevels.special == 0 {
      text.append(key.slice(at: from, count: to - from))
      return
    }
    for index in from..<to {
      if kinds[Int(key[index])] & KeyLevels.special != 0 { text.append(UInt8(ascii: "\\")) }
      text.append(key[index])
    }
  }
}

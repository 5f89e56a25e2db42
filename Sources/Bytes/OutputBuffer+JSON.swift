/// Bytes as JSON strings and as base64, the two forms in which exports carry them.
extension OutputBuffer {
  /// Writes `bytes` as a JSON string (RFC 8259), quotes included, when they are UTF-8, and tells
  /// whether they were; otherwise nothing is written. Only `"`, `\` and what lies below U+0020 is
  /// escaped.
  public mutating func writeJSON(string bytes: ByteSlice) -> Bool {
    let count = bytes.count
    guard count <= JSONText.piece else { return writeLongJSON(bytes) }
    // Scanned while it is copied; taken back when it turns out to be no UTF-8.
    let target = unsafe room(6 * JSONText.piece + 16)
    unsafe target.storeBytes(of: 0x22, as: UInt8.self)
    let length = unsafe JSONText.escape(bytes, to: target + 1, validated: false)
    if length < 0 { return false }
    unsafe target.storeBytes(of: 0x22, toByteOffset: length &+ 1, as: UInt8.self)
    used &+= length &+ 2
    return true
  }

  @inline(never) private mutating func writeLongJSON(_ bytes: ByteSlice) -> Bool {
    guard JSONText.isUTF8(bytes) else { return false }
    write(0x22)
    var at = 0
    while at < bytes.count {
      // Escapes are single bytes, so that a piece may end anywhere.
      let length = min(JSONText.piece, bytes.count - at)
      let target = unsafe room(6 * JSONText.piece + 16)
      used &+= unsafe JSONText.escape(
        bytes.slice(at: at, count: length), to: target, validated: true)
      at += length
    }
    write(0x22)
    return true
  }

  /// Writes the base64 of `bytes` (RFC 4648, padded), without quotes.
  public mutating func write(base64 bytes: ByteSlice) {
    var at = 0
    while at < bytes.count {
      let piece = min(720, bytes.count - at)
      used &+= unsafe JSONText.encodeBase64(
        bytes.slice(at: at, count: piece), to: room(piece / 3 * 4 + 8))
      at += piece
    }
  }
}

extension ScratchBuffer {
  /// Adds the base64 of `bytes` (RFC 4648, padded).
  public mutating func append(base64 bytes: ByteSlice) {
    let start = unsafe unusedStart(bytes.count / 3 * 4 + 8)
    grow(by: unsafe JSONText.encodeBase64(bytes, to: start))
  }
}

extension ByteSlice {
  /// Whether the bytes are UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF.
  public var isUTF8: Bool { JSONText.isUTF8(self) }
}

/// The inner loops of JSON strings and base64.
enum JSONText {
  /// The high bit of every byte of `word` that can't stand in a JSON string as it is: `"`, `\`,
  /// below 0x20, and above 0x7F. Exact for the lowest such byte.
  @inline(__always) static func special(_ word: UInt64) -> UInt64 {
    // Differences borrow into bit 7 where the byte is smaller; bytes above 0x7F are or-ed in.
    let quote = (word ^ 0x2222_2222_2222_2222) &- 0x0101_0101_0101_0101
    let slash = (word ^ 0x5C5C_5C5C_5C5C_5C5C) &- 0x0101_0101_0101_0101
    let control = word &- 0x2020_2020_2020_2020
    return ((quote | slash | control) & ~word | word) & 0x8080_8080_8080_8080
  }

  /// The high bit of every byte of `word` that must be escaped: as above, without those above 0x7F.
  @inline(__always) static func escaped(_ word: UInt64) -> UInt64 {
    let quote = (word ^ 0x2222_2222_2222_2222) &- 0x0101_0101_0101_0101
    let slash = (word ^ 0x5C5C_5C5C_5C5C_5C5C) &- 0x0101_0101_0101_0101
    let control = word &- 0x2020_2020_2020_2020
    return (quote | slash | control) & ~word & 0x8080_8080_8080_8080
  }

  /// Strings up to this length are written in one go; six times as many bytes, the most that they
  /// can become, fit the smallest output buffer.
  static let piece = 160

  // SAFETY: reads lie inside `bytes`. Of every byte that is read at most six are written, plus up
  // to seven behind the last; the caller owns 6 * bytes.count + 8 bytes from `target` on.
  /// Copies `bytes`, escaped, and returns how many bytes that are; -1 when they are no UTF-8, which
  /// is not looked at when they were `validated` before.
  @unsafe @inline(__always) static func escape(
    _ bytes: ByteSlice, to target: UnsafeMutableRawPointer, validated: Bool
  ) -> Int {
    let count = bytes.count
    let source = unsafe bytes.start
    var at = 0
    var out = 0
    var known = validated
    while at &+ 8 <= count {
      let word = unsafe source.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      unsafe target.storeBytes(of: word, toByteOffset: out, as: UInt64.self)
      if special(word) == 0 {
        at &+= 8
        out &+= 8
        continue
      }
      if !known && word & 0x8080_8080_8080_8080 != 0 {
        // What lies before is ASCII.
        if !isUTF8(bytes.dropFirst(at)) { return -1 }
        known = true
      }
      let hit = escaped(word)
      if hit == 0 {
        at &+= 8
        out &+= 8
        continue
      }
      let plain = hit.trailingZeroBitCount &>> 3
      at &+= plain
      out &+= plain
      let byte = unsafe source.load(fromByteOffset: at, as: UInt8.self)
      out &+= unsafe escape(byte, to: target + out)
      at &+= 1
    }
    if at < count {
      // The rest as a word of its own, filled up with letters.
      let left = count &- at
      let word = unsafe rest(source, count, left) | 0x6161_6161_6161_6161 &<< UInt64(left &* 8)
      if special(word) == 0 {
        unsafe target.storeBytes(of: word, toByteOffset: out, as: UInt64.self)
        return out &+ left
      }
    }
    while at < count {
      let byte = unsafe source.load(fromByteOffset: at, as: UInt8.self)
      if byte >= 0x80 && !known {
        if !isUTF8(bytes.dropFirst(at)) { return -1 }
        known = true
      }
      if byte < 0x20 || byte == 0x22 || byte == 0x5C {
        out &+= unsafe escape(byte, to: target + out)
      } else {
        unsafe target.storeBytes(of: byte, toByteOffset: out, as: UInt8.self)
        out &+= 1
      }
      at &+= 1
    }
    return out
  }

  // SAFETY: reads lie inside the `count` bytes from `source` on.
  /// The last `left` (1...7) of `count` bytes in the low bytes of a word, zeros above.
  @unsafe @inline(__always) private static func rest(
    _ source: UnsafeRawPointer, _ count: Int, _ left: Int
  ) -> UInt64 {
    if count >= 8 {
      let word = unsafe source.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
      return word.littleEndian &>> UInt64(64 &- left &* 8)
    }
    if count >= 4 {
      let low = unsafe source.loadUnaligned(as: UInt32.self).littleEndian
      let high = unsafe source.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
      return UInt64(low) | UInt64(high.littleEndian) &<< UInt64((count &- 4) &* 8)
    }
    let low = unsafe source.load(as: UInt8.self)
    let middle = unsafe source.load(fromByteOffset: count / 2, as: UInt8.self)
    let high = unsafe source.load(fromByteOffset: count &- 1, as: UInt8.self)
    return UInt64(low) | UInt64(middle) << UInt64(count / 2 &* 8)
      | UInt64(high) << UInt64((count &- 1) &* 8)
  }

  // SAFETY: writes 2 or 6 bytes (8 with what is overwritten later) that the caller owns.
  @unsafe @inline(__always) private static func escape(
    _ byte: UInt8, to target: UnsafeMutableRawPointer
  ) -> Int {
    let letter: UInt8
    switch byte {
    case 0x22, 0x5C: letter = byte
    case 0x0A: letter = 0x6E
    case 0x0D: letter = 0x72
    case 0x09: letter = 0x74
    case 0x08: letter = 0x62
    case 0x0C: letter = 0x66
    default:
      let low = byte & 15 < 10 ? 0x30 + byte & 15 : 0x57 + byte & 15
      // `\u00` and two digits.
      let text =
        0x3030_755C as UInt64 | UInt64(0x30 + byte >> 4) << 32 | UInt64(low) << 40
      unsafe target.storeBytes(of: text.littleEndian, as: UInt64.self)
      return 6
    }
    unsafe target.storeBytes(of: (UInt16(letter) << 8 | 0x5C).littleEndian, as: UInt16.self)
    return 2
  }

  /// Whether `bytes` are UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF.
  static func isUTF8(_ bytes: ByteSlice) -> Bool {
    let count = bytes.count
    var at = 0
    while at < count {
      if at + 8 <= count, bytes.load(at: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
        at += 8
        continue
      }
      let lead = bytes[at]
      if lead < 0x80 {
        at += 1
        continue
      }
      let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
      guard lead >= 0xC2, lead <= 0xF4, count - at >= length else { return false }
      let second = bytes[at + 1]
      let lowest: UInt8 = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80
      let highest: UInt8 = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF
      guard second >= lowest, second <= highest else { return false }
      if length > 2, bytes[at + 2] & 0xC0 != 0x80 { return false }
      if length > 3, bytes[at + 3] & 0xC0 != 0x80 { return false }
      at += length
    }
    return true
  }

  /// The digits of base64.
  @safe private static let alphabet: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  // SAFETY: writes 4 bytes for every 3 begun; the alphabet has 64 bytes.
  /// Writes the base64 of `bytes` at `target`; returns how many bytes that are.
  @unsafe static func encodeBase64(
    _ bytes: ByteSlice, to target: UnsafeMutableRawPointer
  ) -> Int {
    let digits = unsafe UnsafeRawPointer(alphabet.utf8Start)
    @inline(__always) func digit(_ value: UInt32) -> UInt32 {
      unsafe UInt32(digits.load(fromByteOffset: Int(value & 63), as: UInt8.self))
    }
    var out = 0
    var at = 0
    while at + 3 <= bytes.count {
      let value = UInt32(bytes[at]) << 16 | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2])
      let four =
        digit(value >> 18) | digit(value >> 12) << 8 | digit(value >> 6) << 16 | digit(value) << 24
      unsafe target.storeBytes(of: four.littleEndian, toByteOffset: out, as: UInt32.self)
      at += 3
      out += 4
    }
    guard at < bytes.count else { return out }
    let two = bytes.count - at == 2
    let value = UInt32(bytes[at]) << 16 | (two ? UInt32(bytes[at + 1]) << 8 : 0)
    let four =
      digit(value >> 18) | digit(value >> 12) << 8 | (two ? digit(value >> 6) : 0x3D) << 16
      | 0x3D << 24
    unsafe target.storeBytes(of: four.littleEndian, toByteOffset: out, as: UInt32.self)
    return out + 4
  }
}

public import Bytes

/// Strings of JSON (RFC 8259 section 7): what must be escaped, and what is UTF-8 at all.
enum JSONText {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let tops: UInt64 = 0x8080_8080_8080_8080

  /// A word that is not 0 when one of its bytes is a control character, `"`, `\` or not ASCII.
  ///
  /// `(x - n) & ~x & 0x80` is set in a byte below n; borrows make false alarms only above a byte
  /// that is a true one.
  @inline(__always) private static func unusual(_ word: UInt64) -> UInt64 {
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let control = (word &- ones &* 0x20) & ~word
    return ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | control | word) & tops
  }

  /// Whether `bytes` may stand between quotes as they are: ASCII without anything to escape.
  @inline(__always) static func isPlain(_ bytes: ByteSlice) -> Bool {
    let count = bytes.count
    var at = 0
    while count &- at >= 8 {
      if unusual(bytes.load(at: at, as: UInt64.self)) != 0 { return false }
      at &+= 8
    }
    if at == count { return true }
    if count >= 8 {
      // The last eight bytes overlap what was seen already.
      return unusual(bytes.load(at: count &- 8, as: UInt64.self)) == 0
    }
    while at < count {
      let byte = bytes[at]
      if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { return false }
      at &+= 1
    }
    return true
  }

  /// Writes bytes that are not plain.
  @inline(never) static func writeUnusual(_ bytes: ByteSlice, _ output: inout OutputBuffer) {
    if isUTF8(bytes) {
      writeQuoted(bytes, &output)
    } else {
      output.write(#"{"base64":""#)
      Base64.write(bytes, to: &output)
      output.write(#""}"#)
    }
  }

  /// Writes UTF-8 between quotes, escaped where it has to be.
  static func writeQuoted(_ bytes: ByteSlice, _ output: inout OutputBuffer) {
    output.write(0x22)
    var plain = 0
    var at = 0
    while at < bytes.count {
      if bytes.count &- at >= 8, unusual(bytes.load(at: at, as: UInt64.self)) == 0 {
        at &+= 8
        continue
      }
      let byte = bytes[at]
      if byte >= 0x20 && byte != 0x22 && byte != 0x5C {
        at &+= 1
        continue
      }
      output.write(bytes.slice(at: plain, count: at - plain))
      escape(byte, &output)
      at &+= 1
      plain = at
    }
    output.write(bytes.dropFirst(plain))
    output.write(0x22)
  }

  private static func escape(_ byte: UInt8, _ output: inout OutputBuffer) {
    output.write(0x5C)
    switch byte {
    case 0x22, 0x5C: output.write(byte)
    case 0x08: output.write(0x62)
    case 0x09: output.write(0x74)
    case 0x0A: output.write(0x6E)
    case 0x0C: output.write(0x66)
    case 0x0D: output.write(0x72)
    default:
      output.write("u00")
      output.write(byte >> 4 + 0x30)
      let low = byte & 15
      output.write(low < 10 ? 0x30 + low : 0x57 + low)
    }
  }

  /// Whether `bytes` are UTF-8 (RFC 3629): shortest forms only, no surrogates, up to U+10FFFF.
  static func isUTF8(_ bytes: ByteSlice) -> Bool {
    let count = bytes.count
    var at = 0
    while at < count {
      if count &- at >= 8, bytes.load(at: at, as: UInt64.self) & tops == 0 {
        at &+= 8
        continue
      }
      let lead = bytes[at]
      if lead < 0x80 {
        at &+= 1
        continue
      }
      let length: Int
      var low: UInt8 = 0x80
      var high: UInt8 = 0xBF
      switch lead {
      case 0xC2...0xDF: length = 2
      case 0xE0...0xEF:
        length = 3
        if lead == 0xE0 { low = 0xA0 }
        if lead == 0xED { high = 0x9F }
      case 0xF0...0xF4:
        length = 4
        if lead == 0xF0 { low = 0x90 }
        if lead == 0xF4 { high = 0x8F }
      default: return false
      }
      guard count &- at >= length, bytes[at &+ 1] >= low, bytes[at &+ 1] <= high else {
        return false
      }
      for next in 2..<max(length, 2) where bytes[at &+ next] & 0xC0 != 0x80 { return false }
      at &+= length
    }
    return true
  }
}

/// Base64 (RFC 4648 section 4), with padding.
public enum Base64 {
  private static let letters: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  /// Writes the base64 text of `bytes`.
  public static func write(_ bytes: ByteSlice, to output: inout OutputBuffer) {
    let table = ByteSlice(letters)
    let count = bytes.count
    var at = 0
    while count &- at >= 3 {
      let three = UInt32(bytes[at]) << 16 | UInt32(bytes[at &+ 1]) << 8 | UInt32(bytes[at &+ 2])
      let first = UInt32(table[Int(three >> 18)]) | UInt32(table[Int(three >> 12 & 63)]) << 8
      let second = UInt32(table[Int(three >> 6 & 63)]) | UInt32(table[Int(three & 63)]) << 8
      output.write(littleEndian: first | second << 16)
      at &+= 3
    }
    if at == count { return }
    let first = bytes[at]
    let second = count &- at == 2 ? bytes[at &+ 1] : 0
    output.write(table[Int(first >> 2)])
    output.write(table[Int(first & 3) << 4 | Int(second >> 4)])
    output.write(count &- at == 2 ? table[Int(second & 15) << 2] : 0x3D)
    output.write(0x3D)
  }
}

public import Bytes

/// Bytes as text for people, on one line: keys as `redis-cli` shows them, names of files, and
/// words for a shell.
public enum KeyText {
  /// In double quotes; `\`, `"`, `\n \r \t \a \b` by name, all else that is no printable ASCII as
  /// `\xHH`. What `redis-cli` prints, and what its command line and the manifest of an AOF read
  /// back.
  public static func quoted(_ bytes: ByteSlice) -> String {
    var text: [UInt8] = [0x22]
    text.reserveCapacity(bytes.count + 2)
    escape(bytes, into: &text)
    text.append(0x22)
    return String(decoding: text, as: UTF8.self)
  }

  /// See ``quoted(_:)-(ByteSlice)``.
  public static func quoted(_ bytes: [UInt8]) -> String { bytes.withByteSlice { quoted($0) } }

  /// Quoted, and shortened to about `limit` bytes of the key: the middle becomes `…`.
  public static func quoted(_ bytes: ByteSlice, limit: Int) -> String {
    guard bytes.count > limit else { return quoted(bytes) }
    var text: [UInt8] = [0x22]
    escape(bytes.prefix(limit), into: &text)
    text.append(0x22)
    return String(decoding: text, as: UTF8.self) + "… (\(bytes.count) bytes)"
  }

  /// Writes the quoted form to `output`, without allocation.
  public static func write(_ bytes: ByteSlice, to output: inout OutputBuffer) {
    output.write(0x22)
    var plain = 0
    for index in 0..<bytes.count {
      let byte = bytes[index]
      if isPlain(byte) { continue }
      if plain < index { output.write(bytes.slice(at: plain, count: index - plain)) }
      plain = index + 1
      output.write(0x5C)
      if let name = shortName(byte) {
        output.write(name)
      } else {
        output.write(0x78)
        output.write(hexDigit(byte >> 4))
        output.write(hexDigit(byte & 15))
      }
    }
    if plain < bytes.count { output.write(bytes.dropFirst(plain)) }
    output.write(0x22)
  }

  /// A word that a POSIX shell reads back as `text`; bare where that is safe.
  public static func shellWord(_ text: String) -> String {
    let safe = { (byte: UInt8) in
      ASCII.isDigit(byte) || ASCII.lowercased(byte) &- 0x61 < 26 || byte >= 0x80
        || [0x2B, 0x2C, 0x2D, 0x2E, 0x2F, 0x3A, 0x3D, 0x40, 0x5F, 0x25].contains(byte)
    }
    if !text.isEmpty && text.utf8.allSatisfy(safe) { return text }
    var word = "'"
    for character in text { word += character == "'" ? "'\\''" : String(character) }
    return word + "'"
  }

  /// `name` when it is harmless on a terminal, else quoted.
  public static func fileName(_ name: String) -> String {
    name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) }
      ? name : quoted(Array(name.utf8))
  }

  private static func escape(_ bytes: ByteSlice, into text: inout [UInt8]) {
    for index in 0..<bytes.count {
      let byte = bytes[index]
      if isPlain(byte) {
        text.append(byte)
      } else if let name = shortName(byte) {
        text += [0x5C, name]
      } else {
        text += [0x5C, 0x78, hexDigit(byte >> 4), hexDigit(byte & 15)]
      }
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x5C
  }

  private static func shortName(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x22, 0x5C: byte
    case 0x0A: 0x6E
    case 0x0D: 0x72
    case 0x09: 0x74
    case 0x07: 0x61
    case 0x08: 0x62
    default: nil
    }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}

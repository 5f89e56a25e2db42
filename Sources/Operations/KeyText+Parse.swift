internal import Bytes

extension KeyText {
  /// The bytes that `text` names: those of the text itself, or, when it stands in double quotes, what
  /// ``quoted(_:)-(ByteSlice)`` would write so. Nil when quotes begin but do not end rightly.
  public static func parse(_ text: String) -> [UInt8]? {
    let bytes = Array(text.utf8)
    guard bytes.first == 0x22, bytes.count > 1 else { return bytes }
    var result: [UInt8] = []
    var at = 1
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if byte == 0x22 { return at == bytes.count ? result : nil }
      guard byte == 0x5C else {
        result.append(byte)
        continue
      }
      guard at < bytes.count else { return nil }
      let letter = bytes[at]
      at += 1
      switch letter {
      case 0x6E: result.append(0x0A)
      case 0x72: result.append(0x0D)
      case 0x74: result.append(0x09)
      case 0x61: result.append(0x07)
      case 0x62: result.append(0x08)
      case 0x78:
        guard at + 2 <= bytes.count, let high = digit(bytes[at]), let low = digit(bytes[at + 1])
        else { return nil }
        result.append(high << 4 | low)
        at += 2
      default: result.append(letter)
      }
    }
    return nil
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}

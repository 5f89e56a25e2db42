/// The slots of Redis Cluster: CRC-16 (polynomial 0x1021, start 0: "XMODEM") of the key modulo
/// 16384. When the key holds a `{`, and behind it a `}` with something between, only what is
/// between the first such pair counts.
public enum HashSlot {
  /// How many slots there are.
  public static let count = 16384

  /// The slot of `key`, 0...16383.
  public static func of(_ key: ByteSlice) -> Int { Int(crc16(hashed(key)) & 0x3FFF) }

  /// The part of `key` that counts.
  public static func hashed(_ key: ByteSlice) -> ByteSlice {
    guard let open = key.firstIndex(of: 0x7B), open + 1 < key.count,
      let close = key.firstIndex(of: 0x7D, from: open + 1), close > open + 1
    else { return key }
    return key.slice(at: open + 1, count: close - open - 1)
  }

  /// CRC-16/XMODEM, a nibble at a time.
  static func crc16(_ bytes: ByteSlice) -> UInt16 {
    var crc: UInt16 = 0
    for index in 0..<bytes.count {
      let byte = bytes[index]
      crc = step(crc, byte >> 4)
      crc = step(crc, byte & 15)
    }
    return crc
  }

  @inline(__always) private static func step(_ crc: UInt16, _ nibble: UInt8) -> UInt16 {
    // The polynomial times the index: the terms of a 4-bit index never overlap beyond 16 bits.
    let index = UInt16(UInt8(truncatingIfNeeded: crc >> 12) ^ nibble)
    return crc &<< 4 ^ (index &<< 12 ^ index &<< 5 ^ index)
  }
}

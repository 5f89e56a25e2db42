/// Writing commands as a log has them: `*<argc>\r\n`, then `$<length>\r\n<bytes>\r\n` for each word.
extension OutputBuffer {
  /// Writes the header of a command of `count` words, name included.
  @inlinable public mutating func writeCommand(words count: Int) {
    writeHeader(0x2A, count)
  }

  /// Writes a word.
  @inlinable public mutating func writeWord(_ word: ByteSlice) {
    writeHeader(0x24, word.count)
    write(word)
    writeLineEnd()
  }

  /// Writes a word.
  public mutating func writeWord(_ word: StaticString) { writeWord(ByteSlice(word)) }

  /// Writes the decimal text of `value` as a word.
  @inlinable public mutating func writeWord(decimal value: Int64) {
    let digits = DecimalText.digitCount(value.magnitude) + (value < 0 ? 1 : 0)
    writeHeader(0x24, digits)
    write(decimal: value)
    writeLineEnd()
  }

  /// Writes the decimal text of `value` as a word.
  @inlinable public mutating func writeWord(decimal value: UInt64) {
    writeHeader(0x24, DecimalText.digitCount(value))
    write(decimal: value)
    writeLineEnd()
  }

  /// Writes `\r\n`.
  @inlinable public mutating func writeLineEnd() {
    // SAFETY: room for two bytes was made.
    unsafe room(2).storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
    used &+= 2
  }

  /// Writes `marker`, the digits of `number`, which is not negative, and `\r\n`.
  @inlinable @inline(__always)
  public mutating func writeHeader(_ marker: UInt8, _ number: Int) {
    if number < 1000 {
      // SAFETY: eight bytes of room were made, of which up to six are used.
      let target = unsafe room(8)
      let value = UInt64(truncatingIfNeeded: number)
      if value < 10 {
        let word = UInt64(marker) | (0x30 &+ value) << 8 | 0x0A0D << 16
        unsafe target.storeBytes(of: word.littleEndian, as: UInt64.self)
        used &+= 4
      } else if value < 100 {
        let tens = value / 10
        let digits = (0x30 &+ tens) | (0x30 &+ value &- tens &* 10) << 8
        let word = UInt64(marker) | digits << 8 | 0x0A0D << 24
        unsafe target.storeBytes(of: word.littleEndian, as: UInt64.self)
        used &+= 5
      } else {
        let tens = value / 10
        let hundreds = value / 100
        let digits =
          (0x30 &+ hundreds) | (0x30 &+ tens &- hundreds &* 10) << 8
          | (0x30 &+ value &- tens &* 10) << 16
        let word = UInt64(marker) | digits << 8 | 0x0A0D << 32
        unsafe target.storeBytes(of: word.littleEndian, as: UInt64.self)
        used &+= 6
      }
    } else {
      write(marker)
      write(decimal: UInt64(truncatingIfNeeded: number))
      writeLineEnd()
    }
  }
}

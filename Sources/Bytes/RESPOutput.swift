/// Writing commands as a log has them: `*<argc>\r\n`, then `$<length>\r\n<bytes>\r\n` for each word.
extension OutputBuffer {
  /// Writes the header of a command of `count` words, name included.
  @inlinable public mutating func writeCommand(words count: Int) {
    writeHeader(0x2A, count)
  }

  /// Writes a word.
  @inlinable public mutating func writeWord(_ word: ByteSlice) {
    let length = word.count
    guard length < 1000 && length &+ 16 <= capacity &- used else {
      writeHeader(0x24, length)
      write(word)
      writeLineEnd()
      return
    }
    // SAFETY: at most 8 bytes of header, the word and 2 bytes, within the room just compared.
    writeHeader(0x24, length)
    unsafe OutputBuffer.copy(word.start, to: memory + used, length)
    used &+= length
    unsafe (memory + used).storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
    used &+= 2
  }

  /// Writes the text of `value` as a word, as new servers print scores; every server reads it back
  /// to the same double.
  public mutating func writeWord(double value: Double) {
    var text: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    unsafe withUnsafeMutableBytes(of: &text) { raw in
      // SAFETY: `DoubleText.longest` is 32, the size of the tuple.
      let start = unsafe raw.baseAddress.unsafelyUnwrapped
      let count = unsafe DoubleText.write(value, .server, to: start)
      writeWord(unsafe ByteSlice(unsafeStart: start, count: count))
    }
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

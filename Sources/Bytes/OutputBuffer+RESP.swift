/// Commands in the form of a log, `*<words>\r\n` and for each word `$<length>\r\n<bytes>\r\n`.
extension OutputBuffer {
  /// Writes the head of a command of `count` words.
  @inlinable public mutating func write(commandOf count: Int) {
    write(header: 0x2A, UInt64(count))
  }

  /// Writes one word.
  @inlinable public mutating func write(bulk word: ByteSlice) {
    let length = word.count
    if length < 1000 && length &+ 16 <= capacity &- used {
      // SAFETY: at most 6 bytes of header, the word and 2 bytes, within the room just compared;
      // the 8-byte store of the header may reach into the slack.
      let head = OutputBuffer.shortHeader(0x24, length)
      let target = unsafe memory + used
      unsafe target.storeBytes(of: head.word.littleEndian, as: UInt64.self)
      unsafe OutputBuffer.copy(word.start, to: target + head.count, length)
      unsafe target.storeBytes(
        of: UInt16(0x0A0D).littleEndian, toByteOffset: head.count &+ length, as: UInt16.self)
      used &+= head.count &+ length &+ 2
    } else {
      writeLongBulk(word)
    }
  }

  /// Writes one word.
  @inlinable public mutating func write(bulk word: StaticString) { write(bulk: ByteSlice(word)) }

  /// Writes the decimal text of `value` as one word.
  @inlinable public mutating func write(bulkDecimal value: UInt64) {
    write(header: 0x24, UInt64(DecimalText.digitCount(value)))
    write(decimal: value)
    write(lineEnd: ())
  }

  /// Writes the decimal text of `value` as one word.
  @inlinable public mutating func write(bulkDecimal value: Int64) {
    write(header: 0x24, UInt64(DecimalText.digitCount(value.magnitude) + (value < 0 ? 1 : 0)))
    write(decimal: value)
    write(lineEnd: ())
  }

  @usableFromInline @inline(never) mutating func writeLongBulk(_ word: ByteSlice) {
    write(header: 0x24, UInt64(word.count))
    write(word)
    write(lineEnd: ())
  }

  @inlinable mutating func write(lineEnd: ()) {
    unsafe room(2).storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
    used &+= 2
  }

  @inlinable mutating func write(header marker: UInt8, _ number: UInt64) {
    if number < 1000 {
      let head = OutputBuffer.shortHeader(marker, Int(number))
      unsafe room(8).storeBytes(of: head.word.littleEndian, as: UInt64.self)
      used &+= head.count
    } else {
      write(marker)
      write(decimal: number)
      write(lineEnd: ())
    }
  }

  /// The bytes of a header whose number is below 1000, and how many they are.
  @inlinable @inline(__always)
  static func shortHeader(_ marker: UInt8, _ number: Int) -> (word: UInt64, count: Int) {
    let value = UInt64(truncatingIfNeeded: number)
    let first = UInt64(marker)
    if value < 10 { return (first | (0x30 &+ value) << 8 | 0x0A0D << 16, 4) }
    let tens = (value &* 6554) >> 16  // value / 10 for value < 1000
    let ones = value &- tens &* 10
    if value < 100 {
      return (first | (0x30 &+ tens) << 8 | (0x30 &+ ones) << 16 | 0x0A0D << 24, 5)
    }
    let hundreds = (tens &* 205) >> 11  // tens / 10 for tens < 100
    let middle = tens &- hundreds &* 10
    return (
      first | (0x30 &+ hundreds) << 8 | (0x30 &+ middle) << 16 | (0x30 &+ ones) << 24
        | 0x0A0D << 32, 6
    )
  }
}

extension OutputBuffer {
  /// Writes the text of `value` as one word, as new servers print scores: the shorter of the texts
  /// that servers use, and every server reads it back to the same double.
  public mutating func write(bulkDouble value: Double) {
    var text: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    unsafe withUnsafeMutableBytes(of: &text) { raw in
      // SAFETY: `DoubleText.longest` is 32, the size of the tuple.
      let start = unsafe raw.baseAddress.unsafelyUnwrapped
      let count = unsafe DoubleText.write(value, .server, to: start)
      write(bulk: unsafe ByteSlice(unsafeStart: start, count: count))
    }
  }
}

extension ScratchBuffer {
  /// Adds one word in the form of a log, `$<length>\r\n<bytes>\r\n`.
  @inlinable public mutating func append(bulk word: ByteSlice) {
    let length = word.count
    reserve(length &+ 24)
    let target = unsafe memory + used
    if length < 1000 {
      // SAFETY: 8 bytes of header, the word and 2 bytes lie in the room just made; the copy may
      // reach into the slack.
      let head = OutputBuffer.shortHeader(0x24, length)
      unsafe target.storeBytes(of: head.word.littleEndian, as: UInt64.self)
      unsafe OutputBuffer.copy(word.start, to: target + head.count, length)
      unsafe target.storeBytes(
        of: UInt16(0x0A0D).littleEndian, toByteOffset: head.count &+ length, as: UInt16.self)
      used &+= head.count &+ length &+ 2
    } else {
      append(0x24)
      append(decimal: UInt64(length))
      append(littleEndian: UInt16(0x0A0D))
      append(word)
      append(littleEndian: UInt16(0x0A0D))
    }
  }
}

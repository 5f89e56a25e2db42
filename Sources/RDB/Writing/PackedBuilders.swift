internal import Bytes

/// Builds a listpack; the layout is told in `Listpack.swift`.
struct ListpackBuilder: ~Copyable {
  private(set) var bytes = ScratchBuffer()
  private(set) var count = 0

  init() { clear() }

  /// Begins anew.
  mutating func clear() {
    bytes.clear()
    bytes.append(littleEndian: UInt32(0))
    bytes.append(littleEndian: UInt16(0))
    count = 0
  }

  /// How many bytes the elements take.
  var size: Int { bytes.count - ListpackCursor.headerSize }

  /// Adds an element; the text of an integer becomes one.
  mutating func append(_ text: ByteSlice) {
    if text.count <= 20, let integer = DecimalText.canonical(text) {
      append(integer)
    } else {
      append(string: text)
    }
  }

  /// Adds a string as it is.
  mutating func append(string text: ByteSlice) {
    let length = text.count
    if length < 64 {
      bytes.append(UInt8(0x80 | length))
      bytes.append(text)
      end(1 + length)
    } else if length < 4096 {
      bytes.append(UInt8(0xE0 | length >> 8))
      bytes.append(UInt8(truncatingIfNeeded: length))
      bytes.append(text)
      end(2 + length)
    } else {
      bytes.append(0xF0)
      bytes.append(littleEndian: UInt32(truncatingIfNeeded: length))
      bytes.append(text)
      end(5 + length)
    }
  }

  /// Adds an integer in its smallest form.
  mutating func append(_ integer: Int64) {
    if 0...127 ~= integer {
      bytes.append(UInt8(integer))
      end(1)
    } else if -4096...4095 ~= integer {
      let raw = UInt16(truncatingIfNeeded: integer) & 0x1FFF
      bytes.append(UInt8(0xC0 | raw >> 8))
      bytes.append(UInt8(truncatingIfNeeded: raw))
      end(2)
    } else if let small = Int16(exactly: integer) {
      bytes.append(0xF1)
      bytes.append(littleEndian: small)
      end(3)
    } else if -8_388_608...8_388_607 ~= integer {
      bytes.append(0xF2)
      bytes.append(littleEndian: UInt16(truncatingIfNeeded: integer))
      bytes.append(UInt8(truncatingIfNeeded: integer >> 16))
      end(4)
    } else if let small = Int32(exactly: integer) {
      bytes.append(0xF3)
      bytes.append(littleEndian: small)
      end(5)
    } else {
      bytes.append(0xF4)
      bytes.append(littleEndian: integer)
      end(9)
    }
  }

  /// Adds elements that another builder made.
  mutating func append(elementsOf other: borrowing ListpackBuilder) {
    bytes.append(other.bytes.slice.dropFirst(ListpackCursor.headerSize))
    count += other.count
  }

  /// The length backwards behind an element of `size` bytes.
  private mutating func end(_ size: Int) {
    count += 1
    if size < 128 {
      bytes.append(UInt8(size))
      return
    }
    let groups = ListpackCursor.backLengthSize(size)
    for index in 0..<groups {
      let group = UInt8(truncatingIfNeeded: size >> (7 * (groups - 1 - index))) & 0x7F
      bytes.append(index == 0 ? group : group | 0x80)
    }
  }

  /// The whole listpack; valid until the next call.
  mutating func finish() -> ByteSlice {
    bytes.append(0xFF)
    bytes.set(0, littleEndian: UInt32(truncatingIfNeeded: bytes.count))
    bytes.set(4, littleEndian: UInt16(min(count, 0xFFFF)))
    return bytes.slice
  }
}

/// Builds a ziplist; the layout is told in `Ziplist.swift`.
struct ZiplistBuilder: ~Copyable {
  private(set) var bytes = ScratchBuffer()
  private(set) var count = 0
  private var previous = 0
  private var lastEntry = ZiplistCursor.headerSize
  /// Whether integers of 24, 8 and 4 bits may be used: since RDB 6.
  var hasSmallIntegers = true

  init() { clear() }

  /// Begins anew.
  mutating func clear() {
    bytes.clear()
    bytes.append(littleEndian: UInt64(0))
    bytes.append(littleEndian: UInt16(0))
    count = 0
    previous = 0
    lastEntry = ZiplistCursor.headerSize
  }

  /// How many bytes the entries take.
  var size: Int { bytes.count - ZiplistCursor.headerSize }

  /// Adds an entry; the text of an integer becomes one.
  mutating func append(_ text: ByteSlice) {
    if text.count < 32, let integer = DecimalText.canonical(text) {
      append(integer)
    } else {
      append(string: text)
    }
  }

  /// Adds a string as it is.
  mutating func append(string text: ByteSlice) {
    let start = begin()
    let length = text.count
    if length < 64 {
      bytes.append(UInt8(length))
    } else if length < 16384 {
      bytes.append(UInt8(0x40 | length >> 8))
      bytes.append(UInt8(truncatingIfNeeded: length))
    } else {
      bytes.append(0x80)
      bytes.append(littleEndian: UInt32(truncatingIfNeeded: length).byteSwapped)
    }
    bytes.append(text)
    end(start)
  }

  /// Adds an integer in its smallest form.
  mutating func append(_ integer: Int64) {
    let start = begin()
    if hasSmallIntegers && 0...12 ~= integer {
      bytes.append(UInt8(0xF1 + integer))
    } else if hasSmallIntegers, let small = Int8(exactly: integer) {
      bytes.append(0xFE)
      bytes.append(littleEndian: small)
    } else if let small = Int16(exactly: integer) {
      bytes.append(0xC0)
      bytes.append(littleEndian: small)
    } else if hasSmallIntegers && -8_388_608...8_388_607 ~= integer {
      bytes.append(0xF0)
      bytes.append(littleEndian: UInt16(truncatingIfNeeded: integer))
      bytes.append(UInt8(truncatingIfNeeded: integer >> 16))
    } else if let small = Int32(exactly: integer) {
      bytes.append(0xD0)
      bytes.append(littleEndian: small)
    } else {
      bytes.append(0xE0)
      bytes.append(littleEndian: integer)
    }
    end(start)
  }

  private mutating func begin() -> Int {
    let start = bytes.count
    if previous < 254 {
      bytes.append(UInt8(previous))
    } else {
      bytes.append(0xFE)
      bytes.append(littleEndian: UInt32(truncatingIfNeeded: previous))
    }
    return start
  }

  private mutating func end(_ start: Int) {
    previous = bytes.count - start
    lastEntry = start
    count += 1
  }

  /// The whole ziplist; valid until the next call.
  mutating func finish() -> ByteSlice {
    bytes.append(0xFF)
    bytes.set(0, littleEndian: UInt32(truncatingIfNeeded: bytes.count))
    bytes.set(4, littleEndian: UInt32(truncatingIfNeeded: lastEntry))
    bytes.set(8, littleEndian: UInt16(min(count, 0xFFFF)))
    return bytes.slice
  }
}

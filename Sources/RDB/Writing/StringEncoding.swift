internal import Bytes

/// Writing lengths and strings (rdb-format.md 3 and 4): the shortest form, as servers do.
extension ScratchBuffer {
  /// A length.
  mutating func append(length: UInt64) {
    if length < 64 {
      append(UInt8(length))
    } else if length < 16384 {
      append(UInt8(0x40 | length >> 8))
      append(UInt8(truncatingIfNeeded: length))
    } else if length <= UInt64(UInt32.max) {
      append(0x80)
      append(littleEndian: UInt32(length).byteSwapped)
    } else {
      append(0x81)
      append(littleEndian: length.byteSwapped)
    }
  }

  /// A string: as an integer where it is the text of one in 32 bits; else compressed where that is
  /// wanted and saves something; else plain.
  mutating func append(
    string: ByteSlice, compressing: Bool, _ packed: inout ScratchBuffer
  ) {
    if string.count <= 11, let integer = DecimalText.canonical(string) {
      if let small = Int8(exactly: integer) {
        append(0xC0)
        append(littleEndian: small)
        return
      }
      if let small = Int16(exactly: integer) {
        append(0xC1)
        append(littleEndian: small)
        return
      }
      if let small = Int32(exactly: integer) {
        append(0xC2)
        append(littleEndian: small)
        return
      }
    }
    append(blob: string, compressing: compressing, &packed)
  }

  /// A string that is never written as an integer.
  mutating func append(blob: ByteSlice, compressing: Bool, _ packed: inout ScratchBuffer) {
    if compressing, blob.count > 20, LZF.compress(blob, into: &packed) {
      append(0xC3)
      append(length: UInt64(packed.count))
      append(length: UInt64(blob.count))
      append(packed.slice)
      return
    }
    append(length: UInt64(blob.count))
    append(blob)
  }

  /// An id as two lengths.
  mutating func append(_ id: StreamID) {
    append(length: id.ms)
    append(length: id.seq)
  }

  /// An id as 16 bytes.
  mutating func append(raw id: StreamID) {
    append(littleEndian: id.ms.byteSwapped)
    append(littleEndian: id.seq.byteSwapped)
  }
}

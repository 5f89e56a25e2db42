internal import Bytes

/// Walks a zipmap (rdb-format.md 8.4; type 9, written by 2.4 only).
///
/// ```text
/// u8  number of pairs; 254 = only walking tells
/// [ length field, length u8-free value free-bytes ]*
/// 0xFF
///
/// length:  one byte below 254, or FE + u32le (only for 254 and more)
/// ```
///
/// `free` stands behind the length of a value: so many unused bytes follow the value.
struct ZipmapCursor {
  let bytes: ByteSlice
  /// The offset of the blob's string, for errors.
  let origin: Int
  /// Where the next pair begins.
  var at = 1
  /// Where the closing 0xFF stands.
  let end: Int
  /// How many pairs were passed.
  var walked = 0

  /// - Throws: ``RDBError`` when size or end are wrong.
  init(_ bytes: ByteSlice, origin: Int) throws(RDBError) {
    guard bytes.count >= 2 else { throw corrupt(.zipmap, .size, origin) }
    end = bytes.count - 1
    guard bytes[end] == 0xFF else { throw corrupt(.zipmap, .end, origin) }
    guard bytes[0] != 0xFF else { throw corrupt(.zipmap, .count, origin) }
    self.bytes = bytes
    self.origin = origin
  }

  /// A cursor over nothing.
  init() {
    bytes = ByteSlice()
    origin = 0
    end = 0
  }

  /// The next field and value; false at the end.
  mutating func next(_ field: inout ByteSlice, _ value: inout ByteSlice) throws(RDBError) -> Bool {
    guard at < end else {
      guard bytes[0] == 254 || walked == Int(bytes[0]) else {
        throw corrupt(.zipmap, .count, origin)
      }
      return false
    }
    let fieldLength = try length()
    guard fieldLength <= end - at else { throw corrupt(.zipmap, .entry, origin) }
    field = bytes.slice(at: at, count: fieldLength)
    at += fieldLength
    let valueLength = try length()
    guard end - at >= 1 else { throw corrupt(.zipmap, .entry, origin) }
    let free = Int(bytes[at])
    at += 1
    guard valueLength <= end - at, free <= end - at - valueLength else {
      throw corrupt(.zipmap, .entry, origin)
    }
    value = bytes.slice(at: at, count: valueLength)
    at += valueLength + free
    walked += 1
    return true
  }

  private mutating func length() throws(RDBError) -> Int {
    guard at < end, bytes[at] != 0xFF else { throw corrupt(.zipmap, .entry, origin) }
    if bytes[at] < 254 {
      at += 1
      return Int(bytes[at - 1])
    }
    guard end - at >= 5 else { throw corrupt(.zipmap, .entry, origin) }
    let length = Int(bytes.load(at: at + 1, as: UInt32.self))
    guard length >= 254 else { throw corrupt(.zipmap, .encoding, origin) }
    at += 5
    return length
  }
}

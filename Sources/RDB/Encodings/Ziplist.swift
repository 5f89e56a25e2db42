internal import Bytes

/// Walks a ziplist (rdb-format.md 8.2; types 10, 12, 13, nodes of 14).
///
/// ```text
/// u32le  total bytes, all of this included
/// u32le  offset of the last entry; 10 when there is none
/// u16le  number of entries; 65535 = only walking tells
/// [ size of the entry before, encoding, data ]*
/// 0xFF
///
/// size before:  one byte below 254, or FE + u32le (also for small sizes)
///
/// 00llllll                    string of l bytes
/// 01llllll llllllll           string, length of 14 bits, big endian
/// 10xxxxxx llllllll*4         string, length of 32 bits, big endian
/// C0 D0 E0                    signed integer of 16, 32, 64 bits, little endian
/// F0 FE                       signed integer of 24, 8 bits (RDB 6 and later)
/// F1...FD                     integer 0...12 (RDB 6 and later)
/// ```
///
/// Every byte is checked: sizes, known encodings, entries inside, the tail, the end, the count.
struct ZiplistCursor {
  let bytes: ByteSlice
  /// The offset of the blob's string, for errors.
  let origin: Int
  /// Where the next entry begins.
  var at: Int
  /// Where the closing 0xFF stands.
  let end: Int
  /// The size of the entry before.
  var previous = 0
  /// Where the entry given last begins.
  var lastEntry = ZiplistCursor.headerSize
  /// How many entries were passed.
  var walked = 0

  static let headerSize = 10

  /// - Throws: ``RDBError`` when size or end are wrong.
  init(_ bytes: ByteSlice, origin: Int) throws(RDBError) {
    guard bytes.count >= 11, Int(bytes.load(at: 0, as: UInt32.self)) == bytes.count else {
      throw corrupt(.ziplist, .size, origin)
    }
    end = bytes.count - 1
    guard bytes[end] == 0xFF else { throw corrupt(.ziplist, .end, origin) }
    at = ZiplistCursor.headerSize
    self.bytes = bytes
    self.origin = origin
  }

  /// A cursor over nothing.
  init() {
    bytes = ByteSlice()
    origin = 0
    at = 0
    end = 0
  }

  /// Whether all entries were given.
  var isAtEnd: Bool { at >= end }

  /// The next entry; false at the end.
  mutating func next(_ item: inout PackedItem) throws(RDBError) -> Bool {
    guard at < end else {
      try checkEnd()
      return false
    }
    let start = at
    var place = at
    if bytes[place] < 254 {
      guard Int(bytes[place]) == previous else { throw corrupt(.ziplist, .backLength, origin) }
      place &+= 1
    } else {
      guard bytes[place] == 254, end &- place > 5 else { throw corrupt(.ziplist, .entry, origin) }
      guard Int(bytes.load(at: place &+ 1, as: UInt32.self)) == previous else {
        throw corrupt(.ziplist, .backLength, origin)
      }
      place &+= 5
    }
    // At least the encoding must lie before the end.
    guard place < end else { throw corrupt(.ziplist, .entry, origin) }
    let first = bytes[place]
    place &+= 1
    let room = end &- place
    var length: Int
    if first < 0x40 {
      length = Int(first)
      guard length <= room else { throw corrupt(.ziplist, .entry, origin) }
      item.set(bytes.slice(at: place, count: length))
    } else if first < 0x80 {
      guard room >= 1 else { throw corrupt(.ziplist, .entry, origin) }
      length = Int(first & 0x3F) << 8 | Int(bytes[place])
      place &+= 1
      guard length < room else { throw corrupt(.ziplist, .entry, origin) }
      item.set(bytes.slice(at: place, count: length))
    } else if first < 0xC0 {
      guard room >= 4 else { throw corrupt(.ziplist, .entry, origin) }
      length = Int(bytes.load(at: place, as: UInt32.self).byteSwapped)
      place &+= 4
      guard length <= room &- 4 else { throw corrupt(.ziplist, .entry, origin) }
      item.set(bytes.slice(at: place, count: length))
    } else {
      length = try readInteger(first, at: place, room: room, &item)
    }
    at = place &+ length
    previous = at &- start
    lastEntry = start
    walked &+= 1
    return true
  }

  /// The next entry, which must be there.
  @inline(__always) mutating func demand(
    _ item: inout PackedItem, _ blob: RDBError.Blob, _ problem: RDBError.Problem
  ) throws(RDBError) {
    guard try next(&item) else { throw corrupt(blob, problem, origin) }
  }

  /// An integer entry; returns how many bytes of data it has.
  private func readInteger(
    _ first: UInt8, at place: Int, room: Int, _ item: inout PackedItem
  ) throws(RDBError) -> Int {
    let length: Int
    switch first {
    case 0xC0: length = 2
    case 0xD0: length = 4
    case 0xE0: length = 8
    case 0xF0: length = 3
    case 0xFE: length = 1
    case 0xF1...0xFD:
      item.set(Int64(first & 0x0F) - 1)
      return 0
    default: throw corrupt(.ziplist, .encoding, origin)
    }
    guard length <= room else { throw corrupt(.ziplist, .entry, origin) }
    switch length {
    case 1: item.set(Int64(bytes.load(at: place, as: Int8.self)))
    case 2: item.set(Int64(bytes.load(at: place, as: Int16.self)))
    case 3: item.set(integer24(bytes, at: place))
    case 4: item.set(Int64(bytes.load(at: place, as: Int32.self)))
    default: item.set(bytes.load(at: place, as: Int64.self))
    }
    return length
  }

  /// What has to hold at the end: the tail is the last entry, and the count is right.
  private func checkEnd() throws(RDBError) {
    guard Int(bytes.load(at: 4, as: UInt32.self)) == lastEntry else {
      throw corrupt(.ziplist, .tail, origin)
    }
    let declared = Int(bytes.load(at: 8, as: UInt16.self))
    guard declared == 0xFFFF || walked == declared else {
      throw corrupt(.ziplist, .count, origin)
    }
  }
}

internal import Bytes

/// Walks a listpack (rdb-format.md 8.3; types 16, 17, 20, 23, 25, nodes of 18 and of streams).
///
/// ```text
/// u32le  total bytes, all of this included
/// u16le  number of elements; 65535 = only walking tells
/// [ element, its length backwards ]*
/// 0xFF
///
/// 0vvvvvvv                    integer 0...127
/// 10llllll                    string of l bytes
/// 110vvvvv vvvvvvvv           signed integer of 13 bits
/// 1110llll llllllll           string, length of 12 bits
/// F0 llllllll*4               string, length u32le
/// F1 F2 F3 F4                 signed integer of 16, 24, 32, 64 bits, little endian
/// ```
///
/// The length behind an element is that of the element without it, in groups of 7 bits, the most
/// significant first; all bytes but the first have bit 7 set. It has the fewest bytes possible.
///
/// Every byte is checked: known encodings, elements inside, lengths backwards, the end, the count.
struct ListpackCursor {
  let bytes: ByteSlice
  /// The offset of the blob's string, for errors.
  let origin: Int
  /// Where the next element begins.
  var at: Int
  /// Where the closing 0xFF stands.
  let end: Int
  /// How many elements were passed.
  var walked = 0
  /// How many the header claims; 65535 for unknown.
  let declared: Int

  static let headerSize = 6

  /// - Throws: ``RDBError`` when size or end are wrong.
  init(_ bytes: ByteSlice, origin: Int) throws(RDBError) {
    guard bytes.count >= 7, Int(bytes.load(at: 0, as: UInt32.self)) == bytes.count else {
      throw corrupt(.listpack, .size, origin)
    }
    end = bytes.count - 1
    guard bytes[end] == 0xFF else { throw corrupt(.listpack, .end, origin) }
    declared = Int(bytes.load(at: 4, as: UInt16.self))
    at = ListpackCursor.headerSize
    self.bytes = bytes
    self.origin = origin
  }

  /// A cursor over nothing.
  init() {
    bytes = ByteSlice()
    origin = 0
    at = 0
    end = 0
    declared = 0
  }

  /// Whether all elements were given.
  var isAtEnd: Bool { at >= end }

  /// The next element; false at the end.
  @inline(__always) mutating func next(_ item: inout PackedItem) throws(RDBError) -> Bool {
    guard at < end else {
      try checkEnd()
      return false
    }
    let first = bytes[at]
    if first < 0x80 {
      // The byte behind lies inside: at < end < count.
      guard bytes[at &+ 1] == 1 else { throw corrupt(.listpack, .backLength, origin) }
      item.set(Int64(first))
      at &+= 2
      walked &+= 1
      return true
    }
    if first < 0xC0 {
      let size = Int(first & 0x3F) &+ 1
      guard size < end &- at else { throw corrupt(.listpack, .entry, origin) }
      guard Int(bytes[at &+ size]) == size else { throw corrupt(.listpack, .backLength, origin) }
      item.set(bytes.slice(at: at &+ 1, count: size &- 1))
      at &+= size &+ 1
      walked &+= 1
      return true
    }
    try nextLong(first, &item)
    return true
  }

  /// The next element, which must be there.
  @inline(__always) mutating func demand(
    _ item: inout PackedItem, _ blob: RDBError.Blob, _ problem: RDBError.Problem
  ) throws(RDBError) {
    guard try next(&item) else { throw corrupt(blob, problem, origin) }
  }

  /// The next element, which must be an integer.
  mutating func demandInteger(_ blob: RDBError.Blob) throws(RDBError) -> Int64 {
    var item = PackedItem()
    try demand(&item, blob, .count)
    guard item.isInteger else { throw corrupt(blob, .notANumber, origin) }
    return item.integer
  }

  @inline(never) private mutating func nextLong(
    _ first: UInt8, _ item: inout PackedItem
  ) throws(RDBError) {
    // How many bytes lie between here and the end.
    let room = end - at
    var size: Int
    if first < 0xE0 {
      size = 2
      guard size < room else { throw corrupt(.listpack, .entry, origin) }
      let raw = Int64(first & 0x1F) << 8 | Int64(bytes[at + 1])
      item.set(raw < 4096 ? raw : raw - 8192)
    } else if first < 0xF0 {
      guard 2 < room else { throw corrupt(.listpack, .entry, origin) }
      let length = Int(first & 0x0F) << 8 | Int(bytes[at + 1])
      size = 2 + length
      guard size < room else { throw corrupt(.listpack, .entry, origin) }
      item.set(bytes.slice(at: at + 2, count: length))
    } else {
      switch first {
      case 0xF0:
        guard 5 < room else { throw corrupt(.listpack, .entry, origin) }
        let length = Int(bytes.load(at: at + 1, as: UInt32.self))
        size = 5 + length
        guard size < room else { throw corrupt(.listpack, .entry, origin) }
        item.set(bytes.slice(at: at + 5, count: length))
      case 0xF1:
        size = 3
        guard size < room else { throw corrupt(.listpack, .entry, origin) }
        item.set(Int64(bytes.load(at: at + 1, as: Int16.self)))
      case 0xF2:
        size = 4
        guard size < room else { throw corrupt(.listpack, .entry, origin) }
        item.set(integer24(bytes, at: at + 1))
      case 0xF3:
        size = 5
        guard size < room else { throw corrupt(.listpack, .entry, origin) }
        item.set(Int64(bytes.load(at: at + 1, as: Int32.self)))
      case 0xF4:
        size = 9
        guard size < room else { throw corrupt(.listpack, .entry, origin) }
        item.set(bytes.load(at: at + 1, as: Int64.self))
      default: throw corrupt(.listpack, .encoding, origin)
      }
    }
    try passBackLength(of: size)
    walked += 1
  }

  /// Moves behind the length that follows an element of `size` bytes, which ends before `end`.
  @inline(__always) private mutating func passBackLength(of size: Int) throws(RDBError) {
    let from = at &+ size
    if size < 128 {
      // `from` lies before the end, which is inside.
      guard from < end else { throw corrupt(.listpack, .entry, origin) }
      guard Int(bytes[from]) == size else { throw corrupt(.listpack, .backLength, origin) }
      at = from &+ 1
      return
    }
    let groups = ListpackCursor.backLengthSize(size)
    guard groups <= end - from else { throw corrupt(.listpack, .entry, origin) }
    var shift = 7 * (groups - 1)
    for index in 0..<groups {
      let wanted = UInt8(truncatingIfNeeded: size >> shift & 0x7F) | (index == 0 ? 0 : 0x80)
      guard bytes[from + index] == wanted else { throw corrupt(.listpack, .backLength, origin) }
      shift -= 7
    }
    at = from + groups
  }

  /// How many bytes the length behind an element of `size` bytes takes.
  static func backLengthSize(_ size: Int) -> Int {
    if size < 1 << 7 { return 1 }
    if size < 1 << 14 { return 2 }
    if size < 1 << 21 { return 3 }
    return size < 1 << 28 ? 4 : 5
  }

  /// What has to hold at the end: the walk stops at the 0xFF, and the count is right.
  private func checkEnd() throws(RDBError) {
    guard declared == 0xFFFF || walked == declared else {
      throw corrupt(.listpack, .count, origin)
    }
  }
}

/// The signed little-endian integer of 24 bits at `offset`, which must lie inside.
@inline(__always) func integer24(_ bytes: ByteSlice, at offset: Int) -> Int64 {
  let low = Int64(bytes.load(at: offset, as: UInt16.self))
  return low | Int64(Int8(bitPattern: bytes[offset + 2])) << 16
}

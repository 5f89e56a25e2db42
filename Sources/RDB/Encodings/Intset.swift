internal import Bytes

/// Walks an intset (rdb-format.md 8.1; type 11).
///
/// ```text
/// u32le  bytes of an integer: 2, 4 or 8
/// u32le  number of integers
/// [ signed integer, little endian ]*, ascending
/// ```
///
/// The width may be larger than the members need. Size and width are checked here, the order by
/// the deep check only.
struct IntsetCursor {
  let bytes: ByteSlice
  /// 2, 4 or 8.
  let width: Int
  /// Where the next integer begins.
  var at = 8

  /// - Throws: ``RDBError`` when size or width are wrong.
  init(_ bytes: ByteSlice, origin: Int) throws(RDBError) {
    guard bytes.count >= 8 else { throw corrupt(.intset, .size, origin) }
    let width = bytes.load(at: 0, as: UInt32.self)
    guard width == 2 || width == 4 || width == 8 else {
      throw corrupt(.intset, .encoding, origin)
    }
    self.width = Int(width)
    guard bytes.count - 8 == Int(bytes.load(at: 4, as: UInt32.self)) * self.width else {
      throw corrupt(.intset, .size, origin)
    }
    self.bytes = bytes
  }

  /// A cursor over nothing.
  init() {
    bytes = ByteSlice()
    width = 2
  }

  /// How many integers there are.
  var count: Int { (bytes.count - 8) / width }

  /// The next integer, or nil at the end.
  @inline(__always) mutating func next() -> Int64? {
    guard at < bytes.count else { return nil }
    let value: Int64 =
      switch width {
      case 2: Int64(bytes.load(at: at, as: Int16.self))
      case 4: Int64(bytes.load(at: at, as: Int32.self))
      default: bytes.load(at: at, as: Int64.self)
      }
    at &+= width
    return value
  }
}

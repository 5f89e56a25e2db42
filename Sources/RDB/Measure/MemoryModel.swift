internal import Bytes

/// How many bytes a value takes in the memory of a server, as `MEMORY USAGE key SAMPLES 0` of Redis
/// 7 on a 64-bit machine with jemalloc counts them: allocations with what the allocator rounds
/// up, the key and its dictionary entry included, the entry among the expiring keys not.
///
/// Other versions differ by a few per cent: 7.4 and later keep short keys inside the entry, Valkey 8
/// and later do without entries at all.
enum MemoryModel {
  /// `sizeof(robj)`
  static let object = 16
  /// `sizeof(dict)`
  static let dictionary = 56
  /// `sizeof(dictEntry)`
  static let entry = 24
  /// `sizeof(quicklist)`
  static let quicklist = 40
  /// `sizeof(quicklistNode)`
  static let quicklistNode = 32
  /// `sizeof(zset)`, `sizeof(zskiplist)` and the head of the list, which has all 32 levels.
  static let skiplist = 16 + 32 + 640
  /// `sizeof(stream)`
  static let stream = 80

  /// What the allocator gives for `bytes`: multiples of 16 up to 128, then four sizes for each
  /// power of two.
  @inline(__always) static func allocation(_ bytes: Int) -> Int {
    if bytes <= 8 { return 8 }
    if bytes <= 128 { return (bytes &+ 15) & ~15 }
    let step = 1 << (Int.bitWidth &- (bytes &- 1).leadingZeroBitCount &- 3)
    return (bytes &+ step &- 1) & ~(step &- 1)
  }

  /// A string of its own (sds): header, bytes, and a zero behind them.
  @inline(__always) static func string(_ length: Int) -> Int {
    let header = length == 0 || length >= 32 ? length < 256 ? 3 : length < 65536 ? 5 : 9 : 1
    return allocation(length &+ header &+ 1)
  }

  /// The value of a string key.
  static func stringValue(_ length: Int) -> Int {
    length <= 44 ? allocation(object + 3 + length + 1) : object + string(length)
  }

  /// A dictionary with room for `count` elements, without its entries.
  static func dictionary(_ count: UInt64) -> Int {
    var slots = 4
    while slots < count && slots < 1 << 48 { slots *= 2 }
    return dictionary + 8 * slots
  }

  /// `count` nodes of a skip list: 1, 2, 3 … levels with falling probability, 53 1/3 bytes each on
  /// average.
  static func skiplistNodes(_ count: UInt64) -> Int { Int(clamping: count) * 160 / 3 }

  /// A tree (rax) of `count` ids, as servers estimate it themselves: 16 bytes a key, 244 a node. Ids
  /// lie near each other, so that each takes about two nodes.
  static func tree(_ count: UInt64) -> Int {
    count == 0 ? 244 : min(Int(clamping: count), .max / 1024) * (16 + 2 * 244)
  }

  /// A group of a stream with so many pending entries, without its consumers.
  static func group(_ pending: UInt64) -> Int {
    40 + tree(pending) + min(Int(clamping: pending), .max / 64) * 24
  }

  /// A consumer that owns so many entries.
  static func consumer(_ owned: UInt64) -> Int { 40 + tree(owned) }
}

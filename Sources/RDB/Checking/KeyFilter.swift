public import Bytes

/// Finds keys that are in one database twice: 8 bytes of hash for each key while the dump is read,
/// compared at the end.
///
/// The hashes lie in blocks of 256 bytes, each of which holds those of one first byte and begins with the
/// place of the block before it: so adding touches few cache lines, and each of the 256 comparisons
/// works in the cache.
public struct KeyFilter: ~Copyable {
  @usableFromInline var pool = PODArray<UInt64>()
  /// For each first byte, where its next hash goes; a multiple of ``block`` when it needs a block.
  @usableFromInline var tails = PODArray<Int>(repeating: 0, count: 256)

  @usableFromInline static var block: Int { 32 }

  /// Nothing yet.
  public init() {}

  /// The hash of a key of a database.
  public static func hash(_ key: ByteSlice, db: Int) -> UInt64 { key.fastHash ^ salt(db: db) }

  /// What sets apart keys of one name in different databases.
  static func salt(db: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: db) &* 0x9FB2_1C65_1E98_DF25
  }

  /// Adds a hash.
  @inlinable public mutating func add(_ hash: UInt64) {
    let list = Int(truncatingIfNeeded: hash >> 56)
    var place = tails[list]
    if place & (KeyFilter.block &- 1) == 0 { place = openBlock(list) }
    pool[place] = hash
    tails[list] = place &+ 1
  }

  @usableFromInline @inline(never) mutating func openBlock(_ list: Int) -> Int {
    let start = pool.count
    // The place behind the block before, or 0.
    pool.append(UInt64(tails[list]))
    for _ in 1..<KeyFilter.block { pool.append(0) }
    return start + 1
  }

  /// The hashes that were added more than once. Forgets all.
  ///
  /// In two bitmaps each hash has one place: the first tells which places were met, the second which
  /// more than once. Only the few hashes of such places are compared.
  public mutating func takeSuspects() -> Set<UInt64> {
    var suspects: Set<UInt64> = []
    var met = PODArray<UInt64>()
    var again = PODArray<UInt64>()
    for list in 0..<256 {
      let count = length(endingAt: tails[list])
      var words = 16
      while words * 2 < count { words *= 2 }
      if met.count < words {
        met = PODArray(repeating: 0, count: words)
        again = PODArray(repeating: 0, count: words)
      }
      for index in 0..<words {
        met[index] = 0
        again[index] = 0
      }
      let mask = words &- 1
      var twice: UInt64 = 0
      forEach(endingAt: tails[list]) { hash in
        let word = Int(truncatingIfNeeded: hash >> 6) & mask
        let bit = UInt64(1) &<< (hash & 63)
        let old = met[word]
        again[word] |= old & bit
        twice |= old & bit
        met[word] = old | bit
      }
      if twice != 0 {
        var exact: Set<UInt64> = []
        forEach(endingAt: tails[list]) { hash in
          let bit = UInt64(1) &<< (hash & 63)
          if again[Int(truncatingIfNeeded: hash >> 6) & mask] & bit != 0,
            !exact.insert(hash).inserted
          {
            suspects.insert(hash)
          }
        }
      }
      tails[list] = 0
    }
    pool = PODArray()
    return suspects
  }

  /// Calls `body` with each hash of the list whose next would go to `tail`.
  @inline(__always) private func forEach(endingAt tail: Int, _ body: (UInt64) -> Void) {
    var end = tail
    while end > 0 {
      let start = (end &- 1) & ~(KeyFilter.block &- 1)
      for index in start &+ 1..<end { body(pool[index]) }
      end = Int(pool[start])
    }
  }

  /// How many hashes the list has whose next would go to `tail`.
  private func length(endingAt tail: Int) -> Int {
    var count = 0
    var end = tail
    while end > 0 {
      let start = (end - 1) & ~(KeyFilter.block - 1)
      count += end - start - 1
      end = Int(pool[start])
    }
    return count
  }
}

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
  /// For each first byte, how many blocks it has.
  private var blocks = PODArray<Int>(repeating: 0, count: 256)

  @usableFromInline static var block: Int { 32 }

  /// Whether it keeps what is added; without, no duplicate is ever found, and no memory is taken.
  let isOn: Bool

  /// Nothing yet.
  public init(isOn: Bool = true) { self.isOn = isOn }

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
    blocks[list] += 1
    pool.append(repeating: 0, count: KeyFilter.block - 1)
    return start + 1
  }

  /// The hashes that were added more than once. Forgets all.
  public mutating func takeSuspects() -> Set<UInt64> {
    var suspects: Set<UInt64> = []
    var table = PODArray<UInt64>()
    for list in 0..<256 {
      if !findTwice(list, &table, &suspects) { findTwiceSlowly(list, &suspects) }
      tails[list] = 0
      blocks[list] = 0
    }
    pool = PODArray()
    return suspects
  }

  /// Finds what is twice in one list by a table with open addressing, in which 0 is empty (a hash that is
  /// 0 counts as 1: who compares the names sees what that mixes up). False when the hashes were made to lie
  /// together.
  private borrowing func findTwice(
    _ list: Int, _ table: inout PODArray<UInt64>, _ suspects: inout Set<UInt64>
  ) -> Bool {
    let count = blocks[list] * (KeyFilter.block - 1)
    var size = 64
    while size < count * 2 { size *= 2 }
    if table.count == size {
      for index in 0..<size { table[index] = 0 }
    } else {
      table = PODArray(repeating: 0, count: size)
    }
    let mask = size &- 1
    var steps = count * 8 + 64
    forEach(endingAt: tails[list]) { hash in
      let wanted = hash == 0 ? 1 : hash
      // Lists share the first byte; the last bits are as good as any.
      var slot = Int(truncatingIfNeeded: wanted) & mask
      while table[slot] != 0, steps > 0 {
        if table[slot] == wanted {
          suspects.insert(hash)
          return
        }
        slot = (slot &+ 1) & mask
        steps &-= 1
      }
      if steps > 0 { table[slot] = wanted }
    }
    return steps > 0
  }

  private borrowing func findTwiceSlowly(_ list: Int, _ suspects: inout Set<UInt64>) {
    var met: Set<UInt64> = []
    forEach(endingAt: tails[list]) { hash in
      if !met.insert(hash).inserted { suspects.insert(hash) }
    }
  }

  /// Calls `body` with each hash of the list whose next would go to `tail`.
  @inline(__always) private func forEach(endingAt tail: Int, _ body: (UInt64) -> Void) {
    var end = tail
    while end > 0 {
      let start = (end &- 1) & ~(KeyFilter.block &- 1)
      let before = Int(pool[start])
      if before > 0 {
        let next = (before &- 1) & ~(KeyFilter.block &- 1)
        for line in 0..<4 { pool.prefetch(next &+ line &* 8) }
      }
      for index in start &+ 1..<end { body(pool[index]) }
      end = before
    }
  }
}

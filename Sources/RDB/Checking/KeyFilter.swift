public import Bytes

/// Finds keys that are in one database twice: 8 bytes of hash for each key while the dump is read,
/// compared at the end.
///
/// The hashes go to 256 lists by their first byte, so that each comparison works in the cache.
public struct KeyFilter: ~Copyable {
  private var lists = [[UInt64]](repeating: [], count: 256)

  /// Nothing yet.
  public init() {}

  /// The hash of a key of a database.
  public static func hash(_ key: ByteSlice, db: Int) -> UInt64 {
    key.fastHash ^ (UInt64(truncatingIfNeeded: db) &* 0x9FB2_1C65_1E98_DF25)
  }

  /// Adds a hash.
  @inline(__always) public mutating func add(_ hash: UInt64) {
    lists[Int(truncatingIfNeeded: hash >> 56)].append(hash)
  }

  /// The hashes that were added more than once. Forgets all.
  public mutating func takeSuspects() -> Set<UInt64> {
    var suspects: Set<UInt64> = []
    var filter = DuplicateFilter()
    for index in 0..<256 {
      filter.clear()
      filter.expect(UInt64(lists[index].count))
      for hash in lists[index] where !filter.insert(hash) { suspects.insert(hash) }
      lists[index] = []
    }
    return suspects
  }
}

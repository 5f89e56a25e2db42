internal import Bytes
internal import RDB

/// The encoding that a server with the settings of Redis 7.2 and later would choose for a value: what
/// `OBJECT ENCODING` tells after it has loaded the log.
extension Value {
  /// Most elements of a listpack for hashes.
  private static let hashMost = 512
  /// Most elements of a listpack for sets and sorted sets.
  private static let setMost = 128
  /// Most integers of an intset.
  private static let intsetMost = 512
  /// Longest element of a listpack.
  private static let longest = 64
  /// Most bytes of a list that is one listpack.
  private static let listMost = 8192

  /// The name of the encoding.
  package var encodingName: StaticString {
    switch self {
    case .string(let string):
      if string.integer != nil { return "int" }
      return string.count <= 44 ? "embstr" : "raw"
    case .list(let list):
      return list.byteCount + 2 * list.count + 7 <= Value.listMost ? "listpack" : "quicklist"
    case .set(let set):
      let items = set.table.items
      if items.count <= Value.intsetMost,
        items.allSatisfy({ DecimalText.canonical($0.key) != nil })
      {
        return "intset"
      }
      return items.count <= Value.setMost
        && items.allSatisfy { $0.key.count <= Value.longest } ? "listpack" : "hashtable"
    case .sortedSet(let set):
      return set.count <= Value.setMost
        && set.table.items.allSatisfy { $0.key.count <= Value.longest } ? "listpack" : "skiplist"
    case .hash(let hash):
      let isSmall =
        hash.count <= Value.hashMost
        && hash.table.items.allSatisfy {
          $0.key.count <= Value.longest && $0.payload.value.count <= Value.longest
        }
      return isSmall ? hash.expiringCount > 0 ? "listpackex" : "listpack" : "hashtable"
    case .stream: return "stream"
    case .array: return "sliced-array"
    case .module(let module): return module.type.encodingName
    }
  }
}

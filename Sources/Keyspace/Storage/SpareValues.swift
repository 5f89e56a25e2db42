internal import Bytes

/// Empty collections for keys that are looked at in passing: making a key's collection and giving its
/// memory back costs more than filling it.
///
/// A collection is lent to one key at a time. When somebody has kept the last one, it is theirs, and
/// a new one is made.
struct SpareValues {
  private enum Kind: UInt8 { case none, list, set, sortedSet, hash }
  /// What commands make of an absent key, by their number in the registry.
  private let kinds: [Kind]
  private var list = ListValue()
  private var set = SetValue()
  private var sortedSet = SortedSetValue()
  private var hash = HashValue()
  /// Collections that have held more bytes than this are let go.
  private static let most = 1 << 20

  init() {
    kinds = CommandRegistry.shared.entries.map { entry in
      // Commands that do to an empty collection just what they do to an absent key; a collection that
      // is left empty is removed behind them.
      switch entry.name.description {
      case "RPUSH", "LPUSH": .list
      case "SADD": .set
      case "ZADD": .sortedSet
      case "HSET", "HMSET": .hash
      default: .none
      }
    }
  }

  /// An empty collection for the command of this number to work on, where it would make one.
  mutating func value(for number: Int) -> Value? {
    switch kinds[number] {
    case .none: return nil
    case .list:
      if !isKnownUniquelyReferenced(&list) || list.byteCount > SpareValues.most {
        list = ListValue()
      } else {
        list.removeAll()
      }
      return .list(list)
    case .set:
      if !isKnownUniquelyReferenced(&set) || set.byteCount > SpareValues.most {
        set = SetValue()
      } else {
        set.removeAll()
      }
      return .set(set)
    case .sortedSet:
      if !isKnownUniquelyReferenced(&sortedSet) || sortedSet.byteCount > SpareValues.most {
        sortedSet = SortedSetValue()
      } else {
        sortedSet.removeAll()
      }
      return .sortedSet(sortedSet)
    case .hash:
      if !isKnownUniquelyReferenced(&hash) || hash.byteCount > SpareValues.most {
        hash = HashValue()
      } else {
        hash.removeAll()
      }
      return .hash(hash)
    }
  }
}

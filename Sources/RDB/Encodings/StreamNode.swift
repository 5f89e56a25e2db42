internal import Bytes

/// Walks a node of a stream (rdb-format.md 9.1): a 16-byte key, which is the master id, and a
/// listpack of these elements.
///
/// ```text
/// live entries, deleted entries
/// N, N names of master fields, 0
/// per entry, live or deleted:
///   flags                     1 = deleted, 2 = has the master's fields
///   ms - master ms, seq - master seq
///   2 set:  N values
///   else:   k, [field, value]*k
///   how many elements that were: 3 + N, or 4 + 2k
/// ```
struct StreamNodeCursor {
  private var list: ListpackCursor
  private let master: StreamID
  /// At the first name of the master's fields.
  private let names: ListpackCursor
  private let nameCount: Int
  /// Entries that the header claims.
  private let live: Int64
  private let deleted: Int64
  private var liveSeen: Int64 = 0
  private var deletedSeen: Int64 = 0
  /// Of the current entry.
  private var name: ListpackCursor
  private var sameFields = false
  private var elements: Int64 = 0
  private var fieldsLeft = 0
  private var isOpen = false

  /// Reads what stands before the entries of the node whose key is `master`.
  init(_ blob: ByteSlice, master: StreamID, origin: Int) throws(RDBError) {
    list = try ListpackCursor(blob, origin: origin)
    self.master = master
    live = try list.demandInteger(.stream)
    deleted = try list.demandInteger(.stream)
    let count = try list.demandInteger(.stream)
    // Every name takes at least two bytes.
    guard live >= 0, deleted >= 0, count >= 0, count <= blob.count / 2 else {
      throw corrupt(.stream, .count, origin)
    }
    nameCount = Int(count)
    names = list
    name = list
    var item = PackedItem()
    for _ in 0..<nameCount { try list.demand(&item, .stream, .count) }
    guard try list.demandInteger(.stream) == 0 else { throw corrupt(.stream, .entry, origin) }
  }

  /// A cursor over nothing.
  init() {
    list = ListpackCursor()
    master = .zero
    names = list
    name = list
    nameCount = 0
    live = 0
    deleted = 0
  }

  /// How many live entries the node claims.
  var liveCount: Int64 { live }

  /// The next entry, or nil at the end. Fields of the entry before that were not asked for are
  /// passed.
  mutating func nextEntry() throws(RDBError) -> (id: StreamID, isDeleted: Bool, fields: Int)? {
    if isOpen {
      var item = PackedItem()
      var other = PackedItem()
      while try nextField(&item, &other) {}
    }
    if list.isAtEnd {
      var item = PackedItem()
      _ = try list.next(&item)
      guard liveSeen == live, deletedSeen == deleted else {
        throw corrupt(.stream, .count, list.origin)
      }
      return nil
    }
    let flags = try list.demandInteger(.stream)
    let ms = try list.demandInteger(.stream)
    let seq = try list.demandInteger(.stream)
    guard flags >= 0, flags <= 3 else { throw corrupt(.stream, .encoding, list.origin) }
    let isDeleted = flags & 1 != 0
    sameFields = flags & 2 != 0
    if isDeleted { deletedSeen += 1 } else { liveSeen += 1 }
    if sameFields {
      fieldsLeft = nameCount
      name = names
      elements = 3 + Int64(nameCount)
    } else {
      let count = try list.demandInteger(.stream)
      // Field and value take at least two bytes each.
      guard count >= 0, count <= list.bytes.count / 4 else {
        throw corrupt(.stream, .count, list.origin)
      }
      fieldsLeft = Int(count)
      elements = 4 + 2 * count
    }
    isOpen = true
    let id = StreamID(
      ms: master.ms &+ UInt64(bitPattern: ms), seq: master.seq &+ UInt64(bitPattern: seq))
    return (id, isDeleted, fieldsLeft)
  }

  /// The next field of the current entry; false at its end.
  mutating func nextField(
    _ field: inout PackedItem, _ value: inout PackedItem
  ) throws(RDBError) -> Bool {
    guard fieldsLeft > 0 else {
      if isOpen {
        isOpen = false
        guard try list.demandInteger(.stream) == elements else {
          throw corrupt(.stream, .backLength, list.origin)
        }
      }
      return false
    }
    fieldsLeft -= 1
    if sameFields {
      try name.demand(&field, .stream, .count)
    } else {
      try list.demand(&field, .stream, .count)
    }
    try list.demand(&value, .stream, .count)
    return true
  }
}

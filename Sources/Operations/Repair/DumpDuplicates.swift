internal import Bytes
internal import RDB

/// Takes keys out that are in their database twice, which servers refuse: bytes that were written
/// twice bring them. Of equal ones the first stays; of different ones none, since which of them is
/// right can't be told.
enum DumpDuplicates {
  private final class Place {
    let key: [UInt8]
    let db: Int
    let group: Int
    let range: Range<Int>
    /// Of the whole record.
    let hash: UInt64
    let expires: Bool
    var isGone = false

    init(key: [UInt8], db: Int, group: Int, range: Range<Int>, hash: UInt64, expires: Bool) {
      self.key = key
      self.db = db
      self.group = group
      self.range = range
      self.hash = hash
      self.expires = expires
    }
  }

  /// Counts in each group the keys that stand at an earlier place too.
  static func count(
    _ suspects: Set<UInt64>, _ salvage: inout DumpSalvage, _ pages: MappedPages,
    _ header: RDBHeader
  ) {
    if suspects.isEmpty { return }
    for same in find(suspects, salvage, pages, header) {
      var seen: Set<UInt64> = []
      for place in same where !seen.insert(place.hash).inserted {
        salvage.pieces.groups[place.group].copies += 1
        if place.expires { salvage.pieces.groups[place.group].expiringCopies += 1 }
      }
    }
  }

  static func remove(
    _ suspects: Set<UInt64>, _ salvage: inout DumpSalvage, _ pages: MappedPages,
    _ header: RDBHeader
  ) {
    if suspects.isEmpty { return }
    let places = find(suspects, salvage, pages, header)
    removeSeams(places, &salvage, pages, header)
    removeCopies(places, &salvage)
    for same in places where same.count > 1 {
      var byDatabase: [Int: [Place]] = [:]
      for place in same where !place.isGone { byDatabase[place.db, default: []].append(place) }
      for (db, places) in byDatabase where places.count > 1 {
        let first = places[0]
        let areEqual = places.allSatisfy { $0.hash == first.hash }
        for (index, place) in places.enumerated() where !areEqual || index > 0 {
          let other = places[index == 0 ? 1 : 0].range.lowerBound
          salvage.remove(
            place.range,
            areEqual
              ? "a key that is there already, at byte \(other), with the same value"
              : "a key that is there twice with different values, at byte \(other) too",
            db: db, key: place.key)
        }
      }
    }
  }

  /// All places of keys whose hash is one of `suspects`, by name.
  private static func find(
    _ suspects: Set<UInt64>, _ salvage: borrowing DumpSalvage, _ pages: MappedPages,
    _ header: RDBHeader
  ) -> [[Place]] {
    var places: [[UInt8]: [Place]] = [:]
    let bytes = salvage.bytes
    let pieces = salvage.pieces
    pieces.forEachKey(bytes, pages, header) { reader, at, piece in
      let key = reader.key
      guard (try? reader.skipValue()) != nil else { return false }
      guard suspects.contains(KeyFilter.hash(key.key, db: 0)) else { return true }
      let record = bytes.slice(at: at, count: reader.offset - at)
      places[key.key.bytes, default: []].append(
        Place(
          key: key.key.bytes, db: pieces.groups[piece.group].db, group: piece.group,
          range: at..<reader.offset, hash: record.fastHash, expires: key.expiresAt != nil))
      return true
    }
    return places.values.sorted { $0[0].range.lowerBound < $1[0].range.lowerBound }
  }

  /// Takes out keys that are made of two (``DumpSeams``).
  private static func removeSeams(
    _ all: [[Place]], _ salvage: inout DumpSalvage, _ pages: MappedPages, _ header: RDBHeader
  ) {
    if salvage.lost.isEmpty { return }
    var pairs: [DumpSeams.Pair] = []
    for same in all where same.count == 2 && same[0].hash == same[1].hash {
      pairs.append(DumpSeams.Pair(first: same[0].range, second: same[1].range))
    }
    let seams = DumpSeams(pairs, salvage.pieces)
    let found = seams.find(salvage.pieces, salvage.bytes, pages, header)
    if found.isEmpty { return }
    for one in found {
      salvage.remove(
        one.range,
        "a key that is made of two: a copy of the bytes around byte \(one.other) ends in it",
        db: one.db, key: one.key)
    }
    let gone = Set(found.map(\.range.lowerBound))
    for same in all {
      for place in same where gone.contains(place.range.lowerBound) { place.isGone = true }
    }
  }

  /// Between two damages lies what may be a copy of bytes that belong to another database. Where at
  /// least half of the keys stand there too, with the same values, they are.
  private static func removeCopies(_ all: [[Place]], _ salvage: inout DumpSalvage) {
    let groups = salvage.pieces.groups
    var copies: [Int: [Place]] = [:]
    for same in all where same.count > 1 {
      for place in same where groups[place.group].isUncertain {
        let isCopy = same.contains {
          $0.db != place.db && $0.hash == place.hash && !groups[$0.group].isUncertain
        }
        if isCopy { copies[place.group, default: []].append(place) }
      }
    }
    for (group, places) in copies.sorted(by: { $0.key < $1.key })
    where places.count * 2 >= groups[group].keys {
      for place in places {
        place.isGone = true
        salvage.remove(
          place.range, "a copy of a key of another database, written a second time", db: place.db,
          key: place.key)
      }
    }
  }
}

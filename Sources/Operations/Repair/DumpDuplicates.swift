internal import Bytes
internal import RDB

/// Takes keys out that are in their database twice, which servers refuse: bytes that were written
/// twice bring them. Of equal ones the first stays; of different ones none, since which of them is
/// right can't be told.
enum DumpDuplicates {
  private struct Place {
    var range: Range<Int>
    /// Type and value, and the expiry time before them.
    var hash: UInt64
    var value: Range<Int>
    var expiresAt: Int64?
  }

  static func remove(_ salvage: inout DumpSalvage, _ header: RDBHeader) {
    let suspects = salvage.takeSuspects()
    if suspects.isEmpty { return }
    var places: [UInt64: [(key: [UInt8], db: Int, Place)]] = [:]
    let bytes = salvage.bytes
    var reader = RDBReader(resuming: ByteCursor(bytes), header: header)
    for piece in salvage.pieces.all where piece.kind == .copy {
      reader.resume(at: piece.range.lowerBound, db: salvage.pieces.groups[piece.group].db)
      while reader.offset < piece.range.upperBound {
        let at = reader.offset
        guard let record = try? reader.next() else { break }
        guard case .key = record else { continue }
        let key = reader.key
        guard (try? reader.skipValue()) != nil else { break }
        let hash = KeyFilter.hash(key.key, db: key.db)
        guard suspects.contains(hash) else { continue }
        let value = key.valueOffset..<reader.offset
        let text = bytes.slice(at: value.lowerBound, count: value.count)
        places[hash, default: []].append(
          (
            key.key.bytes, key.db,
            Place(
              range: at..<reader.offset, hash: text.fastHash ^ UInt64(key.type.code), value: value,
              expiresAt: key.expiresAt)
          ))
      }
    }
    for (_, all) in places.sorted(by: {
      $0.value[0].2.range.lowerBound < $1.value[0].2.range.lowerBound
    }) {
      var groups: [[UInt8]: [(db: Int, Place)]] = [:]
      for (key, db, place) in all { groups[key, default: []].append((db, place)) }
      for (key, same) in groups where same.count > 1 {
        let first = same[0].1
        let areEqual = same.allSatisfy {
          $0.1.hash == first.hash && $0.1.expiresAt == first.expiresAt
        }
        for (index, (db, place)) in same.enumerated() where !areEqual || index > 0 {
          salvage.remove(
            place.range,
            areEqual
              ? "a key that is there already, at byte \(first.range.lowerBound), with the same value"
              : "a key that is there twice with different values, at byte \(same[index == 0 ? 1 : 0].1.range.lowerBound) too",
            db: db, key: key)
        }
      }
    }
  }
}

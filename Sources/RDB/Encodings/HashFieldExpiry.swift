internal import Bytes

/// Hashes whose fields expire (rdb-format.md 9.3 and 9.4). All times are ms since 1970.
///
/// ```text
/// 24          i64le base, len n, [len t, str field, str value]*n
///             t = 0: never; else the field expires at base + t - 1
/// 22 (Redis)  len n, [len t, str field, str value]*n           t absolute, 0 = never
/// 25          i64le base, str listpack of field, value, expiry  expiry absolute, 0 = never
/// 23 (Redis)  str listpack, as 25
/// 22 (Valkey) len n, [str field, str value, i64le expiry]*n     -1 = never, less is an error
/// ```
///
/// The base of type 25 is only a hint and may be stale.
extension RDBReader {
  /// The highest time that servers accept for a field.
  static let latestFieldExpiry: Int64 = 1 << 48 - 1

  mutating func beginTimedFields(
    _ phase: ValueState.Phase, hasBase: Bool
  ) throws(RDBError) {
    value.base = 0
    if hasBase {
      guard let base = input.cursor.load(as: Int64.self) else { throw input.truncated() }
      value.base = base
    }
    value.left = try input.readLength()
    value.phase = phase
  }

  mutating func stepTimedField(_ element: inout ValueElement) throws(RDBError) -> Bool {
    guard value.left > 0 else { return endElements() }
    value.left &-= 1
    input.cursor.housekeep()
    let at = input.cursor.offset
    var isLegal = true
    if value.phase == .valkeyFields {
      element.first = try input.readElement(into: &firstScratch, keeping: true)
      element.second = try input.readElement(into: &secondScratch, keeping: true)
      guard let expiry = input.cursor.load(as: Int64.self) else { throw input.truncated() }
      element.expiresAt = expiry
      isLegal = expiry >= -1
    } else {
      let time = try input.readLength()
      element.first = try input.readElement(into: &firstScratch, keeping: true)
      element.second = try input.readElement(into: &secondScratch, keeping: false)
      if time == 0 {
        element.expiresAt = ValueElement.never
      } else {
        let base = value.phase == .relativeFields ? value.base &- 1 : 0
        element.expiresAt = base &+ Int64(truncatingIfNeeded: time)
        isLegal =
          time <= UInt64(RDBReader.latestFieldExpiry)
          && 0...RDBReader.latestFieldExpiry ~= element.expiresAt
      }
    }
    guard isLegal else { throw corrupt(.hash, .range, at) }
    try throwFault()
    return true
  }

  mutating func stepTriple(_ element: inout ValueElement) throws(RDBError) -> Bool {
    var item = PackedItem()
    guard try value.listpack.next(&item) else { return endElements() }
    element.first = item.text(&firstScratch)
    try value.listpack.demand(&item, .hash, .pairs)
    element.second = item.text(&secondScratch)
    try value.listpack.demand(&item, .hash, .pairs)
    guard item.isInteger else { throw corrupt(.hash, .notANumber, blobOrigin) }
    guard 0...RDBReader.latestFieldExpiry ~= item.integer else {
      throw corrupt(.hash, .range, blobOrigin)
    }
    element.expiresAt = item.integer == 0 ? ValueElement.never : item.integer
    return true
  }
}

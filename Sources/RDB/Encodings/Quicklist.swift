internal import Bytes

/// Lists in nodes (rdb-format.md 8.5).
///
/// ```text
/// type 14:  len n, [str ziplist]*n
/// type 18:  len n, [len container, str]*n      container 1: the string is one element
///                                              container 2: the string is a listpack
/// ```
///
/// A node without elements is passed silently; an empty string is an error.
extension RDBReader {
  mutating func beginQuicklist(_ phase: ValueState.Phase) throws(RDBError) {
    value.left = try input.readLength()
    value.listpack = ListpackCursor()
    value.ziplist = ZiplistCursor()
    value.phase = phase
  }

  mutating func stepQuicklist2(_ element: inout ValueElement) throws(RDBError) -> Bool {
    while true {
      var item = PackedItem()
      if try value.listpack.next(&item) {
        element.first = item.text(&firstScratch)
        return true
      }
      value.listpack = ListpackCursor()
      guard value.left > 0 else { return endElements() }
      value.left &-= 1
      input.cursor.housekeep()
      let container = try input.readLength()
      let node = try readBlob()
      guard !node.isEmpty else { throw corrupt(.quicklist, .empty, blobOrigin) }
      switch container {
      case 1:
        element.first = node
        return true
      case 2: value.listpack = try ListpackCursor(node, origin: blobOrigin)
      default: throw corrupt(.quicklist, .encoding, blobOrigin)
      }
    }
  }

  mutating func stepQuicklist(_ element: inout ValueElement) throws(RDBError) -> Bool {
    while true {
      if value.ziplist.bytes.count > 0 {
        var item = PackedItem()
        if try value.ziplist.next(&item) {
          element.first = item.text(&firstScratch)
          return true
        }
        value.ziplist = ZiplistCursor()
      }
      guard value.left > 0 else { return endElements() }
      value.left &-= 1
      input.cursor.housekeep()
      let node = try readBlob()
      guard !node.isEmpty else { throw corrupt(.quicklist, .empty, blobOrigin) }
      value.ziplist = try ZiplistCursor(node, origin: blobOrigin)
    }
  }
}

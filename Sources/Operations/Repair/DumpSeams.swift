internal import Bytes
internal import RDB

/// Finds keys that are made of two: where bytes were written a second time, one end of the copy may lie
/// inside a text and happen to fit, so that nothing around it is wrong.
///
/// The copy gives itself away by its other end, where damage is to be seen, and by its keys, which
/// stand at another place too, in the same order, and without damage there. When nothing is wrong at
/// its first key, the copy begins inside the key before: unless that proves its own end, or ends in
/// other bytes than what stands before the other place, it goes. When nothing is wrong at its last key, the
/// copy ends inside the key behind, which goes when it has the name of the one behind the other place, and
/// another value.
struct DumpSeams {
  /// A key that stands at two places with the same value.
  struct Pair {
    var first: Range<Int>
    var second: Range<Int>
  }

  /// Keys next to copies: where they end or begin, and where the others do.
  private var before: [Int: Int] = [:]
  private var behind: [Int: Int] = [:]

  /// Where the other one of a pair begins, and where it ends.
  private var starts: [Int: Int] = [:]
  private var ends: [Int: Int] = [:]

  /// `pairs` are those of all keys.
  init(_ pairs: [Pair], _ pieces: DumpPieces) {
    // The edges of what is kept: damage is there.
    var starts: Set<Int> = []
    var ends: Set<Int> = []
    for piece in pieces.all where !piece.range.isEmpty {
      starts.insert(piece.range.lowerBound)
      ends.insert(piece.range.upperBound)
    }
    let edges = starts.symmetricDifference(ends)
    for pair in pairs {
      self.starts[pair.first.lowerBound] = pair.second.lowerBound
      self.starts[pair.second.lowerBound] = pair.first.lowerBound
      self.ends[pair.first.upperBound] = pair.second.upperBound
      self.ends[pair.second.upperBound] = pair.first.upperBound
    }
    let sorted = pairs.sorted { $0.first.lowerBound < $1.first.lowerBound }
    var index = 0
    while index < sorted.count {
      var run = sorted[index]
      index += 1
      while index < sorted.count, sorted[index].first.lowerBound == run.first.upperBound,
        sorted[index].second.lowerBound == run.second.upperBound
      {
        run.first = run.first.lowerBound..<sorted[index].first.upperBound
        run.second = run.second.lowerBound..<sorted[index].second.upperBound
        index += 1
      }
      look(at: run.first, run.second, edges)
      look(at: run.second, run.first, edges)
    }
  }

  private mutating func look(at copy: Range<Int>, _ other: Range<Int>, _ edges: Set<Int>) {
    let begins = edges.contains(copy.lowerBound)
    let ends = edges.contains(copy.upperBound)
    if ends, !begins, !edges.contains(other.upperBound) {
      before[copy.lowerBound] = other.lowerBound
    }
    if begins, !ends, !edges.contains(other.lowerBound) {
      behind[copy.upperBound] = other.upperBound
    }
  }

  /// A key that is made of two.
  struct Found {
    var range: Range<Int>
    var db: Int
    var key: [UInt8]
    /// Where what it ends in, or begins with, stands too.
    var other: Int
  }

  /// Looks for them among the keys that are kept.
  func find(
    _ pieces: DumpPieces, _ bytes: ByteSlice, _ pages: MappedPages, _ header: RDBHeader
  ) -> [Found] {
    if before.isEmpty && behind.isEmpty { return [] }
    var found: [Found] = []
    pieces.forEachKey(bytes, pages, header) { reader, at, piece in
      let key = reader.key
      guard (try? reader.skipValue()) != nil else { return false }
      let range = at..<reader.offset
      let db = pieces.groups[piece.group].db
      // Where the copy goes on beyond this key, a byte in it was changed, here or there.
      if let other = before[range.upperBound], ends[at] == other - range.count { return true }
      if let other = behind[at], starts[range.upperBound] == other + range.count { return true }
      if let other = before[range.upperBound], !DumpSalvage.provesLength(key.type), other > 0,
        bytes[other - 1] == bytes[range.upperBound - 1]
      {
        found.append(Found(range: range, db: db, key: key.key.bytes, other: other))
      } else if let other = behind[at], bytes.holds(key.valueOffset - at, at: other),
        bytes.slice(at: at, count: key.valueOffset - at)
          == bytes.slice(at: other, count: key.valueOffset - at)
      {
        found.append(Found(range: range, db: db, key: key.key.bytes, other: other))
      }
      return true
    }
    return found
  }
}

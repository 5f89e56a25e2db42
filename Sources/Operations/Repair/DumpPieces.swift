import Bytes
import RDB

/// What is kept of a damaged dump, in order.
struct DumpPieces {
  /// What becomes of a range.
  enum Kind: Equatable {
    /// Copied as it is.
    case copy
    /// A size hint, written anew with the numbers of a group.
    case sizes
    /// A database is selected; the range is empty.
    case select(Int)
  }

  struct Piece {
    var range: Range<Int>
    var kind: Kind
    /// The group it belongs to.
    var group: Int
  }

  /// Keys between two places where the database may have changed.
  struct Group {
    var db: Int
    /// Whether a SELECTDB before it may have been lost.
    var isUncertain = false
    /// What RESIZEDB said, for the first group of a database.
    var announced: (keys: UInt64, expires: UInt64)?
    var keys = 0
    var expires = 0
    /// Of ``keys`` and ``expires`` those that stand at an earlier place too, with the same value: bytes
    /// that were written twice, which nobody announced.
    var copies = 0
    var expiringCopies = 0
    /// Bytes that were lost in front of it.
    var lostBefore = 0
    /// Where it begins and ends in the file.
    var range = 0..<0
  }

  private(set) var all: [Piece] = []
  /// The groups, in order.
  var groups: [Group] = [Group(db: 0)]

  /// Adds a record to the last group.
  mutating func append(_ range: Range<Int>, _ kind: Kind = .copy) {
    let group = groups.count - 1
    if let last = all.last, last.kind == kind, kind == .copy, last.group == group,
      last.range.upperBound == range.lowerBound
    {
      all[all.count - 1].range = last.range.lowerBound..<range.upperBound
    } else {
      all.append(Piece(range: range, kind: kind, group: group))
    }
    if groups[group].range.isEmpty { groups[group].range = range }
    groups[group].range = groups[group].range.lowerBound..<range.upperBound
  }

  /// Adds a selection of a database.
  mutating func select(_ db: Int, at offset: Int) {
    all.append(Piece(range: offset..<offset, kind: .select(db), group: groups.count - 1))
  }

  /// Calls `body` with a reader behind the header of each key that is copied, the offset of its record, and
  /// its piece; passed pages are given back. `body` passes the value, and says whether that was possible: if
  /// not, the piece ends there.
  func forEachKey(
    _ bytes: ByteSlice, _ pages: MappedPages, _ header: RDBHeader,
    _ body: (inout RDBReader, _ at: Int, _ piece: Piece) -> Bool
  ) {
    var held = 0
    var reader = RDBReader(resuming: ByteCursor(bytes), header: header)
    for piece in all where piece.kind == .copy {
      reader.resume(at: piece.range.lowerBound, db: groups[piece.group].db)
      while reader.offset < piece.range.upperBound {
        let at = reader.offset
        if at - held >= MappedPages.step {
          pages.giveBack(held..<at)
          held = at
        }
        guard let record = try? reader.next() else { break }
        guard case .key = record else { continue }
        guard body(&reader, at, piece) else { break }
      }
    }
    pages.giveBack(held..<bytes.count)
  }

  /// Takes a range out; of all groups.
  mutating func remove(_ range: Range<Int>) {
    var result: [Piece] = []
    for piece in all {
      if !piece.range.overlaps(range) {
        result.append(piece)
        continue
      }
      if piece.range.lowerBound < range.lowerBound {
        var head = piece
        head.range = piece.range.lowerBound..<range.lowerBound
        result.append(head)
      }
      if piece.range.upperBound > range.upperBound {
        var tail = piece
        tail.range = range.upperBound..<piece.range.upperBound
        result.append(tail)
      }
    }
    all = result
  }

  /// Takes out the keys of a group.
  mutating func removeGroup(_ group: Int) {
    all.removeAll { $0.group == group }
    groups[group].keys = 0
    groups[group].expires = 0
  }

  /// Lets the keys of a group go to another database, and what follows to `after`.
  mutating func move(_ group: Int, to db: Int) {
    guard let first = all.firstIndex(where: { $0.group == group }) else { return }
    let offset = all[first].range.lowerBound
    all.insert(Piece(range: offset..<offset, kind: .select(db), group: group), at: first)
    groups[group].db = db
  }

  /// How many keys of the database that a size hint of `group` stands for, and how many expire.
  func sizes(_ group: Int) -> (keys: Int, expires: Int) {
    var keys = 0
    var expires = 0
    for index in group..<groups.count where groups[index].db == groups[group].db {
      keys += groups[index].keys
      expires += groups[index].expires
    }
    return (keys, expires)
  }

  /// Writes everything between header and end. The checksum of `output` must see the bytes, so
  /// nothing is copied by the kernel.
  func write(_ bytes: ByteSlice, _ pages: MappedPages, to output: inout OutputBuffer) {
    for piece in all {
      switch piece.kind {
      case .copy:
        pages.forEachPart(of: piece.range) { part in
          output.write(bytes.slice(at: part.lowerBound, count: part.count))
          return output.failure == nil
        }
      case .sizes:
        let (keys, expires) = sizes(piece.group)
        if keys == 0 { continue }
        if let announced = groups[piece.group].announced, announced.keys == UInt64(keys),
          announced.expires == UInt64(expires)
        {
          output.write(bytes.slice(at: piece.range.lowerBound, count: piece.range.count))
          continue
        }
        output.write(Opcode.resizeDB)
        output.write(rdbLength: keys)
        output.write(rdbLength: expires)
      case .select(let db):
        output.write(Opcode.selectDB)
        output.write(rdbLength: db)
      }
      if output.failure != nil { return }
    }
  }
}

extension OutputBuffer {
  /// Writes a length (rdb-format.md 3).
  mutating func write(rdbLength length: Int) {
    switch length {
    case ..<64: write(UInt8(length))
    case ..<16384:
      write(UInt8(0x40 | length >> 8))
      write(UInt8(length & 0xFF))
    case ...Int(UInt32.max):
      write(0x80 as UInt8)
      write(bigEndian: UInt32(length))
    default:
      write(0x81 as UInt8)
      write(bigEndian: UInt64(length))
    }
  }
}

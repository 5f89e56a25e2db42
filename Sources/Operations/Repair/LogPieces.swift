import AOF
import Bytes

/// What is kept of the commands of one file, in order.
struct LogPieces {
  /// What becomes of a range.
  enum Kind: Equatable {
    /// Copied as it is.
    case copy
    /// Copied command by command, with line ends put right.
    case loose
    /// A SELECT that is added; the range is empty.
    case select(Int)
  }

  struct Piece {
    var range: Range<Int>
    var kind: Kind
  }

  /// Rising, not overlapping.
  private(set) var all: [Piece] = []

  /// Adds a range behind the others.
  mutating func append(_ range: Range<Int>, _ kind: Kind = .copy) {
    if range.isEmpty { return }
    if let last = all.last, last.kind == kind, last.range.upperBound == range.lowerBound {
      all[all.count - 1].range = last.range.lowerBound..<range.upperBound
    } else {
      all.append(Piece(range: range, kind: kind))
    }
  }

  /// Adds a SELECT in front of what is kept from `offset` on.
  mutating func select(_ database: Int, at offset: Int) {
    let index = split(at: offset)
    all.insert(Piece(range: offset..<offset, kind: .select(database)), at: index)
  }

  /// Takes a range out.
  mutating func remove(_ range: Range<Int>) {
    if range.isEmpty || all.isEmpty { return }
    let from = split(at: range.lowerBound)
    let to = split(at: range.upperBound)
    if from < to { all.removeSubrange(from..<to) }
  }

  /// Makes a border of `offset`.
  ///
  /// - Returns: the number of the first piece that begins there or behind.
  private mutating func split(at offset: Int) -> Int {
    var low = 0
    var high = all.count
    while low < high {
      let middle = (low + high) / 2
      if all[middle].range.lowerBound < offset { low = middle + 1 } else { high = middle }
    }
    if low > 0, all[low - 1].range.upperBound > offset {
      let piece = all[low - 1]
      all[low - 1].range = piece.range.lowerBound..<offset
      all.insert(Piece(range: offset..<piece.range.upperBound, kind: piece.kind), at: low)
    }
    return low
  }

  /// Whether the byte at `offset` is kept.
  func contains(_ offset: Int) -> Bool {
    var low = 0
    var high = all.count
    while low < high {
      let middle = (low + high) / 2
      if all[middle].range.upperBound <= offset { low = middle + 1 } else { high = middle }
    }
    return low < all.count && all[low].range.contains(offset)
  }

  /// Whether nothing is kept from `start` up to `end`, which lies behind.
  func isGap(_ start: Int, _ end: Int) -> Bool {
    guard start <= end else { return false }
    return !all.contains { $0.range.overlaps(start..<end + 1) && $0.range.lowerBound < end }
  }

  /// How many bytes are kept, before line ends are put right.
  var bytes: Int { all.reduce(0) { $0 + $1.range.count } }

  /// Calls `body` with each command of the kept bytes in `range`, and where it stands. The words are
  /// valid during the call. The pages of passed commands are given back.
  func forEachCommand<E: Error>(
    in range: Range<Int>, of bytes: ByteSlice, _ pages: MappedPages, _ words: inout ArgumentTable,
    _ body: (Range<Int>, borrowing ArgumentTable) throws(E) -> Void
  ) throws(E) {
    for piece in all where piece.range.overlaps(range) {
      var at = max(piece.range.lowerBound, range.lowerBound)
      let end = min(piece.range.upperBound, range.upperBound)
      var held = at
      defer { pages.giveBack(held..<max(held, at)) }
      while at < end {
        if at - held >= MappedPages.step {
          pages.giveBack(held..<at)
          held = at
        }
        if bytes[at] == 0x23 {
          at = (bytes.firstIndex(of: 0x0A, from: at) ?? end - 1) + 1
          continue
        }
        let next: Int
        if piece.kind == .loose, let loose = LooseCommand(bytes, at: at) {
          loose.fill(&words, bytes)
          next = loose.end
        } else {
          guard let behind = try? words.fill(from: bytes, at: at) else { break }
          next = behind
        }
        try body(at..<next, words)
        at = next
      }
    }
  }

  /// Writes what is kept. Large ranges are copied from `source`, if there is one.
  ///
  /// - Returns: where the pieces stand in `output`.
  func write(
    _ bytes: ByteSlice, _ pages: MappedPages, _ source: RangeSource?, to output: inout OutputBuffer
  ) -> [Range<Int>] {
    var places: [Range<Int>] = []
    var held = 0
    for piece in all {
      let start = output.count
      defer { places.append(start..<output.count) }
      if piece.range.lowerBound - held >= MappedPages.step {
        pages.giveBack(held..<piece.range.lowerBound)
        held = piece.range.lowerBound
      }
      switch piece.kind {
      case .copy:
        if let source, piece.range.count >= 1 << 16 {
          output.copyRange(
            of: source, at: piece.range.lowerBound, count: piece.range.count)
        } else {
          output.write(bytes.slice(at: piece.range.lowerBound, count: piece.range.count))
        }
      case .loose:
        var at = piece.range.lowerBound
        while at < piece.range.upperBound, let command = LooseCommand(bytes, at: at) {
          command.write(bytes, to: &output)
          at = command.end
        }
      case .select(let database):
        output.write(commandOf: 2)
        output.write(bulk: "SELECT")
        output.write(bulkDecimal: UInt64(database))
      }
      if output.failure != nil { break }
    }
    return places
  }
}

internal import AOF
internal import Bytes

/// A range of scores as commands give it: `(` before a border excludes it, `-inf` and `+inf` work.
struct ScoreRange {
  private let low: Double
  private let high: Double
  private let excludesLow: Bool
  private let excludesHigh: Bool

  init(low: ByteSlice, high: ByteSlice) throws(CommandFault) {
    (self.low, excludesLow) = try ScoreRange.border(low)
    (self.high, excludesHigh) = try ScoreRange.border(high)
  }

  private static func border(_ text: ByteSlice) throws(CommandFault) -> (Double, Bool) {
    let excludes = !text.isEmpty && text[0] == 0x28
    let number = excludes ? text.dropFirst(1) : text
    guard let value = DoubleText.parse(number, .border) else { throw .notFloat }
    return (value, excludes)
  }

  /// The ranks of the members in this range.
  func ranks(in zset: SortedSetValue) -> Range<Int> {
    let order = zset.ordered
    let first = order.rank(
      order.firstPlace { excludesLow ? $0.score > low : $0.score >= low })
    let end = order.rank(
      order.firstPlace { excludesHigh ? $0.score >= high : $0.score > high })
    return first < end ? first..<end : 0..<0
  }

  /// The same as a function.
  var ranks: (SortedSetValue) -> Range<Int> { { ranks(in: $0) } }
}

/// A range of members as commands give it: `-`, `+`, `[member`, `(member`. Meant for members of
/// equal score; for others the answer of servers depends on chance when the set is large.
struct LexRange {
  private enum Border {
    case lowest
    case highest
    case member(ByteSlice, excluded: Bool)
  }

  private let low: Border
  private let high: Border

  init(low: ByteSlice, high: ByteSlice) throws(CommandFault) {
    self.low = try LexRange.border(low)
    self.high = try LexRange.border(high)
  }

  private static func border(_ text: ByteSlice) throws(CommandFault) -> Border {
    guard !text.isEmpty else { throw .syntax }
    switch text[0] {
    case 0x2D where text.count == 1: return .lowest
    case 0x2B where text.count == 1: return .highest
    case 0x5B: return .member(text.dropFirst(1), excluded: false)
    case 0x28: return .member(text.dropFirst(1), excluded: true)
    default: throw .syntax
    }
  }

  /// Whether `member` lies at or above the lower border.
  private func reachesLow(_ member: ByteSlice) -> Bool {
    switch low {
    case .lowest: true
    case .highest: false
    case .member(let border, let excluded):
      excluded ? member.compare(border) > 0 : member.compare(border) >= 0
    }
  }

  /// Whether `member` lies above the upper border.
  private func passesHigh(_ member: ByteSlice) -> Bool {
    switch high {
    case .lowest: true
    case .highest: false
    case .member(let border, let excluded):
      excluded ? member.compare(border) >= 0 : member.compare(border) > 0
    }
  }

  /// The ranks of the members in this range.
  func ranks(in zset: SortedSetValue) -> Range<Int> {
    let order = zset.ordered
    if zset.count <= LexRange.packed { return walk(order) }
    let first = order.rank(order.firstPlace { reachesLow($0.member) })
    let end = order.rank(order.firstPlace { passesHigh($0.member) })
    return first < end ? first..<end : 0..<0
  }

  /// Servers keep up to so many members in one listpack, which they walk from its head: that gives
  /// an answer for members of unequal scores, too.
  private static let packed = 128

  private func walk(_ order: SortedChunks<ScoredMember>) -> Range<Int> {
    guard let last = order.last, let lowest = order.first, reachesLow(last.member),
      !passesHigh(lowest.member)
    else { return 0..<0 }
    var place = order.place(0)
    var first = 0
    while !order.isEnd(place), !reachesLow(order[place].member) {
      place = order.after(place)
      first += 1
    }
    var end = first
    while !order.isEnd(place), !passesHigh(order[place].member) {
      place = order.after(place)
      end += 1
    }
    return first..<end
  }

  /// The same as a function.
  var ranks: (SortedSetValue) -> Range<Int> { { ranks(in: $0) } }
}

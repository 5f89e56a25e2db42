internal import Bytes

/// Finds hashes that occur twice in a value of many elements, in 16 MB and what the suspects take (at most
/// 4 MB), however many there are: instead of keeping all hashes it reads the value again.
///
/// Every pass marks three bits of one word for each hash; those whose bits were all marked before are
/// *candidates*, one in a hundred. The next pass counts how often each candidate really occurs. Of more than
/// 16 million elements, each pass marks those of one share of the hashes, while it counts the candidates
/// of the share before.
///
/// ```text
///     pass 0: mark share 0    pass 1: mark share 1, count 0    …    pass n: count n - 1
/// ```
struct WideDuplicates: ~Copyable {
  /// For fewer elements a table of all hashes is as small.
  static let fewest: UInt64 = 1 << 20
  /// So many elements a pass leave two of three bits unmarked.
  private static let mostOfShare: UInt64 = 1 << 24
  private static let words = 1 << 21
  private static let mostCandidates = 1 << 18
  private static let mostFound = 1 << 12

  private var marks = PODArray<UInt64>(repeating: 0, count: words)
  private let shares: UInt64
  private var pass: UInt64 = 0
  /// Candidates of this pass.
  private var candidates = CandidateTable()
  /// Those of the pass before, which are counted.
  private var counted = CandidateTable()
  /// Hashes that occur twice, each once or more often.
  private(set) var found: [UInt64] = []
  /// Whether there was more than is kept: then what was found is not all.
  private(set) var isIncomplete = false

  /// For a value of `elements` elements.
  init(elements: UInt64) {
    shares = max(1, (elements &- 1) / WideDuplicates.mostOfShare &+ 1)
  }

  /// Takes the hash of the next element of this pass.
  @inline(__always) mutating func note(_ hash: UInt64) {
    // The shares are told by the highest bits, the words by the lowest, the bits by those between.
    let share = shares == 1 ? 0 : hash.multipliedFullWidth(by: shares).high
    if share == pass {
      let word = Int(truncatingIfNeeded: hash) & (WideDuplicates.words &- 1)
      let bits =
        UInt64(1) &<< (hash &>> 21) | UInt64(1) &<< (hash &>> 27) | UInt64(1) &<< (hash &>> 33)
      let old = marks[word]
      marks[word] = old | bits
      if old & bits == bits { addCandidate(hash) }
    }
    if pass > 0 && share &+ 1 == pass && counted.isSecond(hash) { addFound(hash) }
  }

  /// Ends a pass.
  ///
  /// - Returns: whether another one is needed.
  mutating func endPass() -> Bool {
    pass &+= 1
    swap(&candidates, &counted)
    candidates.clear()
    if pass > shares || (pass == shares && counted.isEmpty) { return false }
    if pass < shares {
      for index in 0..<marks.count { marks[index] = 0 }
    }
    return true
  }

  @inline(never) private mutating func addCandidate(_ hash: UInt64) {
    if candidates.count < WideDuplicates.mostCandidates {
      candidates.add(hash)
    } else {
      isIncomplete = true
    }
  }

  @inline(never) private mutating func addFound(_ hash: UInt64) {
    if found.count < WideDuplicates.mostFound { found.append(hash) } else { isIncomplete = true }
  }
}

/// A set of hashes that knows whether each was met already: open addressing; the lowest bit of a slot says
/// that it was, so two hashes that differ in that bit only are one.
private struct CandidateTable: ~Copyable {
  private var slots = PODArray<UInt64>(repeating: 0, count: 256)
  private(set) var count = 0

  init() {}

  var isEmpty: Bool { count == 0 }

  mutating func clear() {
    if count == 0 { return }
    count = 0
    slots = PODArray(repeating: 0, count: 256)
  }

  mutating func add(_ hash: UInt64) {
    if (count &+ 1) &* 2 > slots.count { grow() }
    let slot = find(hash)
    if slots[slot] != 0 { return }
    slots[slot] = CandidateTable.name(hash)
    count &+= 1
  }

  /// Whether `hash` is one of the set, and this is not the first time that it is asked for.
  @inline(__always) mutating func isSecond(_ hash: UInt64) -> Bool {
    let slot = find(hash)
    let old = slots[slot]
    if old == 0 { return false }
    slots[slot] = old | 1
    return old & 1 == 1
  }

  /// What stands in a slot for `hash`; never 0.
  @inline(__always) private static func name(_ hash: UInt64) -> UInt64 {
    let name = hash & ~1
    return name == 0 ? 2 : name
  }

  /// The slot of `hash`, or the empty one where it belongs; half of the slots are empty.
  @inline(__always) private borrowing func find(_ hash: UInt64) -> Int {
    let name = CandidateTable.name(hash)
    let mask = slots.count &- 1
    // The marks were told apart by the lowest bits.
    var slot = Int(truncatingIfNeeded: name &>> 38) & mask
    while slots[slot] != 0, slots[slot] & ~1 != name { slot = (slot &+ 1) & mask }
    return slot
  }

  private mutating func grow() {
    var old = PODArray<UInt64>(repeating: 0, count: slots.count * 2)
    swap(&old, &slots)
    for index in 0..<old.count where old[index] != 0 { slots[find(old[index])] = old[index] }
  }
}

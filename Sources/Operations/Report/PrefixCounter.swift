import Bytes

/// Counts what stands below prefixes, in memory that does not grow with the number of prefixes.
///
/// As long as there are no more prefixes than places, all numbers are exact. When a place is wanted
/// and none is free, the median weight of all is taken off every one, and those with nothing left
/// lose their place (Misra and Gries, 1982). Then:
/// - the numbers of a prefix are those since it last got its place, so they are never too high;
/// - its weight is too low by at most ``Entry/missed``;
/// - a prefix without a place weighs at most ``bound``;
/// - ``bound`` is at most 2 W / places, W being the weight of all that was added. Each time it
///   grows by m, at least half of the places lose m of their weight, and no weight is lost twice.
struct PrefixCounter: ~Copyable {
  /// One prefix.
  struct Entry {
    var tally = KeyTally()
    /// At most so much was added to it before it got its place.
    var missed = 0
    /// Whether it is the whole name of its keys.
    var isWhole = false
    /// How many separators it spans.
    var depth = 0
    fileprivate var hash: UInt64 = 0
    fileprivate var offset = 0
    fileprivate var length = 0
    /// The weight that holds its place.
    fileprivate var weight = 0
  }

  /// The most that a prefix without a place can weigh; 0 as long as everything is exact.
  private(set) var bound = 0

  private let places: Int
  private var entries: [Entry] = []
  private var names = ScratchBuffer(capacity: 1 << 12)
  /// Places of `entries` plus one, by hash; 0 for none.
  private var slots: [UInt32]

  /// A counter with so many places, at least 2.
  init(places: Int) {
    self.places = max(places, 2)
    var size = 8
    while size < 2 * self.places { size *= 2 }
    slots = [UInt32](repeating: 0, count: size)
  }

  /// How many prefixes have a place.
  var count: Int { entries.count }

  /// A prefix that has a place.
  subscript(index: Int) -> Entry { entries[index] }

  /// The name of a prefix; valid until one is added.
  func name(_ index: Int) -> ByteSlice {
    names.slice.slice(at: entries[index].offset, count: entries[index].length)
  }

  /// Counts a key below `prefix`.
  @inline(__always)
  mutating func add(
    _ prefix: ByteSlice, isWhole: Bool, depth: Int, _ row: KeyRow, weight: Int
  ) {
    // A name that ends without a separator is another prefix than the same text with more behind it.
    let hash = isWhole ? ~prefix.fastHash : prefix.fastHash
    let place = place(of: prefix, hash, isWhole) ?? insert(prefix, hash, isWhole, depth)
    entries[place].tally.add(row)
    entries[place].weight = entries[place].weight.saturatingAdd(weight)
  }

  @inline(__always)
  private func place(of prefix: ByteSlice, _ hash: UInt64, _ isWhole: Bool) -> Int? {
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      let place = Int(slots[slot]) &- 1
      if entries[place].hash == hash, entries[place].isWhole == isWhole, name(place) == prefix {
        return place
      }
      slot = (slot &+ 1) & mask
    }
    return nil
  }

  @inline(never)
  private mutating func insert(
    _ prefix: ByteSlice, _ hash: UInt64, _ isWhole: Bool, _ depth: Int
  ) -> Int {
    if entries.count == places { makeRoom() }
    var entry = Entry()
    entry.missed = bound
    entry.isWhole = isWhole
    entry.depth = depth
    entry.hash = hash
    entry.offset = names.count
    entry.length = prefix.count
    names.append(prefix)
    entries.append(entry)
    link(entries.count - 1)
    return entries.count - 1
  }

  private mutating func link(_ place: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: entries[place].hash) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = UInt32(place + 1)
  }

  private mutating func makeRoom() {
    let median = entries.map(\.weight).sorted()[(entries.count - 1) / 2]
    bound = bound.saturatingAdd(median)
    var fresh = ScratchBuffer(capacity: 1 << 12)
    var kept: [Entry] = []
    kept.reserveCapacity(places)
    for index in entries.indices where entries[index].weight > median {
      var entry = entries[index]
      let text = name(index)
      entry.weight -= median
      entry.offset = fresh.count
      fresh.append(text)
      kept.append(entry)
    }
    swap(&entries, &kept)
    swap(&names, &fresh)
    slots = [UInt32](repeating: 0, count: slots.count)
    for index in entries.indices { link(index) }
  }
}

extension Int {
  /// The sum, or the largest number there is. Counts in files can be lies.
  @inline(__always) func saturatingAdd(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

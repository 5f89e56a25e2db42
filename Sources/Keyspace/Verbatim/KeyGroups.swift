internal import Bytes

/// Which keys are joined by commands that touch several: a union-find over the hashes of their names.
/// Only keys of such commands are in it. Node 0 stands for what is not known.
struct KeyGroups: ~Copyable {
  /// Of the node of each number.
  private var hashes: PagedArray<UInt64>
  /// A node that it is joined with, nearer to the one that stands for all; itself at the end.
  private var parents: PagedArray<UInt32>
  /// Numbers + 1 of nodes by hash, 0 for free.
  private var slots: PagedArray<UInt32>
  private let backing: PageBacking

  /// The node of what is not known.
  static let unknown = 0

  init(in backing: PageBacking) {
    self.backing = backing
    hashes = PagedArray(in: backing)
    parents = PagedArray(in: backing)
    slots = PagedArray(zeros: 1024, in: backing)
    _ = add(0)
  }

  var count: Int { hashes.count }

  /// The hash of a node.
  func hash(_ node: Int) -> UInt64 { hashes[node] }

  /// A node that no key has.
  mutating func add(_ hash: UInt64) -> Int {
    hashes.append(hash)
    parents.append(UInt32(truncatingIfNeeded: hashes.count - 1))
    precondition(hashes.count < Int(UInt32.max), "too many keys")
    return hashes.count - 1
  }

  /// The node of a key, and whether it was made for it.
  mutating func node(_ hash: UInt64) -> (node: Int, isNew: Bool) {
    if hashes.count &* 2 > slots.count { grow() }
    let mask = slots.count &- 1
    var slot = KeyGroups.home(hash) & mask
    while slots[slot] != 0 {
      let node = Int(slots[slot]) &- 1
      if hashes[node] == hash { return (node, false) }
      slot = (slot &+ 1) & mask
    }
    let node = add(hash)
    slots[slot] = UInt32(truncatingIfNeeded: node &+ 1)
    return (node, true)
  }

  @inline(__always)
  static func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: (hash ^ hash >> 32) >> 1) }

  private mutating func grow() {
    var fresh = PagedArray<UInt32>(zeros: slots.count * 2, in: backing)
    let mask = fresh.count - 1
    for old in 0..<slots.count where slots[old] != 0 {
      var slot = KeyGroups.home(hashes[Int(slots[old]) - 1]) & mask
      while fresh[slot] != 0 { slot = (slot &+ 1) & mask }
      fresh[slot] = slots[old]
    }
    slots = fresh
  }

  /// The node that stands for all that `node` is joined with.
  mutating func root(_ node: Int) -> Int {
    var place = node
    while Int(parents[place]) != place {
      let above = parents[Int(parents[place])]
      parents[place] = above
      place = Int(above)
    }
    return place
  }

  /// Joins two nodes. The lower number stands for both, so that the unknown always does.
  mutating func join(_ first: Int, _ second: Int) {
    let one = root(first)
    let two = root(second)
    if one == two { return }
    parents[max(one, two)] = UInt32(truncatingIfNeeded: min(one, two))
  }
}

/// The keys that are kept: a set of hashes, and patterns.
final class KeptKeys {
  // The lowest bit of an entry tells that somebody named it who knows that it is a key; 0 is free.
  @safe @exclusivity(unchecked) private var slots: PagedArray<UInt64>
  private var count = 0
  private let backing: PageBacking
  private let patterns: [KeyPattern]
  /// How many of them are keys for sure.
  private(set) var touchedCount = 0

  init(_ patterns: [KeyPattern], in backing: PageBacking) {
    self.patterns = patterns
    self.backing = backing
    slots = PagedArray(zeros: 1024, in: backing)
  }

  var failure: SystemError? { slots.failure }

  @inline(__always)
  private static func entry(_ hash: UInt64) -> UInt64 {
    let even = hash & ~1
    return even == 0 ? 2 : even
  }

  /// Adds a key.
  func insert(_ hash: UInt64) {
    let slot = find(hash)
    guard slots[slot] == 0 else { return }
    slots[slot] = KeptKeys.entry(hash)
    count += 1
    if count * 2 > slots.count { grow() }
  }

  /// Where `hash` is, or might go.
  @inline(__always)
  private func find(_ hash: UInt64) -> Int {
    let wanted = KeptKeys.entry(hash)
    let mask = slots.count &- 1
    var slot = KeyGroups.home(wanted) & mask
    while slots[slot] != 0 && slots[slot] & ~1 != wanted { slot = (slot &+ 1) & mask }
    return slot
  }

  private func grow() {
    var fresh = PagedArray<UInt64>(zeros: slots.count * 2, in: backing)
    let mask = fresh.count - 1
    for old in 0..<slots.count where slots[old] != 0 {
      var slot = KeyGroups.home(slots[old] & ~1) & mask
      while fresh[slot] != 0 { slot = (slot &+ 1) & mask }
      fresh[slot] = slots[old]
    }
    slots = fresh
  }

  /// Whether the key is kept.
  @inline(__always)
  func holds(_ key: NamedKey) -> Bool {
    slots[find(key.hash)] != 0 || (!patterns.isEmpty && patterns.contains { $0.matches(key) })
  }

  /// Counts a key that is kept.
  func note(_ key: NamedKey) {
    if slots[find(key.hash)] == 0 { insert(key.hash) }
    let slot = find(key.hash)
    guard slots[slot] & 1 == 0 else { return }
    slots[slot] |= 1
    touchedCount += 1
  }
}

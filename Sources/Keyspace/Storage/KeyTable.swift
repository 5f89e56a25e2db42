internal import Bytes

/// What an entry starts from before its postponed commands; POD.
struct EntryBase: BitwiseCopyable {
  enum Kind: UInt64 {
    /// The key does not exist.
    case absent = 0
    /// `SET key value`: the payload is the position of the command in the logs.
    case setCommand = 1
    /// The payload is a number in ``StateStore``.
    case state = 2
    /// A value of a dump: the payload is the position of its record in the dumps.
    case dump = 3
    /// What the keyspace below holds (``Keyspace/lower``).
    case elsewhere = 4
  }
  private var word: UInt64

  static let absent = EntryBase(.absent, 0)
  static let elsewhere = EntryBase(.elsewhere, 0)

  init(_ kind: Kind, _ payload: Int) {
    word = kind.rawValue << 56 | UInt64(truncatingIfNeeded: payload)
  }
  var kind: Kind { Kind(rawValue: word >> 56) ?? .absent }
  var payload: Int { Int(truncatingIfNeeded: word & 0xFF_FFFF_FFFF_FFFF) }
}

/// A key of a database; POD, 64 bytes: one line of the processor's cache, which holds all that it takes
/// to find a short name.
struct KeyEntry: BitwiseCopyable {
  /// The name, where the log has it first.
  let key: ByteSlice
  private let words: NameWords
  /// What its postponed commands start from.
  var base = EntryBase.absent
  /// The number + 1 of the last postponed command in ``OperationChains``; 0 for none.
  var lastOperation: UInt32 = 0
  /// How many commands are postponed.
  var operationCount: UInt32 = 0
  /// What the slot keeps of the hash.
  let hash: UInt32
  /// The number + 1 of the first postponed command, while there is one.
  var firstOperation: UInt32 = 0

  init(key: ByteSlice, hash: UInt32) {
    self.key = key
    self.hash = hash
    words = NameWords(key)
  }

  /// Whether the name is `other`, whose words are `words`.
  @inline(__always)
  func isNamed(_ other: ByteSlice, _ words: NameWords) -> Bool {
    key.count == other.count && self.words == words
      && (key.count <= NameWords.most || key == other)
  }

  /// Whether the entry holds nothing: no key, and nothing postponed that could make one.
  var isVacant: Bool { lastOperation == 0 && base.kind == .absent }
}

/// The keys of one database: open addressing over byte slices.
///
/// Slots are 64 bits, hash above and number + 1 below; the entries lie in one array in the order
/// in which their keys were first seen. Keys that were deleted stay as vacant entries until the
/// table grows; then they are dropped. Numbers of entries are valid until the next
/// ``findOrAdd(_:hash:)``.
final class KeyTable {
  @safe @exclusivity(unchecked) private var entries: PagedArray<KeyEntry>
  @safe @exclusivity(unchecked) private var slots: PagedArray<UInt64>
  @safe @exclusivity(unchecked) private var notes = PODArray<UInt32>()

  /// The number of the database; changes by SWAPDB.
  var database: Int
  /// Whether an entry that holds nothing says something: in a keyspace over another one, that the
  /// key does not exist. Numbers of entries stay valid then.
  private(set) var keepsVacant: Bool

  private let backing: PageBacking

  init(database: Int, keepsVacant: Bool = false, in backing: PageBacking = .memory) {
    self.database = database
    self.keepsVacant = keepsVacant
    self.backing = backing
    entries = PagedArray(in: backing)
    slots = PagedArray(zeros: 64, in: backing)
  }

  /// Why the table is in memory although it should be in files.
  var failure: SystemError? { entries.failure ?? slots.failure }

  static func hash(_ key: ByteSlice) -> UInt32 { UInt32(truncatingIfNeeded: key.fastHash >> 16) }

  /// How many entries there are, vacant ones included.
  var count: Int { entries.count }

  /// Entry `index`.
  subscript(index: Int) -> KeyEntry {
    get { entries[index] }
    set { entries[index] = newValue }
  }

  /// Tells the processor that entry `index` is read soon.
  func prefetch(_ index: Int) { entries.prefetch(index) }

  /// What was noted of entry `index`, in a table whose entries stay where they are; 0 for nothing.
  func note(_ index: Int) -> UInt32 { index < notes.count ? notes[index] : 0 }

  /// Notes something of entry `index`.
  func setNote(_ index: Int, _ note: UInt32) {
    while notes.count <= index { notes.append(0) }
    notes[index] = note
  }

  /// The number of the entry of `key`.
  func find(_ key: ByteSlice, hash: UInt32) -> Int? {
    let words = NameWords(key)
    let mask = slots.count &- 1
    var slot = Int(hash) & mask
    while true {
      let word = slots[slot]
      if word == 0 { return nil }
      if UInt32(truncatingIfNeeded: word >> 32) == hash {
        let index = Int(UInt32(truncatingIfNeeded: word)) &- 1
        if entries[index].isNamed(key, words) { return index }
      }
      slot = (slot &+ 1) & mask
    }
  }

  /// The number of the entry of `key`, which is made when there is none.
  func findOrAdd(_ key: ByteSlice, hash: UInt32, candidate: Int = Int.max) -> Int {
    if let index = find(key, hash: hash, candidate: candidate) { return index }
    if (entries.count &+ 1) &* 3 > slots.count &* 2 { grow() }
    entries.append(KeyEntry(key: key, hash: hash))
    place(hash, entries.count)
    return entries.count &- 1
  }

  /// Makes room for `total` entries in an empty table.
  func reserve(_ total: Int) {
    guard entries.isEmpty else { return }
    var size = slots.count
    while total &* 3 > size &* 2 { size *= 2 }
    entries.reserve(total)
    if size != slots.count { slots = PagedArray(zeros: size, in: backing) }
  }

  /// Makes the table part of a keyspace over another one: from now on an entry that holds nothing says
  /// something, so those that are there now go.
  func becomeLayer() {
    keepsVacant = true
    let total = entries.count
    dropVacant()
    if entries.count < total { placeAll(slots.count) }
  }

  /// Tells the processor that the slot of `hash` is read soon.
  func prefetchSlot(_ hash: UInt32) { slots.prefetch(Int(hash) & (slots.count &- 1)) }

  /// The number of the first entry with `hash`, without a look at its key; `Int.max` when there is
  /// none. The entry is read soon, as the processor is told.
  func candidate(_ hash: UInt32) -> Int {
    let mask = slots.count &- 1
    var slot = Int(hash) & mask
    while true {
      let word = slots[slot]
      if word == 0 { return Int.max }
      if UInt32(truncatingIfNeeded: word >> 32) == hash {
        let index = Int(UInt32(truncatingIfNeeded: word)) &- 1
        entries.prefetch(index)
        return index
      }
      slot = (slot &+ 1) & mask
    }
  }

  /// Tells the processor that the key of an entry is read soon, if its entry does not tell all of it.
  func prefetchKey(_ candidate: Int) {
    guard candidate < entries.count, entries[candidate].key.count > NameWords.most else { return }
    entries[candidate].key.prefetch()
  }

  /// The number of the entry of `key`, which is probably `candidate`.
  @inline(__always)
  func find(_ key: ByteSlice, hash: UInt32, candidate: Int) -> Int? {
    if candidate < entries.count, entries[candidate].isNamed(key, NameWords(key)) {
      return candidate
    }
    return find(key, hash: hash)
  }

  private func place(_ hash: UInt32, _ number: Int) {
    let mask = slots.count &- 1
    var slot = Int(hash) & mask
    while slots[slot] != 0 { slot = (slot &+ 1) & mask }
    slots[slot] = UInt64(hash) << 32 | UInt64(number)
  }

  /// Drops vacant entries when they are many, otherwise doubles the slots.
  private func grow() {
    var vacant = 0
    if !keepsVacant {
      for index in 0..<entries.count where entries[index].isVacant { vacant += 1 }
    }
    var size = slots.count
    if vacant * 4 > entries.count { dropVacant() } else { size *= 2 }
    placeAll(size)
  }

  /// Takes entries that hold nothing out of the array; the slots have to be made anew.
  private func dropVacant() {
    var kept = 0
    for index in 0..<entries.count where !entries[index].isVacant {
      if kept != index { entries[kept] = entries[index] }
      kept += 1
    }
    entries.truncate(to: kept)
  }

  /// Fills the slots, `size` of them, anew.
  private func placeAll(_ size: Int) {
    if size == slots.count {
      for slot in 0..<size { slots[slot] = 0 }
    } else {
      slots = PagedArray(zeros: size, in: backing)
    }
    for index in 0..<entries.count { place(entries[index].hash, index + 1) }
  }
}

/// Values made by executing commands, found by number.
struct StateStore {
  var items: [KeyState] = []
  private var free: [Int32] = []

  /// Keeps `state`; returns its number.
  mutating func add(_ state: KeyState) -> Int {
    if let index = free.popLast() {
      items[Int(index)] = state
      return Int(index)
    }
    items.append(state)
    return items.count - 1
  }

  /// Forgets the state of this number.
  mutating func remove(_ index: Int) {
    items[index] = KeyState()
    free.append(Int32(truncatingIfNeeded: index))
  }
}

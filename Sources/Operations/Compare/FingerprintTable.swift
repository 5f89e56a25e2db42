internal import Bytes

/// The fingerprints of the keys of one state, and which of them the other state has: 19 to 24 bytes a
/// key.
///
/// 256 parts by the highest bits of the name, so that only one of them is moved at a time; in each,
/// open addressing, filled up to 85 %, grown by a quarter.
final class FingerprintTable {
  /// What is known of a name.
  enum Mark: UInt64 {
    /// Not there.
    case absent = 4
    /// There; the other state has not told of it.
    case unseen = 0
    /// The other state has the same.
    case equal = 1
    /// The other state has something else under the name.
    case different = 2
  }

  private struct Slot: BitwiseCopyable {
    /// 0 is empty.
    var name: UInt64
    /// The mark in the lowest two bits.
    var state: UInt64
  }

  private final class Part {
    @safe @exclusivity(unchecked) var slots = PODArray<Slot>(
      repeating: Slot(name: 0, state: 0), count: 16)
    @safe @exclusivity(unchecked) var count = 0

    init(room: Int) {
      if room > 13 {
        slots = PODArray(repeating: Slot(name: 0, state: 0), count: room * 20 / 17 + 1)
      }
    }

    @inline(__always) func start(_ name: UInt64) -> Int {
      Int(truncatingIfNeeded: (name << 8).multipliedFullWidth(by: UInt64(slots.count)).high)
    }

    func add(_ slot: Slot) {
      var index = start(slot.name)
      while slots[index].name != 0 {
        index &+= 1
        if index == slots.count { index = 0 }
      }
      slots[index] = slot
    }

    func insert(_ slot: Slot) {
      if count &* 20 >= slots.count &* 17 { grow() }
      add(slot)
      count &+= 1
    }

    @inline(never) private func grow() {
      var old = PODArray<Slot>(
        repeating: Slot(name: 0, state: 0), count: slots.count + slots.count / 4 + 4)
      swap(&old, &slots)
      for index in 0..<old.count where old[index].name != 0 { add(old[index]) }
    }
  }

  private let parts: [Part]
  /// How many keys there are.
  @safe @exclusivity(unchecked) private(set) var count = 0
  /// How many are marked equal.
  @safe @exclusivity(unchecked) private(set) var equal = 0
  /// How many are marked different.
  @safe @exclusivity(unchecked) private(set) var different = 0

  /// A table for about `expected` keys.
  init(expected: Int) {
    // A little more than its share for each, since shares differ.
    let share = expected / 256
    let room = share > 0 ? share + Int((Double(share)).squareRoot() * 3) : 0
    parts = (0..<256).map { _ in Part(room: room) }
  }

  /// How much memory the slots take.
  var bytes: Int { parts.reduce(0) { $0 + $1.slots.count * 16 } }

  @inline(__always) private static func split(
    _ name: UInt64, _ state: UInt64
  ) -> (name: UInt64, state: UInt64) {
    (name == 0 ? 1 : name, state & ~3)
  }

  private func part(_ name: UInt64) -> Part { parts[Int(truncatingIfNeeded: name >> 56)] }

  // MARK: - In turns

  /// A key that waits until its slot has come from memory.
  private struct Waiting: BitwiseCopyable {
    var name: UInt64
    var state: UInt64
  }
  private static let turns = 32
  @safe @exclusivity(unchecked) private var waiting = PODArray<Waiting>(
    repeating: Waiting(name: 0, state: 0), count: FingerprintTable.turns)
  @safe @exclusivity(unchecked) private var waitingCount = 0
  /// How many keys that were looked up in turns are not there.
  @safe @exclusivity(unchecked) private(set) var absent = 0

  /// The same as ``insert(_:_:)`` or ``match(_:_:)``, at some time before ``settle(inserting:)``:
  /// keys do not wait for the memory of each other.
  @inline(__always) func take(_ name: UInt64, _ state: UInt64, inserting: Bool) {
    let part = part(name)
    part.slots.prefetch(part.start(name))
    waiting[waitingCount] = Waiting(name: name, state: state)
    waitingCount &+= 1
    if waitingCount == FingerprintTable.turns { settle(inserting: inserting) }
  }

  /// Does what is waiting.
  @inline(never) func settle(inserting: Bool) {
    for index in 0..<waitingCount {
      let key = waiting[index]
      if inserting {
        insert(key.name, key.state)
      } else if case .absent = match(key.name, key.state) {
        absent &+= 1
      }
    }
    waitingCount = 0
  }

  // MARK: - One by one

  /// Adds a key.
  func insert(_ name: UInt64, _ state: UInt64) {
    let (name, state) = FingerprintTable.split(name, state)
    part(name).insert(Slot(name: name, state: state))
    count &+= 1
  }

  /// The other state has `name` with `state`: marks it, and tells what it is now. A name that is
  /// there twice is matched twice.
  func match(_ name: UInt64, _ state: UInt64) -> Mark {
    let (name, state) = FingerprintTable.split(name, state)
    let part = part(name)
    var index = part.start(name)
    var other = -1
    while part.slots[index].name != 0 {
      if part.slots[index].name == name, part.slots[index].state & 3 == Mark.unseen.rawValue {
        if part.slots[index].state == state {
          part.slots[index].state |= Mark.equal.rawValue
          equal &+= 1
          return .equal
        }
        other = index
      }
      index &+= 1
      if index == part.slots.count { index = 0 }
    }
    guard other >= 0 else { return .absent }
    part.slots[other].state |= Mark.different.rawValue
    different &+= 1
    return .different
  }

  /// What is known of `name`; of a name that is there twice, what is worst.
  func mark(of name: UInt64) -> Mark {
    let (name, _) = FingerprintTable.split(name, 0)
    let part = part(name)
    var index = part.start(name)
    var worst = Mark.absent
    while part.slots[index].name != 0 {
      if part.slots[index].name == name {
        let mark = Mark(rawValue: part.slots[index].state & 3) ?? .unseen
        if mark == .different { return mark }
        if worst == .absent || mark == .unseen { worst = mark }
      }
      index &+= 1
      if index == part.slots.count { index = 0 }
    }
    return worst
  }

  /// The state of `name`, without its last two bits; nil when it is not there.
  func state(of name: UInt64) -> UInt64? {
    let (name, _) = FingerprintTable.split(name, 0)
    let part = part(name)
    var index = part.start(name)
    while part.slots[index].name != 0 {
      if part.slots[index].name == name { return part.slots[index].state & ~3 }
      index &+= 1
      if index == part.slots.count { index = 0 }
    }
    return nil
  }
}

package import Bytes

/// Byte strings, each with a payload, found by their bytes: members of sets, fields of hashes.
///
/// The items lie densely in one array (removal moves the last item into the gap, so there is no
/// order to rely on). Up to eight items are searched one after the other; larger tables have open
/// addressing over 64-bit slots of hash and index, with linear probing and backward shifting.
package struct SliceTable<Payload> {
  /// One byte string and its payload.
  package struct Item {
    /// The bytes.
    package let key: ByteSlice
    /// What belongs to it.
    package var payload: Payload
    /// The ``ByteSlice/fastHash`` of the bytes.
    package let hash: UInt64
  }

  /// All items, in no order to rely on.
  package private(set) var items: [Item] = []
  /// 0 for free, otherwise the hash in the upper and index + 1 in the lower half.
  private var slots: [UInt64] = []
  /// The bytes of all keys together.
  package private(set) var keyBytes = 0

  package init() {}

  /// How many items there are.
  package var count: Int { items.count }

  /// The index of `key` in ``items``.
  package func find(_ key: ByteSlice) -> Int? {
    items.isEmpty ? nil : find(key, hash: key.fastHash)
  }

  /// The index of `key`, whose ``ByteSlice/fastHash`` is `hash`.
  package func find(_ key: ByteSlice, hash: UInt64) -> Int? {
    if slots.isEmpty {
      for index in 0..<items.count where items[index].hash == hash {
        if items[index].key == key { return index }
      }
      return nil
    }
    let mask = slots.count &- 1
    let tag = UInt32(truncatingIfNeeded: hash)
    var slot = Int(tag) & mask
    while slots[slot] != 0 {
      if UInt32(truncatingIfNeeded: slots[slot] >> 32) == tag {
        let index = Int(UInt32(truncatingIfNeeded: slots[slot])) &- 1
        if items[index].key == key { return index }
      }
      slot = (slot &+ 1) & mask
    }
    return nil
  }

  /// The index of `key`, which is added with the payload when it is not there. In one call, so that the
  /// table is not lent to two.
  package mutating func findOrAdd(
    _ key: ByteSlice, _ payload: Payload
  ) -> (index: Int, isNew: Bool) {
    let hash = key.fastHash
    if let index = find(key, hash: hash) { return (index, false) }
    append(key, payload, hash: hash)
    return (items.count &- 1, true)
  }

  /// Gives `key` the payload, and returns the payload it had.
  package mutating func set(_ key: ByteSlice, to payload: Payload) -> Payload? {
    let hash = key.fastHash
    if let index = find(key, hash: hash) {
      let old = items[index].payload
      items[index].payload = payload
      return old
    }
    append(key, payload, hash: hash)
    return nil
  }

  /// Adds `key`, which must not be there yet; `hash` is its ``ByteSlice/fastHash``.
  package mutating func append(_ key: ByteSlice, _ payload: Payload, hash: UInt64) {
    if items.isEmpty { items.reserveCapacity(4) }
    items.append(Item(key: key, payload: payload, hash: hash))
    keyBytes += key.count
    // A table that was large keeps its slots when it shrinks.
    if items.count > 8 || !slots.isEmpty {
      if items.count &* 4 > slots.count &* 3 { rebuild() } else { place(hash, items.count) }
    }
  }

  /// Replaces the payload of item `index`.
  package mutating func setPayload(_ payload: Payload, at index: Int) {
    items[index].payload = payload
  }

  /// Removes `key`; returns its payload when it was there.
  package mutating func remove(_ key: ByteSlice) -> Payload? {
    guard let index = find(key) else { return nil }
    let payload = items[index].payload
    remove(at: index)
    return payload
  }

  /// Removes item `index`; the last item takes its place.
  package mutating func remove(at index: Int) {
    keyBytes -= items[index].key.count
    let last = items.count - 1
    if !slots.isEmpty {
      clearSlot(slot(of: index))
      if index != last {
        let moved = slot(of: last)
        slots[moved] = word(items[last].hash, index + 1)
      }
    }
    if index != last { items[index] = items[last] }
    items.removeLast()
  }

  /// Removes everything.
  package mutating func removeAll() {
    items.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    keyBytes = 0
  }

  private func slot(of index: Int) -> Int {
    let wanted = word(items[index].hash, index + 1)
    let mask = slots.count - 1
    var slot = Int(UInt32(truncatingIfNeeded: items[index].hash)) & mask
    while slots[slot] != wanted { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func clearSlot(_ start: Int) {
    let mask = slots.count - 1
    var gap = start
    var next = (gap + 1) & mask
    while slots[next] != 0 {
      let home = Int(UInt32(truncatingIfNeeded: slots[next] >> 32)) & mask
      if (next &- home) & mask >= (next &- gap) & mask {
        slots[gap] = slots[next]
        gap = next
      }
      next = (next + 1) & mask
    }
    slots[gap] = 0
  }

  /// What a slot says of item `number` - 1.
  private func word(_ hash: UInt64, _ number: Int) -> UInt64 { hash << 32 | UInt64(number) }

  private mutating func place(_ hash: UInt64, _ number: Int) {
    let mask = slots.count &- 1
    var slot = Int(UInt32(truncatingIfNeeded: hash)) & mask
    while slots[slot] != 0 { slot = (slot &+ 1) & mask }
    slots[slot] = word(hash, number)
  }

  private mutating func rebuild() {
    let size = max(32, slots.count * 2)
    slots.removeAll(keepingCapacity: true)
    slots.append(contentsOf: repeatElement(0, count: size))
    for index in items.indices { place(items[index].hash, index + 1) }
  }
}

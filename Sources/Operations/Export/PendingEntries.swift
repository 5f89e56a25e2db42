internal import Bytes
internal import RDB

/// The pending entries and consumers of one stream group, joined: dumps tell first which entries
/// are pending, then which consumer owns which of them.
struct PendingEntries: ~Copyable {
  /// One entry that was delivered and not acknowledged.
  struct Entry {
    var id: StreamID
    var deliveredAt: Int64
    var count: UInt64
    /// The index of its consumer; -1 for nobody.
    var owner: Int
  }

  /// One consumer; its name lies in ``names``.
  struct Consumer {
    var offset: Int
    var length: Int
    var seenAt: Int64
    var activeAt: Int64
  }

  private(set) var entries: [Entry] = []
  private(set) var consumers: [Consumer] = []
  private var names = ScratchBuffer()
  private var isSorted = true

  /// Forgets all; the memory stays.
  mutating func clear() {
    entries.removeAll(keepingCapacity: true)
    consumers.removeAll(keepingCapacity: true)
    names.clear()
    isSorted = true
  }

  /// A pending entry.
  mutating func append(_ id: StreamID, deliveredAt: Int64, count: UInt64) {
    if let last = entries.last, !(last.id < id) { isSorted = false }
    entries.append(Entry(id: id, deliveredAt: deliveredAt, count: count, owner: -1))
  }

  /// A consumer; ``own(_:)`` speaks of it from here on.
  mutating func append(consumer name: ByteSlice, seenAt: Int64, activeAt: Int64) {
    consumers.append(
      Consumer(offset: names.count, length: name.count, seenAt: seenAt, activeAt: activeAt))
    names.append(name)
  }

  /// The consumer added last owns `id`. An id that is not pending is passed over, as servers do.
  mutating func own(_ id: StreamID) {
    if !isSorted {
      entries.sort { $0.id < $1.id }
      isSorted = true
    }
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].id < id { low = middle + 1 } else { high = middle }
    }
    if low < entries.count, entries[low].id == id { entries[low].owner = consumers.count - 1 }
  }

  /// The name of consumer `index`.
  func name(_ index: Int) -> ByteSlice {
    names.slice.slice(at: consumers[index].offset, count: consumers[index].length)
  }
}

internal import Bytes

/// Whether the parts of a stream fit each other (rdb-format.md 9.1).
struct StreamChecker {
  /// Pending ids of the current group, ascending, and whether each has an owner.
  var pending: [StreamID] = []
  var isOwned: [Bool] = []
  var isSorted = true
  var metadata = StreamMetadata()
  var live: UInt64 = 0
  var lastEntry: StreamID?
  var inGroup = false

  /// Begins the next group.
  mutating func beginGroup() {
    inGroup = true
    pending.removeAll(keepingCapacity: true)
    isOwned.removeAll(keepingCapacity: true)
    isSorted = true
  }

  /// Adds a pending id; false when it is known to be there already.
  mutating func add(_ id: StreamID) -> Bool {
    if let last = pending.last {
      if last == id { return false }
      if id < last { isSorted = false }
    }
    pending.append(id)
    return true
  }

  /// Makes ``pending`` ready to be searched; false when an id is there twice.
  mutating func seal() -> Bool {
    if isOwned.count == pending.count { return true }
    isOwned = [Bool](repeating: false, count: pending.count)
    if isSorted { return true }
    pending.sort()
    for index in 1..<pending.count where pending[index - 1] == pending[index] { return false }
    return true
  }

  /// Gives `id` an owner; false when it is not pending or has one already.
  mutating func own(_ id: StreamID) -> Bool {
    var low = 0
    var high = pending.count
    while low < high {
      let middle = (low + high) / 2
      if pending[middle] < id { low = middle + 1 } else { high = middle }
    }
    guard low < pending.count, pending[low] == id, !isOwned[low] else { return false }
    isOwned[low] = true
    return true
  }

  /// Whether every pending id has an owner.
  var isComplete: Bool { !isOwned.contains(false) && isOwned.count == pending.count }
}

extension ValueChecker {
  mutating func checkStream(_ reader: inout RDBReader) throws(RDBError) {
    stream = StreamChecker()
    filter.clear()
    let origin = reader.key.valueOffset
    groups.clear()
    producers.clear()
    while let event = try reader.stepStream() {
      switch event {
      case .entry(let id, _):
        stream.live += 1
        try checkEntry(id, reader.blobOrigin)
      case .deletedEntry(let id, _): try checkEntry(id, reader.blobOrigin)
      case .field: break
      case .metadata(let metadata):
        stream.metadata = metadata
        guard !reader.value.stream.sawDeadNode else { throw corrupt(.stream, .empty, origin) }
        guard metadata.length == stream.live else { throw corrupt(.stream, .count, origin) }
        if let last = stream.lastEntry, last > metadata.lastID { oddities.insert(.lastIDTooLow) }
      case .group(let name, _, let read):
        try endGroup(origin)
        stream.beginGroup()
        filter.clear()
        guard groups.insert(name.fastHash) else { throw corrupt(.stream, .duplicate, origin) }
        if read > 0 && UInt64(read) > stream.metadata.entriesAdded {
          oddities.insert(.readBeyondAdded)
        }
      case .pending(let id, _, _):
        guard stream.add(id) else { throw corrupt(.stream, .duplicate, origin) }
      case .consumer(let name, _, _):
        guard stream.seal(), filter.insert(name.fastHash) else {
          throw corrupt(.stream, .duplicate, origin)
        }
      case .owned(let id), .unowned(let id):
        guard stream.seal() else { throw corrupt(.stream, .duplicate, origin) }
        guard stream.own(id) else { throw corrupt(.stream, .owner, origin) }
      case .idempotency(let seconds, let most):
        try endGroup(origin)
        guard 1...86400 ~= seconds, 1...10000 ~= most else {
          throw corrupt(.stream, .range, origin)
        }
      case .producer(let name):
        guard producers.insert(name.fastHash) else { throw corrupt(.stream, .duplicate, origin) }
      case .producedID, .idempotencyCounts: break
      }
    }
    try endGroup(origin)
    elements = Int(clamping: stream.live)
  }

  private mutating func checkEntry(_ id: StreamID, _ origin: Int) throws(RDBError) {
    if let last = stream.lastEntry, id <= last { throw corrupt(.stream, .order, origin) }
    stream.lastEntry = id
  }

  private mutating func endGroup(_ origin: Int) throws(RDBError) {
    guard stream.inGroup else { return }
    stream.inGroup = false
    guard stream.seal() else { throw corrupt(.stream, .duplicate, origin) }
    guard stream.isComplete else { throw corrupt(.stream, .owner, origin) }
  }
}

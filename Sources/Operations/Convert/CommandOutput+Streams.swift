internal import Bytes
internal import RDB

/// What is known of the stream that is being written, and of its current group.
struct PendingGroup: ~Copyable {
  struct Entry {
    var id: StreamID
    var deliveredAt: Int64
    var count: UInt64
  }

  /// Whether the current entry is a deleted one.
  var isDeleted = false
  var length = 0
  var hasMetadata = false
  /// The name of the group.
  var name = ScratchBuffer(capacity: 64)
  /// The name of the consumer, and how many entries it owns; -1 when there is none.
  var consumer = ScratchBuffer(capacity: 64)
  var owned = -1
  /// The pending entries by their ids.
  var pending: [Entry] = []
  /// The ids of all entries, to which pending entries and idempotent messages refer.
  var entries: [StreamID] = []
  /// The settings and the producer of idempotent messages.
  var producer = ScratchBuffer(capacity: 64)
  /// Messages for pending entries whose own are gone, and how many of them were added.
  var standIns = StandIns()
  var added = 0
  /// The numbers of the stream, when they have to be set behind the stand-ins.
  var late: StreamMetadata?

  /// Forgets the stream and keeps the room that it took.
  mutating func clear() {
    isDeleted = false
    length = 0
    hasMetadata = false
    owned = -1
    pending.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    standIns = StandIns()
    added = 0
    late = nil
  }

  /// The pending entry of this id.
  borrowing func find(_ id: StreamID) -> Entry? {
    var low = 0
    var high = pending.count
    while low < high {
      let middle = (low + high) / 2
      if pending[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low < pending.count && pending[low].id == id ? pending[low] : nil
  }

  /// Whether an entry of this id is there.
  borrowing func hasEntry(_ id: StreamID) -> Bool {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low] == id
  }
}

// Streams as commands, part by part as they are told.
extension CommandOutput {
  /// Whether the target has `XCFGSET` and `XIDMPRECORD`.
  var recordsIdempotency: Bool { target.family == .redis && has(8, 6) }

  mutating func write(_ event: StreamEvent) {
    switch event {
    case .entry(let id, let fields):
      addStandIns(before: id)
      group.isDeleted = false
      group.length += 1
      group.entries.append(id)
      begin(3 + fields * 2)
      buffer.write(bulk: "XADD")
      buffer.write(bulk: key)
      write(id)
    case .deletedEntry: group.isDeleted = true
    case .field(let name, let value):
      if group.isDeleted { return }
      buffer.write(bulk: name)
      buffer.write(bulk: value)
    case .metadata(let metadata): write(metadata)
    case .group(let name, let lastDelivered, let entriesRead):
      endConsumer()
      group.pending.removeAll(keepingCapacity: true)
      _ = group.name.copy(name)
      begin(has(7, 0) ? 7 : 5)
      buffer.write(bulk: "XGROUP")
      buffer.write(bulk: "CREATE")
      buffer.write(bulk: key)
      buffer.write(bulk: name)
      write(lastDelivered)
      if has(7, 0) {
        buffer.write(bulk: "ENTRIESREAD")
        buffer.write(bulkDecimal: entriesRead)
      } else if entriesRead > 0 {
        lost.insert(.entriesRead)
      }
    case .pending(let id, let deliveredAt, let count):
      // Dumps keep them in order; one that does not is put in order here.
      let entry = PendingGroup.Entry(id: id, deliveredAt: deliveredAt, count: count)
      if let last = group.pending.last, id < last.id {
        let place = group.pending.firstIndex { id < $0.id } ?? group.pending.count
        group.pending.insert(entry, at: place)
      } else {
        group.pending.append(entry)
      }
    case .consumer(let name, _, _):
      endConsumer()
      _ = group.consumer.copy(name)
      group.owned = 0
    case .owned(let id):
      group.owned += 1
      claim(id)
    case .unowned(let id):
      endConsumer()
      negativelyAcknowledged(id)
    case .idempotency(let seconds, let most):
      endGroups()
      configure(seconds, most)
    case .producer(let name): _ = group.producer.copy(name)
    case .producedID(let id, let entry):
      guard recordsIdempotency else {
        lost.insert(.idempotency)
        return
      }
      guard group.hasEntry(entry) else { return }
      begin(5)
      buffer.write(bulk: "XIDMPRECORD")
      buffer.write(bulk: key)
      buffer.write(bulk: group.producer.slice)
      buffer.write(bulk: id)
      write(entry)
    case .idempotencyCounts: break
    }
  }

  var wantsStandIns: Bool { !restores && has(5, 0) }
  mutating func prepare(_ standIns: StandIns) { nextStandIns = standIns }

  mutating func endStream() { endGroups() }

  /// Behind the groups, the stand-ins go, in the way that leaves no trace.
  private mutating func endGroups() {
    endConsumer()
    let gone = group.standIns
    group.standIns = StandIns()
    if gone.trimmed > 0 {
      begin(4)
      buffer.write(bulk: "XTRIM")
      buffer.write(bulk: key)
      buffer.write(bulk: "MAXLEN")
      buffer.write(bulkDecimal: UInt64(group.length + gone.ids.count - gone.trimmed))
    }
    var next = gone.trimmed
    while next < gone.ids.count {
      let end = min(next + CommandOutput.most, gone.ids.count)
      begin(2 + end - next)
      buffer.write(bulk: "XDEL")
      buffer.write(bulk: key)
      for index in next..<end { write(gone.ids[index]) }
      next = end
    }
    if let late = group.late { setNumbers(late) }
    group.late = nil
  }

  private mutating func addStandIns(before id: StreamID?) {
    while group.added < group.standIns.ids.count {
      if let id, group.standIns.ids[group.added] >= id { return }
      begin(5)
      buffer.write(bulk: "XADD")
      buffer.write(bulk: key)
      write(group.standIns.ids[group.added])
      buffer.write(bulk: "x")
      buffer.write(bulk: "y")
      group.added += 1
    }
  }

  private mutating func write(_ metadata: StreamMetadata) {
    addStandIns(before: nil)
    let added = group.standIns.ids.count
    if group.length == 0 && added == 0 { emptyStream(metadata.lastID) }
    if has(7, 0) {
      // The server wants at least as many entries added as there are, and notes what XDEL removes.
      let isEarly = metadata.entriesAdded < UInt64(group.length + added)
      let hidesDeletion = group.standIns.lastDeleted.map { $0 > metadata.maxDeletedID } ?? false
      if added > 0 && (isEarly || hidesDeletion) { group.late = metadata }
      if added > 0 && isEarly { return }
    }
    setNumbers(metadata)
  }

  private mutating func setNumbers(_ metadata: StreamMetadata) {
    begin(has(7, 0) ? 7 : 3)
    buffer.write(bulk: "XSETID")
    buffer.write(bulk: key)
    write(metadata.lastID)
    if has(7, 0) {
      buffer.write(bulk: "ENTRIESADDED")
      buffer.write(bulkDecimal: metadata.entriesAdded)
      buffer.write(bulk: "MAXDELETEDID")
      write(metadata.maxDeletedID)
    } else if metadata.maxDeletedID != .zero || metadata.entriesAdded != UInt64(group.length) {
      lost.insert(.streamNumbers)
    }
  }

  /// A stream without entries comes into being by an entry that is trimmed at once.
  private mutating func emptyStream(_ lastID: StreamID) {
    begin(7)
    buffer.write(bulk: "XADD")
    buffer.write(bulk: key)
    buffer.write(bulk: "MAXLEN")
    buffer.write(bulk: "0")
    if has(6, 0) || lastID == .zero {
      buffer.write(bulk: "0-1")
    } else {
      write(lastID)
    }
    buffer.write(bulk: "x")
    buffer.write(bulk: "y")
  }

  /// A consumer that owns nothing has to be made by itself.
  private mutating func endConsumer() {
    defer { group.owned = -1 }
    guard group.owned == 0 else { return }
    // Before 6.2 nothing makes one, and the server's own rewrite leaves it out too.
    guard has(6, 2) else { return }
    begin(5)
    buffer.write(bulk: "XGROUP")
    buffer.write(bulk: "CREATECONSUMER")
    buffer.write(bulk: key)
    buffer.write(bulk: group.name.slice)
    buffer.write(bulk: group.consumer.slice)
  }

  private mutating func claim(_ id: StreamID) {
    guard let entry = group.find(id) else { return }
    // Since 7.0 only entries that are there can be claimed.
    if has(7, 0) && !group.hasEntry(id) && !group.standIns.contains(id) { unclaimed += 1 }
    begin(12)
    buffer.write(bulk: "XCLAIM")
    buffer.write(bulk: key)
    buffer.write(bulk: group.name.slice)
    buffer.write(bulk: group.consumer.slice)
    buffer.write(bulk: "0")
    write(id)
    buffer.write(bulk: "TIME")
    buffer.write(bulkDecimal: entry.deliveredAt)
    buffer.write(bulk: "RETRYCOUNT")
    buffer.write(bulkDecimal: entry.count)
    buffer.write(bulk: "JUSTID")
    buffer.write(bulk: "FORCE")
  }

  private mutating func negativelyAcknowledged(_ id: StreamID) {
    guard target.family == .redis, has(8, 8) else {
      lost.insert(.unownedPending)
      return
    }
    let count = group.find(id)?.count ?? 0
    begin(10)
    buffer.write(bulk: "XNACK")
    buffer.write(bulk: key)
    buffer.write(bulk: group.name.slice)
    buffer.write(bulk: "FAIL")
    buffer.write(bulk: "IDS")
    buffer.write(bulk: "1")
    write(id)
    buffer.write(bulk: "RETRYCOUNT")
    buffer.write(bulkDecimal: count)
    buffer.write(bulk: "FORCE")
  }

  /// How long and how many ids of idempotent messages are remembered; 100 and 100 are the server's
  /// own defaults.
  private mutating func configure(_ seconds: UInt64, _ most: UInt64) {
    guard seconds != 100 || most != 100 else { return }
    guard recordsIdempotency else {
      lost.insert(.idempotency)
      return
    }
    begin(6)
    buffer.write(bulk: "XCFGSET")
    buffer.write(bulk: key)
    buffer.write(bulk: "IDMP-DURATION")
    buffer.write(bulkDecimal: seconds)
    buffer.write(bulk: "IDMP-MAXSIZE")
    buffer.write(bulkDecimal: most)
  }

  private mutating func write(_ id: StreamID) {
    scratch.clear()
    scratch.append(decimal: id.ms)
    scratch.append(0x2D)
    scratch.append(decimal: id.seq)
    buffer.write(bulk: scratch.slice)
  }
}

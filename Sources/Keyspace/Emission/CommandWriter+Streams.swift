internal import Bytes
internal import RDB

// Streams as commands: entries, XSETID, groups with their pending entries and consumers, ids of
// idempotent messages.

extension CommandWriter {
  /// Pending entries whose message is gone can only be claimed while it is there: such messages
  /// are added as stand-ins, and removed behind the groups in the way that leaves no trace. A
  /// server's own rewrite loses them.
  mutating func stream(_ key: ByteSlice, _ stream: StreamValue) {
    let gone = StandIns(of: stream)
    var next = 0
    stream.entries.forEach { entry in
      while next < gone.ids.count, gone.ids[next] < entry.id {
        standIn(key, gone.ids[next])
        next += 1
      }
      begin(3 + entry.words.count)
      output.write(bulk: "XADD")
      output.write(bulk: key)
      id(entry.id)
      output.write(entry.words.raw)
    }
    for index in next..<gone.ids.count { standIn(key, gone.ids[index]) }
    if stream.count == 0 && gone.ids.isEmpty { emptyStream(key, stream) }
    // The server wants at least as many entries added as there are.
    let isLate = stream.entriesAdded < UInt64(stream.count + gone.ids.count)
    if !isLate { setID(key, stream) }
    for group in stream.groups { self.group(key, group) }
    remove(gone, key, stream)
    if isLate { setID(key, stream) }
    idempotency(key, stream)
  }

  /// Ids that are pending in some group, of messages that are no longer there, in order.
  private struct StandIns {
    var ids: [StreamID] = []
    /// How many of them are lower than every live one: those go by trimming, which is not noted as
    /// a deletion.
    var trimmed = 0

    init(of stream: StreamValue) {
      for group in stream.groups {
        group.pending.forEach { entry in
          if stream.entry(entry.id) == nil { ids.append(entry.id) }
        }
      }
      guard !ids.isEmpty else { return }
      ids.sort()
      var last: StreamID?
      ids.removeAll { id in
        defer { last = id }
        // An id above the last one was never given, and 0-0 is none: no message can stand for it.
        return id == last || id > stream.lastID || id == .zero
      }
      let first = stream.count > 0 ? stream.firstID : .max
      trimmed = ids.prefix { $0 < first }.count
    }
  }

  private mutating func standIn(_ key: ByteSlice, _ id: StreamID) {
    begin(5)
    output.write(bulk: "XADD")
    output.write(bulk: key)
    self.id(id)
    output.write(bulk: "x")
    output.write(bulk: "y")
  }

  private mutating func remove(_ gone: StandIns, _ key: ByteSlice, _ stream: StreamValue) {
    if gone.trimmed > 0 {
      begin(4)
      output.write(bulk: "XTRIM")
      output.write(bulk: key)
      output.write(bulk: "MAXLEN")
      output.write(bulkDecimal: UInt64(stream.count + gone.ids.count - gone.trimmed))
    }
    var next = gone.trimmed
    while next < gone.ids.count {
      let end = min(next + CommandWriter.batch, gone.ids.count)
      begin(2 + end - next)
      output.write(bulk: "XDEL")
      output.write(bulk: key)
      for index in next..<end { id(gone.ids[index]) }
      next = end
    }
  }

  private mutating func setID(_ key: ByteSlice, _ stream: StreamValue) {
    begin(target.hasFunctions ? 7 : 3)
    output.write(bulk: "XSETID")
    output.write(bulk: key)
    id(stream.lastID)
    if target.hasFunctions {
      output.write(bulk: "ENTRIESADDED")
      output.write(bulkDecimal: stream.entriesAdded)
      output.write(bulk: "MAXDELETEDID")
      id(stream.maxDeletedID)
    }
  }

  /// A stream without entries comes into being by an entry that is trimmed at once.
  private mutating func emptyStream(_ key: ByteSlice, _ stream: StreamValue) {
    begin(7)
    output.write(bulk: "XADD")
    output.write(bulk: key)
    output.write(bulk: "MAXLEN")
    output.write(bulk: "0")
    if target.has(redis: 600) || stream.lastID == .zero {
      output.write(bulk: "0-1")
    } else {
      id(stream.lastID)
    }
    output.write(bulk: "x")
    output.write(bulk: "y")
  }

  private mutating func group(_ key: ByteSlice, _ group: StreamGroup) {
    begin(target.hasFunctions ? 7 : 5)
    output.write(bulk: "XGROUP")
    output.write(bulk: "CREATE")
    output.write(bulk: key)
    output.write(bulk: group.name)
    id(group.lastDelivered)
    if target.hasFunctions {
      output.write(bulk: "ENTRIESREAD")
      output.write(bulkDecimal: group.entriesRead)
    }
    for consumer in group.consumers.indices where group.consumers[consumer].pendingCount == 0 {
      guard target.createsConsumers else {
        losses.consumers += 1
        continue
      }
      begin(5)
      output.write(bulk: "XGROUP")
      output.write(bulk: "CREATECONSUMER")
      output.write(bulk: key)
      output.write(bulk: group.name)
      output.write(bulk: group.consumers[consumer].name)
    }
    var unowned = 0
    group.pending.forEach { entry in
      guard entry.consumer >= 0 else {
        unowned += 1
        return
      }
      begin(12)
      output.write(bulk: "XCLAIM")
      output.write(bulk: key)
      output.write(bulk: group.name)
      output.write(bulk: group.consumers[entry.consumer].name)
      output.write(bulk: "0")
      id(entry.id)
      output.write(bulk: "TIME")
      output.write(bulkDecimal: entry.deliveredAt)
      output.write(bulk: "RETRYCOUNT")
      output.write(bulkDecimal: entry.deliveries)
      output.write(bulk: "JUSTID")
      output.write(bulk: "FORCE")
    }
    if unowned > 0 { negativelyAcknowledged(key, group, unowned) }
  }

  /// Pending entries without an owner; neighbours with the same count share a command.
  private mutating func negativelyAcknowledged(
    _ key: ByteSlice, _ group: StreamGroup, _ unowned: Int
  ) {
    guard target.hasArrays else {
      losses.unowned += unowned
      return
    }
    var ids: [PendingEntry] = []
    func flush(_ writer: inout CommandWriter) {
      guard let first = ids.first else { return }
      writer.begin(9 + ids.count)
      writer.output.write(bulk: "XNACK")
      writer.output.write(bulk: key)
      writer.output.write(bulk: group.name)
      writer.output.write(bulk: "FAIL")
      writer.output.write(bulk: "IDS")
      writer.output.write(bulkDecimal: UInt64(ids.count))
      for entry in ids { writer.id(entry.id) }
      writer.output.write(bulk: "RETRYCOUNT")
      writer.output.write(bulkDecimal: first.deliveries)
      writer.output.write(bulk: "FORCE")
      ids.removeAll(keepingCapacity: true)
    }
    group.pending.forEach { entry in
      guard entry.consumer < 0 else { return }
      if let first = ids.first,
        first.deliveries != entry.deliveries || ids.count == CommandWriter.batch
      {
        flush(&self)
      }
      ids.append(entry)
    }
    flush(&self)
  }

  private mutating func idempotency(_ key: ByteSlice, _ stream: StreamValue) {
    let isConfigured =
      stream.idempotencySeconds % 100 != 0 || stream.idempotencySeconds > 100
      || stream.idempotencyMost % 100 != 0 || stream.idempotencyMost > 100
    guard isConfigured || !stream.producers.isEmpty else { return }
    guard target.recordsIdempotency else {
      if !stream.producers.isEmpty { losses.idempotency += 1 }
      return
    }
    // The server's own defaults; when they were changed, what is written here is still right.
    let seconds = stream.idempotencySeconds == 0 ? 100 : stream.idempotencySeconds
    let most = stream.idempotencyMost == 0 ? 100 : stream.idempotencyMost
    if isConfigured {
      begin(6)
      output.write(bulk: "XCFGSET")
      output.write(bulk: key)
      output.write(bulk: "IDMP-DURATION")
      output.write(bulkDecimal: seconds)
      output.write(bulk: "IDMP-MAXSIZE")
      output.write(bulkDecimal: most)
    }
    for producer in stream.producers.sorted(by: { $0.name.compare($1.name) < 0 }) {
      for remembered in producer.ids where stream.entry(remembered.entry) != nil {
        begin(5)
        output.write(bulk: "XIDMPRECORD")
        output.write(bulk: key)
        output.write(bulk: producer.name)
        output.write(bulk: remembered.id)
        id(remembered.entry)
      }
    }
  }

  private mutating func id(_ id: StreamID) {
    scratch.clear()
    scratch.append(decimal: id.ms)
    scratch.append(0x2D)
    scratch.append(decimal: id.seq)
    output.write(bulk: scratch.slice)
  }
}

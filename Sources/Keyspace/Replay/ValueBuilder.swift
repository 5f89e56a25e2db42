package import Bytes
package import RDB

extension Context {
  /// The value that `decoder` is about to give (its `begin` was called), from the bytes `raw`, which
  /// live as long as the state the value goes into. What stands in `raw` as it is, is not copied.
  ///
  /// - Throws: ``RDBError`` when the value is damaged.
  package func value(
    from decoder: inout ValueDecoder, raw: ByteSlice
  ) throws(RDBError) -> Value {
    let type = decoder.reader.key.type
    switch type.logical {
    case .string:
      var element = ValueElement()
      guard try decoder.reader.nextElement(&element) else {
        return .string(StringValue(ByteSlice()))
      }
      return .string(StringValue(keep(element.first, within: raw)))
    case .list:
      let list = ListValue()
      var element = ValueElement()
      while try decoder.reader.nextElement(&element) {
        list.pushRight(keep(element.first, within: raw))
      }
      return .list(list)
    case .set:
      let set = SetValue()
      var element = ValueElement()
      while try decoder.reader.nextElement(&element) {
        _ = set.add(keep(element.first, within: raw))
      }
      return .set(set)
    case .zset:
      let set = SortedSetValue()
      var element = ValueElement()
      while try decoder.reader.nextElement(&element) {
        set.set(keep(element.first, within: raw), to: element.score)
      }
      return .sortedSet(set)
    case .hash:
      let hash = HashValue()
      var element = ValueElement()
      while try decoder.reader.nextElement(&element) {
        let value = keep(element.second, within: raw)
        _ = hash.set(
          keep(element.first, within: raw),
          to: HashValue.Cell(value, expiresAt: element.expiresAt))
      }
      return .hash(hash)
    case .array:
      let array = ArrayValue()
      array.cursor = decoder.reader.description().arrayCursor
      var element = ValueElement()
      while try decoder.reader.nextElement(&element) {
        _ = array.set(element.index, to: keep(element.first, within: raw))
      }
      return .array(array)
    case .stream: return .stream(try stream(from: &decoder, raw: raw))
    case .module, .gcra, .cron:
      return .module(
        ModuleValue(type: type, bytes: raw, moduleID: decoder.reader.description().moduleID))
    }
  }

  private func keep(_ bytes: ByteSlice, within raw: ByteSlice) -> ByteSlice {
    raw.offset(ofPart: bytes) != nil ? bytes : keep(bytes)
  }

  private func stream(
    from decoder: inout ValueDecoder, raw: ByteSlice
  ) throws(RDBError) -> StreamValue {
    let stream = StreamValue()
    var entry: StreamID?
    var words = 0
    scratch.clear()
    func finishEntry() {
      guard let id = entry else { return }
      stream.add(
        StreamEntry(id: id, words: PackedWords(raw: keep(scratch.slice), count: words)))
      entry = nil
    }
    var group = StreamGroup(name: ByteSlice(), lastDelivered: .zero, entriesRead: -1)
    var pending: [PendingEntry] = []
    var hasGroup = false
    func finishGroup() {
      guard hasGroup else { return }
      pending.sort()
      group.pending = SortedChunks(sorted: pending)
      stream.groups.append(group)
      hasGroup = false
    }
    while let event = try decoder.reader.nextStreamEvent() {
      switch event {
      case .entry(let id, _):
        finishEntry()
        entry = id
        words = 0
        scratch.clear()
      case .deletedEntry: finishEntry()
      case .field(let name, let value):
        guard entry != nil else { continue }
        appendPacked(name)
        appendPacked(value)
        words += 2
      case .metadata(let metadata):
        finishEntry()
        stream.lastID = metadata.lastID
        stream.maxDeletedID = metadata.maxDeletedID
        stream.entriesAdded = metadata.entriesAdded
      case .group(let name, let lastDelivered, let entriesRead):
        finishGroup()
        hasGroup = true
        pending.removeAll(keepingCapacity: true)
        group = StreamGroup(
          name: keep(name, within: raw), lastDelivered: lastDelivered, entriesRead: entriesRead)
      case .pending(let id, let deliveredAt, let count):
        pending.append(
          PendingEntry(id: id, consumer: -1, deliveredAt: deliveredAt, deliveries: count))
      case .consumer(let name, let seenAt, let activeAt):
        if group.consumers.isEmpty { pending.sort() }
        group.consumers.append(
          StreamConsumer(name: keep(name, within: raw), seenAt: seenAt, activeAt: activeAt))
      case .owned(let id):
        let owner = group.consumers.count - 1
        if let place = find(id, pending), owner >= 0, pending[place].consumer < 0 {
          pending[place].consumer = owner
          group.consumers[owner].pendingCount += 1
        }
      case .unowned: break
      case .idempotency(let seconds, let most):
        finishGroup()
        stream.idempotencySeconds = seconds
        stream.idempotencyMost = most
      case .producer(let name):
        stream.producers.append(StreamProducer(name: keep(name, within: raw)))
      case .producedID(let id, let entry):
        guard !stream.producers.isEmpty else { continue }
        stream.producers[stream.producers.count - 1].ids.append((keep(id, within: raw), entry))
      case .idempotencyCounts(let added, let duplicates):
        stream.idempotencyAdded = added
        stream.idempotencyDuplicates = duplicates
      }
    }
    finishEntry()
    finishGroup()
    stream.producers.removeAll { $0.ids.isEmpty }
    return stream
  }

  private func find(_ id: StreamID, _ pending: [PendingEntry]) -> Int? {
    var low = 0
    var high = pending.count
    while low < high {
      let middle = (low + high) / 2
      if pending[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low < pending.count && pending[low].id == id ? low : nil
  }
}

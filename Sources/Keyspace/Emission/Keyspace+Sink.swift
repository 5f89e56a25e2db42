package import Bytes
package import RDB

// The state as the events of a dump: for digests, exports and dumps.

extension Keyspace {
  /// Gives every key, database by database, to `sink`.
  ///
  /// - Parameter expiredBefore: what expires at or before this moment is left out.
  package func feed<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink, expiredBefore moment: Int64? = nil, describing: Bool = true
  ) {
    for database in databases {
      guard let table = tables[database] else { continue }
      for index in 0..<table.count {
        lookAhead(table, index)
        guard !table[index].isVacant else { continue }
        var state = passingState(table, index)
        guard state.exists else { continue }
        if let moment, !state.dropExpired(at: moment) { continue }
        state.feed(&sink, key: passingKey, database: database, describing: describing)
      }
    }
  }
}

extension KeyState {
  /// Gives the key `key`, which must exist, to `sink`.
  ///
  /// - Parameter describing: whether the sink is told the encoding and the size, for which all elements are
  ///   looked at once more.
  package func feed<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink, key: ByteSlice, database: Int, describing: Bool = true
  ) {
    // The value is looked at where it is: a copy of the reference has its price.
    var description = KeyDescription()
    description.db = database
    description.key = key
    description.expiresAt = expiresAt
    description.count = UInt64(elementCount)
    if describing { describe(&description) }
    switch value {
    case nil: return
    case .string(let string)?:
      description.type = .string
      sink.begin(description)
      var element = ValueElement()
      string.withBytes { bytes in
        element.first = bytes
        sink.element(&element)
      }
    case .list(let list)?:
      description.type = .list
      sink.begin(description)
      var element = ValueElement()
      for index in 0..<list.count {
        element.first = list[index]
        sink.element(&element)
      }
    case .set(let set)?:
      description.type = .set
      sink.begin(description)
      var element = ValueElement()
      for item in set.table.items {
        element.first = item.key
        sink.element(&element)
      }
    case .sortedSet(let set)?:
      description.type = .zset
      sink.begin(description)
      var element = ValueElement()
      set.ordered.forEach { item in
        element.first = item.member
        element.score = item.score
        sink.element(&element)
      }
    case .hash(let hash)?:
      description.type = .hash
      description.fieldsMayExpire = hash.expiringCount > 0
      sink.begin(description)
      var element = ValueElement()
      for item in hash.table.items {
        element.first = item.key
        element.second = item.payload.value
        element.expiresAt = item.payload.expiresAt
        sink.element(&element)
      }
    case .array(let array)?:
      description.type = .array
      description.arrayCursor = array.cursor
      sink.begin(description)
      var element = ValueElement()
      array.items.forEach { item in
        element.index = item.index
        element.first = item.element
        sink.element(&element)
      }
    case .stream(let stream)?:
      description.type = .stream
      sink.begin(description)
      stream.feed(&sink)
    case .module(let module)?:
      var decoder = ValueDecoder(dialect: .redis)
      decoder.begin(module.type, module.bytes, key: key, db: database, expiresAt: expiresAt)
      // Reading it again can't fail: its end was found by the same reader.
      do throws(RDBError) { try decoder.reader.drain(into: &sink) } catch { sink.end() }
      return
    }
    sink.end()
  }

  private var elementCount: Int {
    switch value {
    case nil: 0
    case .some(let value): value.elementCount
    }
  }

  private func describe(_ description: inout KeyDescription) {
    guard let value else { return }
    description.bytes = value.byteCount
    description.encoding = value.encodingName
  }
}

extension StreamValue {
  /// Gives the content to `sink`, in the order of a dump.
  func feed<Sink: ValueSink & ~Copyable>(_ sink: inout Sink) {
    entries.forEach { entry in
      sink.stream(.entry(entry.id, fields: entry.words.count / 2))
      var offset = 0
      for _ in 0..<entry.words.count / 2 {
        let name = entry.words.next(&offset)
        let value = entry.words.next(&offset)
        sink.stream(.field(name, value))
      }
    }
    var metadata = StreamMetadata()
    metadata.length = UInt64(count)
    metadata.lastID = lastID
    metadata.firstID = firstID
    metadata.maxDeletedID = maxDeletedID
    metadata.entriesAdded = entriesAdded
    sink.stream(.metadata(metadata))
    for group in groups { group.feed(&sink) }
    guard idempotencySeconds != 0 || idempotencyMost != 0 || !producers.isEmpty else { return }
    sink.stream(
      .idempotency(
        seconds: idempotencySeconds == 0 ? 100 : idempotencySeconds,
        most: idempotencyMost == 0 ? 100 : idempotencyMost))
    for producer in producers {
      sink.stream(.producer(producer.name))
      for remembered in producer.ids {
        sink.stream(.producedID(remembered.id, remembered.entry))
      }
    }
    sink.stream(
      .idempotencyCounts(added: idempotencyAdded, duplicates: idempotencyDuplicates))
  }
}

extension StreamGroup {
  func feed<Sink: ValueSink & ~Copyable>(_ sink: inout Sink) {
    sink.stream(.group(name, lastDelivered: lastDelivered, entriesRead: entriesRead))
    pending.forEach { entry in
      sink.stream(.pending(entry.id, deliveredAt: entry.deliveredAt, count: entry.deliveries))
    }
    // One pass over the pending entries, not one for each consumer.
    var owned = [[StreamID]](repeating: [], count: consumers.count)
    var unowned: [StreamID] = []
    pending.forEach { entry in
      if entry.consumer >= 0 {
        owned[entry.consumer].append(entry.id)
      } else {
        unowned.append(entry.id)
      }
    }
    for (number, consumer) in consumers.enumerated() {
      sink.stream(
        .consumer(consumer.name, seenAt: consumer.seenAt, activeAt: consumer.activeAt))
      for id in owned[number] { sink.stream(.owned(id)) }
    }
    for id in unowned { sink.stream(.unowned(id)) }
  }
}

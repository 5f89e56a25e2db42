internal import Bytes

/// What comes next of a stream, and how much of it (rdb-format.md 9.1).
///
/// ```text
/// len nodes, [str 16-byte key, str listpack]*nodes
/// len length, last id
/// v2+  first id, highest deleted id, len entries-added
/// len groups
/// [ str name, last delivered id
///   v2+  len entries-read (2^64-1 = unknown)
///   len n, [16-byte id, i64le delivered at, len count]*n
///   len consumers
///   [ str name, i64le seen at, v3+ i64le active at, len n, [16-byte id]*n ]*consumers
///   v5   len n, [16-byte id]*n                                 pending, owned by nobody
/// ]*groups
/// v4+  len seconds, len most, len producers
///      [ str name, len n, [str iid, id]*n ]*producers, len added, len duplicates
/// ```
///
/// An id is `len ms, len seq`; a 16-byte id has both as u64 big endian.
struct StreamState {
  enum Phase: UInt8 {
    case nodes, entries, fields, metadata, groups, pending, consumers, owned, unowned
    case idempotency, producers, producedIDs, counts, done
  }

  var phase = Phase.done
  /// 1 to 5.
  var version = 5
  var nodesLeft: UInt64 = 0
  var groupsLeft: UInt64 = 0
  var pendingLeft: UInt64 = 0
  var consumersLeft: UInt64 = 0
  var idsLeft: UInt64 = 0
  var producersLeft: UInt64 = 0
  var node = StreamNodeCursor()
  /// The id of the first live entry seen.
  var firstID: StreamID?
  var metadata = StreamMetadata()
  /// Whether a node without live entries was met.
  var sawDeadNode = false
}

extension ValueType {
  /// For streams: 1 to 5.
  var streamVersion: Int {
    switch self {
    case .stream: 1
    case .stream2: 2
    case .stream3: 3
    case .stream4: 4
    default: 5
    }
  }
}

extension RDBReader {
  mutating func beginStream() throws(RDBError) {
    value.stream = StreamState()
    value.stream.version = key.type.streamVersion
    value.stream.nodesLeft = try input.readLength()
    value.stream.phase = .nodes
    value.phase = .stream
  }

  /// The next part of a stream, in the order of the file; nil behind the last (and for any other
  /// type), and the reader then stands behind the value. Slices are valid until the next call.
  ///
  /// What older versions do not write comes as a server that loads them would fill it in: the first
  /// id is that of the first live entry, the entries added are the length, `entriesRead` is
  /// estimated, a consumer was active when it was seen.
  ///
  /// - Throws: ``RDBError``. Afterwards ``canSkipValue`` tells whether only this value is lost.
  public mutating func nextStreamEvent() throws(RDBError) -> StreamEvent? {
    do throws(RDBError) {
      if !value.begun { try beginElements() }
      guard value.phase == .stream else { return nil }
      if let event = try stepStream() { return event }
      valuePending = false
      value.phase = .done
      return nil
    } catch {
      noteFailure(error)
      throw error
    }
  }

  mutating func stepStream() throws(RDBError) -> StreamEvent? {
    while true {
      switch value.stream.phase {
      case .nodes:
        guard value.stream.nodesLeft > 0 else {
          value.stream.phase = .metadata
          continue
        }
        value.stream.nodesLeft &-= 1
        input.cursor.housekeep()
        try openNode()
      case .entries:
        guard !value.isPassing, let entry = try value.stream.node.nextEntry() else {
          value.stream.phase = .nodes
          continue
        }
        value.stream.phase = .fields
        if entry.isDeleted { return .deletedEntry(entry.id, fields: entry.fields) }
        if value.stream.firstID == nil { value.stream.firstID = entry.id }
        return .entry(entry.id, fields: entry.fields)
      case .fields:
        var field = PackedItem()
        var item = PackedItem()
        if !value.isPassing, try value.stream.node.nextField(&field, &item) {
          return .field(field.text(&firstScratch), item.text(&secondScratch))
        }
        value.stream.phase = .entries
      case .metadata:
        try readMetadata()
        return .metadata(value.stream.metadata)
      case .groups:
        guard value.stream.groupsLeft > 0 else {
          value.stream.phase = value.stream.version >= 4 ? .idempotency : .done
          continue
        }
        value.stream.groupsLeft &-= 1
        return try readGroup()
      case .pending:
        guard value.stream.pendingLeft > 0 else {
          value.stream.consumersLeft = try input.readLength()
          value.stream.phase = .consumers
          continue
        }
        value.stream.pendingLeft &-= 1
        input.cursor.housekeep()
        let id = try readRawID()
        guard let time = input.cursor.load(as: Int64.self) else { throw input.truncated() }
        return .pending(id, deliveredAt: time, count: try input.readLength())
      case .consumers:
        guard value.stream.consumersLeft > 0 else {
          if value.stream.version >= 5 {
            value.stream.idsLeft = try input.readLength()
            value.stream.phase = .unowned
          } else {
            value.stream.phase = .groups
          }
          continue
        }
        value.stream.consumersLeft &-= 1
        return try readConsumer()
      case .owned, .unowned:
        let isOwned = value.stream.phase == .owned
        guard value.stream.idsLeft > 0 else {
          value.stream.phase = isOwned ? .consumers : .groups
          continue
        }
        value.stream.idsLeft &-= 1
        input.cursor.housekeep()
        let id = try readRawID()
        return isOwned ? .owned(id) : .unowned(id)
      case .idempotency:
        let seconds = try input.readLength()
        let most = try input.readLength()
        value.stream.producersLeft = try input.readLength()
        value.stream.phase = .producers
        return .idempotency(seconds: seconds, most: most)
      case .producers:
        guard value.stream.producersLeft > 0 else {
          value.stream.phase = .counts
          continue
        }
        value.stream.producersLeft &-= 1
        let name = try input.readElement(into: &firstScratch, keeping: true)
        value.stream.idsLeft = try input.readLength()
        value.stream.phase = .producedIDs
        try throwFault()
        return .producer(name)
      case .producedIDs:
        guard value.stream.idsLeft > 0 else {
          value.stream.phase = .producers
          continue
        }
        value.stream.idsLeft &-= 1
        input.cursor.housekeep()
        let iid = try input.readElement(into: &firstScratch, keeping: true)
        let id = try readID()
        try throwFault()
        return .producedID(iid, id)
      case .counts:
        value.stream.phase = .done
        return .idempotencyCounts(
          added: try input.readLength(), duplicates: try input.readLength())
      case .done: return nil
      }
    }
  }

  private mutating func openNode() throws(RDBError) {
    if value.isPassing {
      try input.skipString()
      try input.skipString()
      return
    }
    let at = input.cursor.offset
    let key = try input.readElement(into: &firstScratch, keeping: false)
    let hasID = key.count == 16
    let master = hasID ? rawID(key) : .zero
    let blob = try readBlob()
    guard hasID else { throw corrupt(.stream, .size, at) }
    value.stream.node = try StreamNodeCursor(blob, master: master, origin: blobOrigin)
    if value.stream.node.liveCount == 0 { value.stream.sawDeadNode = true }
    value.stream.phase = .entries
  }

  private mutating func readMetadata() throws(RDBError) {
    var metadata = StreamMetadata()
    metadata.length = try input.readLength()
    metadata.lastID = try readID()
    if value.stream.version >= 2 {
      metadata.firstID = try readID()
      metadata.maxDeletedID = try readID()
      metadata.entriesAdded = try input.readLength()
    } else {
      metadata.firstID = value.stream.firstID ?? .zero
      metadata.entriesAdded = metadata.length
    }
    value.stream.metadata = metadata
    value.stream.groupsLeft = try input.readLength()
    value.stream.phase = .groups
  }

  private mutating func readGroup() throws(RDBError) -> StreamEvent {
    let name = try input.readElement(into: &firstScratch, keeping: true)
    let last = try readID()
    let read =
      value.stream.version >= 2
      ? Int64(truncatingIfNeeded: try input.readLength())
      : value.stream.metadata.entriesRead(upTo: last)
    value.stream.pendingLeft = try input.readLength()
    value.stream.phase = .pending
    try throwFault()
    return .group(name, lastDelivered: last, entriesRead: read)
  }

  private mutating func readConsumer() throws(RDBError) -> StreamEvent {
    let name = try input.readElement(into: &firstScratch, keeping: true)
    guard let seen = input.cursor.load(as: Int64.self) else { throw input.truncated() }
    var active = seen
    if value.stream.version >= 3 {
      guard let time = input.cursor.load(as: Int64.self) else { throw input.truncated() }
      active = time
    }
    value.stream.idsLeft = try input.readLength()
    value.stream.phase = .owned
    try throwFault()
    return .consumer(name, seenAt: seen, activeAt: active)
  }

  private mutating func readID() throws(RDBError) -> StreamID {
    let ms = try input.readLength()
    return StreamID(ms: ms, seq: try input.readLength())
  }

  private mutating func readRawID() throws(RDBError) -> StreamID {
    guard let bytes = input.cursor.slice(16) else { throw input.truncated() }
    return rawID(bytes)
  }

  private func rawID(_ bytes: ByteSlice) -> StreamID {
    StreamID(
      ms: bytes.load(at: 0, as: UInt64.self).byteSwapped,
      seq: bytes.load(at: 8, as: UInt64.self).byteSwapped)
  }
}

extension StreamMetadata {
  /// How many entries a group that has been given all up to `id` has read, as far as that can be
  /// told: -1 when it can't. This is what servers from 7.0 on fill in for older dumps.
  public func entriesRead(upTo id: StreamID) -> Int64 {
    let added = Int64(truncatingIfNeeded: entriesAdded)
    if added == 0 { return 0 }
    if length == 0 && id <= lastID { return added }
    if id != .zero && id < maxDeletedID { return -1 }
    if id == lastID { return added }
    if id > lastID { return -1 }
    // Nothing was deleted behind the first entry, so that everything before it is gone at once.
    guard maxDeletedID == .zero || maxDeletedID < firstID else { return -1 }
    let before = added &- Int64(truncatingIfNeeded: length)
    if id < firstID { return before }
    return id == firstID ? before &+ 1 : -1
  }
}

internal import Bytes

/// Writes streams (rdb-format.md 9.1): entries gathered into nodes, then what groups there are.
struct StreamEncoder: ~Copyable {
  /// Nodes end at this many bytes or entries, as servers do by default.
  private static let nodeBytes = 4096
  private static let nodeEntries = 100

  private struct Pending {
    var id: StreamID
    var deliveredAt: Int64
    var count: UInt64
  }

  private var version = 5
  // The entry that is being told.
  private var entry: StreamID?
  private var fieldsLeft = 0
  private var fields = ScratchBuffer()
  /// Where each name and value ends in ``fields``.
  private var ends: [Int] = []
  private var isDeleted = false
  // The node that is being filled.
  private var node = ListpackBuilder()
  private var master = StreamID.zero
  private var masterFields = ScratchBuffer()
  private var masterEnds: [Int] = []
  private var nodeCount = 0
  private var nodes: UInt64 = 0
  // What the nodes tell.
  private var firstID: StreamID?
  private var live: UInt64 = 0
  private var metadata = StreamMetadata()
  private var hasMetadata = false
  private var whole = ListpackBuilder()
  // Groups.
  private var groups = ScratchBuffer()
  private var groupCount: UInt64 = 0
  private var groupHead = ScratchBuffer()
  private var hasGroup = false
  private var pending: [Pending] = []
  private var unowned: [StreamID] = []
  private var consumers = ScratchBuffer()
  private var consumerCount: UInt64 = 0
  private var consumerHead = ScratchBuffer()
  private var hasConsumer = false
  private var owned: [StreamID] = []
  // Idempotency.
  private var tail = ScratchBuffer()
  private var seconds: UInt64 = 100
  private var most: UInt64 = 100
  private var producers: UInt64 = 0
  private var producerHead = ScratchBuffer()
  private var hasProducer = false
  private var producedIDs = ScratchBuffer()
  private var producedCount: UInt64 = 0
  private var added: UInt64 = 0
  private var duplicates: UInt64 = 0
  private var loss = RDBLoss()

  init() {}

  mutating func begin(version: Int) {
    self.version = version
    entry = nil
    node.clear()
    nodeCount = 0
    nodes = 0
    firstID = nil
    live = 0
    metadata = StreamMetadata()
    hasMetadata = false
    groups.clear()
    groupCount = 0
    hasGroup = false
    hasConsumer = false
    tail.clear()
    seconds = 100
    most = 100
    producers = 0
    hasProducer = false
    added = 0
    duplicates = 0
    loss = []
  }

  mutating func take(
    _ event: StreamEvent, _ body: inout ScratchBuffer, _ compressing: Bool,
    _ packed: inout ScratchBuffer
  ) {
    switch event {
    case .entry(let id, let count):
      endEntry(&body, compressing, &packed)
      entry = id
      isDeleted = false
      fieldsLeft = count
      fields.clear()
      ends.removeAll(keepingCapacity: true)
    case .deletedEntry:
      endEntry(&body, compressing, &packed)
      isDeleted = true
    case .field(let field, let value):
      if isDeleted { break }
      fields.append(field)
      ends.append(fields.count)
      fields.append(value)
      ends.append(fields.count)
    case .metadata(let metadata):
      endEntry(&body, compressing, &packed)
      endNode(&body, compressing, &packed)
      self.metadata = metadata
      hasMetadata = true
      noteNumbers()
    case .group(let name, let last, let read):
      endGroup()
      hasGroup = true
      groupHead.clear()
      groupHead.append(string: name, compressing: compressing, &packed)
      groupHead.append(last)
      if version >= 2 {
        groupHead.append(length: UInt64(bitPattern: read))
      } else if read != estimate.entriesRead(upTo: last) {
        loss.insert(.entriesRead)
      }
      pending.removeAll(keepingCapacity: true)
      unowned.removeAll(keepingCapacity: true)
      consumers.clear()
      consumerCount = 0
    case .pending(let id, let time, let count):
      pending.append(Pending(id: id, deliveredAt: time, count: count))
    case .consumer(let name, let seen, let active):
      endConsumer()
      hasConsumer = true
      consumerHead.clear()
      consumerHead.append(string: name, compressing: compressing, &packed)
      consumerHead.append(littleEndian: seen)
      if version >= 3 {
        consumerHead.append(littleEndian: active)
      } else if active != seen {
        loss.insert(.activeTime)
      }
      owned.removeAll(keepingCapacity: true)
    case .owned(let id): owned.append(id)
    case .unowned(let id): unowned.append(id)
    case .idempotency(let seconds, let most):
      self.seconds = seconds
      self.most = most
    case .producer(let name):
      endProducer()
      hasProducer = true
      producerHead.clear()
      producerHead.append(string: name, compressing: compressing, &packed)
      producedIDs.clear()
      producedCount = 0
    case .producedID(let iid, let id):
      producedCount += 1
      producedIDs.append(string: iid, compressing: compressing, &packed)
      producedIDs.append(id)
    case .idempotencyCounts(let added, let duplicates):
      self.added = added
      self.duplicates = duplicates
    }
  }

  /// Completes the value: the nodes are in `body`; returns what is lost.
  mutating func finish(
    _ head: inout ScratchBuffer, _ body: inout ScratchBuffer, _ compressing: Bool,
    _ packed: inout ScratchBuffer
  ) -> RDBLoss {
    endEntry(&body, compressing, &packed)
    endNode(&body, compressing, &packed)
    endGroup()
    endProducer()
    head.append(length: nodes)
    body.append(length: live)
    body.append(metadata.lastID)
    if version >= 2 {
      body.append(metadata.firstID)
      body.append(metadata.maxDeletedID)
      body.append(length: metadata.entriesAdded)
    }
    body.append(length: groupCount)
    body.append(groups.slice)
    if version >= 4 {
      body.append(length: seconds)
      body.append(length: most)
      body.append(length: producers)
      body.append(tail.slice)
      body.append(length: added)
      body.append(length: duplicates)
    } else if seconds != 100 || most != 100 || producers > 0 || added > 0 || duplicates > 0 {
      loss.insert(.idempotency)
    }
    return loss
  }

  // MARK: - Entries

  private static func slice(_ bytes: borrowing ScratchBuffer, _ ends: [Int], _ index: Int)
    -> ByteSlice
  {
    let start = index > 0 ? ends[index - 1] : 0
    return bytes.slice.slice(at: start, count: ends[index] - start)
  }

  /// Adds the entry that was told to the node.
  private mutating func endEntry(
    _ body: inout ScratchBuffer, _ compressing: Bool, _ packed: inout ScratchBuffer
  ) {
    isDeleted = false
    guard let id = entry else { return }
    entry = nil
    if firstID == nil { firstID = id }
    live += 1
    if nodeCount >= StreamEncoder.nodeEntries
      || (nodeCount > 0 && node.size + fields.count > StreamEncoder.nodeBytes)
    {
      endNode(&body, compressing, &packed)
    }
    let pairs = ends.count / 2
    if nodeCount == 0 {
      master = id
      masterFields.clear()
      masterEnds.removeAll(keepingCapacity: true)
      for index in 0..<pairs {
        masterFields.append(StreamEncoder.slice(fields, ends, 2 * index))
        masterEnds.append(masterFields.count)
      }
    }
    var same = pairs == masterEnds.count
    var index = 0
    while same && index < pairs {
      same =
        StreamEncoder.slice(fields, ends, 2 * index)
        == StreamEncoder.slice(masterFields, masterEnds, index)
      index += 1
    }
    nodeCount += 1
    node.append(same ? 2 : 0)
    node.append(Int64(bitPattern: id.ms &- master.ms))
    node.append(Int64(bitPattern: id.seq &- master.seq))
    if !same { node.append(Int64(pairs)) }
    for index in 0..<pairs {
      if !same { node.append(StreamEncoder.slice(fields, ends, 2 * index)) }
      node.append(StreamEncoder.slice(fields, ends, 2 * index + 1))
    }
    node.append(Int64(same ? 3 + pairs : 4 + 2 * pairs))
  }

  private mutating func endNode(
    _ body: inout ScratchBuffer, _ compressing: Bool, _ packed: inout ScratchBuffer
  ) {
    guard nodeCount > 0 else { return }
    whole.clear()
    whole.append(Int64(nodeCount))
    whole.append(0)
    whole.append(Int64(masterEnds.count))
    for index in 0..<masterEnds.count {
      whole.append(StreamEncoder.slice(masterFields, masterEnds, index))
    }
    whole.append(0)
    whole.append(elementsOf: node)
    body.append(length: 16)
    body.append(raw: master)
    body.append(blob: whole.finish(), compressing: compressing, &packed)
    node.clear()
    nodeCount = 0
    nodes += 1
  }

  /// The numbers that a server fills in when it loads version 1.
  private var estimate: StreamMetadata {
    var estimate = metadata
    estimate.firstID = firstID ?? .zero
    estimate.maxDeletedID = .zero
    estimate.entriesAdded = metadata.length
    return estimate
  }

  private mutating func noteNumbers() {
    if version < 2 && estimate != metadata { loss.insert(.streamNumbers) }
  }

  // MARK: - Groups and producers

  private mutating func endConsumer() {
    guard hasConsumer else { return }
    hasConsumer = false
    consumerCount += 1
    consumers.append(consumerHead.slice)
    consumers.append(length: UInt64(owned.count))
    for id in owned { consumers.append(raw: id) }
  }

  private mutating func endGroup() {
    endConsumer()
    guard hasGroup else { return }
    hasGroup = false
    groupCount += 1
    if version < 5 && !unowned.isEmpty {
      loss.insert(.unownedPending)
      let nobodys = Set(unowned)
      pending.removeAll { nobodys.contains($0.id) }
    }
    groups.append(groupHead.slice)
    groups.append(length: UInt64(pending.count))
    for entry in pending {
      groups.append(raw: entry.id)
      groups.append(littleEndian: entry.deliveredAt)
      groups.append(length: entry.count)
    }
    groups.append(length: consumerCount)
    groups.append(consumers.slice)
    if version >= 5 {
      groups.append(length: UInt64(unowned.count))
      for id in unowned { groups.append(raw: id) }
    }
  }

  private mutating func endProducer() {
    guard hasProducer else { return }
    hasProducer = false
    producers += 1
    tail.append(producerHead.slice)
    tail.append(length: producedCount)
    tail.append(producedIDs.slice)
  }
}

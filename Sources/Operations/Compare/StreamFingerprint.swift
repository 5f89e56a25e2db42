internal import Bytes
internal import RDB

/// The number of a stream, from its parts as they are told.
struct StreamFingerprint: ~Copyable {
  private var ignored = StateAspects()
  private var content: UInt64 = 0
  private var entry: UInt64 = 0
  private var entryIsOpen = false
  private var isDeleted = false
  private var groupIsOpen = false
  private var group: UInt64 = 0
  private var pending = PendingEntries()
  private var producer: UInt64 = 0

  /// Begins a stream.
  mutating func begin(_ ignored: StateAspects) {
    self.ignored = ignored
    content = 0
    entryIsOpen = false
    isDeleted = false
    groupIsOpen = false
  }

  mutating func take(_ event: StreamEvent) {
    switch event {
    case .entry(let id, _):
      closeEntry()
      entry = StateMix.hash(id)
      entryIsOpen = true
      isDeleted = false
    case .deletedEntry:
      closeEntry()
      isDeleted = true
    case .field(let name, let value):
      if isDeleted { return }
      entry = StateMix.mix(entry, StateMix.mix(name.fastHash, value.fastHash))
    case .metadata(let metadata):
      closeEntry()
      content &+= StateMix.mix(11, StateMix.hash(metadata.lastID))
      if !ignored.contains(.streamNumbers) {
        content &+= StateMix.mix(12, metadata.entriesAdded)
        content &+= StateMix.mix(13, StateMix.hash(metadata.maxDeletedID))
      }
    case .group(let name, let last, let read):
      closeGroup()
      pending.clear()
      groupIsOpen = true
      group = StateMix.mix(name.fastHash, StateMix.hash(last))
      if !ignored.contains(.entriesRead) { group = StateMix.mix(group, UInt64(bitPattern: read)) }
    case .pending(let id, let time, let count):
      pending.append(id, deliveredAt: time, count: count)
    case .consumer(let name, let seen, let active):
      pending.append(consumer: name, seenAt: seen, activeAt: active)
    case .owned(let id): pending.own(id)
    case .unowned: break
    case .idempotency(let seconds, let most):
      closeGroup()
      if ignored.contains(.idempotency) { return }
      let isDefault = (seconds == 0 || seconds == 100) && (most == 0 || most == 100)
      if !isDefault { content &+= StateMix.mix(14, StateMix.mix(seconds, most)) }
    case .producer(let name): producer = name.fastHash
    case .producedID(let id, let entry):
      if ignored.contains(.idempotency) { return }
      content &+= StateMix.mix(StateMix.mix(producer, id.fastHash), StateMix.hash(entry))
    case .idempotencyCounts(let added, let duplicates):
      if ignored.contains(.idempotencyCounts) || added == 0 && duplicates == 0 { return }
      content &+= StateMix.mix(15, StateMix.mix(added, duplicates))
    }
  }

  private mutating func closeEntry() {
    guard entryIsOpen else { return }
    entryIsOpen = false
    content &+= StateMix.mix(10, entry)
  }

  private mutating func closeGroup() {
    guard groupIsOpen else { return }
    groupIsOpen = false
    var sum = group
    for index in pending.consumers.indices {
      let consumer = pending.consumers[index]
      var number = StateMix.mix(2, pending.name(index).fastHash)
      if !ignored.contains(.seenTime) {
        number = StateMix.mix(number, UInt64(bitPattern: consumer.seenAt))
      }
      if !ignored.contains(.activeTime) {
        number = StateMix.mix(number, UInt64(bitPattern: consumer.activeAt))
      }
      sum &+= number
    }
    for entry in pending.entries {
      var number = StateMix.mix(StateMix.hash(entry.id), entry.count)
      if entry.owner >= 0 {
        number = StateMix.mix(number, pending.name(entry.owner).fastHash)
        number = StateMix.mix(number, UInt64(bitPattern: entry.deliveredAt))
      } else if ignored.contains(.unowned) {
        continue
      } else if !ignored.contains(.seenTime) {
        number = StateMix.mix(number, UInt64(bitPattern: entry.deliveredAt))
      }
      sum &+= number
    }
    content &+= StateMix.mix(4, sum)
  }

  /// The number of the stream, which is complete.
  mutating func finish() -> UInt64 {
    closeEntry()
    closeGroup()
    return content
  }
}

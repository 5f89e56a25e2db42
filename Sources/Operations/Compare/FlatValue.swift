package import Bytes
package import RDB

/// A key with all that it holds, taken out of whatever it was read from: for keys that differ.
package final class FlatValue {
  /// An element: where its parts lie in ``bytes``.
  package struct Item {
    package var start: Int
    package var first: Int
    package var second: Int
    /// The bits of a score; the index in an array; the kind of a module's item.
    package var number: UInt64 = 0
    package var expiresAt = ValueElement.never
  }

  /// An entry of a stream: `fields` items from `from` on.
  package struct Entry {
    package var id: StreamID
    package var from: Int
    package var fields: Int
  }

  /// A pending entry; `owner` is -1 for nobody.
  package struct Pending {
    package var id: StreamID
    package var deliveredAt: Int64
    package var count: UInt64
    package var owner: Int
  }

  /// A consumer.
  package struct Consumer {
    package var name: [UInt8]
    package var seenAt: Int64
    package var activeAt: Int64
  }

  /// A group of a stream.
  package struct Group {
    package var name: [UInt8]
    package var lastDelivered: StreamID
    package var entriesRead: Int64
    package var consumers: [Consumer] = []
    package var pending: [Pending] = []
  }

  /// A producer of idempotent messages.
  package struct Producer {
    package var name: [UInt8]
    package var ids: [(id: [UInt8], entry: StreamID)] = []
  }

  package var db = 0
  package var key: [UInt8] = []
  package var type = LogicalType.string
  package var expiresAt: Int64?
  package var idle: UInt64?
  package var frequency: UInt8?
  package var metadata: [UInt8] = []
  package var arrayCursor: UInt64?
  package var moduleID: UInt64 = 0
  package var encoding: StaticString = "raw"

  /// The bytes of all elements.
  package var bytes = ScratchBuffer(capacity: 64)
  package var items: [Item] = []

  // Of streams.
  package var entries: [Entry] = []
  package var numbers = StreamMetadata()
  package var groups: [Group] = []
  package var idempotencySeconds: UInt64 = 0
  package var idempotencyMost: UInt64 = 0
  package var hasIdempotency = false
  package var producers: [Producer] = []
  package var idsAdded: UInt64 = 0
  package var duplicates: UInt64 = 0

  init() {}

  /// The number of database and name.
  var hash: UInt64 {
    key.withByteSlice { KeyHead(db: db, key: $0, type: type, expiresAt: nil).hash }
  }

  /// About how much memory it takes.
  var size: Int {
    var size = 256 + bytes.count + items.count * 48 + entries.count * 32
    for group in groups { size += 128 + group.pending.count * 40 + group.consumers.count * 64 }
    for producer in producers { size += 64 + producer.ids.count * 80 }
    return size
  }

  /// What a person would count.
  package var elementCount: Int {
    switch type {
    case .stream: entries.count
    case .string, .module, .gcra, .cron: 1
    default: items.count
    }
  }

  /// Member, field, element, text; valid until the value changes.
  package func first(_ item: Item) -> ByteSlice {
    bytes.slice.slice(at: item.start, count: item.first)
  }
  /// The value of a field; valid until the value changes.
  package func second(_ item: Item) -> ByteSlice {
    bytes.slice.slice(at: item.start + item.first, count: item.second)
  }

  func append(_ first: ByteSlice, _ second: ByteSlice = ByteSlice()) {
    items.append(Item(start: bytes.count, first: first.count, second: second.count))
    bytes.append(first)
    bytes.append(second)
  }

  /// Whether the stream has an entry of this id.
  func hasEntry(_ id: StreamID) -> Bool {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].id == id
  }
}

/// Takes one key after another; ``value`` is the last.
struct FlatValueBuilder: ValueSink, ~Copyable {
  /// The key that was told last.
  private(set) var value = FlatValue()
  /// Fields that have expired before this moment are left out.
  let expiredBefore: Int64?
  /// Whether fields were left out, and none is there.
  private(set) var isGone = false
  private var dropped = false
  private var isDeleted = false
  private var pending = PendingEntries()
  private var groupIsOpen = false

  init(expiredBefore: Int64?) { self.expiredBefore = expiredBefore }

  mutating func begin(_ key: KeyDescription) {
    value = FlatValue()
    value.db = key.db
    value.key = key.key.bytes
    value.type = key.type
    value.expiresAt = key.expiresAt
    value.idle = key.idle
    value.frequency = key.frequency
    value.metadata = key.metadata.bytes
    value.arrayCursor = key.arrayCursor
    value.moduleID = key.moduleID
    value.encoding = key.encoding
    groupIsOpen = false
    dropped = false
    isDeleted = false
  }

  mutating func element(_ element: inout ValueElement) {
    if let expiredBefore, element.expiresAt != ValueElement.never, value.type == .hash,
      element.expiresAt < expiredBefore
    {
      dropped = true
      return
    }
    value.append(element.first, value.type == .hash ? element.second : ByteSlice())
    let last = value.items.count - 1
    switch value.type {
    case .zset: value.items[last].number = KeyFingerprinter.bits(element.score)
    case .array: value.items[last].number = element.index
    case .hash: value.items[last].expiresAt = element.expiresAt
    default: break
    }
  }

  mutating func module(_ item: ModuleItem) {
    var kind: UInt64
    var number: UInt64 = 0
    switch item {
    case .signed(let value):
      kind = 1
      number = UInt64(bitPattern: value)
    case .unsigned(let value):
      kind = 2
      number = value
    case .float(let value):
      kind = 3
      number = UInt64(value.bitPattern)
    case .double(let value):
      kind = 4
      number = value.bitPattern
    case .string(let bytes):
      value.append(bytes)
      value.items[value.items.count - 1].number = 5
      return
    }
    value.append(ByteSlice())
    value.items[value.items.count - 1].number = kind
    value.items[value.items.count - 1].expiresAt = Int64(bitPattern: number)
    kind = 0
  }

  mutating func stream(_ event: StreamEvent) {
    switch event {
    case .entry(let id, _):
      isDeleted = false
      value.entries.append(FlatValue.Entry(id: id, from: value.items.count, fields: 0))
    case .deletedEntry: isDeleted = true
    case .field(let name, let text):
      if isDeleted || value.entries.isEmpty { return }
      value.append(name, text)
      value.entries[value.entries.count - 1].fields += 1
    case .metadata(let metadata): value.numbers = metadata
    case .group(let name, let last, let read):
      closeGroup()
      pending.clear()
      groupIsOpen = true
      value.groups.append(
        FlatValue.Group(name: name.bytes, lastDelivered: last, entriesRead: read))
    case .pending(let id, let time, let count):
      pending.append(id, deliveredAt: time, count: count)
    case .consumer(let name, let seen, let active):
      pending.append(consumer: name, seenAt: seen, activeAt: active)
    case .owned(let id): pending.own(id)
    case .unowned: break
    case .idempotency(let seconds, let most):
      closeGroup()
      value.hasIdempotency = true
      value.idempotencySeconds = seconds == 0 ? 100 : seconds
      value.idempotencyMost = most == 0 ? 100 : most
    case .producer(let name): value.producers.append(FlatValue.Producer(name: name.bytes))
    case .producedID(let id, let entry):
      guard !value.producers.isEmpty else { return }
      value.producers[value.producers.count - 1].ids.append((id.bytes, entry))
    case .idempotencyCounts(let added, let duplicates):
      value.idsAdded = added
      value.duplicates = duplicates
    }
  }

  private mutating func closeGroup() {
    guard groupIsOpen else { return }
    groupIsOpen = false
    let last = value.groups.count - 1
    value.groups[last].consumers = pending.consumers.indices.map { index in
      let consumer = pending.consumers[index]
      return FlatValue.Consumer(
        name: pending.name(index).bytes, seenAt: consumer.seenAt, activeAt: consumer.activeAt)
    }
    value.groups[last].pending = pending.entries.map {
      FlatValue.Pending(id: $0.id, deliveredAt: $0.deliveredAt, count: $0.count, owner: $0.owner)
    }
  }

  mutating func end() {
    closeGroup()
    isGone = dropped && value.items.isEmpty
  }
}

extension FlatValue {
  /// Gives the key to `sink`, as a dump would.
  func feed<Sink: ValueSink & ~Copyable>(_ sink: inout Sink) {
    key.withByteSlice { key in metadata.withByteSlice { feed(&sink, key, $0) } }
  }

  private func feed<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink, _ key: ByteSlice, _ metadata: ByteSlice
  ) {
    var description = KeyDescription()
    description.db = db
    description.key = key
    description.type = type
    description.expiresAt = expiresAt
    description.idle = idle
    description.frequency = frequency
    description.metadata = metadata
    description.arrayCursor = arrayCursor
    description.moduleID = moduleID
    description.encoding = encoding
    description.count = UInt64(items.count)
    description.fieldsMayExpire = type == .hash
    sink.begin(description)
    switch type {
    case .stream: feedStream(&sink)
    case .module:
      for item in items {
        switch item.number {
        case 1: sink.module(.signed(item.expiresAt))
        case 2: sink.module(.unsigned(UInt64(bitPattern: item.expiresAt)))
        case 3:
          sink.module(
            .float(Float(bitPattern: UInt32(truncatingIfNeeded: item.expiresAt))))
        case 4: sink.module(.double(Double(bitPattern: UInt64(bitPattern: item.expiresAt))))
        default: sink.module(.string(first(item)))
        }
      }
    default:
      var element = ValueElement()
      for item in items {
        element.first = first(item)
        element.second = second(item)
        element.expiresAt = item.expiresAt
        if type == .zset { element.score = Double(bitPattern: item.number) }
        if type == .array { element.index = item.number }
        sink.element(&element)
      }
    }
    sink.end()
  }

  private func feedStream<Sink: ValueSink & ~Copyable>(_ sink: inout Sink) {
    for entry in entries {
      sink.stream(.entry(entry.id, fields: entry.fields))
      for item in items[entry.from..<entry.from + entry.fields] {
        sink.stream(.field(first(item), second(item)))
      }
    }
    sink.stream(.metadata(numbers))
    for group in groups {
      group.name.withByteSlice {
        sink.stream(
          .group($0, lastDelivered: group.lastDelivered, entriesRead: group.entriesRead))
      }
      var owned = [[StreamID]](repeating: [], count: group.consumers.count)
      for entry in group.pending {
        sink.stream(.pending(entry.id, deliveredAt: entry.deliveredAt, count: entry.count))
        if entry.owner >= 0 { owned[entry.owner].append(entry.id) }
      }
      for (index, consumer) in group.consumers.enumerated() {
        consumer.name.withByteSlice {
          sink.stream(.consumer($0, seenAt: consumer.seenAt, activeAt: consumer.activeAt))
        }
        for id in owned[index] { sink.stream(.owned(id)) }
      }
      for entry in group.pending where entry.owner < 0 { sink.stream(.unowned(entry.id)) }
    }
    guard hasIdempotency else { return }
    sink.stream(.idempotency(seconds: idempotencySeconds, most: idempotencyMost))
    for producer in producers {
      producer.name.withByteSlice { sink.stream(.producer($0)) }
      for (id, entry) in producer.ids {
        id.withByteSlice { sink.stream(.producedID($0, entry)) }
      }
    }
    sink.stream(.idempotencyCounts(added: idsAdded, duplicates: duplicates))
  }
}

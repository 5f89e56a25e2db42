package import Bytes
package import RDB

/// A live entry of a stream.
package struct StreamEntry: Comparable {
  /// Its id.
  package let id: StreamID
  /// Its fields and values, one after the other.
  package let words: PackedWords

  package init(id: StreamID, words: PackedWords) {
    self.id = id
    self.words = words
  }

  package static func < (a: StreamEntry, b: StreamEntry) -> Bool { a.id < b.id }
  package static func == (a: StreamEntry, b: StreamEntry) -> Bool { a.id == b.id }
}

/// An entry that was delivered and not acknowledged.
package struct PendingEntry: Comparable {
  /// The id of the entry, which may be deleted meanwhile.
  package let id: StreamID
  /// The number of the consumer in ``StreamGroup/consumers``; -1 when nobody owns it (negatively
  /// acknowledged, Redis 8.8).
  package var consumer: Int
  /// When it was delivered last, in unix milliseconds.
  package var deliveredAt: Int64
  /// How often it was delivered.
  package var deliveries: UInt64

  package init(id: StreamID, consumer: Int, deliveredAt: Int64, deliveries: UInt64) {
    self.id = id
    self.consumer = consumer
    self.deliveredAt = deliveredAt
    self.deliveries = deliveries
  }

  package static func < (a: PendingEntry, b: PendingEntry) -> Bool { a.id < b.id }
  package static func == (a: PendingEntry, b: PendingEntry) -> Bool { a.id == b.id }
}

/// A consumer of a group.
package struct StreamConsumer {
  /// Its name.
  package var name: ByteSlice
  /// When it was seen last, in unix milliseconds.
  package var seenAt: Int64
  /// When it was last given an entry, in unix milliseconds; -1 for never.
  package var activeAt: Int64
  /// How many pending entries it owns.
  package var pendingCount = 0

  package init(name: ByteSlice, seenAt: Int64, activeAt: Int64) {
    self.name = name
    self.seenAt = seenAt
    self.activeAt = activeAt
  }
}

/// A consumer group.
package struct StreamGroup {
  /// Its name.
  package var name: ByteSlice
  /// The id of the last entry that was delivered.
  package var lastDelivered: StreamID
  /// How many entries were read by the group; -1 when unknown.
  package var entriesRead: Int64
  /// The consumers, in the order they were made.
  package var consumers: [StreamConsumer] = []
  /// The pending entries of all consumers.
  package var pending = SortedChunks<PendingEntry>()

  package init(name: ByteSlice, lastDelivered: StreamID, entriesRead: Int64) {
    self.name = name
    self.lastDelivered = lastDelivered
    self.entriesRead = entriesRead
  }

  /// The number of the consumer called `name`.
  package func consumer(_ name: ByteSlice) -> Int? {
    consumers.firstIndex { $0.name == name }
  }
}

/// Ids of idempotent messages by one producer (Redis 8.6+), oldest first.
package struct StreamProducer {
  /// Its name.
  package var name: ByteSlice
  /// Each remembered id and the entry it made.
  package var ids: [(id: ByteSlice, entry: StreamID)] = []

  package init(name: ByteSlice) { self.name = name }
}

/// A stream: entries, groups and what else the formats keep of it.
package final class StreamValue {
  /// The live entries.
  @safe @exclusivity(unchecked) package private(set) var entries = SortedChunks<StreamEntry>()
  /// The highest id ever given.
  @safe @exclusivity(unchecked) package var lastID = StreamID.zero
  /// The highest id ever deleted.
  @safe @exclusivity(unchecked) package var maxDeletedID = StreamID.zero
  /// How many entries were ever added.
  @safe @exclusivity(unchecked) package var entriesAdded: UInt64 = 0
  /// The groups, in the order they were made.
  @safe @exclusivity(unchecked) package var groups: [StreamGroup] = []
  /// The producers with remembered ids (Redis 8.6+).
  @safe @exclusivity(unchecked) package var producers: [StreamProducer] = []
  /// How long ids of idempotent messages are remembered, in seconds; 0 for the server's default.
  @safe @exclusivity(unchecked) package var idempotencySeconds: UInt64 = 0
  /// How many of them are remembered for a producer; 0 for the server's default.
  @safe @exclusivity(unchecked) package var idempotencyMost: UInt64 = 0
  /// How many of them were ever added.
  @safe @exclusivity(unchecked) package var idempotencyAdded: UInt64 = 0
  /// How many duplicates were met.
  @safe @exclusivity(unchecked) package var idempotencyDuplicates: UInt64 = 0
  /// The bytes of all fields and values, headers included.
  @safe @exclusivity(unchecked) package private(set) var byteCount = 0

  package init() {}

  /// How many live entries there are.
  package var count: Int { entries.count }

  /// The lowest live id, 0-0 when there is none.
  package var firstID: StreamID { entries.first?.id ?? .zero }

  /// Adds an entry with a new id. Sets neither ``lastID`` nor ``entriesAdded``.
  package func add(_ entry: StreamEntry) {
    entries.insert(entry)
    byteCount += entry.words.raw.count
  }

  /// The entry `id`, if it is alive.
  package func entry(_ id: StreamID) -> StreamEntry? {
    let place = entries.firstPlace { !($0.id < id) }
    guard !entries.isEnd(place), entries[place].id == id else { return nil }
    return entries[place]
  }

  /// Removes the entry `id`; true when it was alive. Sets nothing else.
  package func remove(_ id: StreamID) -> Bool {
    let place = entries.firstPlace { !($0.id < id) }
    guard !entries.isEnd(place), entries[place].id == id else { return false }
    byteCount -= entries.remove(at: place).words.raw.count
    return true
  }

  /// Removes the `length` oldest entries, calling `body` with each id. Sets nothing else.
  package func removeFirst(_ length: Int, _ body: (StreamID) -> Void = { _ in }) {
    var place = entries.place(0)
    for _ in 0..<length {
      byteCount -= entries[place].words.raw.count
      body(entries[place].id)
      place = entries.after(place)
    }
    entries.removeFirst(length)
  }

  /// The number of the group called `name`.
  package func group(_ name: ByteSlice) -> Int? { groups.firstIndex { $0.name == name } }

  /// The same content in another object.
  package func copy() -> StreamValue {
    let copy = StreamValue()
    copy.entries = entries
    copy.lastID = lastID
    copy.maxDeletedID = maxDeletedID
    copy.entriesAdded = entriesAdded
    copy.groups = groups
    copy.producers = producers
    copy.idempotencySeconds = idempotencySeconds
    copy.idempotencyMost = idempotencyMost
    copy.idempotencyAdded = idempotencyAdded
    copy.idempotencyDuplicates = idempotencyDuplicates
    copy.byteCount = byteCount
    return copy
  }
}

package import Bytes
internal import RDB

/// A number for a whole state: equal states have equal numbers, whatever the order of their keys,
/// members and fields. Not `DEBUG DIGEST`: it sees more (times to live, groups of streams,
/// functions) and costs a small part. Used to compare what was written with what was meant.
package struct StateHash: Sendable, Equatable {
  /// What of a state counts: what commands for the target can carry.
  package struct View: Sendable, Equatable {
    /// Entries added, highest deleted id and entries read of streams.
    package var streamNumbers = true
    /// Consumers without pending entries.
    package var idleConsumers = true
    /// Times to live of keys in ms instead of seconds.
    package var milliseconds = true

    /// Everything.
    package init() {}

    /// What commands for `target` carry.
    package init(_ target: ServerTarget) {
      streamNumbers = target.hasFunctions
      idleConsumers = target.createsConsumers
      milliseconds = target.takesMilliseconds
    }
  }

  /// Types whose hash can be made of their elements as they come, with the numbers they enter by.
  enum Elements: UInt64 { case string = 0, list = 1, set = 2, sortedSet = 3, hash = 4 }

  /// The number that streams enter by.
  static let streamType: UInt64 = 6

  /// The number.
  package private(set) var value: UInt64 = 0
  /// How many keys entered.
  package private(set) var keys = 0
  /// What of a state counts.
  package let view: View

  /// The hash of nothing.
  package init(_ view: View = View()) { self.view = view }

  /// Sixteen hexadecimal digits.
  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  @inline(__always)
  static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = (a ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: b ^ 0xA076_1D64_78BD_642F)
    return product.high ^ product.low &+ a
  }

  /// A library of functions enters.
  package mutating func add(function code: ByteSlice) {
    value &+= StateHash.mix(0xF0, code.fastHash)
  }

  /// A string key enters.
  @inline(__always)
  package mutating func add(
    _ key: ByteSlice, _ database: Int, string: ByteSlice, expiresAt: Int64? = nil
  ) {
    add(key, database, type: 0, content: string.fastHash, expiresAt: expiresAt)
  }

  /// A key enters whose type, content and time to live are known by number.
  @inline(__always)
  mutating func add(
    _ key: ByteSlice, _ database: Int, type: UInt64, content: UInt64, expiresAt: Int64?
  ) {
    var hash = StateHash.mix(key.fastHash, UInt64(truncatingIfNeeded: database) << 8 | type)
    hash = StateHash.mix(hash, content)
    if let expiresAt {
      let time =
        view.milliseconds ? expiresAt : ExpirySeconds(milliseconds: expiresAt).seconds
      hash = StateHash.mix(hash, UInt64(bitPattern: time))
    }
    value &+= hash
    keys += 1
  }

  /// A key that had entered leaves again.
  package mutating func remove(_ key: ByteSlice, _ database: Int, _ state: borrowing KeyState) {
    var alone = StateHash(view)
    alone.add(key, database, state)
    value &-= alone.value
    keys -= alone.keys
  }

  /// All that entered another one enters.
  package mutating func add(_ other: StateHash) {
    value &+= other.value
    keys += other.keys
  }

  /// A key enters, if it exists.
  package mutating func add(_ key: ByteSlice, _ database: Int, _ state: borrowing KeyState) {
    var content: UInt64 = 0
    let type: UInt64
    switch state.value {
    case nil: return
    case .string(let string)?:
      type = 0
      content = string.fastHash
    case .list(let list)?:
      type = 1
      for index in 0..<list.count { content = StateHash.mix(content, list[index].fastHash) }
    case .set(let set)?:
      type = 2
      for item in set.table.items { content &+= StateHash.mix(1, item.hash) }
    case .sortedSet(let set)?:
      type = 3
      for item in set.table.items {
        // Servers and files do not keep the sign of a zero.
        let score = item.payload == 0 ? 0 : item.payload.bitPattern
        content &+= StateHash.mix(item.hash, score)
      }
    case .hash(let hash)?:
      type = 4
      for item in hash.table.items {
        content &+= StateHash.mix(
          StateHash.mix(item.hash, item.payload.value.fastHash),
          UInt64(bitPattern: item.payload.expiresAt))
      }
    case .module(let module)?:
      type = 5
      content = module.bytes.fastHash
    case .stream(let stream)?:
      type = StateHash.streamType
      content = self.content(stream)
    case .array(let array)?:
      type = 7
      content = array.cursor.map { $0 &+ 1 } ?? 0
      array.items.forEach { content &+= StateHash.mix($0.index, $0.element.fastHash) }
    }
    add(key, database, type: type, content: content, expiresAt: state.expiresAt)
  }

  private static func hash(_ id: StreamID) -> UInt64 { mix(id.ms, id.seq) }

  /// What an entry of a stream adds to it; `words` are its fields and values as ``PackedWords``.
  static func entry(_ id: StreamID, _ words: ByteSlice) -> UInt64 {
    mix(hash(id), words.fastHash)
  }

  /// A stream without groups and producers whose entries add `entries`.
  func stream(
    entries: UInt64, lastID: StreamID, entriesAdded: UInt64, maxDeletedID: StreamID
  ) -> UInt64 {
    var content = StateHash.hash(lastID) &+ entries
    if view.streamNumbers {
      content = StateHash.mix(content, entriesAdded)
      content = StateHash.mix(content, StateHash.hash(maxDeletedID))
    }
    return content
  }

  private func content(_ stream: StreamValue) -> UInt64 {
    var entries: UInt64 = 0
    stream.entries.forEach { entries &+= StateHash.entry($0.id, $0.words.raw) }
    var content = self.stream(
      entries: entries, lastID: stream.lastID, entriesAdded: stream.entriesAdded,
      maxDeletedID: stream.maxDeletedID)
    for group in stream.groups {
      var sum = StateHash.mix(group.name.fastHash, StateHash.hash(group.lastDelivered))
      if view.streamNumbers { sum = StateHash.mix(sum, UInt64(bitPattern: group.entriesRead)) }
      let names = group.consumers.map { $0.name.fastHash }
      for (number, consumer) in group.consumers.enumerated() {
        if consumer.pendingCount > 0 || view.idleConsumers {
          sum &+= StateHash.mix(2, names[number])
        }
      }
      group.pending.forEach { entry in
        let owner = entry.consumer >= 0 ? names[entry.consumer] : 3
        let time = entry.consumer >= 0 ? UInt64(bitPattern: entry.deliveredAt) : 0
        sum &+= StateHash.mix(
          StateHash.mix(StateHash.hash(entry.id), owner), StateHash.mix(time, entry.deliveries))
      }
      content &+= StateHash.mix(4, sum)
    }
    for producer in stream.producers {
      for remembered in producer.ids where stream.entry(remembered.entry) != nil {
        content &+= StateHash.mix(
          StateHash.mix(producer.name.fastHash, remembered.id.fastHash),
          StateHash.hash(remembered.entry))
      }
    }
    return content
  }
}

extension LogicalType {
  /// What the elements of this type enter a ``StateHash`` as; nil where they are not all that counts.
  var hashedByElements: StateHash.Elements? {
    switch self {
    case .string: .string
    case .list: .list
    case .set: .set
    case .zset: .sortedSet
    case .hash: .hash
    default: nil
    }
  }
}

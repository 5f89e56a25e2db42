public import Bytes

/// One element of a value, in the order of the file. Which parts are set depends on the type:
///
/// | type | ``first`` | ``second`` | else |
/// |---|---|---|---|
/// | string | the bytes | | |
/// | list | element | | head to tail |
/// | set | member | | |
/// | zset | member | | ``score`` |
/// | hash | field | value | ``expiresAt`` |
/// | array | element text | | ``index`` |
///
/// Integers come as their decimal text. The slices are valid until the next call of the reader.
public struct ValueElement {
  /// See the table.
  public var first = ByteSlice()
  /// See the table.
  public var second = ByteSlice()
  /// The score of a sorted set's member; may be infinite, never NaN unless the file says so. Where there
  /// is a ``scoreText``, asking for the number is what parses it.
  public var score: Double {
    get { scoreText.isEmpty ? number : DoubleText.parse(scoreText, .file) ?? .nan }
    set {
      number = newValue
      scoreText = ByteSlice()
    }
  }
  /// The text that stands for ``score``, where a packed blob holds one that is a plain decimal number and
  /// nothing else: writing it spares the work of parsing it and printing the double anew. Else empty.
  public private(set) var scoreText = ByteSlice()
  /// The score, where there is no text of it.
  private var number = 0.0
  /// When a hash field expires, in ms since 1970, or ``never``.
  public var expiresAt = ValueElement.never
  /// The index in an array.
  public var index: UInt64 = 0

  /// The ``expiresAt`` of what does not expire.
  public static let never: Int64 = -1

  /// An empty element.
  public init() {}

  /// Takes the score from `item`; false when that is no number.
  @inline(__always) mutating func setScore(_ item: PackedItem) -> Bool {
    if !item.isInteger, DoubleText.isPlainDecimal(item.text) {
      scoreText = item.text
      return true
    }
    guard let score = item.score else { return false }
    self.score = score
    return true
  }
}

/// The id of a stream entry.
public struct StreamID: Sendable, Hashable, Comparable {
  /// Milliseconds.
  public var ms: UInt64
  /// Sequence number within the millisecond.
  public var seq: UInt64

  /// An id of its two parts.
  @inlinable public init(ms: UInt64, seq: UInt64) {
    self.ms = ms
    self.seq = seq
  }

  /// The lowest id, `0-0`.
  public static let zero = StreamID(ms: 0, seq: 0)
  /// The highest id.
  public static let max = StreamID(ms: .max, seq: .max)

  /// Whether `a` sorts before `b`.
  @inlinable public static func < (a: StreamID, b: StreamID) -> Bool {
    a.ms != b.ms ? a.ms < b.ms : a.seq < b.seq
  }
}

/// What a stream consists of, in the order of the file (rdb-format.md 9.1):
/// entries with their fields, the metadata, then groups, each with its pending entries, its
/// consumers (each with the ids it owns) and, in Redis 8.8, the ids that nobody owns; then, in
/// Redis 8.6+, what it remembers of idempotent producers. Slices are valid until the next call.
public enum StreamEvent {
  /// A live entry; `fields` pairs follow.
  case entry(StreamID, fields: Int)
  /// A deleted entry that still takes room; `fields` pairs follow.
  case deletedEntry(StreamID, fields: Int)
  /// A field of the entry before.
  case field(ByteSlice, ByteSlice)
  /// The numbers of the whole stream.
  case metadata(StreamMetadata)
  /// A group; `entriesRead` is -1 when unknown.
  case group(ByteSlice, lastDelivered: StreamID, entriesRead: Int64)
  /// A pending entry of the group: delivery time in ms, how often it was delivered.
  case pending(StreamID, deliveredAt: Int64, count: UInt64)
  /// A consumer of the group: times in ms, -1 for never.
  case consumer(ByteSlice, seenAt: Int64, activeAt: Int64)
  /// A pending entry that belongs to the consumer before.
  case owned(StreamID)
  /// A pending entry that belongs to nobody (negatively acknowledged).
  case unowned(StreamID)
  /// How long (seconds) and how many ids of idempotent messages are remembered.
  case idempotency(seconds: UInt64, most: UInt64)
  /// A producer whose ids follow.
  case producer(ByteSlice)
  /// An id of the producer before, and the entry it made.
  case producedID(ByteSlice, StreamID)
  /// How many ids were added and how many duplicates were met.
  case idempotencyCounts(added: UInt64, duplicates: UInt64)
}

/// The numbers of a stream that are not in its entries.
public struct StreamMetadata: Sendable, Equatable {
  /// How many live entries the file claims.
  public var length: UInt64 = 0
  /// The highest id ever given.
  public var lastID = StreamID.zero
  /// The lowest live id; 0-0 when empty.
  public var firstID = StreamID.zero
  /// The highest id ever deleted.
  public var maxDeletedID = StreamID.zero
  /// How many entries were ever added.
  public var entriesAdded: UInt64 = 0

  /// Nothing yet.
  public init() {}
}

/// One item of a module's value (rdb-format.md 10.2).
public enum ModuleItem {
  /// A signed integer.
  case signed(Int64)
  /// An unsigned integer.
  case unsigned(UInt64)
  /// A binary32.
  case float(Float)
  /// A binary64.
  case double(Double)
  /// A string, valid until the next call.
  case string(ByteSlice)
}

/// What is told of a key before its elements, whoever tells it (a dump or a replayed log).
public struct KeyDescription {
  /// The number of its database.
  public var db = 0
  /// The name; valid until the next key.
  public var key = ByteSlice()
  /// What a client sees.
  public var type = LogicalType.string
  /// When it expires, in ms since 1970; nil when never. May be in the past or negative.
  public var expiresAt: Int64?
  /// Seconds since the last use, when the dump says so.
  public var idle: UInt64?
  /// The LFU counter, when the dump says so.
  public var frequency: UInt8?
  /// The name of the encoding as `OBJECT ENCODING` gives it.
  public var encoding: StaticString = "raw"
  /// For modules: the 64-bit id of the type.
  public var moduleID: UInt64 = 0
  /// How many elements follow, where that is known before they are read.
  public var count: UInt64?
  /// The bytes of all elements together, where that is known before they are read.
  public var bytes: Int?
  /// For hashes: whether fields may have an expiry time.
  public var fieldsMayExpire = false
  /// Redis 8.6+: the raw metadata of modules for this key, opcode 243 included; else empty.
  public var metadata = ByteSlice()
  /// For arrays: the index of the last insertion, where there was one.
  public var arrayCursor: UInt64?
  /// How the dump writes it; nil for keys of a replayed log.
  public var valueType: ValueType?

  /// An empty description.
  public init() {}
}

/// Takes the keys of a dump or of a keyspace, one after another, element by element.
///
/// Nothing here throws: a sink that fails (its output is full) keeps its error, as
/// `OutputBuffer` does, and whoever drives it asks in between.
public protocol ValueSink: ~Copyable {
  /// A key begins.
  mutating func begin(_ key: KeyDescription)
  /// An element of a string, list, set, zset, hash or array. It is lent, as a place and not as a copy: to
  /// read so many parts right behind their writing stalls for longer than to decode them. What the sink
  /// leaves in it does not matter.
  mutating func element(_ element: inout ValueElement)
  /// A part of a stream.
  mutating func stream(_ event: StreamEvent)
  /// A part of a module's value.
  mutating func module(_ item: ModuleItem)
  /// The key is complete.
  mutating func end()
}

internal import Bytes
public import RDB

/// How many keys there are of some kind, and what they take.
public struct KeyTally: Sendable, Equatable {
  /// How many keys.
  public var keys = 0
  /// Those of them that have an expiry.
  public var expiring = 0
  /// Their elements; 1 for a string.
  public var elements = 0
  /// Their bytes in the file, of a log those of the elements; see ``KeyspaceReport/isLog``.
  public var bytes = 0
  /// About how many bytes they take in the memory of a server, as ``KeyRow/memory`` says; modules
  /// are not in it.
  public var memory = 0

  /// Nothing.
  public init() {}

  /// Adds a key.
  @inline(__always) mutating func add(_ row: KeyRow) {
    keys &+= 1
    if row.expiresAt != nil { expiring &+= 1 }
    elements = elements.saturatingAdd(Int(clamping: row.elements))
    bytes = bytes.saturatingAdd(row.bytes)
    memory = memory.saturatingAdd(row.memory)
  }
}

/// What takes the room in a dump or log: by prefix of the name, type, encoding, database, expiry and
/// size, and which keys are the largest. Made in one pass, in memory that does not grow with the data.
public struct KeyspaceReport: Sendable {
  /// What is looked at when prefixes and keys are ranked.
  public enum Ranking: String, Sendable, CaseIterable {
    /// Estimated memory in a server.
    case memory
    /// Bytes in the file.
    case size
    /// Elements.
    case elements

    /// What it looks at.
    public func weight(_ tally: KeyTally) -> Int {
      switch self {
      case .memory: tally.memory
      case .size: tally.bytes
      case .elements: tally.elements
      }
    }
  }

  /// How a report is made.
  public struct Options: Sendable {
    /// Which keys are looked at.
    public var selection = KeySelection()
    /// Keys whose time lies before it (ms since 1970) are left out; nil for none.
    public var expiredBefore: Int64?
    /// What counts as the present for ``KeyspaceReport/expiries``, in ms since 1970.
    public var now: Int64 = 0
    /// By what prefixes and keys are ranked.
    public var ranking = Ranking.memory
    /// How many prefixes and keys are told.
    public var top = 20
    /// The bytes that end a part of a name.
    public var separators: [UInt8] = [0x3A]
    /// How many parts a prefix has at most, 0 to 16.
    public var depth = 4
    /// Whether parts of names that look like ids stay as they are instead of becoming `*`.
    public var isLiteral = false
    /// How many prefixes are counted at a time; more of them make the numbers inexact, see
    /// ``KeyspaceReport/prefixBound``. Each takes about 150 bytes beside its name, of which at most
    /// 512 bytes are looked at.
    public var places = 1 << 14

    /// Twenty of each, by memory.
    public init() {}
  }

  /// One row of a table.
  public struct Row: Sendable {
    /// What the keys have in common.
    public var name: String
    /// What they take.
    public var tally = KeyTally()
  }

  /// One encoding of one type.
  public struct Encoding: Sendable {
    /// The type.
    public var type: LogicalType
    /// The name that `OBJECT ENCODING` gives it.
    public var name: String
    /// What its keys take.
    public var tally = KeyTally()
  }

  /// One database.
  public struct Database: Sendable {
    /// Its number.
    public var db: Int
    /// What its keys take.
    public var tally = KeyTally()
  }

  /// Keys whose names begin alike.
  public struct Prefix: Sendable {
    /// What they begin with; a glob, unless ids were left as they are.
    public var name: [UInt8]
    /// Whether they are called so, with nothing behind it.
    public var isWhole: Bool
    /// How many parts it has.
    public var depth: Int
    /// What they take: exact when ``missed`` is 0, else at least this much.
    public var tally: KeyTally
    /// At most so much of what the ranking looks at is not in ``tally``.
    public var missed: Int
    /// A glob that these keys match, for `--key`.
    public var glob: [UInt8]
  }

  /// One of the largest keys.
  public struct Key: Sendable {
    /// Its database.
    public var db: Int
    /// Its name.
    public var key: [UInt8]
    /// What a client sees.
    public var type: LogicalType
    /// The name of its encoding.
    public var encoding: String
    /// How many elements; 1 for strings.
    public var elements: UInt64
    /// Bytes in the file, of a log those of the elements.
    public var bytes: Int
    /// About how many bytes it takes in the memory of a server; 0 for modules.
    public var memory: Int
    /// When it expires, in ms since 1970; nil for never.
    public var expiresAt: Int64?
  }

  /// Whether it is about a log: ``KeyTally/bytes`` are then those of the elements.
  public var isLog = false
  /// By what prefixes and keys are ranked.
  public var ranking = Ranking.memory
  /// What counts as the present, in ms since 1970.
  public var now: Int64 = 0
  /// All keys together.
  public var total = KeyTally()
  /// Keys of modules, whose memory nobody knows.
  public var modules = 0
  /// By database.
  public var databases: [Database] = []
  /// By type, those that take most first.
  public var types: [Row] = []
  /// By type and encoding, those that take most first.
  public var encodings: [Encoding] = []
  /// By the time that is left (never, has run out, within an hour, a day, …); without those that have
  /// no keys.
  public var expiries: [Row] = []
  /// By the size of the single key, in powers of ten of bytes; without those that have no keys.
  public var sizes: [Row] = []
  /// The prefixes that take most. One with the same keys as a longer one is left out: the longer
  /// says more.
  public var prefixes: [Prefix] = []
  /// Keys whose names have no prefix.
  public var unprefixed = KeyTally()
  /// What the ranking looks at of a prefix that is not among those counted is at most this; 0 when
  /// all were counted and all numbers are exact.
  public var prefixBound = 0
  /// The largest keys.
  public var biggest: [Key] = []

  /// An empty report.
  public init() {}
}

/// The classes by the time that is left to a key.
enum ExpiryClass {
  static let names = [
    "never", "has run out", "within an hour", "within a day", "within a week", "within 30 days",
    "later",
  ]

  /// The class of a key.
  @inline(__always) static func of(_ expiresAt: Int64?, now: Int64) -> Int {
    guard let expiresAt else { return 0 }
    if expiresAt < now { return 1 }
    let (left, overflow) = expiresAt.subtractingReportingOverflow(now)
    if overflow || left > 30 * 86_400_000 { return 6 }
    if left <= 3_600_000 { return 2 }
    if left <= 86_400_000 { return 3 }
    return left <= 7 * 86_400_000 ? 4 : 5
  }
}

/// The classes by the size of a key: powers of ten from 100 bytes on.
enum SizeClass {
  static let names = [
    "below 100 bytes", "100 bytes to 1 kB", "1 to 10 kB", "10 to 100 kB", "100 kB to 1 MB",
    "1 to 10 MB", "10 to 100 MB", "100 MB and more",
  ]

  /// The class of a key of so many bytes.
  @inline(__always) static func of(_ bytes: Int) -> Int {
    var limit = 100
    var index = 0
    while index < 7 && bytes >= limit {
      limit &*= 10
      index &+= 1
    }
    return index
  }
}

public import Bytes
public import RDB

/// Which keys a command of the tool looks at (`--db`, `--key`, `--key-regex`, `--not-key`,
/// `--type`, `--min-size`, `--expires`, `--slot`).
///
/// Every option narrows: a key must pass all that are given. Within one option its values are
/// alternatives (`--key 'a*' --key 'b*'`: begins with a or b). With nothing given, every key
/// passes.
///
/// The parts are asked one by one, as early as they are known: the database and the name before
/// the value is read, size after.
public struct KeySelection: Sendable {
  /// The numbers of the databases; empty for all.
  public var databases: [Int] = []
  /// Patterns of which one must match.
  public var keys: [Glob] = []
  /// Expressions of which one must match somewhere in the name.
  public var expressions: [RegularExpression] = []
  /// Patterns of which none may match.
  public var excluded: [Glob] = []
  /// The types; empty for all.
  public var types: TypeSet = .all
  /// Fewest bytes of the value in the file.
  public var minimumSize = 0
  /// What is asked of the expiry time.
  public var expiry = ExpirySelection.any
  /// Slots of Redis Cluster, as inclusive ranges; empty for all.
  public var slots: [ClosedRange<Int>] = []

  /// Everything.
  public init() {}

  /// Whether nothing was asked, so that every key passes.
  public var isEverything: Bool {
    databases.isEmpty && !looksAtNames && types == .all && minimumSize <= 0 && expiry == .any
  }

  /// Whether the name of a key matters.
  public var looksAtNames: Bool {
    !keys.isEmpty || !expressions.isEmpty || !excluded.isEmpty || !slots.isEmpty
  }

  /// Whether keys of database `number` may pass.
  public func matches(database number: Int) -> Bool {
    databases.isEmpty || databases.contains(number)
  }

  /// Whether the name passes.
  public func matches(name: ByteSlice) -> Bool {
    if !keys.isEmpty {
      var one = false
      for glob in keys where glob.matches(name) {
        one = true
        break
      }
      if !one { return false }
    }
    for glob in excluded where glob.matches(name) { return false }
    if !slots.isEmpty {
      let slot = HashSlot.of(name)
      var one = false
      for range in slots where range.contains(slot) {
        one = true
        break
      }
      if !one { return false }
    }
    if !expressions.isEmpty {
      for expression in expressions where expression.matches(name) { return true }
      return false
    }
    return true
  }

  /// Whether type, and expiry time in ms since 1970, pass.
  public func matches(type: LogicalType, expiresAt: Int64?) -> Bool {
    types.contains(type) && expiry.matches(expiresAt)
  }

  /// Whether a value of `bytes` bytes in the file passes.
  public func matches(size bytes: Int) -> Bool { bytes >= minimumSize }

  /// Whether a key of a dump passes, as far as its header tells; ask ``matches(size:)`` once the
  /// value has been passed.
  public func matches(_ header: KeyHeader) -> Bool {
    matches(database: header.db)
      && matches(type: header.type.logical, expiresAt: header.expiresAt)
      && (!looksAtNames || matches(name: header.key))
  }
}

/// What is asked of a key's expiry time.
public enum ExpirySelection: Sendable, Equatable {
  /// Nothing.
  case any
  /// There must be none.
  case never
  /// There must be one, before this time in ms since 1970.
  case before(Int64)
  /// There must be one, at or after this time in ms since 1970.
  case after(Int64)

  /// Whether a key with that expiry time passes.
  public func matches(_ expiresAt: Int64?) -> Bool {
    switch (self, expiresAt) {
    case (.any, _): true
    case (.never, let time): time == nil
    case (.before(let limit), let time?): time < limit
    case (.after(let limit), let time?): time >= limit
    default: false
    }
  }
}

/// A set of types as clients see them.
public struct TypeSet: OptionSet, Sendable {
  /// One bit a type.
  public let rawValue: UInt32
  /// The set of these bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// Every type.
  public static let all = TypeSet(rawValue: .max)

  /// The set of one type.
  public init(_ type: LogicalType) { rawValue = 1 << (UInt32(type.rawValue) & 31) }

  /// Whether `type` is in the set.
  public func contains(_ type: LogicalType) -> Bool { !isDisjoint(with: TypeSet(type)) }
}

// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

public import Bytes
public import RDB

/// Why there is no digest of some data.
public struct DigestObstacle: Sendable, Equatable {
  /// What stands in the way.
  public enum Kind: Sendable, Equatable {
    /// A value whose digest only its module can make; the 64-bit id of its type.
    case module(UInt64)
    /// A type that servers have no digest for: KeyDB's scheduled scripts.
    case foreignType
    /// An array with so many holes that a server would be busy for minutes.
    case sparseArray
  }

  /// What stands in the way.
  public var kind: Kind
  /// The number of the database.
  public var db: Int
  /// The name of the key.
  public var key: [UInt8]
}

/// Computes what `DEBUG DIGEST` or `DEBUG DIGEST-VALUE` of a server would print for the keys it is
/// fed (debug-digest.md 2 to 4).
///
/// Keys may come in any order, databases too, and the same database several times; elements must
/// come in the order of the server for lists, streams and arrays and may come in any order for the
/// rest. Nothing is kept but twenty bytes for each database, and nothing is allocated per key or
/// element.
public struct DigestBuilder: ValueSink, ~Copyable {
  /// What is computed.
  public enum Scope: Sendable {
    /// `DEBUG DIGEST`: the names of keys enter, ``finish()`` has the answer.
    case keyspace
    /// `DEBUG DIGEST-VALUE`: only values enter, ``keyDigest`` has the answer after each key.
    case values
  }

  /// Whose digest it is.
  public let style: DigestStyle
  /// What is computed.
  public let scope: Scope
  /// The digest of the key that ended last.
  public private(set) var keyDigest = ServerDigest()
  /// The first thing that no digest can be made of; the result is then worthless.
  public private(set) var obstacle: DigestObstacle?
  /// How many keys were fed.
  public private(set) var keys = 0

  private let scoreStyle: DoubleText.Style
  private let marksFields: Bool
  /// Fields that expire before this moment do not enter.
  private let lapsedBefore: Int64
  /// The keys of the database `db`, fed so far without a break.
  private var current = ServerDigest()
  private var db = -1
  private var databases: [Int: ServerDigest] = [:]

  private var key = KeyDescription()
  private var type = LogicalType.string
  /// Whether the fields of a stream entry count: those of deleted ones do not.
  private var entryLives = false
  private var nextIndex: UInt64 = 0
  private var holesLeft = DigestBuilder.mostHoles
  private var scratch = ScratchBuffer()

  /// How many absent indexes of arrays are fed at most: about five seconds' worth.
  static let mostHoles: UInt64 = 1 << 25

  /// A builder that has seen nothing.
  ///
  /// - Parameters:
  ///   - style: whose algorithm.
  ///   - scope: what the digest is of.
  ///   - now: the present in ms since 1970, for ``DigestStyle/valkey``: its servers pass over hash
  ///     fields whose time has come, though they hold them. Without it all fields enter, so that
  ///     the digest of the same data is the same at all times.
  public init(style: DigestStyle, scope: Scope = .keyspace, now: Int64? = nil) {
    self.style = style
    self.scope = scope
    lapsedBefore = style == .valkey ? now ?? .min : .min
    scoreStyle = style.scoreStyle
    marksFields = style.marksExpiringFields
  }

  public mutating func begin(_ key: KeyDescription) {
    keyDigest = ServerDigest()
    if scope == .keyspace {
      if key.db != db { changeDatabase(to: key.db) }
      keyDigest.mix(key.key)
    }
    type = key.type
    keyDigest.mix(UInt32(type.rawValue))
    self.key = key
    entryLives = false
    nextIndex = 0
    if type == .module {
      block(.module(key.moduleID))
    } else if type == .cron {
      block(.foreignType)
    }
  }

  public mutating func element(_ element: inout ValueElement) {
    switch type {
    case .string, .list, .gcra: keyDigest.mix(element.first)
    case .set: keyDigest.xor(element.first)
    case .zset:
      var member = ServerDigest()
      member.mix(element.first)
      scratch.clear()
      scratch.append(double: element.score, scoreStyle)
      member.mix(scratch.slice)
      keyDigest.xor(member)
    case .hash:
      if element.expiresAt < lapsedBefore, element.expiresAt != ValueElement.never { return }
      var field = ServerDigest()
      field.mix(element.first)
      field.mix(element.second)
      if marksFields, element.expiresAt != ValueElement.never {
        field.xor(ByteSlice("!!hexpire!!"))
      }
      keyDigest.xor(field)
    case .array: arrayElement(element)
    case .stream, .module, .cron: break
    }
  }

  public mutating func stream(_ event: StreamEvent) {
    switch event {
    case .entry(let id, _):
      entryLives = true
      scratch.clear()
      scratch.append(decimal: id.ms)
      scratch.append(0x2E)
      scratch.append(decimal: id.seq)
      keyDigest.mix(scratch.slice)
    case .deletedEntry: entryLives = false
    case .field(let name, let value):
      if entryLives {
        keyDigest.mix(name)
        keyDigest.mix(value)
      }
    default: break
    }
  }

  public mutating func module(_ item: ModuleItem) {}

  public mutating func end() {
    if key.expiresAt != nil { keyDigest.xor(ByteSlice("!!expire!!")) }
    if scope == .keyspace { current.xor(keyDigest) }
    keys += 1
  }

  /// The digest of everything that was fed.
  public consuming func finish() -> ServerDigest {
    changeDatabase(to: -1)
    var result = ServerDigest()
    for (db, digest) in databases.sorted(by: { $0.key < $1.key }) {
      result.mix(UInt32(truncatingIfNeeded: db))
      result.join(digest)
    }
    return result
  }

  @inline(never) private mutating func changeDatabase(to next: Int) {
    if db >= 0 { databases[db, default: ServerDigest()].join(current) }
    current = ServerDigest()
    db = next
  }

  private mutating func arrayElement(_ element: ValueElement) {
    let holes = element.index &- nextIndex
    if element.index >= nextIndex, holes <= holesLeft {
      holesLeft -= holes
      for _ in 0..<holes { keyDigest.mix(ByteSlice("(null)")) }
      keyDigest.mix(element.first)
      nextIndex = element.index &+ 1
    } else {
      block(.sparseArray)
    }
  }

  @inline(never) private mutating func block(_ kind: DigestObstacle.Kind) {
    guard obstacle == nil else { return }
    obstacle = DigestObstacle(kind: kind, db: key.db, key: key.key.bytes)
  }
}

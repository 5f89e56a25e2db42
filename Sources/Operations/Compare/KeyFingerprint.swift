// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

internal import Bytes
internal import RDB

/// Takes keys of a state that were asked for.
protocol KeyReceiver: ValueSink, ~Copyable {
  /// Whether the key's value is wanted, as far as its head tells.
  mutating func wants(_ head: KeyHead) -> Bool
  /// Whether nothing more is wanted.
  var isStopped: Bool { get }
}

/// What is known of a key before its value. What belongs to no key counts as one, in a database of
/// its own.
struct KeyHead {
  var db: Int
  var key: ByteSlice
  var type: LogicalType
  var expiresAt: Int64?

  /// The database of function libraries: the key is the name, the value the code.
  static let functions = -1
  /// The database of data of modules: the key is the type's id and when it is loaded.
  static let moduleData = -2

  /// A number for database and name.
  var hash: UInt64 {
    StateMix.mix(key.fastHash, UInt64(bitPattern: Int64(db)) &+ 0x51)
  }
}

/// How numbers of elements become a number of their key.
enum StateMix {
  /// Order matters; the constants are odd and have about as many ones as zeros.
  @inline(__always) static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = (a ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: b ^ 0xA076_1D64_78BD_642F)
    return (product.high ^ product.low) &+ a
  }

  @inline(__always) static func hash(_ id: StreamID) -> UInt64 { mix(id.ms, id.seq) }
}

/// The fingerprint of keys: 64 bits for database and name, 64 bits for everything that the key is.
///
/// Equal states have equal fingerprints, whatever their encodings, versions, order of members,
/// fields and groups. Not for adversaries, who can make two values of one number.
///
/// | type | how elements become a number |
/// |---|---|
/// | string, list, module | in order |
/// | set, zset, hash, array | the sum over elements: member, score; field, value, expiry; index, text |
/// | stream | the sum over entries, groups (over consumers, over pending entries with owner, time, count), ids of producers; then the numbers of the stream |
///
/// What a group says of its deleted messages and idle consumers always enters: who ignores it looks
/// at the values themselves. Deleted entries that still take room, the first id (which follows from
/// the entries), and producers without ids are no part of the state.
struct KeyFingerprinter: ValueSink, ~Copyable {
  /// What does not enter.
  let ignored: StateAspects
  /// What has expired before this moment (ms since 1970) does not enter.
  let expiredBefore: Int64?
  /// 64 bits for database and name.
  private(set) var name: UInt64 = 0
  /// 64 bits for all that the key is.
  private(set) var state: UInt64 = 0
  /// Whether the key is there: not when all its fields have expired.
  private(set) var exists = true
  /// Whether the last key was one that a client sees.
  private(set) var isKey = true

  private var type = LogicalType.string
  private var attributes: UInt64 = 0
  private var content: UInt64 = 0
  private var kept = 0
  private var dropped = 0
  private var stream = StreamFingerprint()

  init(ignoring ignored: StateAspects, expiredBefore: Int64?) {
    self.ignored = ignored
    self.expiredBefore = expiredBefore
  }

  mutating func begin(_ key: KeyDescription) {
    let head = KeyHead(db: key.db, key: key.key, type: key.type, expiresAt: nil)
    isKey = key.db >= 0
    name = head.hash
    type = key.type
    content = 0
    kept = 0
    dropped = 0
    exists = true
    // The name enters a second time, so that equal numbers of two names do not matter.
    attributes = StateMix.mix(key.key.fastHash ^ 0x2545_F491_4F6C_DD1D, UInt64(type.rawValue))
    if let time = key.expiresAt, !ignored.contains(.expiry) {
      attributes = StateMix.mix(attributes, UInt64(bitPattern: time) &+ 1)
    }
    if let idle = key.idle, !ignored.contains(.idle) {
      attributes = StateMix.mix(attributes, idle ^ 0x1D1E)
    }
    if let frequency = key.frequency, !ignored.contains(.frequency) {
      attributes = StateMix.mix(attributes, UInt64(frequency) ^ 0xF8E9)
    }
    if !key.metadata.isEmpty, !ignored.contains(.metadata) {
      attributes = StateMix.mix(attributes, key.metadata.fastHash)
    }
    switch type {
    case .array: content = key.arrayCursor.map { $0 &+ 1 } ?? 0
    case .module: content = key.moduleID
    case .stream: stream.begin(ignored)
    default: break
    }
  }

  @inline(__always) mutating func element(_ element: inout ValueElement) {
    switch type {
    case .string, .list, .gcra, .cron: content = StateMix.mix(content, element.first.fastHash)
    case .set: content &+= StateMix.mix(1, element.first.fastHash)
    case .zset:
      content &+= StateMix.mix(element.first.fastHash, KeyFingerprinter.bits(element.score))
    case .hash:
      if let expiredBefore, element.expiresAt != ValueElement.never,
        element.expiresAt < expiredBefore
      {
        dropped &+= 1
        return
      }
      let time = ignored.contains(.fieldExpiry) ? ValueElement.never : element.expiresAt
      content &+= StateMix.mix(
        StateMix.mix(element.first.fastHash, element.second.fastHash), UInt64(bitPattern: time))
    case .array: content &+= StateMix.mix(StateMix.mix(element.index, 3), element.first.fastHash)
    case .stream, .module: break
    }
    kept &+= 1
  }

  /// Servers and files do not keep the sign of a zero, and all NaN are one.
  static func bits(_ score: Double) -> UInt64 {
    score == 0 ? 0 : score.isNaN ? 0x7FF8_0000_0000_0000 : score.bitPattern
  }

  mutating func stream(_ event: StreamEvent) { stream.take(event) }

  mutating func module(_ item: ModuleItem) {
    let number: UInt64 =
      switch item {
      case .signed(let value): StateMix.mix(1, UInt64(bitPattern: value))
      case .unsigned(let value): StateMix.mix(2, value)
      case .float(let value): StateMix.mix(3, UInt64(value.bitPattern))
      case .double(let value): StateMix.mix(4, value.bitPattern)
      case .string(let bytes): StateMix.mix(5, bytes.fastHash)
      }
    content = StateMix.mix(content, number)
  }

  mutating func end() {
    if case .stream = type { content = stream.finish() }
    if dropped > 0 && kept == 0 { exists = false }
    state = StateMix.mix(attributes, content)
  }
}

public import Bytes

/// Passes the keys that most dumps consist of, many at a time.
///
/// A key is *plain* when all of it lies in the bytes at hand, it has no attributes but an expiry in
/// milliseconds that is not negative and a frequency, and its type is a string, one blob, or strings
/// one by one:
///
/// ```text
/// [252 i64le] [249 u8] type str value
/// 0 9 10 11 12 13 16 17 20   value = str
/// 1 2 14                     value = len n, str * n
/// 4                          value = len n, (str str) * n
/// 5                          value = len n, (str f64le) * n
/// 18                         value = len n, (len str) * n
/// ```
///
/// These types mean the same in every version and both dialects. Whatever else comes, damage
/// included, is not passed: ``RDBReader`` reads it in its own way and knows what to say. The position
/// stays in a register here, which is what makes it twice as fast as reading record by record.
struct PlainKeys {
  /// How many were passed.
  var passed = PassedKeys()

  private static let blobs: UInt32 =
    1 << 0 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 16 | 1 << 17 | 1 << 20
  private static let strings: UInt32 = 1 << 1 | 1 << 2 | 1 << 14
  /// What is loaded at a position without another check: a length of 5 bytes behind one of 9.
  static let slack = 16

  /// Passes plain keys from the start of `bytes` on.
  ///
  /// - Returns: how many bytes they take.
  mutating func pass(_ bytes: ByteSlice) -> Int {
    let end = bytes.count - PlainKeys.slack
    var start = 0
    while let head = PlainKeys.head(bytes, start, end) {
      guard var next = PlainKeys.string(bytes, head.name, end) else { return start }
      let bit = UInt32(1) &<< UInt32(head.code)
      if bit & PlainKeys.blobs != 0 {
        guard let behind = PlainKeys.string(bytes, next, end) else { return start }
        next = behind
      } else {
        guard let behind = PlainKeys.elements(bytes, next, end, head.code, bit) else {
          return start
        }
        next = behind
      }
      guard next <= bytes.count else { return start }
      start = next
      passed.keys &+= 1
      if head.expiresAt >= 0 { passed.expires &+= 1 }
    }
    return start
  }

  /// What stands before the name of the key at `start`: the code of its type, when it expires (in
  /// ms since 1970; -1 for never), and where its name begins; nil when it is not plain.
  @inline(__always) static func head(
    _ bytes: ByteSlice, _ start: Int, _ end: Int
  ) -> (code: UInt8, expiresAt: Int64, name: Int)? {
    guard start < end else { return nil }
    var at = start
    var code = bytes[at]
    var expiresAt: Int64 = -1
    while code > 20 {
      if code == Opcode.expiry {
        expiresAt = bytes.load(at: at + 1, as: Int64.self)
        guard expiresAt >= 0 else { return nil }
        at &+= 9
      } else if code == Opcode.frequency {
        at &+= 2
      } else {
        return nil
      }
      guard at < end else { return nil }
      code = bytes[at]
    }
    return (code, expiresAt, at &+ 1)
  }

  /// The position behind the elements of a collection at `from`; nil when it is not plain.
  @inline(__always) static func elements(
    _ bytes: ByteSlice, _ from: Int, _ end: Int, _ code: UInt8, _ bit: UInt32
  ) -> Int? {
    guard var (at, count) = length(bytes, from, end) else { return nil }
    if bit & strings != 0 || code == 4 {
      if code == 4 { count &*= 2 }
      while count > 0 {
        guard let next = string(bytes, at, end) else { return nil }
        at = next
        count &-= 1
      }
      return at
    }
    guard code == 5 || code == 18 else { return nil }
    while count > 0 {
      if code == 18 {
        guard let (next, _) = length(bytes, at, end) else { return nil }
        at = next
      }
      guard let next = string(bytes, at, end) else { return nil }
      at = code == 5 ? next &+ 8 : next
      count &-= 1
    }
    return at
  }

  /// A length below 2^32 at `at`, and the position behind it; nil for any other.
  @inline(__always) static func length(
    _ bytes: ByteSlice, _ at: Int, _ end: Int
  ) -> (behind: Int, value: Int)? {
    guard at < end else { return nil }
    let pair: UInt16 = bytes.load(at: at)
    if let short = RecordInput.shortLength(pair) { return (at &+ short.header, short.count) }
    guard pair & 0xFF == 0x80 else { return nil }
    return (at &+ 5, Int(bytes.load(at: at &+ 1, as: UInt32.self).byteSwapped))
  }

  /// The position behind the string at `at`; nil when it is none, or its length needs 64 bits. The
  /// string itself may end behind the bytes: what follows has to look.
  @inline(__always) static func string(
    _ bytes: ByteSlice, _ at: Int, _ end: Int
  ) -> Int? {
    guard at < end else { return nil }
    let pair: UInt16 = bytes.load(at: at)
    if let short = RecordInput.shortLength(pair) { return at &+ short.header &+ short.count }
    switch pair & 0xFF {
    case 0xC0: return at &+ 2
    case 0xC1: return at &+ 3
    case 0xC2: return at &+ 5
    case 0xC3:
      guard let (next, packed) = length(bytes, at &+ 1, end),
        let (behind, count) = length(bytes, next, end), count <= LZF.mostBytes(from: packed)
      else { return nil }
      return behind &+ packed
    default:
      guard let (behind, count) = length(bytes, at, end) else { return nil }
      return behind &+ count
    }
  }
}

/// Keys that were passed without a look at each; see ``RDBReader/passKeys()``.
public struct PassedKeys: Sendable, Equatable {
  /// How many.
  public var keys = 0
  /// How many of them expire.
  public var expires = 0
  /// How many of those expired before the time that was asked for.
  public var expired = 0
}

extension RDBReader {
  /// Passes keys whose names and values nobody wants to see, for as long as they are of the common
  /// kinds; the value of the key before, if it was not taken, too. ``next()`` goes on behind them,
  /// with the first record that is no key or needs more care, damage included.
  ///
  /// - Returns: how many keys were passed; of those that have expired nothing is known.
  /// - Throws: ``RDBError`` for the value of the key before.
  public mutating func passKeys() throws(RDBError) -> PassedKeys {
    var plain = PlainKeys()
    guard try beginPassing() else { return plain.passed }
    while true {
      let count = plain.pass(plainWindow())
      if count == 0 { return plain.passed }
      input.cursor.advance(count)
    }
  }

  /// Whether the reader stands before a record, and no attributes wait for their key.
  mutating func beginPassing() throws(RDBError) -> Bool {
    canSkipValue = false
    if valuePending { try finishValue() }
    if keyGiven {
      keyGiven = false
      if hasAttributes { clearAttributes() }
    }
    return !ended && !hasAttributes
  }

  /// As many bytes as may be looked at before the checksum has to be ahead again.
  mutating func plainWindow() -> ByteSlice {
    input.cursor.housekeep()
    let ahead = input.cursor.readableSlice
    return ahead.prefix(min(ahead.count, 128 << 10))
  }

  /// The next key with its value, if it is a string without attributes but an expiry, and its name is
  /// neither an integer nor compressed; nil where ``next()`` has to read it, and over streams. What was
  /// given is passed: ``next()`` goes on behind it. The slices are valid until the next call.
  ///
  /// - Throws: ``RDBError`` for the value of the key before.
  public mutating func nextString() throws(RDBError) -> PlainString? {
    guard try beginPassing(), isStable else { return nil }
    input.cursor.housekeep()
    let bytes = input.cursor.readableSlice
    let end = bytes.count - 32
    guard end > 0 else { return nil }
    var at = 0
    var string = PlainString()
    if bytes[0] == Opcode.expiry {
      string.expiresAt = bytes.load(at: 1, as: Int64.self)
      at = 9
    }
    guard bytes[at] == ValueType.string.rawValue,
      let (name, nameLength) = PlainKeys.length(bytes, at &+ 1, end),
      name &+ nameLength < end
    else { return nil }
    string.key = bytes.slice(at: name, count: nameLength)
    let value = name &+ nameLength
    let behind: Int
    if let (from, count) = PlainKeys.length(bytes, value, end) {
      guard bytes.holds(count, at: from) else { return nil }
      string.value = bytes.slice(at: from, count: count)
      behind = from &+ count
    } else {
      secondScratch.clear()
      switch bytes[value] {
      case 0xC0:
        secondScratch.append(decimal: Int64(bytes.load(at: value &+ 1, as: Int8.self)))
        behind = value &+ 2
      case 0xC1:
        secondScratch.append(decimal: Int64(bytes.load(at: value &+ 1, as: Int16.self)))
        behind = value &+ 3
      case 0xC2:
        secondScratch.append(decimal: Int64(bytes.load(at: value &+ 1, as: Int32.self)))
        behind = value &+ 5
      case 0xC3:
        guard let (middle, packed) = PlainKeys.length(bytes, value &+ 1, end),
          let (from, count) = PlainKeys.length(bytes, middle, end), bytes.holds(packed, at: from),
          LZF.decompress(
            bytes.slice(at: from, count: packed), length: count, into: &secondScratch)
        else { return nil }
        behind = from &+ packed
      default: return nil
      }
      string.value = secondScratch.slice
    }
    // For those who say where an error was.
    key.db = db
    key.key = string.key
    input.cursor.advance(behind)
    return string
  }
}

/// A key that holds a string; see ``RDBReader/nextString()``.
public struct PlainString {
  /// The name.
  public var key = ByteSlice()
  /// The value.
  public var value = ByteSlice()
  /// When it expires, in ms since 1970.
  public var expiresAt: Int64?
}

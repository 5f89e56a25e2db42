internal import Bytes

/// Checking plain keys in one loop: strings, and collections of one blob, of blobs or of strings.
///
/// As where they are only passed, the position stays in a register, and whatever is not right is left to
/// ``RDBReader`` and ``ValueChecker``, which say what is wrong with it. So nothing here can differ from them
/// but by refusing.
extension PlainKeys {
  /// The code of a list of blobs (rdb-format.md 7.2).
  private static let quicklist2: UInt8 = 18
  /// The codes of sets, hashes and sorted sets whose elements stand one by one.
  private static let singles: UInt32 = 1 << 2 | 1 << 4 | 1 << 5
  /// Those, and the codes of strings, intsets, listpacks and lists of listpacks.
  private static let checked: UInt32 =
    singles | 1 << 0 | 1 << 11 | 1 << 16 | 1 << 17 | 1 << 18 | 1 << 20

  /// Passes plain keys from the start of `bytes` on whose values are right to the last byte and neither
  /// empty nor unusual, and whose names are neither integers nor compressed.
  ///
  /// - Parameters:
  ///   - db: the database they are in.
  ///   - now: what counts as expired.
  ///   - filter: gets the hashes of the names.
  ///   - checker: what checks the blobs.
  ///   - scratch: for what is decompressed.
  /// - Returns: how many bytes they take.
  mutating func passChecked(
    _ bytes: ByteSlice, db: Int, now: Int64, _ filter: inout KeyFilter,
    _ checker: inout ValueChecker, _ scratch: inout ScratchBuffer
  ) -> Int {
    let end = bytes.count - PlainKeys.slack
    let salt = KeyFilter.salt(db: db)
    var start = 0
    while let head = PlainKeys.head(bytes, start, end) {
      guard PlainKeys.checked &>> UInt32(head.code) & 1 == 1,
        let (from, count) = PlainKeys.length(bytes, head.name, end),
        bytes.holds(count, at: from)
      else { return start }
      let value = from &+ count
      let next: Int
      if head.code == 0 {
        guard let behind = PlainKeys.string(bytes, value, end), behind <= bytes.count,
          bytes[value] != 0xC3 || PlainKeys.isRightLZF(bytes, value, end)
        else { return start }
        next = behind
      } else if head.code == PlainKeys.quicklist2 {
        guard
          let behind = PlainKeys.checkNodes(bytes, value, end, &checker, &scratch)
        else { return start }
        next = behind
      } else if PlainKeys.singles &>> UInt32(head.code) & 1 == 1 {
        guard let behind = PlainKeys.checkSingles(bytes, value, end, head.code, &checker) else {
          return start
        }
        next = behind
      } else {
        guard let (blob, behind) = PlainKeys.blob(bytes, value, end, &scratch),
          checker.passes(head.code, blob)
        else { return start }
        next = behind
      }
      if filter.isOn { filter.add(bytes.slice(at: from, count: count).fastHash ^ salt) }
      start = next
      passed.keys &+= 1
      if head.expiresAt >= 0 {
        passed.expires &+= 1
        if head.expiresAt < now { passed.expired &+= 1 }
      }
    }
    return start
  }

  /// Whether the compressed string at `at` can be decompressed.
  @inline(__always) private static func isRightLZF(
    _ bytes: ByteSlice, _ at: Int, _ end: Int
  ) -> Bool {
    guard let (middle, packed) = length(bytes, at &+ 1, end),
      let (behind, count) = length(bytes, middle, end)
    else { return false }
    return LZF.gives(count, from: bytes.slice(at: behind, count: packed))
  }

  /// The string at `at`, decompressed into `scratch` if need be, and the position behind it; nil when it is
  /// an integer, is broken, or does not end within the bytes.
  @inline(__always) private static func blob(
    _ bytes: ByteSlice, _ at: Int, _ end: Int, _ scratch: inout ScratchBuffer
  ) -> (ByteSlice, behind: Int)? {
    guard at < end else { return nil }
    if bytes[at] == 0xC3 {
      guard let (middle, packed) = length(bytes, at &+ 1, end),
        let (from, count) = length(bytes, middle, end), bytes.holds(packed, at: from),
        LZF.decompress(bytes.slice(at: from, count: packed), length: count, into: &scratch)
      else { return nil }
      return (scratch.slice, from &+ packed)
    }
    guard let (from, count) = length(bytes, at, end), bytes.holds(count, at: from) else {
      return nil
    }
    return (bytes.slice(at: from, count: count), from &+ count)
  }

  /// Checks the elements of a set, hash or sorted set at `from`; returns the position behind them, nil when
  /// they are not right, two have one hash, a name is compressed, or they do not end within the bytes,
  /// which is found out before any is looked at.
  private static func checkSingles(
    _ bytes: ByteSlice, _ from: Int, _ end: Int, _ code: UInt8, _ checker: inout ValueChecker
  ) -> Int? {
    guard let behind = elements(bytes, from, end, code, 1 &<< UInt32(code)),
      behind <= bytes.count, var (at, count) = length(bytes, from, end), count > 0
    else { return nil }
    checker.filter.clear()
    checker.filter.expect(UInt64(count))
    while count > 0 {
      guard let (hash, next) = contentHash(bytes, at, end), checker.filter.insert(hash) else {
        return nil
      }
      at = next
      if code == 4 {
        guard let next = string(bytes, at, end),
          bytes[at] != 0xC3 || next <= behind && isRightLZF(bytes, at, end)
        else { return nil }
        at = next
      } else if code == 5 {
        guard bytes.holds(8, at: at),
          !Double(bitPattern: bytes.load(at: at, as: UInt64.self)).isNaN
        else { return nil }
        at &+= 8
      }
      count &-= 1
    }
    return at == behind ? behind : nil
  }

  /// The hash of the string or integer at `at`, and the position behind it; nil for a compressed one.
  @inline(__always) private static func contentHash(
    _ bytes: ByteSlice, _ at: Int, _ end: Int
  ) -> (hash: UInt64, behind: Int)? {
    if let (from, count) = length(bytes, at, end) {
      guard bytes.holds(count, at: from) else { return nil }
      return (RDB.contentHash(bytes.slice(at: from, count: count)), from &+ count)
    }
    guard at < end else { return nil }
    switch bytes[at] {
    case 0xC0: return (RDB.contentHash(Int64(bytes.load(at: at &+ 1, as: Int8.self))), at &+ 2)
    case 0xC1: return (RDB.contentHash(Int64(bytes.load(at: at &+ 1, as: Int16.self))), at &+ 3)
    case 0xC2: return (RDB.contentHash(Int64(bytes.load(at: at &+ 1, as: Int32.self))), at &+ 5)
    default: return nil
    }
  }

  /// Checks the nodes of a list at `from`; returns the position behind them, nil when one is not right or
  /// they do not end within the bytes, which is found out before any is looked into.
  private static func checkNodes(
    _ bytes: ByteSlice, _ from: Int, _ end: Int, _ checker: inout ValueChecker,
    _ scratch: inout ScratchBuffer
  ) -> Int? {
    guard let behind = elements(bytes, from, end, quicklist2, 0), behind <= bytes.count,
      var (at, nodes) = length(bytes, from, end), nodes > 0
    else { return nil }
    while nodes > 0 {
      guard let (body, container) = length(bytes, at, end),
        let (node, next) = blob(bytes, body, end, &scratch), !node.isEmpty,
        container == 1 || container == 2 && checker.passes(quicklist2, node)
      else { return nil }
      at = next
      nodes &-= 1
    }
    return at == behind ? behind : nil
  }
}

extension RDBReader {
  /// Passes keys of the common kinds whose values are right to the last byte and not unusual, as
  /// ``passKeys()`` passes any. ``next()`` goes on behind them, with the first that needs more care.
  ///
  /// - Parameters:
  ///   - filter: gets the hashes of their names.
  ///   - checker: what checks the other values; what it says about the last one is lost.
  ///   - now: what counts as expired, in ms since 1970.
  /// - Returns: how many keys were passed.
  /// - Throws: ``RDBError`` for the value of the key before.
  public mutating func checkKeys(
    _ filter: inout KeyFilter, _ checker: inout ValueChecker, now: Int64 = 0
  ) throws(RDBError) -> PassedKeys {
    var plain = PlainKeys()
    guard try beginPassing() else { return plain.passed }
    while true {
      let count = plain.passChecked(
        plainWindow(), db: db, now: now, &filter, &checker, &firstScratch)
      if count == 0 { return plain.passed }
      input.cursor.advance(count)
    }
  }
}

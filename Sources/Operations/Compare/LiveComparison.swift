internal import Bytes
package import RDB

/// Compares a state with keys that come one by one from elsewhere, as a server gives them by DUMP.
package final class LiveComparison {
  /// What a key is, compared with the state.
  package enum Verdict: Sendable {
    /// The same.
    case equal
    /// The state has something else under the name.
    case different
    /// The state has no such key.
    case unknown
  }

  /// A key as the server gave it.
  package struct Key: Sendable {
    /// The number of its database.
    package var db: Int
    /// The name.
    package var key: [UInt8]
    /// What DUMP gave.
    package var payload: [UInt8]
    /// When it expires, in ms since 1970.
    package var expiresAt: Int64?

    /// A key with all that is known of it.
    package init(db: Int, key: [UInt8], payload: [UInt8], expiresAt: Int64?) {
      self.db = db
      self.key = key
      self.payload = payload
      self.expiresAt = expiresAt
    }
  }

  private let state: ComparedState
  private let options: Comparison.Options
  private let table: FingerprintTable
  private var printer: KeyFingerprinter
  private var decoder = ValueDecoder(dialect: .redis)
  /// How many keys the state has.
  package let keys: Int
  /// The number of the state.
  package let digest: String

  /// Reads `state` once.
  ///
  /// - Throws: ``ToolError``.
  package init(_ state: ComparedState, ignoring ignored: StateAspects) throws(ToolError) {
    self.state = state
    var options = Comparison.Options()
    options.ignored = ignored
    self.options = options
    table = FingerprintTable(expected: state.expectedKeys)
    printer = KeyFingerprinter(ignoring: ignored, expiredBefore: nil)
    var receiver = FingerprintReceiver(options, table, inserts: true)
    try state.walk(&receiver)
    receiver.finish()
    keys = receiver.keys
    digest = receiver.digest.text
  }

  /// Compares a key.
  ///
  /// - Throws: ``RDBError`` for a payload that can't be read.
  package func compare(_ key: Key) throws(RDBError) -> Verdict {
    try key.payload.withByteSlice { (bytes) throws(RDBError) in
      try key.key.withByteSlice { (name) throws(RDBError) in
        try decoder.begin(RestorePayload(bytes), key: name, db: key.db)
        decoder.reader.setExpiry(key.expiresAt)
        try decoder.reader.drain(into: &printer)
        return verdict()
      }
    }
  }

  /// Compares a library of functions.
  package func compare(function code: [UInt8]) -> Verdict {
    code.withByteSlice { code in
      var receiver = SinglePrint(
        printer: KeyFingerprinter(ignoring: options.ignored, expiredBefore: nil))
      receiver.take(function: code)
      return verdict(receiver.printer.name, receiver.printer.state)
    }
  }

  private func verdict() -> Verdict { verdict(printer.name, printer.state) }

  private func verdict(_ name: UInt64, _ state: UInt64) -> Verdict {
    switch table.match(name, state) {
    case .equal: return .equal
    case .different: return .different
    case .absent, .unseen:
      // SCAN may give a key twice.
      guard let known = table.state(of: name) else { return .unknown }
      return known == state & ~3 ? .equal : .different
    }
  }

  /// The keys of the state that were not compared with anything, at most `most` of them, and how
  /// many there are. Functions are told apart.
  ///
  /// - Throws: ``ToolError``.
  package func missing(
    most: Int, where isWanted: (_ db: Int, _ expiresAt: Int64?) -> Bool
  ) throws(ToolError) -> (keys: [ContentDifference], count: Int) {
    var found: [ContentDifference] = []
    var count = 0
    try withoutActuallyEscaping(isWanted) { (isWanted) throws(ToolError) in
      let table = table
      var receiver = HeadReceiver(options, { table.mark(of: $0) == .unseen }) { head in
        guard isWanted(head.db, head.expiresAt) else { return true }
        count += 1
        if found.count < most { found.append(ContentDifference(.onlyA, head)) }
        return true
      }
      try state.walk(&receiver)
    }
    return (found, count)
  }

  /// Calls `body` with every key of the state, one after another.
  ///
  /// - Throws: ``ToolError``, also what `body` returns.
  package static func forEachValue(
    of state: ComparedState, _ body: (FlatValue) -> ToolError?
  ) throws(ToolError) {
    try withoutActuallyEscaping(body) { (body) throws(ToolError) in
      var receiver = ValueReceiver(Comparison.Options(), { _ in true }, body)
      try state.walk(&receiver)
      if let failure = receiver.failure { throw failure }
    }
  }

  /// Calls `body` with the number of the database of every key.
  ///
  /// - Throws: ``ToolError``.
  package static func forEachHead(
    of state: ComparedState, _ body: (Int) -> Void
  ) throws(ToolError) {
    try withoutActuallyEscaping(body) { (body) throws(ToolError) in
      var receiver = HeadReceiver(Comparison.Options(), { _ in true }) { head in
        body(head.db)
        return true
      }
      try state.walk(&receiver)
    }
  }

  /// Whether a sorted set of the state has a score of -0. Servers lose the sign of a zero when they
  /// read it from a command into a small sorted set, but DEBUG DIGEST sees it elsewhere.
  ///
  /// - Throws: ``ToolError``.
  package static func hasNegativeZero(_ state: ComparedState) throws(ToolError) -> Bool {
    var receiver = ZeroReceiver()
    try state.walk(&receiver)
    return receiver.isStopped
  }

  /// Calls `body` with the code of every library of functions.
  ///
  /// - Throws: ``ToolError``.
  package static func forEachFunction(
    of state: ComparedState, _ body: ([UInt8]) -> Void
  ) throws(ToolError) {
    try withoutActuallyEscaping(body) { (body) throws(ToolError) in
      var receiver = FunctionReceiver(body)
      try state.walk(&receiver)
    }
  }

  /// What differs of keys that were found different, as far as it counts.
  ///
  /// - Throws: ``ToolError``.
  package func details(
    of keys: [Key], excusing extra: StateAspects, mostParts: Int
  ) throws(ToolError) -> [ContentDifference] {
    var waiting: [UInt64: FlatValue] = [:]
    for key in keys {
      var builder = FlatValueBuilder(expiredBefore: nil)
      do throws(RDBError) {
        try key.payload.withByteSlice { (bytes) throws(RDBError) in
          try key.key.withByteSlice { (name) throws(RDBError) in
            try decoder.begin(RestorePayload(bytes), key: name, db: key.db)
            decoder.reader.setExpiry(key.expiresAt)
            try decoder.reader.drain(into: &builder)
          }
        }
      } catch { throw ToolError(error, file: nil, database: key.db) }
      waiting[builder.value.hash] = builder.value
    }
    var found: [ContentDifference] = []
    let options = options
    let excused = state.format.unknown.union(extra)
    var receiver = ValueReceiver(options, { waiting[$0] != nil }) { value in
      guard let other = waiting.removeValue(forKey: value.hash) else { return nil }
      var list = DifferenceList(
        most: mostParts, ignoring: options.ignored, excusing: excused)
      ValueComparison.compare(value, other, into: &list)
      if list.count > 0 { found.append(ContentDifference(value, list)) }
      return nil
    }
    try state.walk(&receiver)
    return found
  }
}

/// The fingerprint of one thing.
private struct SinglePrint: KeyReceiver, ~Copyable {
  var printer: KeyFingerprinter
  var isStopped: Bool { false }
  mutating func wants(_ head: KeyHead) -> Bool { true }
  mutating func begin(_ key: KeyDescription) { printer.begin(key) }
  mutating func element(_ element: inout ValueElement) { printer.element(&element) }
  mutating func stream(_ event: StreamEvent) { printer.stream(event) }
  mutating func module(_ item: ModuleItem) { printer.module(item) }
  mutating func end() { printer.end() }
}

/// Takes the code of libraries of functions.
private struct FunctionReceiver: KeyReceiver, ~Copyable {
  private let tell: ([UInt8]) -> Void
  init(_ tell: @escaping ([UInt8]) -> Void) { self.tell = tell }
  var isStopped: Bool { false }
  mutating func wants(_ head: KeyHead) -> Bool { head.db == KeyHead.functions }
  mutating func begin(_ key: KeyDescription) {}
  mutating func element(_ element: inout ValueElement) { tell(element.first.bytes) }
  mutating func stream(_ event: StreamEvent) {}
  mutating func module(_ item: ModuleItem) {}
  mutating func end() {}
}

/// Looks for scores of -0.
private struct ZeroReceiver: KeyReceiver, ~Copyable {
  private(set) var isStopped = false
  init() {}
  mutating func wants(_ head: KeyHead) -> Bool { !isStopped && head.type == .zset }
  mutating func begin(_ key: KeyDescription) {}
  mutating func element(_ element: inout ValueElement) {
    if element.score == 0 && element.score.sign == .minus { isStopped = true }
  }
  mutating func stream(_ event: StreamEvent) {}
  mutating func module(_ item: ModuleItem) {}
  mutating func end() {}
}

internal import Bytes
internal import RDB

extension Comparison.Options {
  /// Whether a key counts, as far as its head tells.
  func passes(_ head: KeyHead) -> Bool {
    if head.db < 0 {
      return selection.isEverything
    }
    if let limit = expiredBefore, let time = head.expiresAt, time < limit { return false }
    if selection.isEverything { return true }
    return selection.matches(database: head.db)
      && selection.matches(type: head.type, expiresAt: head.expiresAt)
      && (!selection.looksAtNames || selection.matches(name: head.key))
  }
}

/// Takes the fingerprints of all keys: those of A into a table, those of B to be looked up.
struct FingerprintReceiver: KeyReceiver, ~Copyable {
  /// How many keys there were.
  private(set) var keys = 0
  private(set) var digest = StateDigest()
  private let options: Comparison.Options
  private let inserts: Bool
  private var printer: KeyFingerprinter
  private let table: FingerprintTable

  init(_ options: Comparison.Options, _ table: FingerprintTable, inserts: Bool) {
    self.options = options
    self.table = table
    self.inserts = inserts
    printer = KeyFingerprinter(
      ignoring: options.ignored, expiredBefore: options.expiredBefore)
  }

  var isStopped: Bool { false }
  mutating func wants(_ head: KeyHead) -> Bool { options.passes(head) }
  mutating func begin(_ key: KeyDescription) { printer.begin(key) }
  mutating func element(_ element: inout ValueElement) { printer.element(&element) }
  mutating func stream(_ event: StreamEvent) { printer.stream(event) }
  mutating func module(_ item: ModuleItem) { printer.module(item) }
  mutating func end() {
    printer.end()
    guard printer.exists else { return }
    if printer.isKey { keys &+= 1 }
    digest.add(printer.name, printer.state)
    table.take(printer.name, printer.state, inserting: inserts)
  }

  /// To be called behind the last key.
  func finish() { table.settle(inserting: inserts) }
}

/// Takes the heads of keys that are marked so.
struct HeadReceiver: KeyReceiver, ~Copyable {
  private let options: Comparison.Options
  private let isWanted: (UInt64) -> Bool
  private let tell: (KeyHead) -> Bool
  private(set) var isStopped = false

  /// - Parameter tell: takes a key; false when it has enough.
  init(
    _ options: Comparison.Options, _ isWanted: @escaping (UInt64) -> Bool,
    _ tell: @escaping (KeyHead) -> Bool
  ) {
    self.options = options
    self.isWanted = isWanted
    self.tell = tell
  }

  mutating func wants(_ head: KeyHead) -> Bool {
    if !isStopped, options.passes(head), isWanted(head.hash), !tell(head) { isStopped = true }
    return false
  }
  mutating func begin(_ key: KeyDescription) {}
  mutating func element(_ element: inout ValueElement) {}
  mutating func stream(_ event: StreamEvent) {}
  mutating func module(_ item: ModuleItem) {}
  mutating func end() {}
}

/// Takes the values of keys whose names are asked for.
struct ValueReceiver: KeyReceiver, ~Copyable {
  private let options: Comparison.Options
  private let isWanted: (UInt64) -> Bool
  private let tell: (FlatValue) -> ToolError?
  private var builder: FlatValueBuilder
  /// Why it has stopped.
  private(set) var failure: ToolError?

  /// - Parameter tell: takes a value; an error ends the walk.
  init(
    _ options: Comparison.Options, _ isWanted: @escaping (UInt64) -> Bool,
    _ tell: @escaping (FlatValue) -> ToolError?
  ) {
    self.options = options
    self.isWanted = isWanted
    self.tell = tell
    builder = FlatValueBuilder(expiredBefore: options.expiredBefore)
  }

  var isStopped: Bool { failure != nil }
  mutating func wants(_ head: KeyHead) -> Bool {
    failure == nil && options.passes(head) && isWanted(head.hash)
  }
  mutating func begin(_ key: KeyDescription) { builder.begin(key) }
  mutating func element(_ element: inout ValueElement) { builder.element(&element) }
  mutating func stream(_ event: StreamEvent) { builder.stream(event) }
  mutating func module(_ item: ModuleItem) { builder.module(item) }
  mutating func end() {
    builder.end()
    if !builder.isGone { failure = tell(builder.value) }
  }
}

internal import Bytes
internal import RDB

/// What an export holds, found by reading all of it: every object is checked, and nothing is made
/// of an export that can't be read to its end.
struct ExportSurvey: ~Copyable {
  /// How many keys there are.
  private(set) var keys = 0
  /// Whether it holds objects that are no keys, which only `export --all` writes.
  private(set) var hasRecords = false
  /// Whether it tells who made the data.
  private(set) var hasFacts = false
  private var told: RDBTarget?
  private var sink = FeatureSink()
  private let names = FingerprintTable(expected: 0)

  init() {}

  /// Reads everything.
  ///
  /// - Throws: ``ToolError``, with the number of the line; also for a key that is there twice, which
  ///   a server refuses to load.
  mutating func run(_ reader: inout ExportReader) throws(ToolError) {
    while true {
      switch try reader.next() {
      case .key(let head):
        let hash = head.hash
        guard names.state(of: hash) == nil else { throw reader.refuse(.duplicateKey) }
        names.insert(hash, 0)
        keys += 1
        try reader.drain(into: &sink)
      case .aux(let name, let text):
        hasRecords = true
        hasFacts = true
        if let target = RDBTarget(auxiliary: name, text) { told = target }
      case .function, .moduleData, .hint: hasRecords = true
      case .end: return
      }
    }
  }

  /// The server that made the data, if it told so and can hold it; else the oldest from Redis 7.2
  /// on that can.
  var target: RDBTarget {
    if let told, sink.fits(told) { return told }
    let names = ["redis:7.2", "redis:7.4", "redis:8.6", "redis:8.8"]
    for name in names where sink.fits(.known(name)) { return .known(name) }
    return .known("redis:8.8")
  }
}

/// Sees which keys need a newer server.
private struct FeatureSink: ValueSink, ~Copyable {
  private var hasFieldExpiry = false
  private var hasArrays = false
  private var hasIdempotency = false
  private var isHash = false

  init() {}

  /// Whether dumps of `target` hold everything that was seen.
  func fits(_ target: RDBTarget) -> Bool {
    (!hasFieldExpiry || target.hasFieldExpiry) && (!hasArrays || target.loads(.array))
      && (!hasIdempotency || target.loads(.stream4))
  }

  mutating func begin(_ key: KeyDescription) {
    isHash = key.type == .hash
    if key.type == .array { hasArrays = true }
  }
  mutating func element(_ element: inout ValueElement) {
    if isHash && element.expiresAt != ValueElement.never { hasFieldExpiry = true }
  }
  mutating func stream(_ event: StreamEvent) {
    switch event {
    case .unowned: hasArrays = true
    case .producer, .producedID: hasIdempotency = true
    default: break
    }
  }
  mutating func module(_ item: ModuleItem) {}
  mutating func end() {}
}

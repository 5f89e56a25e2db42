internal import Bytes
internal import Keyspace
internal import RDB

/// Counts keys by database and computes the digest of the whole state, from whatever tells the
/// keys.
struct StateSink: ValueSink, ~Copyable {
  private var builder: DigestBuilder
  private(set) var counts = DatabaseCounts()

  init(style: DigestStyle) { builder = DigestBuilder(style: style) }

  mutating func begin(_ key: KeyDescription) {
    counts.count(key.db, expires: key.expiresAt != nil)
    builder.begin(key)
  }

  mutating func element(_ element: inout ValueElement) { builder.element(&element) }
  mutating func stream(_ event: StreamEvent) { builder.stream(event) }
  mutating func module(_ item: ModuleItem) { builder.module(item) }
  mutating func end() { builder.end() }

  /// The facts. The digest is nil when the state holds what no digest can be made of (values of
  /// modules).
  consuming func facts() -> (databases: [BackupRecord.Database], digest: String?, style: String) {
    let databases = counts.databases
    let style = builder.style.rawValue
    let hasDigest = builder.obstacle == nil
    let digest = builder.finish()
    return (databases, hasDigest ? digest.text : nil, style)
  }
}

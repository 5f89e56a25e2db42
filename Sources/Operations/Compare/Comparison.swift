internal import Bytes
internal import RDB

/// Compares two states key by key.
///
/// First the fingerprints of all keys of A are kept (``FingerprintTable``), and those of B looked up.
/// When all are equal, that is all. Otherwise A and B are read again, and only the keys that
/// differ are decoded; their values are held in batches of ``batchSize`` bytes.
///
/// Memory: 32 MB and 24 bytes a key of A, or what the largest two values of one key take that
/// differ, if that is more.
final class Comparison {
  /// How.
  struct Options {
    /// What does not count.
    var ignored: StateAspects = .usage
    /// What is counted apart, though both formats hold it.
    var excused = StateAspects()
    /// The same for single keys, by their ``KeyHead/hash``.
    var excusedOfKeys: [UInt64: StateAspects] = [:]
    /// Keys that may be missing in B.
    var mayLack: Set<UInt64> = []
    /// Which keys. Its size is not asked for: it means other things in each format.
    var selection = KeySelection()
    /// What has expired before this moment (ms since 1970) does not count.
    var expiredBefore: Int64?
    /// So many differences of one key are told.
    var mostParts = 100
  }

  /// What was found.
  struct Outcome {
    /// Keys of each side, without what belongs to no key.
    var keysOfA = 0
    var keysOfB = 0
    /// Numbers of the whole states, without what does not count.
    var digestOfA = StateDigest()
    var digestOfB = StateDigest()
    var onlyA = 0
    var onlyB = 0
    var changed = 0
    /// What the formats do not both hold, or what may be lost: how often it was met.
    var excused: [StateAspects: Int] = [:]

    /// Whether nothing differs.
    var isEqual: Bool { onlyA == 0 && onlyB == 0 && changed == 0 }
    /// How many keys differ.
    var differing: Int { onlyA + onlyB + changed }
  }

  private let a: ComparedState
  private let b: ComparedState
  private let options: Options
  private let allowed: StateAspects
  private var outcome = Outcome()

  /// Values of A that wait for those of B take so much.
  static let batchSize = 12 << 20

  init(_ a: ComparedState, _ b: ComparedState, _ options: Options = Options()) {
    self.a = a
    self.b = b
    self.options = options
    allowed = ComparedState.excused(a, b).union(options.excused)
  }

  /// Compares, and tells `observer` what differs: keys only in A, changed keys, keys only in B.
  ///
  /// - Throws: ``ToolError``: one of the states can't be read.
  func run(_ observer: any ComparisonObserver) throws(ToolError) -> Outcome {
    let table = FingerprintTable(expected: max(a.expectedKeys, 0))
    try fingerprint(table)
    guard table.equal < table.count || outcome.onlyB > 0 else { return outcome }
    let mayDiffer = table.count - table.equal - table.different
    outcome.onlyB = 0
    if mayDiffer > 0 { try tellOnlyA(table, observer) }
    if table.different > 0, !observer.isSatisfied { try tellChanged(table, observer) }
    if unmatched > 0, !observer.isSatisfied { try tellOnlyB(table, observer) }
    return outcome
  }

  /// Keys of B that A does not have, before they were looked at.
  private var unmatched = 0

  private func fingerprint(_ table: FingerprintTable) throws(ToolError) {
    var first = FingerprintReceiver(options, table, inserts: true)
    try a.walk(&first)
    first.finish()
    outcome.keysOfA = first.keys
    outcome.digestOfA = first.digest
    var second = FingerprintReceiver(options, table, inserts: false)
    try b.walk(&second)
    second.finish()
    outcome.keysOfB = second.keys
    outcome.digestOfB = second.digest
    unmatched = table.absent
    outcome.onlyB = table.absent
  }

  private func excuse(_ aspect: StateAspects, _ count: Int = 1) {
    outcome.excused[aspect, default: 0] += count
  }

  /// What may be missing on one side; nil for keys.
  private func aspect(_ head: KeyHead) -> StateAspects? {
    switch head.db {
    case KeyHead.functions: .functions
    case KeyHead.moduleData: .moduleData
    default: nil
    }
  }

  private func tellOnlyA(
    _ table: FingerprintTable, _ observer: any ComparisonObserver
  ) throws(ToolError) {
    var receiver = HeadReceiver(options, { table.mark(of: $0) == .unseen }) { head in
      if let aspect = self.aspect(head) {
        if self.options.ignored.contains(aspect) { return true }
        if self.allowed.contains(aspect) {
          self.excuse(aspect)
          return true
        }
      } else if self.options.mayLack.contains(head.hash) {
        return true
      }
      self.outcome.onlyA += 1
      observer.onlyA(head)
      return !observer.isSatisfied
    }
    try a.walk(&receiver)
  }

  private func tellOnlyB(
    _ table: FingerprintTable, _ observer: any ComparisonObserver
  ) throws(ToolError) {
    // Whether a hash of which fields have expired is there is known once it was read.
    if observer.wantsValuesOfB || options.expiredBefore != nil {
      var receiver = ValueReceiver(options, { table.mark(of: $0) == .absent }) { value in
        if self.isExcused(value) { return nil }
        self.outcome.onlyB += 1
        if observer.wantsValuesOfB {
          observer.onlyB(value)
        } else {
          value.key.withByteSlice { key in
            observer.onlyB(
              KeyHead(db: value.db, key: key, type: value.type, expiresAt: value.expiresAt))
          }
        }
        return observer.isSatisfied ? Self.enough : nil
      }
      try b.walk(&receiver)
      if let failure = receiver.failure, failure.status != .done { throw failure }
      return
    }
    var receiver = HeadReceiver(options, { table.mark(of: $0) == .absent }) { head in
      if let aspect = self.aspect(head) {
        if self.options.ignored.contains(aspect) { return true }
        if self.allowed.contains(aspect) {
          self.excuse(aspect)
          return true
        }
      }
      self.outcome.onlyB += 1
      observer.onlyB(head)
      return !observer.isSatisfied
    }
    try b.walk(&receiver)
  }

  private func isExcused(_ value: FlatValue) -> Bool {
    let head = KeyHead(db: value.db, key: ByteSlice(), type: value.type, expiresAt: nil)
    guard let aspect = aspect(head) else { return false }
    if options.ignored.contains(aspect) { return true }
    guard allowed.contains(aspect) else { return false }
    excuse(aspect)
    return true
  }

  /// The end of a walk that is no error.
  private static let enough = ToolError.refused(.done, "enough")

  private func tellChanged(
    _ table: FingerprintTable, _ observer: any ComparisonObserver
  ) throws(ToolError) {
    var batch: [UInt64: FlatValue] = [:]
    var size = 0
    var receiver = ValueReceiver(options, { table.mark(of: $0) == .different }) { value in
      batch[value.hash] = value
      size += value.size
      guard size > Self.batchSize else { return nil }
      do throws(ToolError) { try self.compare(&batch, observer) } catch { return error }
      size = 0
      return observer.isSatisfied ? Self.enough : nil
    }
    try a.walk(&receiver)
    if let failure = receiver.failure {
      if failure.status == .done { return }
      throw failure
    }
    if !batch.isEmpty, !observer.isSatisfied { try compare(&batch, observer) }
  }

  /// Compares the values of a batch with those of B.
  private func compare(
    _ batch: inout [UInt64: FlatValue], _ observer: any ComparisonObserver
  ) throws(ToolError) {
    var waiting = batch
    batch = [:]
    var receiver = ValueReceiver(options, { waiting[$0] != nil }) { other in
      guard let value = waiting.removeValue(forKey: other.hash) else { return nil }
      self.compare(value, other, observer)
      return observer.isSatisfied || waiting.isEmpty ? Self.enough : nil
    }
    try b.walk(&receiver)
    if let failure = receiver.failure, failure.status != .done { throw failure }
  }

  private func compare(
    _ value: FlatValue, _ other: FlatValue, _ observer: any ComparisonObserver
  ) {
    if isExcused(value) { return }
    let extra = options.excusedOfKeys[value.hash] ?? []
    var list = DifferenceList(
      most: options.mostParts, ignoring: options.ignored, excusing: allowed.union(extra))
    ValueComparison.compare(value, other, into: &list)
    for (aspect, count) in list.excused { excuse(aspect, count) }
    guard list.count > 0 else { return }
    outcome.changed += 1
    observer.changed(value, other, list)
  }
}

/// Is told what differs.
protocol ComparisonObserver: AnyObject {
  /// A key is only in A.
  func onlyA(_ head: KeyHead)
  /// A key is only in B.
  func onlyB(_ head: KeyHead)
  /// A key is only in B; instead of the above when ``wantsValuesOfB``.
  func onlyB(_ value: FlatValue)
  /// A key differs.
  func changed(_ a: FlatValue, _ b: FlatValue, _ list: DifferenceList)
  /// Whether what is only in B is told with its value.
  var wantsValuesOfB: Bool { get }
  /// Whether it has heard enough.
  var isSatisfied: Bool { get }
}

extension ComparisonObserver {
  func onlyB(_ value: FlatValue) {}
  var wantsValuesOfB: Bool { false }
  var isSatisfied: Bool { false }
}

/// A number of 128 bits for a whole state: equal states have equal numbers, whatever the order of
/// their keys.
public struct StateDigest: Sendable, Equatable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  /// That of nothing.
  public init() {}

  /// A key enters.
  mutating func add(_ name: UInt64, _ state: UInt64) {
    low &+= StateMix.mix(name, state)
    high &+= StateMix.mix(state ^ 0x5899_65CC_7537_4CC3, name)
  }

  /// 32 hexadecimal digits.
  public var text: String {
    [high, low].map { number in
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}

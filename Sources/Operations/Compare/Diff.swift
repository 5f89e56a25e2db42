public import Bytes
internal import RDB

/// Tells what changed between two states, key by key.
public enum Diff {
  /// The form of the answer.
  public enum Form: Sendable {
    /// Lines for people: `- ` only in A, `+ ` only in B, `~ ` changed.
    case text
    /// Counts by prefix.
    case stat
    /// One JSON document: `onlyA[]`, `different[]`, `onlyB[]`, `summary`.
    case json
    /// Commands that turn A into B, for `redis-cli --pipe`.
    case patch
  }

  /// How.
  public struct Options: Sendable {
    /// The form of the answer.
    public var form = Form.text
    /// What does not count.
    public var ignored: StateAspects = .usage
    /// Which keys.
    public var selection = KeySelection()
    /// Keys and fields whose time lies before this moment (ms since 1970) do not count.
    public var expiredBefore: Int64?
    /// So many differences of one key are told.
    public var mostParts = 100
    /// The prefix of a key ends behind this byte.
    public var separator = UInt8(ascii: ":")

    /// Lines for people.
    public init() {}
  }

  /// How many keys of a prefix differ.
  public struct Count: Sendable, Equatable {
    /// Keys only in A.
    public var onlyA = 0
    /// Keys only in B.
    public var onlyB = 0
    /// Keys with another value.
    public var changed = 0
    /// Keys of which only times to live differ.
    public var onlyExpiry = 0

    /// All of them.
    public var all: Int { onlyA + onlyB + changed + onlyExpiry }
  }

  /// What was found.
  public struct Report: Sendable {
    /// How many keys differ.
    public var total = Count()
    /// The same by prefix, most first. At most ``mostPrefixes``; the rest counts for nil.
    public var prefixes: [(prefix: [UInt8]?, count: Count)] = []
    /// Keys of A.
    public var keysOfA = 0
    /// Keys of B.
    public var keysOfB = 0
    /// What differs and does not count, since one of the formats does not hold it.
    public var excused: [String] = []
    /// What the commands of a patch can't bring about.
    public var impossible: [String] = []
    /// Sentences for the user.
    public var notes: [String] = []

    /// Whether nothing differs.
    public var isEqual: Bool { total.all == 0 }
    /// So many prefixes are counted one by one.
    public static let mostPrefixes = 10_000
  }

  /// Compares `a` with `b`, and writes the answer to `output`, which is flushed. Of ``Form/stat``
  /// nothing is written: it is the report.
  ///
  /// - Throws: ``ToolError``: a state can't be read, the output not written.
  public static func run(
    _ a: ComparedState, _ b: ComparedState, _ options: Options, to output: inout OutputBuffer,
    named target: String = "standard output"
  ) throws(ToolError) -> Report {
    var comparison = Comparison.Options()
    comparison.ignored = options.ignored
    comparison.selection = options.selection
    comparison.expiredBefore = options.expiredBefore
    comparison.mostParts = options.mostParts
    let writer = DiffWriter(options, target: b.target, taking: &output)
    let outcome: Comparison.Outcome
    do throws(ToolError) { outcome = try Comparison(a, b, comparison).run(writer) } catch {
      writer.finish(nil, returning: &output)
      throw error
    }
    writer.finish(outcome, returning: &output)
    var report = writer.counts.report
    report.keysOfA = outcome.keysOfA
    report.keysOfB = outcome.keysOfB
    report.excused = Verify.Report.sentences(outcome.excused)
    report.impossible = writer.impossible
    report.notes = a.notes + b.notes
    try ToolError.wrap(target, .output) { () throws(SystemError) in try output.flush() }
    return report
  }
}

/// Counts keys that differ by prefix.
struct DiffCounts {
  private var total = Diff.Count()
  private var byPrefix: [[UInt8]: Diff.Count] = [:]
  private var others = Diff.Count()
  private let separator: UInt8

  init(separator: UInt8) { self.separator = separator }

  mutating func add(_ key: ByteSlice, _ field: WritableKeyPath<Diff.Count, Int>) {
    total[keyPath: field] += 1
    let end = key.firstIndex(of: separator).map { $0 + 1 } ?? 0
    let prefix = key.prefix(end).bytes
    if byPrefix[prefix] == nil && byPrefix.count >= Diff.Report.mostPrefixes {
      others[keyPath: field] += 1
    } else {
      byPrefix[prefix, default: Diff.Count()][keyPath: field] += 1
    }
  }

  var report: Diff.Report {
    var report = Diff.Report()
    report.total = total
    report.prefixes = byPrefix.map { (prefix: Optional($0.key), count: $0.value) }.sorted {
      $0.count.all != $1.count.all
        ? $0.count.all > $1.count.all
        : ($0.prefix ?? []).lexicographicallyPrecedes($1.prefix ?? [])
    }
    if others.all > 0 { report.prefixes.append((prefix: nil, count: others)) }
    return report
  }
}

/// Writes what differs as it is found.
final class DiffWriter: ComparisonObserver {
  private let form: Diff.Form
  private(set) var counts: DiffCounts
  private var output: OutputBuffer
  private var json = JSONWriter()
  private var patch: PatchWriter?
  private var section = 0

  init(_ options: Diff.Options, target: RDBTarget, taking output: inout OutputBuffer) {
    form = options.form
    counts = DiffCounts(separator: options.separator)
    self.output = OutputBuffer(NullTarget(), capacity: 1024)
    swap(&self.output, &output)
    if case .patch = form { patch = PatchWriter(target: target, taking: &self.output) }
    if case .json = form {
      json.beginObject(&self.output)
      json.key("onlyA", &self.output)
      json.beginArray(&self.output)
    }
  }

  var wantsValuesOfB: Bool { form == .patch }
  var isSatisfied: Bool { output.failure != nil }
  /// What a patch can't bring about.
  var impossible: [String] { patch?.impossible ?? [] }

  func onlyA(_ head: KeyHead) {
    counts.add(head.key, \.onlyA)
    switch form {
    case .text, .json: tell(ContentDifference(.onlyA, head), 0)
    case .patch: patch?.remove(head)
    case .stat: break
    }
  }

  func onlyB(_ head: KeyHead) {
    counts.add(head.key, \.onlyB)
    if form != .stat { tell(ContentDifference(.onlyB, head), 2) }
  }

  func onlyB(_ value: FlatValue) {
    value.key.withByteSlice { counts.add($0, \.onlyB) }
    patch?.add(value)
  }

  func changed(_ a: FlatValue, _ b: FlatValue, _ list: DifferenceList) {
    let difference = ContentDifference(a, list)
    a.key.withByteSlice {
      counts.add($0, difference.isOnlyExpiry ? \.onlyExpiry : \.changed)
    }
    switch form {
    case .text, .json: tell(difference, 1)
    case .patch: patch?.change(a, to: b)
    case .stat: break
    }
  }

  private func tell(_ difference: ContentDifference, _ section: Int) {
    if form == .text {
      for line in difference.lines {
        output.write(text: line)
        output.write(0x0A)
      }
      return
    }
    open(section)
    json.difference(difference, &output)
  }

  /// Goes on to the array of another section.
  private func open(_ wanted: Int) {
    while section < wanted {
      section += 1
      json.endArray(&output)
      json.key(section == 1 ? "different" : "onlyB", &output)
      json.beginArray(&output)
    }
  }

  /// Ends the answer, and hands the output back.
  func finish(_ outcome: Comparison.Outcome?, returning output: inout OutputBuffer) {
    if let writer = patch.take() { writer.finish(returning: &self.output) }
    if form == .json, let outcome {
      open(2)
      json.endArray(&self.output)
      let total = counts.report.total
      json.field("equal", total.all == 0, &self.output)
      json.key("summary", &self.output)
      json.beginObject(&self.output)
      json.field("keysA", outcome.keysOfA, &self.output)
      json.field("keysB", outcome.keysOfB, &self.output)
      json.field("onlyA", total.onlyA, &self.output)
      json.field("onlyB", total.onlyB, &self.output)
      json.field("different", total.changed + total.onlyExpiry, &self.output)
      json.field("differentOnlyInExpiry", total.onlyExpiry, &self.output)
      json.endObject(&self.output)
      json.key("notHeldByBoth", &self.output)
      json.beginArray(&self.output)
      for text in Verify.Report.sentences(outcome.excused) { json.string(text, &self.output) }
      json.endArray(&self.output)
      json.endObject(&self.output)
      json.endLine(&self.output)
    }
    swap(&self.output, &output)
  }
}

internal import Bytes
internal import RDB

/// Proves that two states are the same: every key with its value and times to live, streams with
/// all they remember, functions, data of modules; whatever format, version, encoding and order.
public enum Verify {
  /// How.
  public struct Options: Sendable {
    /// What does not count; idle times and use counters unless asked for, since every look at a key
    /// changes them.
    public var ignored: StateAspects = .usage
    /// What is counted apart, though both formats hold it.
    public var excused = StateAspects()
    /// Which keys.
    public var selection = KeySelection()
    /// Keys and fields whose time lies before this moment (ms since 1970) do not count.
    public var expiredBefore: Int64?
    /// So many keys that differ are told one by one.
    public var mostKeys = 20
    /// So many differences of one key.
    public var mostParts = 20

    /// Everything but idle times.
    public init() {}

    var comparison: Comparison.Options {
      var options = Comparison.Options()
      options.ignored = ignored
      options.excused = excused
      options.selection = selection
      options.expiredBefore = expiredBefore
      options.mostParts = mostParts
      return options
    }
  }

  /// What was found.
  public struct Report: Sendable {
    /// Keys of the first state.
    public var keys = 0
    /// Keys of the second state.
    public var keysOfB = 0
    /// A number for the whole first state, 32 hexadecimal digits; equal states have equal ones.
    public var digest = ""
    /// The same of the second state. What one of the formats does not hold enters all the same.
    public var digestOfB = ""
    /// Keys only in the first state.
    public var onlyA = 0
    /// Keys only in the second state.
    public var onlyB = 0
    /// Keys that are in both and differ.
    public var changed = 0
    /// The first keys that differ.
    public var differences: [ContentDifference] = []
    /// What was not the same, and does not count, since one of the formats does not hold it.
    public var excused: [String] = []
    /// Sentences for the user.
    public var notes: [String] = []

    /// Whether the states are the same.
    public var isEqual: Bool { onlyA == 0 && onlyB == 0 && changed == 0 }
    /// How many keys differ.
    public var differing: Int { onlyA + onlyB + changed }

    init() {}

    init(_ outcome: Comparison.Outcome) {
      keys = outcome.keysOfA
      keysOfB = outcome.keysOfB
      digest = outcome.digestOfA.text
      digestOfB = outcome.digestOfB.text
      onlyA = outcome.onlyA
      onlyB = outcome.onlyB
      changed = outcome.changed
      excused = Report.sentences(outcome.excused)
    }

    static func sentences(_ excused: [StateAspects: Int]) -> [String] {
      StateAspects.names.compactMap { name in
        excused[name.aspect].map { "\(name.meaning): \($0)" }
      }
    }
  }

  /// Compares what is at two paths.
  ///
  /// - Throws: ``ToolError``: one of them can't be read.
  public static func run(
    _ a: ComparedState, _ b: ComparedState, _ options: Options = Options()
  ) throws(ToolError) -> Report {
    try run(a, b, options.comparison, mostKeys: options.mostKeys)
  }

  static func run(
    _ a: ComparedState, _ b: ComparedState, _ options: Comparison.Options, mostKeys: Int
  ) throws(ToolError) -> Report {
    let list = FirstDifferences(most: mostKeys)
    let outcome = try Comparison(a, b, options).run(list)
    var report = Report(outcome)
    report.differences = list.keys
    report.notes = a.notes + b.notes
    return report
  }
}

/// Keeps the first keys that differ.
final class FirstDifferences: ComparisonObserver {
  private(set) var keys: [ContentDifference] = []
  private let most: Int

  init(most: Int) { self.most = most }

  private func add(_ make: @autoclosure () -> ContentDifference) {
    if keys.count < most { keys.append(make()) }
  }

  func onlyA(_ head: KeyHead) { add(ContentDifference(.onlyA, head)) }
  func onlyB(_ head: KeyHead) { add(ContentDifference(.onlyB, head)) }
  func changed(_ a: FlatValue, _ b: FlatValue, _ list: DifferenceList) {
    add(ContentDifference(a, list))
  }
}

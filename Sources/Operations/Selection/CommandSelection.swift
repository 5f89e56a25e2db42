public import Bytes

/// Which commands of an AOF a command of the tool looks at (`--command`, `--index`, `--offset`
/// with `--file`, `--since`, `--until`, `--last`).
///
/// Every option narrows; within one option its values are alternatives. Keys are asked
/// separately (``KeySelection``), since finding the keys of a command costs more than this.
public struct CommandSelection: Sendable {
  /// Names; empty for all.
  public var names = CommandNames()
  /// Numbers in the whole AOF, from 1, as inclusive ranges; empty for all.
  public var indexes: [ClosedRange<Int>] = []
  /// Bytes of the file named ``file``; a command is in when its first byte is.
  public var offsets: [ClosedRange<Int>] = []
  /// The base name of one file of a multi-part AOF; nil for all.
  public var file: String?
  /// Earliest time in unix seconds.
  public var since: Int64?
  /// Latest time in unix seconds.
  public var until: Int64?
  /// Only the last so many of those that pass all else. The operation counts them.
  public var last: Int?

  /// Everything.
  public init() {}

  /// Whether nothing was asked, so that every command passes.
  public var isEverything: Bool {
    names.isEmpty && indexes.isEmpty && offsets.isEmpty && file == nil && !looksAtTimes
      && last == nil
  }

  /// Whether times matter; commands before the first `#TS:` annotation have none and then never
  /// pass.
  public var looksAtTimes: Bool { since != nil || until != nil }

  /// Whether a command passes that has number `index` in the AOF and begins at `offset` of its
  /// file; `time` in unix seconds, -1 when unknown.
  public func matches(index: Int, offset: Int, time: Int64) -> Bool {
    if !indexes.isEmpty && !CommandSelection.holds(indexes, index) { return false }
    if !offsets.isEmpty && !CommandSelection.holds(offsets, offset) { return false }
    if looksAtTimes {
      guard time >= 0 else { return false }
      if let since, time < since { return false }
      if let until, time > until { return false }
    }
    return true
  }

  /// Whether commands of the file with that base name may pass.
  public func matches(file name: String) -> Bool { file == nil || file == name }

  /// The largest number that can pass, so that reading can stop behind it; nil for no limit.
  public var lastIndex: Int? { indexes.map(\.upperBound).max() }

  private static func holds(_ ranges: [ClosedRange<Int>], _ value: Int) -> Bool {
    for range in ranges where range.contains(value) { return true }
    return false
  }
}

/// Names of commands, whatever their case; with a subcommand where it decides (`XGROUP DESTROY`).
public struct CommandNames: Sendable {
  private struct Entry: Sendable {
    var name: [UInt8]
    var subcommand: [UInt8]
  }
  /// By the first byte of the name in upper case, so that most commands are told by one look.
  private var buckets = [[Entry]](repeating: [], count: 32)
  private var count = 0

  /// No names: every command passes.
  public init() {}

  /// Whether there are no names.
  public var isEmpty: Bool { count == 0 }

  /// Adds `name`, or name and subcommand with a blank between.
  public mutating func insert(_ name: String) {
    let words = name.split(separator: " ")
    guard let first = words.first else { return }
    let entry = Entry(
      name: first.utf8.map(ASCII.uppercased),
      subcommand: words.count > 1 ? words[1].utf8.map(ASCII.uppercased) : [])
    buckets[Int((entry.name.first ?? 0) & 31)].append(entry)
    count += 1
  }

  /// Whether a command of that name, with `subcommand` as its first argument if it has any,
  /// passes.
  public func matches(_ name: ByteSlice, subcommand: ByteSlice?) -> Bool {
    if isEmpty { return true }
    guard name.count > 0 else { return false }
    for entry in buckets[Int(name[0] & 31)] where CommandNames.equal(name, entry.name) {
      if entry.subcommand.isEmpty { return true }
      if let subcommand, CommandNames.equal(subcommand, entry.subcommand) { return true }
    }
    return false
  }

  private static func equal(_ bytes: ByteSlice, _ folded: [UInt8]) -> Bool {
    guard bytes.count == folded.count else { return false }
    for index in 0..<folded.count where ASCII.uppercased(bytes[index]) != folded[index] {
      return false
    }
    return true
  }
}

internal import AOF
internal import Bytes

/// Commands that a replay leaves out, as if they had never been sent, or takes in another form: for
/// the state without an accident.
package struct ReplayOmissions: Sendable {
  private var indexes: [Int] = []
  private var replacements: [[UInt8]] = []
  private var place = 0

  /// Nothing is left out.
  package init() {}

  /// Leaves out the command of number `index`, which is higher than all before; with a `replacement`,
  /// a whole command in RESP of the same name, that is taken in its place.
  package mutating func append(_ index: Int, replacement: [UInt8] = []) {
    precondition(index > (indexes.last ?? 0), "numbers rise")
    indexes.append(index)
    replacements.append(replacement)
  }

  /// Whether nothing is left out.
  package var isEmpty: Bool { indexes.isEmpty }

  /// The number of the next command that is left out; `Int.max` when there are no more.
  var next: Int { place < indexes.count ? indexes[place] : Int.max }

  /// What stands in the place of the next command; goes on to the one behind it.
  mutating func take() -> [UInt8] {
    defer { place += 1 }
    return replacements[place]
  }
}

extension Keyspace {
  /// Whether a command is left out; what stands in its place is executed.
  ///
  /// To be asked for numbers at or above ``nextOmission``.
  @inline(never)
  func omit(_ command: AOFCommand, _ number: Int) -> Bool {
    // Commands of a transaction without EXEC are passed without being asked for.
    while omissions.next < command.index { _ = omissions.take() }
    guard omissions.next == command.index else {
      nextOmission = omissions.next
      return false
    }
    let replacement = omissions.take()
    nextOmission = omissions.next
    if replacement.isEmpty { return true }
    flushQueue()
    currentDatabase = command.database
    context.database = command.database
    let raw = replacement.withByteSlice { context.keep($0) }
    var words = ArgumentTable()
    if (try? words.fill(from: raw, at: 0)) != nil {
      _ = execute(words.arguments, number: number, raw: raw)
    }
    current = table(currentDatabase)
    return true
  }
}

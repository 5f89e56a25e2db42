public import AOF
package import Bytes
import Keyspace

/// A command, a transaction, or a burst of commands that destroyed data.
public struct Loss: Sendable {
  /// Why the data went.
  public enum Cause: String, Sendable {
    /// Somebody sent the command.
    case command
    /// The time to live of the key had passed, as far as the log tells; its server sent the command.
    case expiry
    /// The command set a time to live that had passed already.
    case pastExpiry = "past-expiry"
  }

  /// What was done, roughly: commands that do the same may form a burst.
  enum Kind: UInt8 {
    /// Keys were deleted.
    case deletion
    /// Values were replaced by others.
    case overwrite
    /// Elements were removed.
    case elements
    /// One element was taken from a queue.
    case consumption
  }

  /// The first of the commands.
  public internal(set) var command: AOFCommand
  /// The last of them.
  public internal(set) var lastIndex: Int
  /// How many there are.
  public internal(set) var commands = 0
  /// Keys that were there before and not after, or then had another type.
  public internal(set) var keysLost = 0
  /// Elements, fields, members and entries that are gone; a string is one.
  public internal(set) var elementsLost = 0
  /// The bytes of what is gone, without any overhead.
  public internal(set) var bytesLost = 0
  /// Why.
  public internal(set) var cause: Cause
  /// The numbers of the commands, as inclusive ranges, in their order. Between those of a range stand
  /// at most MULTI, EXEC and SELECT. At most 64.
  public internal(set) var ranges: [ClosedRange<Int>]
  /// Whether ``ranges`` holds all.
  public internal(set) var hasAllRanges = true
  /// Some of the keys, with the command that destroyed each.
  package internal(set) var samples: [LostKey] = []
  /// The names of the commands, each once; at most a few.
  package internal(set) var names: [CommandWord] = []
  /// Commands that set the times to live which ended the keys.
  public internal(set) var expirySetters: [Int] = []
  var kind: Kind
  /// Whether one of the commands is on databases, so that keys do not choose it.
  var isWide = false

  /// So many ranges of numbers are kept.
  static let mostRanges = 64
  /// So many keys are kept.
  static let mostSamples = 20

  init(_ command: AOFCommand, _ kind: Kind, _ cause: Cause) {
    self.command = command
    lastIndex = command.index
    self.kind = kind
    self.cause = cause
    ranges = [command.index...command.index]
    names = [command.word]
  }

  /// Adds what another command destroyed. `isNext` says that nothing but MULTI, EXEC and SELECT
  /// stands between.
  mutating func join(_ other: Loss, isNext: Bool) {
    commands += other.commands
    keysLost += other.keysLost
    elementsLost += other.elementsLost
    bytesLost += other.bytesLost
    if kind == .consumption { kind = other.kind }
    if other.isWide { isWide = true }
    for range in other.ranges {
      if isNext, range.lowerBound == other.command.index, let last = ranges.last {
        ranges[ranges.count - 1] = last.lowerBound...range.upperBound
      } else if ranges.count < Loss.mostRanges {
        ranges.append(range)
      } else {
        hasAllRanges = false
      }
    }
    hasAllRanges = hasAllRanges && other.hasAllRanges
    lastIndex = max(lastIndex, other.lastIndex)
    samples += other.samples.prefix(max(0, Loss.mostSamples - samples.count))
    for name in other.names where names.count < 8 && !names.contains(name) { names.append(name) }
  }

  /// Whether this is worse than `other`: what was done by hand before what time did, whole keys and
  /// many elements before queues at work; then by keys, elements and bytes; of equals the later one.
  func isWorse(than other: Loss) -> Bool {
    if tier != other.tier { return tier > other.tier }
    if keysLost != other.keysLost { return keysLost > other.keysLost }
    if elementsLost != other.elementsLost { return elementsLost > other.elementsLost }
    if bytesLost != other.bytesLost { return bytesLost > other.bytesLost }
    return command.index > other.command.index
  }

  private var tier: Int {
    if cause == .expiry { return 0 }
    return kind == .consumption ? 1 : 2
  }
}

/// A key that was lost, or lost something.
package struct LostKey: Sendable {
  /// The key; its bytes live as long as what was read.
  package let key: ByteSlice
  /// Its database.
  package let database: Int
  /// The number of the command.
  package let index: Int
}

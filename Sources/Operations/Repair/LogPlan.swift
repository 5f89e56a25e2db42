import AOF
import Bytes

/// What is kept of the commands of one file, and what is known about them.
struct LogPlan {
  /// Commands between a damage and the next SELECT, or the next damage, or the end.
  struct Stretch {
    var range: Range<Int>
    /// The database before the damage.
    var assumed: Int
  }
  /// A command of a name that no server knows.
  struct Unknown {
    var name: [UInt8]
    var range: Range<Int>
  }

  /// What is kept.
  var pieces = LogPieces()
  /// Where the database is not certain.
  var stretches: [Stretch] = []
  var unknown: [Unknown] = []
  /// The databases that are selected.
  var databases: Set<Int> = []
  var lost: [RepairReport.Lost] = []
  var corrected: [RepairReport.Correction] = []
  var doubts: [String] = []
  /// Commands kept.
  var commands = 0

  /// Takes commands out that were kept.
  mutating func take(
    out range: Range<Int>, of file: String, _ reason: String, _ names: [String] = [],
    count: Int
  ) {
    pieces.remove(range)
    commands -= count
    var entry = RepairReport.Lost(
      file: file, offset: range.lowerBound, length: range.count, reason: reason)
    entry.commands = names
    entry.readable = count
    lost.append(entry)
  }

  /// Puts a SELECT in front of what is kept from `offset` on.
  mutating func select(_ database: Int, at offset: Int) {
    pieces.select(database, at: offset)
    commands += 1
  }
}

internal import AOF
internal import Bytes

/// Whole databases. SELECT belongs to the core.
package enum DatabaseCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("SWAPDB", arity: 3, .keyspace(swapdb)),
    CommandEntry("FLUSHDB", arity: -1, .keyspace(flushdb)),
    CommandEntry("FLUSHALL", arity: -1, .keyspace(flushall)),
    CommandEntry("SFLUSH", arity: -3, .keyspace(sflush)),
    CommandEntry("TRIMSLOTS", arity: -5, .keyspace(trimslots)),
    CommandEntry("CLUSTER", arity: -2, .keyspace(cluster)),
  ]

  /// Word `index` as the number of a database. How many there are is a setting that the log does
  /// not tell.
  static func database(_ a: Arguments, _ index: Int) throws(CommandFault) -> Int {
    let number = try a.integer(at: index)
    guard number >= 0, number <= Int64(Int32.max) else { throw .badDatabase }
    return Int(number)
  }

  /// `SWAPDB index index`
  @Sendable
  static func swapdb(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let first = try database(a, 1)
    let second = try database(a, 2)
    guard first != second else { return .unchanged }
    keyspace.swap(first, second)
    return .changed
  }

  /// `FLUSHDB [ASYNC | SYNC]`
  @Sendable
  static func flushdb(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try checkFlush(a)
    keyspace.removeAll(in: keyspace.database)
    return .changed
  }

  /// `FLUSHALL [ASYNC | SYNC]`: functions stay.
  @Sendable
  static func flushall(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    try checkFlush(a)
    keyspace.removeAll()
    return .changed
  }

  private static func checkFlush(_ a: Arguments) throws(CommandFault) {
    guard a.count == 1 || a.count == 2 && isFlushMode(a, 1) else { throw .syntax }
  }

  static func isFlushMode(_ a: Arguments, _ index: Int) -> Bool {
    a.isOption(index, "ASYNC") || a.isOption(index, "SYNC")
  }

  // MARK: - Slots of a cluster

  /// `SFLUSH first last [first last …] [SYNC | ASYNC]` (Redis 8)
  @Sendable
  static func sflush(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let end = isFlushMode(a, a.count - 1) ? a.count - 1 : a.count
    return keyspace.removeAll(inSlots: try slotRanges(a, 1..<end))
  }

  /// `TRIMSLOTS RANGES n first last [first last …]` (Redis 8.4)
  @Sendable
  static func trimslots(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    guard a.isOption(1, "RANGES") else { throw .syntax }
    let count = try a.integer(at: 2)
    guard count > 0, count == Int64((a.count - 3) / 2) else { throw .syntax }
    return keyspace.removeAll(inSlots: try slotRanges(a, 3..<a.count))
  }

  /// `CLUSTER FLUSHSLOT slot [ASYNC | SYNC]` (Valkey 9); everything else of CLUSTER is not about
  /// data.
  @Sendable
  static func cluster(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    guard a.isOption(1, "FLUSHSLOT") else { return .unchanged }
    guard a.count == 3 || a.count == 4 && isFlushMode(a, 3) else { throw .syntax }
    let slot = try slot(a, 2)
    return keyspace.removeAll(inSlots: [slot...slot])
  }

  private static func slotRanges(
    _ a: Arguments, _ words: Range<Int>
  ) throws(CommandFault) -> [ClosedRange<Int>] {
    guard words.count > 0, words.count % 2 == 0 else { throw .syntax }
    var ranges: [ClosedRange<Int>] = []
    for index in stride(from: words.lowerBound, to: words.upperBound, by: 2) {
      let first = try slot(a, index)
      let last = try slot(a, index + 1)
      guard first <= last else { throw .outOfRange }
      ranges.append(first...last)
    }
    return ranges
  }

  private static func slot(_ a: Arguments, _ index: Int) throws(CommandFault) -> Int {
    let slot = try a.integer(at: index)
    guard 0..<16384 ~= slot else { throw .outOfRange }
    return Int(slot)
  }
}

extension Keyspace {
  /// Removes every key whose slot lies in one of `ranges`.
  func removeAll(inSlots ranges: [ClosedRange<Int>]) -> Effect {
    var wanted = [Bool](repeating: false, count: HashSlot.count)
    for range in ranges {
      for slot in range { wanted[slot] = true }
    }
    var effect = Effect.unchanged
    for table in tables.values {
      for index in 0..<table.count where !table[index].isVacant {
        guard wanted[HashSlot.of(table[index].key)] else { continue }
        upper?.preserve(table[index].key, table.database)
        clear(table, index)
        effect = .changed
      }
    }
    return effect
  }
}

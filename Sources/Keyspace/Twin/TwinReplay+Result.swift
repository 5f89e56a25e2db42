internal import Bytes

// What the two states are in the end.

extension TwinReplay {
  /// Calls `body` with every key that differs, by database.
  package func forEachDifference(_ body: (KeyDifference) -> Void) {
    before.flushQueue()
    for database in after.tables.keys.sorted() {
      guard let table = after.tables[database] else { continue }
      let lower = before.tables[database]
      for index in 0..<table.count {
        if let lower {
          if index &+ 16 < table.count { lower.prefetchSlot(table[index &+ 16].hash) }
          if index &+ 8 < table.count { _ = lower.candidate(table[index &+ 8].hash) }
        }
        let entry = table[index]
        if entry.base.kind == .elsewhere { continue }
        let above = after.settledState(table, index)
        var below = KeyState()
        if let lower, let place = lower.find(entry.key, hash: entry.hash) {
          below = before.settledState(lower, place)
        }
        if below.isSame(as: above) { continue }
        body(KeyDifference(database: database, key: entry.key, before: below, after: above))
      }
    }
  }

  /// Whether the libraries of functions differ.
  package var hasOtherFunctions: Bool {
    functionsDiffer
      && (before.functions.count != after.functions.count
        || before.functions.contains { library in
          !after.functions.contains { $0.code == library.code }
        })
  }

  /// The numbers of both states (see ``StateHash``), and how many keys each has: one pass over all
  /// keys.
  package func hashes(_ differences: [KeyDifference]) -> (before: StateHash, after: StateHash) {
    var hash = StateHash()
    for database in before.databases {
      before.forEachKey(in: database) { key, state in hash.add(key, database, state) }
    }
    var other = hash
    for difference in differences {
      other.remove(difference.key, difference.database, difference.before)
      other.add(difference.key, difference.database, difference.after)
    }
    for library in before.functions { hash.add(function: library.code) }
    for library in functionsDiffer ? after.functions : before.functions {
      other.add(function: library.code)
    }
    return (hash, other)
  }
}

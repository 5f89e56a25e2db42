internal import AOF
internal import Bytes

// What the two states are in the end.

/// What both states amount to.
package struct TwinEnding {
  /// The number of the state with all commands (see ``StateHash``), and how many keys it has.
  package var before = StateHash()
  /// The same of the state without some of them.
  package var after = StateHash()

  /// Nothing yet.
  init() {}
}

extension TwinReplay {
  /// Ends the replay: calls `body` with every key that differs, by database, and makes ``conflicts``.
  /// To be called once; one pass over all keys.
  package func conclude(_ body: (KeyDifference) -> Void) -> TwinEnding {
    before.flushQueue()
    var ending = TwinEnding()
    var same = StateHash()
    for database in Set(before.tables.keys).union(after.tables.keys).sorted() {
      let table = before.tables[database]
      var seen = PODArray<UInt64>(repeating: 0, count: ((table?.count ?? 0) + 63) / 64)
      if let layer = after.tables[database] {
        compare(layer, table, &seen, &ending, body)
      }
      guard let table else { continue }
      for index in 0..<table.count {
        before.lookAhead(table, index)
        if table[index].isVacant || seen[index >> 6] >> UInt64(index & 63) & 1 != 0 { continue }
        let state = before.passingState(table, index)
        if state.exists { same.add(table[index].key, database, state) }
      }
    }
    ending.before.add(same)
    ending.after.add(same)
    for library in before.functions { ending.before.add(function: library.code) }
    for library in functionsDiffer ? after.functions : before.functions {
      ending.after.add(function: library.code)
    }
    tellConflicts()
    return ending
  }

  /// Compares the keys of one database that may differ. Those of `table` that were looked at are
  /// noted in `seen`, one bit each.
  private func compare(
    _ layer: KeyTable, _ table: KeyTable?, _ seen: inout PODArray<UInt64>,
    _ ending: inout TwinEnding, _ body: (KeyDifference) -> Void
  ) {
    let database = layer.database
    for index in 0..<layer.count {
      before.lookAhead(layer, index)
      if let table { lookAhead(layer, table, index) }
      let entry = layer[index]
      if entry.base.kind == .elsewhere { continue }
      var place: Int?
      if let table {
        let candidate = candidates[index & TwinReplay.ahead]
        place = table.find(entry.key, hash: entry.hash, candidate: candidate)
        if let place {
          seen[place >> 6] |= 1 << UInt64(place & 63)
          // Another key with the same hash was taken for it.
          if place != candidate { walk.begin(index, table[place].lastOperation, before.chains) }
        }
      }
      before.passPair(self, layer, index, table, place) { below, above in
        var mine = StateHash()
        mine.add(entry.key, database, below)
        var other = StateHash()
        other.add(entry.key, database, above)
        ending.before.add(mine)
        ending.after.add(other)
        // What is the same has the same number.
        if mine == other, below.isSame(as: above) { return }
        body(KeyDifference(database, entry.key, below, above))
      }
    }
  }

  /// How many entries of the layer are looked ahead, less one.
  private static let ahead = 31

  /// Looks ahead to what the keys behind entry `index` of the layer hold below.
  private func lookAhead(_ layer: KeyTable, _ table: KeyTable, _ index: Int) {
    let count = layer.count
    let steps = index == 0 ? 0...TwinReplay.ahead : TwinReplay.ahead...TwinReplay.ahead
    for step in steps {
      let place = index &+ step
      if place < count { table.prefetchSlot(layer[place].hash) }
    }
    for step in index == 0 ? 0...23 : 23...23 {
      let place = index &+ step
      if place < count {
        candidates[place & TwinReplay.ahead] = table.candidate(layer[place].hash)
      }
    }
    let depth = ChainWalk.depth &- 1
    for step in index == 0 ? 0...depth : depth...depth {
      let place = index &+ step
      guard place < count else { continue }
      let candidate = candidates[place & TwinReplay.ahead]
      guard candidate < table.count else {
        walk.begin(place, 0, before.chains)
        continue
      }
      let entry = table[candidate]
      entry.key.prefetch()
      walk.begin(place, entry.lastOperation, before.chains)
      if entry.lastOperation == 0 && entry.base.kind == .setCommand {
        before.log.prefetch(entry.base.payload)
      }
    }
    walk.step(around: index, before.chains, before.log)
  }

  /// Whether the libraries of functions differ.
  package var hasOtherFunctions: Bool {
    functionsDiffer
      && (before.functions.count != after.functions.count
        || before.functions.contains { library in
          !after.functions.contains { $0.code == library.code }
        })
  }
}

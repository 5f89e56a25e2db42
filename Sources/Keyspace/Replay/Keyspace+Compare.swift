package import Bytes

// Two states side by side: what a log amounts to with and without some of its commands, or a log and
// an older backup.

extension Keyspace {
  /// Calls `body` with every key that is not the same in both: its name, its database, what it holds
  /// here and what it holds there. Names and states live as long as both keyspaces.
  ///
  /// - Parameter sameLog: whether both were read from the same files, so that keys with the same
  ///   commands need no look at their values.
  /// - Parameter view: what of values counts.
  package func forEachDifference<E: Error>(
    from other: Keyspace, sameLog: Bool, _ view: StateHash.View,
    _ body: (ByteSlice, Int, KeyState, KeyState) throws(E) -> Void
  ) throws(E) {
    flushQueue()
    other.flushQueue()
    for database in Set(tables.keys).union(other.tables.keys).sorted() {
      let mine = tables[database]
      let theirs = other.tables[database]
      if let theirs {
        for index in 0..<theirs.count where !theirs[index].isVacant {
          let entry = theirs[index]
          let place = mine?.find(entry.key, hash: entry.hash)
          if sameLog, let mine, let place, isSame(mine[place], entry, other) { continue }
          let there = other.settledState(theirs, index)
          // A key that does not exist has left its entry vacant now; the pass below sees it.
          guard there.exists else { continue }
          var here = KeyState()
          if let mine, let place { here = settledState(mine, place) }
          if !here.isSame(as: there, view) { try body(entry.key, database, here, there) }
        }
      }
      guard let mine else { continue }
      for index in 0..<mine.count where !mine[index].isVacant {
        let entry = mine[index]
        if let theirs, let place = theirs.find(entry.key, hash: entry.hash),
          !theirs[place].isVacant
        {
          continue
        }
        let here = settledState(mine, index)
        if here.exists { try body(entry.key, database, here, KeyState()) }
      }
    }
  }

  /// Whether two entries for one key start from the same place of the log and have the same commands
  /// postponed.
  private func isSame(_ mine: KeyEntry, _ theirs: KeyEntry, _ other: Keyspace) -> Bool {
    guard mine.base.kind == theirs.base.kind, mine.base.kind != .state,
      mine.base.payload == theirs.base.payload, mine.operationCount == theirs.operationCount
    else { return false }
    var one = mine.lastOperation
    var two = theirs.lastOperation
    while one != 0, two != 0 {
      let first = chains.at(one)
      let second = other.chains.at(two)
      guard first.position == second.position else { return false }
      one = first.previous
      two = second.previous
    }
    return one == two
  }
}

extension KeyState {
  /// Whether both are the same, as far as `view` sees: value, times to live, groups of streams with
  /// all they hold. Told by a hash of 64 bits.
  package func isSame(as other: KeyState, _ view: StateHash.View) -> Bool {
    guard exists, other.exists else { return exists == other.exists }
    var mine = StateHash(view)
    mine.add(ByteSlice(), 0, self)
    var theirs = StateHash(view)
    theirs.add(ByteSlice(), 0, other)
    return mine == theirs
  }
}

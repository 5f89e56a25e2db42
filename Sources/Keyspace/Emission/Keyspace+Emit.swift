internal import AOF
package import Bytes

extension Keyspace {
  /// The numbers of the databases that hold keys, in ascending order.
  package var databases: [Int] {
    flushQueue()
    return tables.keys.sorted()
  }

  /// Calls `body` with every key of a database and what it holds. Commands stay postponed; the
  /// state is valid during the call only.
  @inline(__always)
  package func forEachKey<E: Error>(
    in database: Int, _ body: (ByteSlice, borrowing KeyState) throws(E) -> Void
  ) throws(E) {
    flushQueue()
    guard let table = tables[database] else { return }
    for index in 0..<table.count {
      lookAhead(table, index)
      guard !table[index].isVacant else { continue }
      let state = passingState(table, index)
      if state.exists { try body(passingKey, state) }
    }
  }

  /// Writes every key, and the functions, as commands; each enters `hash`.
  ///
  /// - Parameter expiredBefore: keys that expire at or before this moment (unix milliseconds) are
  ///   left out.
  /// - Returns: how many keys were written.
  package func write(
    to writer: inout CommandWriter, hash: inout StateHash, expiredBefore moment: Int64? = nil
  ) -> Int {
    for library in functions {
      writer.function(library.code)
      hash.add(function: library.code)
    }
    var keys = 0
    writtenKeys = []
    for database in databases {
      guard let table = tables[database] else { continue }
      let before = keys
      defer { if keys > before { writtenKeys.append((database, keys - before)) } }
      for index in 0..<table.count {
        lookAhead(table, index)
        let entry = table[index]
        if entry.lastOperation == 0 {
          if entry.base.kind == .absent { continue }
          if entry.base.kind == .setCommand, let set = plainSet(entry.base.payload) {
            writer.select(database)
            writer.verbatim(set.raw)
            hash.add(set.key, database, string: set.value)
            keys += 1
            continue
          }
        }
        var state = passingState(table, index)
        guard state.exists else { continue }
        if let moment, !state.dropExpired(at: moment) { continue }
        writer.select(database)
        writer.key(passingKey, state)
        hash.add(passingKey, database, state)
        keys += 1
        if writer.output.failure != nil { return keys }
      }
    }
    return keys
  }

  /// Looks ahead to the entries behind `index`, which is the current one.
  @inline(__always)
  func lookAhead(_ table: KeyTable, _ index: Int) {
    let count = table.count
    let far = index &+ ChainWalk.depth &- 1
    if index == 0 {
      for next in 0..<min(ChainWalk.depth &- 1, count) {
        walk.begin(next, table[next].lastOperation, chains)
      }
    }
    if far < count {
      table.prefetch(far &+ ChainWalk.depth)
      let entry = table[far]
      walk.begin(far, entry.lastOperation, chains)
      if entry.lastOperation == 0 && entry.base.kind == .setCommand {
        log.prefetch(entry.base.payload)
      }
    }
    walk.step(around: index, chains, log)
  }
}

extension KeyState {
  /// Drops what has expired at `moment` as a master does when it loads; false when nothing is left.
  package mutating func dropExpired(at moment: Int64) -> Bool {
    if let expiresAt, expiresAt <= moment { return false }
    guard case .hash(let hash)? = value, hash.expiringCount > 0 else { return true }
    let kept = hash.dropExpired(at: moment)
    guard kept.count > 0 else { return false }
    value = .hash(kept)
    return true
  }
}

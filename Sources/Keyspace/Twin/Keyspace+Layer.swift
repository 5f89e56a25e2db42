internal import AOF
internal import Bytes

// One keyspace over another. The upper one has entries only for keys that may differ from the lower
// one: a key that it has no entry for, or one that says `elsewhere`, holds what it holds below. An
// entry that holds nothing says that the key does not exist above.

extension Keyspace {
  /// The entry of `key`, if it may differ from below.
  func own(_ key: ByteSlice, _ database: Int) -> Int? {
    guard let table = tables[database], let index = table.find(key, hash: KeyTable.hash(key)),
      table[index].base.kind != .elsewhere
    else { return nil }
    return index
  }

  /// Gives `key` an entry that holds `state`, which belongs to it from now on.
  func plant(_ state: KeyState, _ key: ByteSlice, _ database: Int) {
    plant(state, key, table(database), KeyTable.hash(key))
  }

  private func plant(_ state: KeyState, _ key: ByteSlice, _ table: KeyTable, _ hash: UInt32) {
    let index = table.findOrAdd(key, hash: hash)
    clear(table, index)
    if state.exists {
      table[index].base = EntryBase(.state, (lower ?? self).states.add(state))
    }
  }

  /// Keeps what `key` holds below, which is about to change there; nothing if it was kept before.
  func preserve(_ key: ByteSlice, _ database: Int) {
    pairs?.settle(key, database)
    guard let lower, own(key, database) == nil else { return }
    plant(lower.state(of: key, in: database).copy(), key, database)
  }

  /// Keeps what all keys of a database hold below, which is about to be removed.
  func preserveAll(_ database: Int) {
    guard let lower, let table = lower.tables[database] else { return }
    let layer = self.table(database)
    if layer.count == 0 {
      if let pairs {
        // While no key differs the whole table moves up, with what is postponed on its keys.
        pairs.retired.append(layer)
        lower.tables[database] = nil
        table.becomeLayer()
        tables[database] = table
        return
      }
      layer.reserve(table.count)
    }
    pairs?.settleAll(in: database)
    for index in 0..<table.count {
      lower.lookAhead(table, index)
      if index &+ 8 < table.count { layer.prefetchSlot(table[index &+ 8].hash) }
      let entry = table[index]
      if entry.isVacant || own(entry.key, database) != nil { continue }
      let state = lower.settledState(table, index, collected: true)
      if state.exists { plant(state, entry.key, layer, entry.hash) }
    }
  }

  /// Keeps what all keys of two databases hold below, which are about to be exchanged.
  func preserveAll(_ first: Int, and second: Int) {
    guard let lower else { return }
    for database in [first, second] {
      guard let table = lower.tables[database] else { continue }
      for index in 0..<table.count where !table[index].isVacant {
        preserve(table[index].key, first)
        preserve(table[index].key, second)
      }
    }
  }

  /// Says that `key` holds what it holds below.
  func follow(_ key: ByteSlice, _ database: Int) {
    guard let index = own(key, database), let table = tables[database] else { return }
    clear(table, index)
    table[index].base = .elsewhere
  }
}

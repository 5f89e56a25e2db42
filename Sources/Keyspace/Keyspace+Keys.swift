package import Bytes

// What commands on several keys use. Every function works on the current database unless another
// is named.

extension Keyspace {
  /// The table of a database, made when there is none.
  func table(_ database: Int) -> KeyTable {
    if let table = tables[database] { return table }
    let table = KeyTable(database: database, keepsVacant: lower != nil, in: backing)
    tables[database] = table
    return table
  }

  /// What `key` holds now. The value belongs to the key: to change it, or to give it to another
  /// key without removing this one, take a `copy()`; and write it back by ``setState(_:of:in:)``.
  package func state(of key: ByteSlice, in database: Int? = nil) -> KeyState {
    let number = database ?? self.database
    pairs?.settle(key, number)
    guard let table = tables[number], let index = table.find(key, hash: KeyTable.hash(key)),
      table[index].base.kind != .elsewhere
    else { return lower.map { lend($0.state(of: key, in: number)) } ?? KeyState() }
    let state = settledState(table, index)
    // Handlers may change what they are given before they write it back.
    if observer != nil { noteSummary(key, number, state) }
    return upper == nil ? state : lend(state)
  }

  /// Remembers what an observer is told the key was.
  private func noteSummary(_ key: ByteSlice, _ database: Int, _ state: KeyState) {
    for known in summaries where known.database == database && known.key == key { return }
    summaries.append((key, database, KeySummary(state)))
  }

  /// What an observer is told the key was before this command.
  private func summary(_ table: KeyTable, _ index: Int) -> KeySummary {
    let key = table[index].key
    for known in summaries where known.database == table.database && known.key == key {
      return known.summary
    }
    return KeySummary(settledState(table, index))
  }

  /// A copy of `state` whose bytes stay where they are until the next command, although the handler
  /// may forget the copy before.
  private func lend(_ state: KeyState) -> KeyState {
    let copy = state.copy()
    if case .string = copy.value { lent.append(copy) }
    return copy
  }

  /// Whether `key` exists.
  package func exists(_ key: ByteSlice, in database: Int? = nil) -> Bool {
    state(of: key, in: database).exists
  }

  /// Makes `key` hold `state`, whatever it held before. An empty collection removes the key.
  package func setState(_ state: KeyState, of key: ByteSlice, in database: Int? = nil) {
    var state = state
    state.settle()
    let number = database ?? self.database
    pairs?.settle(key, number)
    // A key gets an entry of its own only once nothing is postponed on it below.
    if pairs != nil { _ = lower?.state(of: key, in: number) }
    upper?.preserve(key, number)
    let table = table(number)
    let index = table.findOrAdd(key, hash: KeyTable.hash(key))
    observer?.changed(
      key, table.database, from: summary(table, index), to: KeySummary(state))
    clear(table, index)
    if state.exists {
      table[index].base = EntryBase(.state, (lower ?? self).states.add(state))
    }
  }

  /// Removes `key`; true when it existed.
  package func remove(_ key: ByteSlice, in database: Int? = nil) -> Bool {
    let number = database ?? self.database
    pairs?.settle(key, number)
    upper?.preserve(key, number)
    guard let table = tables[number], let index = table.find(key, hash: KeyTable.hash(key)),
      table[index].base.kind != .elsewhere
    else {
      guard let lower, lower.exists(key, in: number) else { return false }
      let table = table(number)
      clear(table, table.findOrAdd(key, hash: KeyTable.hash(key)))
      return true
    }
    let existed = settledState(table, index).exists
    if let observer {
      let before = summary(table, index)
      if before.exists { observer.changed(key, table.database, from: before, to: KeySummary()) }
    }
    clear(table, index)
    return existed
  }

  /// Removes `key` without asking whether it existed.
  func forget(_ key: ByteSlice) {
    pairs?.settle(key, database)
    guard let table = tables[database], let index = table.find(key, hash: KeyTable.hash(key))
    else { return }
    clear(table, index)
  }

  /// Removes every key of a database.
  package func removeAll(in database: Int) {
    upper?.preserveAll(database)
    guard let table = tables.removeValue(forKey: database) else { return }
    for index in 0..<table.count {
      if let observer {
        let before = KeySummary(settledState(table, index))
        if before.exists {
          observer.changed(table[index].key, database, from: before, to: KeySummary())
        }
      }
      clear(table, index)
    }
  }

  /// Removes every key of every database.
  package func removeAll() {
    for database in Array(tables.keys) { removeAll(in: database) }
  }

  /// Exchanges the content of two databases. Nothing is destroyed by it, and an observer is not
  /// told.
  package func swap(_ first: Int, _ second: Int) {
    upper?.preserveAll(first, and: second)
    let kept = tables[first]
    tables[first] = tables[second]
    tables[second] = kept
    tables[first]?.database = first
    tables[second]?.database = second
  }

  /// Forgets what the entry starts from and what is postponed on it.
  func clear(_ table: KeyTable, _ index: Int) {
    if let lower { return lower.clear(table, index) }
    var entry = table[index]
    if entry.base.kind == .state { states.remove(entry.base.payload) }
    if entry.lastOperation != 0 {
      chains.drop(entry.lastOperation, first: entry.firstOperation)
    }
    entry.base = .absent
    entry.lastOperation = 0
    entry.operationCount = 0
    table[index] = entry
  }
}

internal import Bytes

extension Keyspace {
  /// What entry `index` holds after all its postponed commands.
  func settledState(_ table: KeyTable, _ index: Int) -> KeyState {
    let base = table.entries[index].base
    switch base.kind {
    case .state: return states.items[base.payload]
    default: return KeyState()
    }
  }

  /// Makes the entry start from a state of its own with nothing postponed; returns its number.
  func settle(_ table: KeyTable, _ index: Int) -> Int {
    let base = table.entries[index].base
    if base.kind == .state { return base.payload }
    let number = states.add(settledState(table, index))
    table.entries[index].base = EntryBase(.state, number)
    return number
  }

  /// Forgets the postponed commands of an entry.
  func dropOperations(_ table: KeyTable, _ index: Int) {
    table.entries[index].lastOperation = 0
    table.entries[index].operationCount = 0
  }
}

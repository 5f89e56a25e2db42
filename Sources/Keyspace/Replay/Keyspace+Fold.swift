internal import AOF
internal import Bytes

// Postponed commands are executed when somebody needs the key: key by key, in order, each read
// again from the log.

extension Keyspace {
  /// Chains of this length are executed, so that a list of a million pushes is not kept as a
  /// million commands.
  static let longestChain: UInt32 = 64

  /// What entry `index` holds after all its postponed commands, for keeping.
  func settledState(_ table: KeyTable, _ index: Int, collected: Bool = false) -> KeyState {
    if let lower { return lower.settledState(table, index, collected: collected) }
    let entry = table[index]
    if entry.isVacant { return KeyState() }
    if entry.base.kind == .state, entry.lastOperation == 0 {
      let state = states.items[entry.base.payload]
      if state.exists { return state }
    }
    let number = settle(table, index, collected: collected)
    let state = states.items[number]
    if !state.exists { clear(table, index) }
    return state
  }

  /// Makes the entry start from a state of its own with nothing postponed; returns its number.
  func settle(_ table: KeyTable, _ index: Int, collected: Bool = false) -> Int {
    var entry = table[index]
    let number: Int
    if entry.base.kind == .state {
      number = entry.base.payload
    } else {
      number = states.add(initialState(entry))
      entry.base = EntryBase(.state, number)
    }
    if entry.lastOperation != 0 {
      if collected {
        executeCollected(index, of: table, on: &states.items[number])
      } else {
        execute(chain: entry.lastOperation, of: table, on: &states.items[number])
      }
      chains.drop(entry.lastOperation, first: entry.firstOperation)
      entry.lastOperation = 0
      entry.operationCount = 0
    }
    table[index] = entry
    return number
  }

  /// What entry `index` holds, for looking at: valid until the next call. Commands stay postponed,
  /// so that passing over all keys needs no memory for them.
  func passingState(_ table: KeyTable, _ index: Int) -> KeyState {
    let entry = table[index]
    passingKey = entry.key
    if entry.base.kind == .state {
      // It has a state of its own anyway: what is postponed is executed for good.
      guard entry.lastOperation != 0 else { return states.items[entry.base.payload] }
      return settledState(table, index, collected: true)
    }
    if entry.isVacant { return KeyState() }
    if let set = onlySet(entry) {
      passingKey = set.key
      return KeyState(value: .string(StringValue(set.value)), expiresAt: set.expiresAt)
    }
    passing.reset()
    foldContext.kept = passing
    defer { foldContext.kept = context.kept }
    var state = initialState(entry)
    if entry.lastOperation != 0 {
      if !state.exists { state.value = spare.value(for: firstNumber(entry)) }
      executeCollected(index, of: table, on: &state)
    }
    return state
  }

  /// The number of the first command that is postponed on the entry.
  func firstNumber(_ entry: KeyEntry) -> Int { chains.at(entry.firstOperation).number }

  /// What the entry starts from.
  func initialState(_ entry: KeyEntry) -> KeyState {
    switch entry.base.kind {
    case .absent, .elsewhere: return KeyState()
    case .state: return states.items[entry.base.payload]
    case .setCommand:
      if let set = plainSet(entry.base.payload) {
        return KeyState(value: .string(StringValue(set.value)))
      }
      let (bytes, offset) = log.locate(entry.base.payload)
      guard (try? foldWords.fill(from: bytes, at: offset)) != nil, foldWords.count == 3 else {
        return KeyState()
      }
      return KeyState(value: .string(StringValue(foldWords.arguments[2])))
    case .dump: return decode(dumpValues[entry.base.payload])
    }
  }

  /// Executes the chain that begins with `last` on `state`, oldest command first.
  private func execute(chain last: UInt32, of table: KeyTable, on state: inout KeyState) {
    // Outside of a pass over all keys there is nothing to look ahead to.
    walk.begin(0, last, chains)
    executeCollected(0, of: table, on: &state)
  }

  /// Executes what the walk has collected for key `index`.
  func executeCollected(_ index: Int, of table: KeyTable, on state: inout KeyState) {
    foldContext.database = table.database
    var left = walk.finish(index, chains)
    while left > 0 {
      left -= 1
      execute(walk.operation(index, left), on: &state)
    }
  }

  private func execute(_ operation: Operation, on state: inout KeyState) {
    let (bytes, offset) = log.locate(operation.position)
    let end: Int
    // The command was read before, so reading it again can't fail.
    do throws(TokenFailure) { end = try foldWords.fill(from: bytes, at: offset) } catch { return }
    foldContext.command = bytes.slice(at: offset, count: end - offset)
    if foldWords.count > 1 { passingKey = foldWords[1] }
    switch registry.entries[operation.number].action {
    case .key(let handler), .overwrite(let handler):
      do throws(CommandFault) {
        _ = try handler(foldWords.arguments, &state, foldContext)
      } catch {
        note(error, operation.position, Int(operation.index), foldContext.database)
      }
      state.settle()
    default: break
    }
  }

  /// Forgets the postponed commands of an entry.
  func dropOperations(_ table: KeyTable, _ index: Int) {
    var entry = table[index]
    guard entry.lastOperation != 0 else { return }
    chains.drop(entry.lastOperation, first: entry.firstOperation)
    entry.lastOperation = 0
    entry.operationCount = 0
    table[index] = entry
  }

  /// Remembers a command that the server answers with an error.
  func note(_ fault: CommandFault, _ position: Int, _ index: Int, _ database: Int) {
    // Looking at a key executes what is postponed on it anew; its faults count once.
    guard recordsFaults, notedFaults.insert(index).inserted else { return }
    faultCount += 1
    guard faultList.count < 10_000 else { return }
    let place = log.place(position)
    faultList.append(
      ReplayFault(
        fault: fault, index: index, file: place.file, offset: place.offset, database: database))
  }
}

internal import AOF
internal import Bytes

// Commands on one key that may differ, while conflicts are only to be told of. Like all others they
// are postponed, on the chain of the key's entry below; the entry of the layer says what the key held
// when the states parted, and may have a chain of its own from before that moment. When somebody needs
// the key, its commands are executed in both states side by side, and how they act is compared.

extension TwinReplay {
  /// Executes what is postponed on `key` in both states, if it may differ.
  func settle(_ key: ByteSlice, _ database: Int) {
    guard let layer = after.tables[database], let table = before.tables[database] else { return }
    let hash = KeyTable.hash(key)
    guard let index = layer.find(key, hash: hash), layer[index].base.kind != .elsewhere,
      let place = table.find(key, hash: hash), table[place].lastOperation != 0
    else { return }
    before.settlePair(self, layer, index, table, place)
  }

  /// Executes what is postponed on all keys of a database that may differ.
  func settleAll(in database: Int) {
    guard let layer = after.tables[database], let table = before.tables[database] else { return }
    for index in 0..<layer.count where layer[index].base.kind != .elsewhere {
      guard let place = table.find(layer[index].key, hash: layer[index].hash),
        table[place].lastOperation != 0
      else { continue }
      before.settlePair(self, layer, index, table, place)
    }
  }

  /// Takes over `count` commands of key `index` from what looked ahead.
  func collect(_ count: Int, of index: Int, from walk: borrowing ChainWalk) {
    collected.truncate(to: 0)
    for number in 0..<count { collected.append(walk.operation(index, number)) }
  }

  /// How a command acts differently above, now that it has been executed in both states; nil when it
  /// does not.
  ///
  /// - Parameter usesOld: how it does by working on another value (``ConflictRules/usesOtherValue(_:_:_:_:)``).
  @inline(__always)
  func judge(
    _ arguments: Arguments, _ id: CommandID?, usesOld: TwinConflict.Kind?, result: Execution,
    resultAbove: Execution, existed: (below: Bool, above: Bool), _ below: borrowing KeyState,
    _ above: borrowing KeyState
  ) -> (kind: TwinConflict.Kind, fault: CommandFault?)? {
    if case .fault(let problem) = resultAbove, result != resultAbove {
      return (problem == .wrongType ? .wrongType : .fails, problem)
    }
    if result == .done(.changed), resultAbove == .done(.unchanged),
      !ConflictRules.isIdempotent(id, arguments)
    {
      return (.refused, nil)
    }
    if ConflictRules.isPartlyRefused(id, arguments, below, above) { return (.refused, nil) }
    if existed.above, !existed.below {
      if below.exists { return (usesOld ?? .recreated, nil) }
      if !above.exists { return (.removedAgain, nil) }
    }
    return usesOld.map { ($0, nil) }
  }
}

extension Keyspace {
  /// Executes what is postponed on a key in both states, for good: entry `index` of the layer and
  /// entry `place` below.
  func settlePair(
    _ twin: TwinReplay, _ layer: KeyTable, _ index: Int, _ table: KeyTable, _ place: Int
  ) {
    let number = settle(layer, index)
    walk.begin(0, table[place].lastOperation, chains)
    twin.collect(walk.finish(0, chains), of: 0, from: walk)
    settlePair(twin, layer, index, number, table, place)
  }

  /// The same for commands that were collected, and what the key holds above by number.
  private func settlePair(
    _ twin: TwinReplay, _ layer: KeyTable, _ index: Int, _ number: Int, _ table: KeyTable,
    _ place: Int
  ) {
    var entry = table[place]
    let lower: Int
    if entry.base.kind == .state {
      lower = entry.base.payload
    } else {
      lower = states.add(initialState(entry))
      entry.base = EntryBase(.state, lower)
    }
    chains.drop(entry.lastOperation, first: entry.firstOperation)
    entry.lastOperation = 0
    entry.operationCount = 0
    table[place] = entry
    var below = states.items[lower]
    var above = states.items[number]
    states.items[lower] = KeyState()
    states.items[number] = KeyState()
    execute(twin, &below, &above, layer, index, lends: false)
    if below.exists { states.items[lower] = below } else { clear(table, place) }
    if above.exists { states.items[number] = above } else { clear(layer, index) }
  }

  /// Executes the commands that `twin` has collected for entry `index` of the layer in both states.
  ///
  /// - Parameter lends: whether collections that the commands make are lent, because the states are
  ///   looked at in passing.
  private func execute(
    _ twin: TwinReplay, _ below: inout KeyState, _ above: inout KeyState, _ layer: KeyTable,
    _ index: Int, lends: Bool
  ) {
    foldContext.database = layer.database
    var left = twin.collected.count
    while left > 0 {
      left -= 1
      let operation = twin.collected[left]
      let (bytes, offset) = log.locate(operation.position)
      // The command was read before, so reading it again can't fail.
      guard let end = try? foldWords.fill(from: bytes, at: offset) else { continue }
      foldContext.command = bytes.slice(at: offset, count: end - offset)
      let handler: KeyHandler
      switch registry.entries[operation.number].action {
      case .key(let some), .overwrite(let some): handler = some
      default: continue
      }
      let words = foldWords.arguments
      let trait = twin.traits[operation.number]
      let usesOld = ConflictRules.usesOtherValue(trait.use, words, below, above)
      let existed = (below: below.exists, above: above.exists)
      if lends {
        if !existed.below { below.value = twin.spare.value(for: operation.number) }
        if !existed.above { above.value = spare.value(for: operation.number) }
      }
      let result = execute(handler, words, on: &below)
      if case .fault(let fault) = result {
        note(fault, operation.position, Int(operation.index), foldContext.database)
      }
      let resultAbove = execute(handler, words, on: &above)
      // Most commands do the same in both.
      if result == resultAbove, existed.below || !existed.above, usesOld == nil, !trait.setsMembers
      {
        continue
      }
      let id = twin.commands.find(CommandWord(words.name), words)?.id
      if let conflict = twin.judge(
        words, id, usesOld: usesOld, result: result, resultAbove: resultAbove, existed: existed,
        below, above)
      {
        twin.meet(
          conflict.kind, operation.position, Int(operation.index), layer, index, conflict.fault)
      }
    }
  }

  @inline(__always)
  private func execute(
    _ handler: KeyHandler, _ words: Arguments, on state: inout KeyState
  ) -> Execution {
    defer { state.settle() }
    do throws(CommandFault) { return .done(try handler(words, &state, foldContext)) } catch {
      return .fault(error)
    }
  }

  /// Calls `body` with what a key that may differ holds in both states: entry `index` of the layer,
  /// and entry `place` below, if it has one there. The states are valid during the call only. What
  /// looks ahead (`walk` of this keyspace and of `twin`) has been told of both.
  @inline(__always)
  func passPair(
    _ twin: TwinReplay, _ layer: KeyTable, _ index: Int, _ table: KeyTable?, _ place: Int?,
    _ body: (_ below: borrowing KeyState, _ above: borrowing KeyState) -> Void
  ) {
    let upper = layer[index]
    var entry = KeyEntry(key: upper.key, hash: upper.hash)
    if let table, let place { entry = table[place] }
    twin.collect(
      entry.lastOperation == 0 ? 0 : twin.walk.finish(index, chains), of: index, from: twin.walk)
    if upper.base.kind == .state || entry.base.kind == .state {
      // It has a state of its own anyway: what is postponed is executed for good.
      guard let table, let place, entry.lastOperation != 0 else {
        let above = settledState(layer, index, collected: true)
        var below = KeyState()
        if let table, let place { below = settledState(table, place) }
        return body(below, above)
      }
      let number = settle(layer, index, collected: true)
      settlePair(twin, layer, index, number, table, place)
      return body(settledState(table, place), settledState(layer, index))
    }
    passing.reset()
    foldContext.kept = passing
    foldContext.database = layer.database
    defer { foldContext.kept = context.kept }
    var above = initialState(upper)
    if upper.lastOperation != 0 {
      if !above.exists { above.value = spare.value(for: firstNumber(upper)) }
      executeCollected(index, of: layer, on: &above)
    }
    var below = initialState(entry)
    if twin.collected.count > 0 { execute(twin, &below, &above, layer, index, lends: true) }
    body(below, above)
  }
}

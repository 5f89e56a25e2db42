internal import AOF
internal import Bytes

// Commands on one key, once two states differ: they are queued like all others, so that the memory of
// both states is on its way when their turn comes. Whether their key may differ is looked at then, in
// the order of the log. When conflicts are only to be told of, those of keys that may differ are
// postponed, too (`TwinReplay+Pairs.swift`); otherwise what becomes of a command hangs on those before
// it, so they are executed.

extension Keyspace {
  /// How a command is queued while both states are told apart; nil for what the twin has to see at
  /// once: commands on several keys, and those that are left out.
  @inline(__always)
  func twinKind(
    _ arguments: Arguments, _ number: Int, _ command: AOFCommand
  ) -> QueuedCommand.Kind? {
    guard twinIsDivided, command.index < twinRemoval else { return nil }
    switch plans[number] {
    case .postpone: return .postpone
    case .overwrite: return Keyspace.kindOfSet(arguments)
    case .delete: return arguments.count == 2 ? .delete : nil
    case .now: return nil
    }
  }

  /// Executes what is queued, in both states where they may differ.
  func flushTwin(_ twin: TwinReplay, _ table: KeyTable) {
    isFlushing = true
    defer { isFlushing = false }
    let count = queue.count
    // Executing what is queued makes no other layer than the one there is.
    guard let layer = twin.after.tables[table.database] else {
      for index in 0..<count { apply(queue[index], table) }
      return
    }
    for index in 0..<count { layer.prefetchSlot(queue[index].hash) }
    for index in 0..<count { twinCandidates[index] = layer.candidate(queue[index].hash) }
    for index in 0..<count { layer.prefetchKey(twinCandidates[index]) }
    for place in 0..<count {
      let queued = queue[place]
      guard
        let index = layer.find(queued.key, hash: queued.hash, candidate: twinCandidates[place]),
        layer[index].base.kind != .elsewhere
      else {
        apply(queued, table)
        continue
      }
      if pairs != nil {
        postpone(queued, in: twin, layer, index, table)
        continue
      }
      let (bytes, offset) = log.locate(queued.position)
      // It was read before, so reading it again can't fail.
      guard let end = try? twinWords.fill(from: bytes, at: offset) else { continue }
      let number = Int(queued.number)
      let step = Step(
        arguments: twinWords.arguments, number: number, command: queuedCommands[place],
        raw: bytes.slice(at: offset, count: end - offset), position: queued.position)
      switch registry.entries[number].action {
      case .key(let handler), .overwrite(let handler):
        twin.executeOnKey(step, handler, layer, index, queued.hash, queued.candidate)
      case .delete: _ = twin.delete(step)
      default: break
      }
    }
  }

  /// Postpones a command on a key that may differ, for both states: on the chain of its entry below.
  private func postpone(
    _ queued: QueuedCommand, in twin: TwinReplay, _ layer: KeyTable, _ index: Int, _ table: KeyTable
  ) {
    if queued.kind == .postpone {
      let place = table.findOrAdd(queued.key, hash: queued.hash, candidate: queued.candidate)
      var entry = table[place]
      postpone(queued, table, place, &entry)
      if entry.operationCount >= Keyspace.longestChain {
        settlePair(twin, layer, index, table, place)
      }
      return
    }
    // SET and DEL leave the same in both states; what came before them is still to be told of.
    var existed = false
    if let place = table.find(queued.key, hash: queued.hash, candidate: queued.candidate) {
      if table[place].lastOperation != 0 { settlePair(twin, layer, index, table, place) }
      existed = exists(table, place)
    }
    if !existed, exists(layer, index) {
      twin.meet(
        queued.kind == .delete ? .removedAgain : .recreated, queued.position, Int(queued.index),
        layer, index)
    }
    clear(layer, index)
    layer[index].base = .elsewhere
    apply(queued, table)
  }

  /// Whether entry `index` holds something after all its postponed commands.
  private func exists(_ table: KeyTable, _ index: Int) -> Bool {
    let entry = table[index]
    if entry.lastOperation == 0 {
      if entry.base.kind == .setCommand { return true }
      if entry.isVacant || entry.base.kind == .elsewhere { return false }
    }
    return settledState(table, index).exists
  }

  /// Notes from which command on it is which second.
  @inline(__always)
  func noteMoment(_ command: AOFCommand) {
    if moments.count == 0 || moments[moments.count &- 1].time != command.time {
      moments.append(LogMoment(index: command.index, time: command.time))
    }
  }

  /// The second of a command at or behind ``twinFrom``; -1 when the log does not tell.
  func moment(of index: Int) -> Int64 {
    var low = 0
    var high = moments.count
    while low < high {
      let middle = (low + high) / 2
      if moments[middle].index <= index { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? moments[low - 1].time : -1
  }
}

/// From which command on it is which second; POD.
struct LogMoment: BitwiseCopyable {
  /// The number of the command.
  let index: Int
  /// Unix time in seconds; -1 when the log does not tell.
  let time: Int64
}

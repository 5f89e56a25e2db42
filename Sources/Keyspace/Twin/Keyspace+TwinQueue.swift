internal import AOF
internal import Bytes

// Commands on one key, once two states differ: they are queued like all others, so that the memory of
// both states is on its way when their turn comes. Whether their key may differ is looked at then, in
// the order of the log.

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
}

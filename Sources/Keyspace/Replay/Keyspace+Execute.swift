package import AOF
package import Bytes

/// What executing one command amounted to.
package enum Execution: Equatable {
  /// It was executed.
  case done(Effect)
  /// The server would have answered with an error; nothing changed.
  case fault(CommandFault)
  /// No such command.
  case unknown
  /// Too few or too many words.
  case wrongArity
  /// A command that belongs to the reader of the log (SELECT, MULTI, EXEC, scripts).
  case control
}

extension Keyspace {
  /// Executes one command at once, in the current database, all postponed ones of its keys before
  /// it. `raw` are the bytes of the command as they stand in the log; like the words they must live
  /// as long as the keyspace.
  package func execute(_ arguments: Arguments, raw: ByteSlice = ByteSlice()) -> Execution {
    guard let number = registry.find(arguments.name) else { return .unknown }
    guard registry.entries[number].accepts(arguments.count) else { return .wrongArity }
    return execute(arguments, number: number, raw: raw)
  }

  func execute(_ arguments: Arguments, number: Int, raw: ByteSlice) -> Execution {
    context.command = raw
    do throws(CommandFault) {
      switch registry.entries[number].action {
      case .key(let handler), .overwrite(let handler):
        return .done(try execute(arguments, handler))
      case .delete:
        var effect = Effect.unchanged
        for index in 1..<arguments.count {
          if !isEager && observer == nil {
            // Nobody asks whether they existed, so nothing needs to be executed to know it.
            forget(arguments[index])
          } else if remove(arguments[index]) {
            effect = .changed
          }
        }
        return .done(effect)
      case .keyspace(let handler):
        if !summaries.isEmpty { summaries.removeAll(keepingCapacity: true) }
        if !lent.isEmpty { lent.removeAll(keepingCapacity: true) }
        return .done(try handler(arguments, self))
      case .nothing: return .done(.unchanged)
      case .select, .multi, .exec, .script, .unsupported: return .control
      }
    } catch { return .fault(error) }
  }

  private func execute(
    _ arguments: Arguments, _ handler: KeyHandler
  ) throws(CommandFault) -> Effect {
    let table = table(database)
    let index = table.findOrAdd(arguments[1], hash: KeyTable.hash(arguments[1]))
    return try execute(arguments, handler, table, index)
  }

  /// Executes a command on the key of entry `index`.
  @inline(__always)
  func execute(
    _ arguments: Arguments, _ handler: KeyHandler, _ table: KeyTable, _ index: Int
  ) throws(CommandFault) -> Effect {
    if let lower {
      lower.context.database = context.database
      lower.context.command = context.command
      return try lower.execute(arguments, handler, table, index)
    }
    let number = settle(table, index)
    var state = states.items[number]
    states.items[number] = KeyState()
    let before = observer == nil ? KeySummary() : KeySummary(state)
    defer {
      state.settle()
      observer?.changed(arguments[1], database, from: before, to: KeySummary(state))
      if state.exists { states.items[number] = state } else { clear(table, index) }
    }
    return try handler(arguments, &state, context)
  }
}

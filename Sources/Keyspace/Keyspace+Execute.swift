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
    guard let number = CommandRegistry.shared.find(arguments.name) else { return .unknown }
    let entry = CommandRegistry.shared.entries[number]
    guard entry.accepts(arguments.count) else { return .wrongArity }
    context.command = raw
    do throws(CommandFault) {
      switch entry.action {
      case .key(let handler), .overwrite(let handler):
        return .done(try execute(arguments, handler))
      case .delete:
        var effect = Effect.unchanged
        for index in 1..<arguments.count where remove(arguments[index]) { effect = .changed }
        return .done(effect)
      case .keyspace(let handler): return .done(try handler(arguments, self))
      case .nothing: return .done(.unchanged)
      case .select, .multi, .exec, .script: return .control
      }
    } catch { return .fault(error) }
  }

  private func execute(
    _ arguments: Arguments, _ handler: KeyHandler
  ) throws(CommandFault) -> Effect {
    let key = arguments[1]
    let table = table(database)
    let index = table.findOrAdd(key, hash: KeyTable.hash(key))
    let number = settle(table, index)
    let result: Result<Effect, CommandFault> = Result { () throws(CommandFault) in
      try handler(arguments, &states.items[number], context)
    }
    states.items[number].settle()
    if !states.items[number].exists { clear(table, index) }
    return try result.get()
  }
}

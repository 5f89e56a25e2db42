/// What belongs to the reading of the log itself.
package enum ControlCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("SELECT", arity: 2, .select),
    CommandEntry("MULTI", arity: 1, .multi),
    CommandEntry("EXEC", arity: 1, .exec),
    CommandEntry("DEL", arity: -2, .delete),
    CommandEntry("UNLINK", arity: -2, .delete),
    CommandEntry("EVAL", arity: -3, .script),
    CommandEntry("EVALSHA", arity: -3, .script),
    CommandEntry("FCALL", arity: -3, .script),
  ]
}

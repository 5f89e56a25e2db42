/// What belongs to the reading of the log itself, and what changes no data.
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
    CommandEntry("SCRIPT", arity: -2, .nothing),
    CommandEntry("PUBLISH", arity: 3, .nothing),
    CommandEntry("SPUBLISH", arity: 3, .nothing),
    CommandEntry("PING", arity: -1, .nothing),
  ]
}

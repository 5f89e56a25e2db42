package import AOF
internal import Bytes

/// Executes a command on its one key.
package typealias KeyHandler =
  @Sendable (Arguments, inout KeyState, Context) throws(CommandFault) -> Effect

/// Executes a command on several keys or on databases.
package typealias KeyspaceHandler =
  @Sendable (Arguments, Keyspace) throws(CommandFault) -> Effect

/// What the replay does with a command.
package enum CommandAction: Sendable {
  /// One key, the first word after the name: may be postponed.
  case key(KeyHandler)
  /// The same, and in the form `NAME key value` it makes what the key held before irrelevant (SET).
  case overwrite(KeyHandler)
  /// Deletes all the keys that follow (DEL, UNLINK).
  case delete
  /// Several keys or databases: executed at once.
  case keyspace(KeyspaceHandler)
  /// Changes no data (PUBLISH, SCRIPT LOAD, reads).
  case nothing
  /// SELECT.
  case select
  /// MULTI.
  case multi
  /// EXEC.
  case exec
  /// A script whose effects are not in the log: can't be replayed.
  case script
  /// Known, but can't be replayed.
  case unsupported(UnsupportedReason)
}

/// A command by name.
package struct CommandEntry: Sendable {
  /// The name in upper case.
  package let name: StaticString
  /// How many words, name included; negative for at least.
  package let arity: Int
  /// What it does.
  package let action: CommandAction

  package init(_ name: StaticString, arity: Int, _ action: CommandAction) {
    self.name = name
    self.arity = arity
    self.action = action
  }

  /// Whether a command of `count` words may be this one.
  package func accepts(_ count: Int) -> Bool { arity < 0 ? count >= -arity : count == arity }
}

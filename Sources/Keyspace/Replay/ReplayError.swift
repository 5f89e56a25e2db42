package import AOF
package import RDB

/// Why a log can't be replayed. The keyspace is of no use afterwards.
package struct ReplayError: Error {
  /// What is wrong.
  package enum Kind {
    /// The log is damaged, or ends early.
    case log(AOFError)
    /// The dump at its head, or of its base, is damaged.
    case dump(RDBError)
    /// A command that is not known; its effect on the data can't be told.
    case unknownCommand
    /// Too few or too many words, which crashes servers.
    case wrongArity
    /// A script whose effects are not in the log.
    case script
    /// A command that is known, but can't be replayed.
    case unsupported(UnsupportedReason)
  }
  /// What is wrong.
  package var kind: Kind
  /// Number of the file, from 0.
  package var file: Int
  /// Where the command begins in that file.
  package var offset: Int
  /// Number of the command in the whole log, from 1.
  package var index: Int
  /// The database it would have worked on.
  package var database: Int
  /// Its name, in upper case (up to 16 bytes of it).
  package var word: CommandWord
}

/// A command that a server would have answered with an error, changing nothing.
package struct ReplayFault: Sendable {
  /// The error.
  package let fault: CommandFault
  /// Number of the command in the whole log, from 1.
  package let index: Int
  /// Number of the file, from 0.
  package let file: Int
  /// Where the command begins in that file.
  package let offset: Int
  /// The database it worked on.
  package let database: Int
}

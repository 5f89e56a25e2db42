internal import CShims

/// Files and directories that are not finished, so that a program which is ended by a signal can
/// take them away. The library only remembers them; whoever owns the process installs a handler
/// (the command line does).
enum TemporaryRegistry {
  /// `path` is removed when a signal ends the program.
  static func add(_ path: String) { unsafe _ = redis_backup_temporary_add(path) }

  /// `path`, and all that was added below it, has got its name or is gone.
  static func forget(_ path: String) { unsafe redis_backup_temporary_forget(path) }
}

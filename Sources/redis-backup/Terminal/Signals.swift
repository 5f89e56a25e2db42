import CShims
import Operations

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the program does when it is ended from outside (`signals.h` has the particulars).
enum Signals {
  /// To be called once, before anything is opened.
  static func install() {
    let name: StaticString = "redis-backup"
    // SAFETY: a literal lives as long as the program.
    unsafe redis_backup_signals_install(
      UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self),
      ToolStatus.ioError.rawValue)
  }

  /// Ends the program now, without unfinished files and without a word.
  static func end(status: Int32) -> Never {
    redis_backup_temporaries_remove()
    exit(status)
  }
}

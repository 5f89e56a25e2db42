#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Waiting.
enum Pause {
  /// Sleeps for `count` ms.
  static func milliseconds(_ count: UInt32) { usleep(count * 1000) }
}

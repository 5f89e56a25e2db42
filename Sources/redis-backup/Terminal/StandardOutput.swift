import Bytes
import Operations

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Standard output as a target. When its reader has gone (`… | head`), the program ends at once
/// and quietly, as if the signal had ended it: nobody wants the rest.
final class StandardOutput: OutputTarget {
  private let target = FileTarget(1)

  func write(_ bytes: ByteSlice) throws(SystemError) {
    do throws(SystemError) { try target.write(bytes) } catch {
      if error.code == EPIPE { Signals.end(status: 128 + SIGPIPE) }
      throw error
    }
  }
}

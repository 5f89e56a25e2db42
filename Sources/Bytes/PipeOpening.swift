#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Opening a named pipe without waiting for ever.
///
/// `open(2)` of a pipe blocks until somebody opens the other end, which may be never. Here it is
/// opened without blocking, and the wait for the writer has an end. Once there is a writer, reads
/// block as usual, however slow the writer is.
enum PipeOpening {
  /// How long a pipe may stay without a writer, in ms.
  static let patience: Int32 = 10_000

  /// Waits until `descriptor`, opened with `O_NONBLOCK`, has a writer, and makes it block again.
  ///
  /// - Throws: ``SystemError`` with `ENXIO` when there is no writer within ``patience``.
  static func waitForWriter(_ descriptor: Int32, milliseconds: Int32 = patience)
    throws(SystemError)
  {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    var left = milliseconds
    while left > 0 {
      // Short turns, so that signals and the clock need no care.
      let turn = min(left, 50)
      // SAFETY: one entry.
      if unsafe poll(&waiting, 1, turn) > 0 { break }
      left -= turn
    }
    if left <= 0 {
      // A pipe without data: with a writer a read would block, without one it is at its end.
      var byte: UInt8 = 0
      // SAFETY: one byte.
      let got = unsafe read(descriptor, &byte, 1)
      if got == 0 { throw SystemError(.open, code: ENXIO) }
      // The first byte came in this very moment and is gone: rather fail than lose it.
      if got > 0 { throw SystemError(.open, code: EAGAIN) }
    }
    try block(descriptor)
  }

  /// Takes `O_NONBLOCK` away.
  static func block(_ descriptor: Int32) throws(SystemError) {
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) >= 0 else {
      throw SystemError.last(.open)
    }
  }
}

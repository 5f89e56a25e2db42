package import Bytes

/// What handlers may use besides the words of the command and the state of the key.
package final class Context {
  /// The moment that relative times refer to, in unix milliseconds; one for the whole replay.
  package let now: Int64
  /// The bytes of the command that is executed, as they stand in the log.
  package internal(set) var command = ByteSlice()
  /// The database of the command that is executed.
  package internal(set) var database = 0
  /// Memory for bytes that are computed; free for use within one handler.
  package var scratch = ScratchBuffer()
  /// Where computed bytes go.
  var kept: KeptBytes

  init(now: Int64, kept: KeptBytes) {
    self.now = now
    self.kept = kept
  }

  /// A copy of `bytes` that lives as long as the state it goes into.
  package func keep(_ bytes: ByteSlice) -> ByteSlice { kept.keep(bytes) }
}

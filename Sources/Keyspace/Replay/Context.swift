package import Bytes

/// Whose log is replayed, where servers of different age do different things with one command.
///
/// A log does not say it. Its form does: servers up to 6.2 write one file, later ones a directory
/// with a manifest, and Redis from 8.0 on notes replication offsets in it.
package enum ServerGeneration: Sendable {
  /// Redis up to 6.2.
  case upTo6
  /// Redis 7 and Valkey.
  case from7
  /// Redis 7.0, where that is known: a dump says who wrote it.
  case redis7_0
  /// Redis 8.
  case from8
}

/// What handlers may use besides the words of the command and the state of the key.
package final class Context {
  /// The moment that relative times refer to, in unix milliseconds; one for the whole replay.
  package let now: Int64
  /// Whose log this is.
  @safe @exclusivity(unchecked) package internal(set) var generation = ServerGeneration.from7
  /// The bytes of the command that is executed, as they stand in the log.
  @safe @exclusivity(unchecked) package internal(set) var command = ByteSlice()
  /// The database of the command that is executed.
  @safe @exclusivity(unchecked) package internal(set) var database = 0
  /// Memory for bytes that are computed; free for use within one handler.
  @safe @exclusivity(unchecked) package var scratch = ScratchBuffer()
  /// Scores that were read; free for use within one handler.
  @safe @exclusivity(unchecked) var scores = PODArray<Double>()
  /// Where computed bytes go.
  @safe @exclusivity(unchecked) var kept: KeptBytes

  init(now: Int64, kept: KeptBytes) {
    self.now = now
    self.kept = kept
  }

  /// A copy of `bytes` that lives as long as the state it goes into.
  package func keep(_ bytes: ByteSlice) -> ByteSlice { kept.keep(bytes) }
}

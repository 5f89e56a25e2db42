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
  private let kept: KeptBytes

  init(now: Int64, kept: KeptBytes) {
    self.now = now
    self.kept = kept
  }

  /// A copy of `bytes` that lives as long as the keyspace.
  package func keep(_ bytes: ByteSlice) -> ByteSlice { kept.keep(bytes) }
}

/// Bytes that were computed and live as long as the keyspace.
final class KeptBytes {
  private final class Chunk {
    var buffer: ScratchBuffer; init(_ size: Int) { buffer = ScratchBuffer(capacity: size) }
  }
  private var chunks: [Chunk] = []
  private var room = 0

  func keep(_ bytes: ByteSlice) -> ByteSlice {
    if bytes.count > room {
      if bytes.count >= 64 << 10 {
        let own = Chunk(bytes.count)
        own.buffer.append(bytes)
        chunks.insert(own, at: 0)
        return own.buffer.slice
      }
      chunks.append(Chunk(256 << 10))
      room = 256 << 10
    }
    guard bytes.count > 0 else { return ByteSlice() }
    let chunk = chunks[chunks.count - 1]
    let start = chunk.buffer.count
    chunk.buffer.append(bytes)
    room -= bytes.count
    return chunk.buffer.slice.slice(at: start, count: bytes.count)
  }
}

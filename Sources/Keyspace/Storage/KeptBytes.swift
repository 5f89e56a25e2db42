internal import Bytes

/// Memory for bytes that are computed, handed out in slices that stay where they are.
final class KeptBytes {
  private final class Chunk {
    var buffer: ScratchBuffer
    init(_ size: Int) { buffer = ScratchBuffer(capacity: size) }
  }
  private static let chunkSize = 256 << 10
  @safe @exclusivity(unchecked) private var chunks: [Chunk] = []
  /// How many of `chunks` are in use; the last of them is being filled.
  @safe @exclusivity(unchecked) private var used = 0
  /// Slices too large for a chunk.
  @safe @exclusivity(unchecked) private var large: [Chunk] = []
  /// Takes the place of the chunks when they are not to live in memory.
  @safe @exclusivity(unchecked) private var arena: Arena?

  /// Nothing kept yet.
  init(in backing: PageBacking = .memory) {
    if backing != .memory { arena = Arena(in: backing) }
  }

  /// Why bytes are in memory although they should be in a file.
  var failure: SystemError? { arena == nil ? nil : arena?.failure }

  /// A copy of `bytes`.
  func keep(_ bytes: ByteSlice) -> ByteSlice {
    guard bytes.count > 0 else { return ByteSlice() }
    if arena != nil, let kept = arena?.store(bytes) { return kept }
    if bytes.count > KeptBytes.chunkSize / 4 {
      let own = Chunk(bytes.count)
      own.buffer.append(bytes)
      large.append(own)
      return own.buffer.slice
    }
    if used == 0 || KeptBytes.chunkSize - chunks[used - 1].buffer.count < bytes.count {
      if used == chunks.count { chunks.append(Chunk(KeptBytes.chunkSize)) }
      chunks[used].buffer.clear()
      used += 1
    }
    let chunk = chunks[used - 1]
    let start = chunk.buffer.count
    chunk.buffer.append(bytes)
    return chunk.buffer.slice.slice(at: start, count: bytes.count)
  }

  /// Forgets everything; slices handed out before become invalid.
  func reset() {
    arena?.removeAll()
    used = 0
    if !large.isEmpty { large.removeAll() }
    if chunks.count > 4 { chunks.removeSubrange(4...) }
  }
}

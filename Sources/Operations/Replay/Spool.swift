import Bytes

/// Bytes of a stream, taken into memory so that slices of them stay valid.
private final class SpooledBytes {
  var buffer = ScratchBuffer(capacity: 1 << 20)
}

enum Spool {
  /// `input` itself, or for streams a cursor over all its bytes in memory.
  static func stable(
    _ input: consuming ByteCursor, _ file: String
  ) throws(ToolError) -> ByteCursor {
    if input.isStable { return input }
    let spooled = SpooledBytes()
    while input.ensure(1) {
      spooled.buffer.append(input.readableSlice)
      input.advance(input.readable)
    }
    if let failure = input.failure { throw ToolError(failure, file: file) }
    return ByteCursor(spooled.buffer.slice, owner: spooled)
  }
}

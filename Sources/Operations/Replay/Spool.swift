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

/// A file of a log, opened before it is read.
final class OpenedPart {
  private var cursor: ByteCursor?
  /// All that it holds; valid as long as the cursor.
  let bytes: ByteSlice

  /// Opens `file`; what is compressed is taken into memory.
  init(_ file: String, _ fileSystem: any FileSystem) throws(ToolError) {
    let opened = try ToolError.wrap(file) { () throws(SystemError) in
      try InputFile.open(file, fileSystem: fileSystem)
    }
    let stable = try Spool.stable(opened, file)
    bytes = stable.wholeSlice
    cursor = consume stable
  }

  /// The file at its first byte, for once.
  func take() -> ByteCursor {
    guard let taken = cursor.take() else { preconditionFailure("the file was taken already") }
    return taken
  }
}

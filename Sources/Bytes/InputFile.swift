#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Opening what is to be read.
///
/// Regular files are mapped; gzip and zstd (known by their first bytes), pipes, sockets and devices come
/// through a window that refills. Everything after this sees a ``ByteCursor`` and does not care.
///
/// A mapped file that another program cuts short while it is read delivers `SIGBUS` on the next
/// touch of a lost page. Programs that can't rule that out pass `mapping: false`: reading costs
/// about a tenth more and ends with an orderly truncation. The command line installs a handler.
public enum InputFile {
  /// A cursor at the start of the file at `path`; `-` is standard input.
  ///
  /// - Throws: ``SystemError`` with `EISDIR` for a directory, `ENXIO` for a named pipe into which
  ///   nobody writes within ten seconds, or whatever opening answered.
  public static func open(
    _ path: String, mapping: Bool = true, decompressing: Bool = true,
    fileSystem: any FileSystem = .system
  ) throws(SystemError) -> ByteCursor {
    if path == "-" {
      return try stream(0, owned: false, decompressing: decompressing, fileSystem)
    }
    let descriptor = try fileSystem.openFile(path, O_RDONLY | O_NONBLOCK)
    let status: FileStatus
    do throws(SystemError) { status = try fileSystem.status(of: descriptor) } catch {
      fileSystem.close(descriptor)
      throw error
    }
    switch status.kind {
    case .directory:
      fileSystem.close(descriptor)
      throw SystemError(.open, code: EISDIR)
    case .regular:
      if status.size == 0 {
        fileSystem.close(descriptor)
        return ByteCursor(ByteSlice())
      }
      let compressed = decompressing ? try looksCompressed(descriptor, fileSystem) : false
      if mapping && !compressed {
        return ByteCursor(
          try ByteWindow(mapping: descriptor, size: status.size, fileSystem: fileSystem))
      }
      return try stream(descriptor, owned: true, decompressing: decompressing, fileSystem)
    case .pipe, .socket, .link, .other:
      do throws(SystemError) {
        if status.kind == .pipe {
          try PipeOpening.waitForWriter(descriptor)
        } else {
          try PipeOpening.block(descriptor)
        }
      } catch {
        fileSystem.close(descriptor)
        throw error
      }
      return try stream(descriptor, owned: true, decompressing: decompressing, fileSystem)
    }
  }

  private static func looksCompressed(
    _ descriptor: Int32, _ fileSystem: any FileSystem
  ) throws(SystemError) -> Bool {
    var head = [UInt8](repeating: 0, count: Compression.longestMagic)
    let got: Result<Int, SystemError> = unsafe head.withUnsafeMutableBytes { raw in
      Result { () throws(SystemError) in
        try unsafe fileSystem.preadWhole(descriptor, raw, at: 0)
      }
    }
    do throws(SystemError) {
      let count = try got.get()
      return head.withByteSlice { Compression.recognise($0.prefix(count)) } != nil
    } catch {
      fileSystem.close(descriptor)
      throw error
    }
  }

  /// A stream whose first bytes decide whether it is decompressed.
  private static func stream(
    _ descriptor: Int32, owned: Bool, decompressing: Bool, _ fileSystem: any FileSystem
  ) throws(SystemError) -> ByteCursor {
    let plain = ByteWindow(stream: descriptor, owned: owned, fileSystem: fileSystem)
    var cursor = ByteCursor(plain)
    guard decompressing, let kind = cursor.recogniseCompression() else { return cursor }
    plain.decompressor = try Decompressor(kind, head: cursor.takeReadable())
    return cursor
  }
}

extension ByteCursor {
  /// What the stream is compressed with. Reads no further than it must to be sure: a peer that
  /// sends a few bytes and waits gets its turn.
  fileprivate mutating func recogniseCompression() -> Compression? {
    for kind in [Compression.gzip, .zstd] {
      var same = 0
      for (index, byte) in kind.magic.enumerated() {
        guard peek(index) == byte else { break }
        same += 1
      }
      if same == kind.magic.count { return kind }
    }
    return nil
  }

  /// Everything read so far, which leaves the window; valid until the next call.
  fileprivate mutating func takeReadable() -> ByteSlice {
    let all = readableSlice
    unsafe limit = windowStart
    unsafe next = windowStart
    unsafe due = windowStart
    return all
  }
}

extension ByteCursor {
  /// Whether the bytes are decompressed while they are read.
  public var isDecompressing: Bool { window.decompressor != nil }
}

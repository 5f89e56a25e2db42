internal import CZlib

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Decompresses gzip while it is read, one member after another, through zlib.
@safe
final class Inflater {
  private var stream = unsafe z_stream()
  /// Compressed bytes that were read and not yet used.
  // SAFETY: owned; `filled` of `Inflater.capacity` bytes are initialised, the first `used` consumed.
  private let input: UnsafeMutablePointer<UInt8>
  private var used = 0
  private var filled = 0
  private var inputEnded = false
  private var inMember = true

  private static let capacity = ByteWindow.firstCapacity

  /// A decompressor that begins with `head`, bytes already taken from the stream.
  init(head: ByteSlice) throws(SystemError) {
    unsafe input = .allocate(capacity: Inflater.capacity)
    precondition(head.count <= Inflater.capacity)
    for index in 0..<head.count { unsafe input[index] = head[index] }
    filled = head.count
    // 15 window bits + 16: gzip framing with its CRC-32 checked.
    let result = unsafe inflateInit2_(
      &stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else { throw SystemError(.inflate, code: ENOMEM) }
  }

  deinit {
    unsafe _ = inflateEnd(&stream)
    unsafe input.deallocate()
  }

  /// The next decompressed bytes; 0 at the end. Damaged or cut input fails with `EILSEQ`.
  @unsafe func read(
    _ descriptor: Int32, _ fileSystem: any FileSystem, into target: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    while true {
      if used == filled && !inputEnded {
        let raw = unsafe UnsafeMutableRawBufferPointer(start: input, count: Inflater.capacity)
        filled = try unsafe fileSystem.readSome(descriptor, raw)
        used = 0
        if filled == 0 { inputEnded = true }
      }
      if used == filled && inputEnded {
        if inMember { throw SystemError(.inflate, code: EILSEQ) }
        return 0
      }
      if !inMember {
        unsafe _ = inflateReset(&stream)
        inMember = true
      }
      unsafe stream.next_in = input + used
      unsafe stream.avail_in = UInt32(filled - used)
      unsafe stream.next_out = target.baseAddress.unsafelyUnwrapped.assumingMemoryBound(
        to: UInt8.self)
      unsafe stream.avail_out = UInt32(target.count)
      let result = unsafe inflate(&stream, Z_NO_FLUSH)
      used = filled - Int(unsafe stream.avail_in)
      let got = target.count - Int(unsafe stream.avail_out)
      switch result {
      case Z_STREAM_END: inMember = false
      case Z_OK, Z_BUF_ERROR: break
      default: throw SystemError(.inflate, code: EILSEQ)
      }
      if got > 0 { return got }
    }
  }
}

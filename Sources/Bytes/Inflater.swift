internal import CZlib

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Decompresses gzip while it is read, one member after another, through zlib.
///
/// All that can be decompressed is delivered before damage or a cut is told. Zeros behind the last
/// member (what tapes and block devices add) are passed over, as gzip does; anything else that is
/// no further member is damage.
@safe
final class Inflater {
  // SAFETY: owned; zlib wants it to stay at its address.
  private let stream: UnsafeMutablePointer<z_stream>
  /// Compressed bytes that were read and not yet used.
  // SAFETY: owned; `filled` of `Inflater.capacity` bytes are initialised, the first `used` consumed.
  private let input: UnsafeMutablePointer<UInt8>
  private var used = 0
  private var filled = 0
  private var inputEnded = false
  private var place = Place.inside
  private var damaged = false

  private enum Place { case inside, between, padding }

  private static let capacity = ByteWindow.firstCapacity

  /// A decompressor that begins with `head`, bytes already taken from the stream.
  init(head: ByteSlice) throws(SystemError) {
    unsafe input = .allocate(capacity: max(Inflater.capacity, head.count))
    for index in 0..<head.count { unsafe input[index] = head[index] }
    filled = head.count
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // 15 window bits + 16: gzip framing with its CRC-32 checked.
    let result = unsafe inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else { throw SystemError(.inflate, code: ENOMEM) }
  }

  deinit {
    unsafe _ = inflateEnd(stream)
    unsafe stream.deallocate()
    unsafe input.deallocate()
  }

  /// The next decompressed bytes; 0 at the end. Damaged or cut input fails with `EILSEQ`.
  @unsafe func read(
    _ descriptor: Int32, _ fileSystem: any FileSystem, into target: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    while true {
      if damaged { throw SystemError(.inflate, code: EILSEQ) }
      if used == filled && !inputEnded {
        let raw = unsafe UnsafeMutableRawBufferPointer(start: input, count: Inflater.capacity)
        filled = try unsafe fileSystem.readSome(descriptor, raw)
        used = 0
        if filled == 0 { inputEnded = true }
      }
      if place != .inside {
        if used == filled { return 0 }
        guard beginsMember() else { continue }
      }
      let got = unsafe inflateSome(into: target)
      if got > 0 { return got }
    }
  }

  /// Decompresses what is at hand; sets ``damaged`` when that can't go on.
  @unsafe private func inflateSome(into target: UnsafeMutableRawBufferPointer) -> Int {
    unsafe stream.pointee.next_in = input + used
    unsafe stream.pointee.avail_in = UInt32(filled - used)
    unsafe stream.pointee.next_out = target.baseAddress.unsafelyUnwrapped.assumingMemoryBound(
      to: UInt8.self)
    unsafe stream.pointee.avail_out = UInt32(target.count)
    let result = unsafe inflate(stream, Z_NO_FLUSH)
    used = filled - Int(unsafe stream.pointee.avail_in)
    let got = target.count - Int(unsafe stream.pointee.avail_out)
    switch result {
    case Z_STREAM_END: place = .between
    // At the end of the input zlib may still hold bytes; when nothing more comes, it was cut.
    case Z_OK, Z_BUF_ERROR: damaged = inputEnded && got == 0
    default: damaged = true
    }
    return got
  }

  /// Looks at the bytes between members: true when one begins here; otherwise they were passed.
  private func beginsMember() -> Bool {
    if unsafe input[used] == 0 {
      place = .padding
      while used < filled, unsafe input[used] == 0 { used += 1 }
      return false
    }
    if place == .padding {
      damaged = true
      return false
    }
    unsafe _ = inflateReset(stream)
    place = .inside
    return true
  }
}

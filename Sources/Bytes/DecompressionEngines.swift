internal import CZlib
internal import CZstd

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// gzip through zlib, with the CRC-32 and the length of each member checked.
@safe
final class GzipEngine {
  // SAFETY: owned; zlib wants it to stay at its address.
  private let stream: UnsafeMutablePointer<z_stream>

  init() throws(SystemError) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // 15 window bits + 16: gzip framing.
    let result = unsafe inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else { throw SystemError(.inflate, code: ENOMEM) }
  }

  deinit {
    unsafe _ = inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Makes ready for the next member.
  func restart() { unsafe _ = inflateReset(stream) }

  // SAFETY: zlib reads `source` and writes `target` within the lengths it is given.
  @unsafe func step(
    _ source: UnsafeMutableBufferPointer<UInt8>, _ target: UnsafeMutableRawBufferPointer
  ) -> Decompressor.Step {
    unsafe stream.pointee.next_in = source.baseAddress
    unsafe stream.pointee.avail_in = UInt32(source.count)
    unsafe stream.pointee.next_out = target.baseAddress.unsafelyUnwrapped.assumingMemoryBound(
      to: UInt8.self)
    unsafe stream.pointee.avail_out = UInt32(target.count)
    let result = unsafe inflate(stream, Z_NO_FLUSH)
    let state: Decompressor.Step.State =
      switch result {
      case Z_STREAM_END: .memberEnded
      case Z_OK, Z_BUF_ERROR: .going
      case Z_MEM_ERROR: .failed(ENOMEM)
      default: .failed(EILSEQ)
      }
    return Decompressor.Step(
      used: source.count - Int(unsafe stream.pointee.avail_in),
      got: target.count - Int(unsafe stream.pointee.avail_out), state: state)
  }
}

/// zstd through libzstd, with the checksum of each frame checked where it has one. Skippable frames
/// are skipped. A frame may ask for a window of up to 128 MiB; those of `--long` beyond that fail
/// with `EFBIG`.
@safe
final class ZstdEngine {
  // SAFETY: owned.
  private let context: OpaquePointer

  init() throws(SystemError) {
    guard let made = unsafe ZSTD_createDCtx() else { throw SystemError(.inflate, code: ENOMEM) }
    unsafe context = unsafe made
    unsafe _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
  }

  deinit { unsafe _ = ZSTD_freeDCtx(context) }

  /// Makes ready for the next frame.
  func restart() { unsafe _ = ZSTD_DCtx_reset(context, ZSTD_reset_session_only) }

  // SAFETY: libzstd reads `source` and writes `target` within the lengths it is given.
  @unsafe func step(
    _ source: UnsafeMutableBufferPointer<UInt8>, _ target: UnsafeMutableRawBufferPointer
  ) -> Decompressor.Step {
    var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
    var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
    let left = unsafe ZSTD_decompressStream(context, &to, &from)
    let state: Decompressor.Step.State
    if ZSTD_isError(left) != 0 {
      state = .failed(ZstdEngine.code(left))
    } else {
      state = left == 0 ? .memberEnded : .going
    }
    return Decompressor.Step(used: unsafe from.pos, got: unsafe to.pos, state: state)
  }

  private static func code(_ result: Int) -> Int32 {
    // ZSTD_getErrorCode stands in zstd_errors.h: 16 is frameParameter_windowTooLarge, 64
    // memory_allocation (stable since 1.3.1); a result is the negated code.
    switch -result {
    case 16: EFBIG
    case 64: ENOMEM
    default: EILSEQ
    }
  }
}

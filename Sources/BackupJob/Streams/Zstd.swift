internal import CZstd

// zstd (RFC 8878) by the system's libzstd, one frame with its content checksum. The unsafe steps
// are the calls into the library; contexts are owned by the sinks and freed in `deinit`, and
// buffers are lent for one call only.

/// Compresses with zstd.
@safe package final class ZstdSink: ByteSink {
  private let context: OpaquePointer
  private let next: any ByteSink
  private var output = [UInt8](repeating: 0, count: 256 << 10)

  /// `level` from 1 (fast) to 19 (small).
  package init(level: Int, _ next: any ByteSink) {
    guard let made = unsafe ZSTD_createCCtx() else { preconditionFailure("out of memory") }
    unsafe context = made
    self.next = next
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  }

  /// Hands the first `count` bytes of the output buffer on.
  private func emit(_ count: Int) throws(JobError) {
    guard count > 0 else { return }
    let chunk = output
    try next.write(chunk.span.extracting(..<count))
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  package func write(_ bytes: Span<UInt8>) throws(JobError) {
    var consumed = 0
    while consumed < bytes.count {
      let rest = bytes.extracting(consumed...)
      let step = try run(rest, ZSTD_e_continue)
      consumed += step.consumed
    }
  }

  package func finish() throws(JobError) {
    let nothing: [UInt8] = []
    while try run(nothing.span, ZSTD_e_end).left != 0 {}
    try next.finish()
  }

  private func run(_ bytes: Span<UInt8>, _ end: ZSTD_EndDirective) throws(JobError) -> (
    consumed: Int, left: Int
  ) {
    var consumed = 0
    var produced = 0
    let left = unsafe bytes.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
        var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
        let left = unsafe ZSTD_compressStream2(context, &to, &from, end)
        consumed = unsafe from.pos
        produced = unsafe to.pos
        return left
      }
    }
    guard ZSTD_isError(left) == 0 else {
      throw JobError(
        .inputOutput, step: "compress", place: "zstd",
        unsafe String(cString: ZSTD_getErrorName(left)),
        remedy: "Check repository.compression and the free memory.")
    }
    try emit(produced)
    return (consumed, left)
  }
}

/// Decompresses zstd.
@safe package final class UnzstdSink: ByteSink {
  private let context: OpaquePointer
  private let next: any ByteSink
  private let place: String
  private var output = [UInt8](repeating: 0, count: 256 << 10)
  private var frameIsOpen = true

  package init(place: String, _ next: any ByteSink) {
    guard let made = unsafe ZSTD_createDCtx() else { preconditionFailure("out of memory") }
    unsafe context = made
    // Frames of at most 128 MiB of window: a hostile header can not ask for more memory.
    unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
    self.place = place
    self.next = next
  }

  /// Hands the first `count` bytes of the output buffer on.
  private func emit(_ count: Int) throws(JobError) {
    guard count > 0 else { return }
    let chunk = output
    try next.write(chunk.span.extracting(..<count))
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  private func damaged(_ what: String) -> JobError {
    JobError(
      .badData, step: "decompress", place: place, what,
      remedy: "The stored file is damaged; use another backup.")
  }

  package func write(_ bytes: Span<UInt8>) throws(JobError) {
    var consumed = 0
    var isFull = false
    while consumed < bytes.count || isFull {
      var produced = 0
      let rest = bytes.extracting(consumed...)
      let left = unsafe rest.withUnsafeBytes { source in
        unsafe output.withUnsafeMutableBytes { target in
          var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
          var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
          let left = unsafe ZSTD_decompressStream(context, &to, &from)
          consumed += unsafe from.pos
          produced = unsafe to.pos
          return left
        }
      }
      guard ZSTD_isError(left) == 0 else {
        throw damaged(unsafe String(cString: ZSTD_getErrorName(left)))
      }
      frameIsOpen = left != 0
      isFull = produced == output.count && frameIsOpen
      try emit(produced)
    }
  }

  package func finish() throws(JobError) {
    guard !frameIsOpen else { throw damaged("the zstd frame ends early") }
    try next.finish()
  }
}

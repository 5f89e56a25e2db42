internal import CZlib

// gzip (RFC 1952) by the system's zlib. The unsafe steps are the calls into zlib; the streams are
// allocated once by the sinks, since zlib keeps a pointer back to them, and freed in `deinit`.

/// Compresses with gzip.
@safe package final class GzipSink: ByteSink {
  private let stream: UnsafeMutablePointer<z_stream>
  private let next: any ByteSink
  private var output = [UInt8](repeating: 0, count: 256 << 10)

  /// `level` from 1 (fast) to 9 (small).
  package init(level: Int, _ next: any ByteSink) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    self.next = next
    // 15 bits of window, 16 more for the gzip wrapper; deflateInit2 is a macro over this.
    let code = unsafe deflateInit2_(
      stream, Int32(level), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib can not start")
  }

  /// Hands the first `count` bytes of the output buffer on.
  private func emit(_ count: Int) throws(JobError) {
    guard count > 0 else { return }
    let chunk = output
    try next.write(chunk.span.extracting(..<count))
  }

  deinit {
    unsafe deflateEnd(stream)
    unsafe stream.deallocate()
  }

  package func write(_ bytes: Span<UInt8>) throws(JobError) { try run(bytes, Z_NO_FLUSH) }

  package func finish() throws(JobError) {
    let nothing: [UInt8] = []
    try run(nothing.span, Z_FINISH)
    try next.finish()
  }

  private func run(_ bytes: Span<UInt8>, _ flush: Int32) throws(JobError) {
    var consumed = 0
    while true {
      let rest = bytes.extracting(consumed...)
      var produced = 0
      let code = unsafe rest.withUnsafeBytes { source in
        unsafe output.withUnsafeMutableBytes { target in
          unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: source.bindMemory(to: UInt8.self).baseAddress)
          unsafe stream.pointee.avail_in = UInt32(source.count)
          unsafe stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
          unsafe stream.pointee.avail_out = UInt32(target.count)
          let code = unsafe deflate(stream, flush)
          consumed += unsafe source.count - Int(stream.pointee.avail_in)
          produced = unsafe target.count - Int(stream.pointee.avail_out)
          return code
        }
      }
      precondition(code != Z_STREAM_ERROR, "the zlib stream is in no state to go on")
      try emit(produced)
      if flush == Z_FINISH
        ? code == Z_STREAM_END : consumed == bytes.count && produced < output.count
      {
        return
      }
    }
  }
}

/// Decompresses gzip, also several members one after the other.
@safe package final class GunzipSink: ByteSink {
  private let stream: UnsafeMutablePointer<z_stream>
  private let next: any ByteSink
  private let place: String
  private var output = [UInt8](repeating: 0, count: 256 << 10)
  private var memberIsOpen = true

  package init(place: String, _ next: any ByteSink) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    self.place = place
    self.next = next
    let code = unsafe inflateInit2_(
      stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib can not start")
  }

  /// Hands the first `count` bytes of the output buffer on.
  private func emit(_ count: Int) throws(JobError) {
    guard count > 0 else { return }
    let chunk = output
    try next.write(chunk.span.extracting(..<count))
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  private func damaged(_ what: String) -> JobError {
    JobError(
      .badData, step: "decompress", place: place, what,
      remedy: "The stored file is damaged; use another backup.")
  }

  package func write(_ bytes: Span<UInt8>) throws(JobError) {
    var consumed = 0
    var isFull = false
    while consumed < bytes.count || isFull {
      if !memberIsOpen {
        unsafe inflateReset(stream)
        memberIsOpen = true
      }
      let rest = bytes.extracting(consumed...)
      var produced = 0
      let code = unsafe rest.withUnsafeBytes { source in
        unsafe output.withUnsafeMutableBytes { target in
          unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: source.bindMemory(to: UInt8.self).baseAddress)
          unsafe stream.pointee.avail_in = UInt32(source.count)
          unsafe stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
          unsafe stream.pointee.avail_out = UInt32(target.count)
          let code = unsafe inflate(stream, Z_NO_FLUSH)
          consumed += unsafe source.count - Int(stream.pointee.avail_in)
          produced = unsafe target.count - Int(stream.pointee.avail_out)
          return code
        }
      }
      guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
        throw damaged("the gzip stream is damaged (zlib code \(code))")
      }
      memberIsOpen = code != Z_STREAM_END
      isFull = produced == output.count && memberIsOpen
      try emit(produced)
    }
  }

  package func finish() throws(JobError) {
    guard !memberIsOpen else { throw damaged("the gzip stream ends early") }
    try next.finish()
  }
}

/// Something that takes a stream of bytes, chunk by chunk. Chains of sinks hash, compress, encrypt,
/// verify and store in one pass.
package protocol ByteSink: AnyObject {
  /// Takes the next bytes; they are the caller's again afterwards.
  func write(_ bytes: Span<UInt8>) throws(JobError)
  /// Ends the stream; nothing may be written afterwards.
  func finish() throws(JobError)
}

/// Writes to a new file, which is synced at the end.
package final class FileSink: ByteSink {
  private let path: String
  private var descriptor: Int32
  private let step: String

  /// Creates `path`, which must not exist.
  package init(_ path: String, mode: UInt32 = 0o600, step: String) throws(JobError) {
    self.path = path
    self.step = step
    descriptor = try Files.create(path, mode: mode, step: step)
  }

  deinit { if descriptor >= 0 { Files.closeQuietly(descriptor) } }

  package func write(_ bytes: Span<UInt8>) throws(JobError) {
    try Files.write(bytes, to: descriptor, step: step, path: path)
  }

  package func finish() throws(JobError) {
    try Files.sync(descriptor, step: step, path: path)
    Files.closeQuietly(descriptor)
    descriptor = -1
  }
}

/// Keeps everything, up to a limit; for small files.
package final class MemorySink: ByteSink {
  package private(set) var bytes: [UInt8] = []
  private let limit: Int
  private let place: String

  package init(limit: Int, place: String) {
    self.limit = limit
    self.place = place
  }

  package func write(_ chunk: Span<UInt8>) throws(JobError) {
    guard bytes.count + chunk.count <= limit else {
      throw JobError(
        .badData, step: "read", place: place, "more than \(limit) bytes",
        remedy: "This is not the file expected here.")
    }
    for index in chunk.indices { bytes.append(chunk[index]) }
  }

  package func finish() {}
}

/// Hands every chunk to two sinks.
package final class TeeSink: ByteSink {
  private let first: any ByteSink
  private let second: any ByteSink

  package init(_ first: any ByteSink, _ second: any ByteSink) {
    self.first = first
    self.second = second
  }

  package func write(_ bytes: Span<UInt8>) throws(JobError) {
    try first.write(bytes)
    try second.write(bytes)
  }

  package func finish() throws(JobError) {
    try first.finish()
    try second.finish()
  }
}

/// Takes everything and keeps nothing.
package final class NullSink: ByteSink {
  package init() {}
  package func write(_ bytes: Span<UInt8>) {}
  package func finish() {}
}

/// Lets at most so many bytes a second through.
package final class RateLimitSink: ByteSink {
  private let next: any ByteSink
  private let bytesPerSecond: Int64
  private let start = ContinuousClock.now
  private var sent: Int64 = 0

  package init(bytesPerSecond: Int64, _ next: any ByteSink) {
    self.bytesPerSecond = max(1, bytesPerSecond)
    self.next = next
  }

  package func write(_ bytes: Span<UInt8>) throws(JobError) {
    try next.write(bytes)
    sent += Int64(bytes.count)
    let due = Double(sent) / Double(bytesPerSecond)
    while true {
      let ahead = due - start.duration(to: .now).inSeconds
      if ahead <= 0 { return }
      try Interruption.check("rate limit")
      pause(.milliseconds(max(1, Int(min(ahead, 0.5) * 1000))))
    }
  }

  package func finish() throws(JobError) { try next.finish() }
}

/// Moves everything that can be read from a descriptor into a sink; the sink is not finished.
package func pump(
  _ descriptor: Int32, into sink: any ByteSink, chunk: Int = 256 << 10, step: String, path: String
) throws(JobError) {
  var buffer = [UInt8](repeating: 0, count: chunk)
  while true {
    try Interruption.check(step)
    let count = try Files.read(descriptor, into: &buffer, step: step, path: path)
    if count == 0 { return }
    try sink.write(buffer.span.extracting(..<count))
  }
}

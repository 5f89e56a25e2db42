#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Reads what passes with the real parsers, on a thread of its own, while it is being stored. The
/// bytes reach it through a pipe.
package final class InspectingSink: ByteSink {
  private var descriptor: Int32
  private let worker: Worker<FileFacts>
  private let place: String

  /// `inspect` gets the path of the pipe's reading end and must read to its end.
  init(place: String, _ inspect: @escaping @Sendable (String) throws(JobError) -> FileFacts)
    throws(JobError)
  {
    self.place = place
    let ends = try ChildProcess.pipe(step: "verify", place: place)
    #if canImport(Glibc)
      // F_SETPIPE_SZ: a larger pipe means fewer switches between the two threads; a refusal does no
      // harm.
      _ = fcntl(ends.write, 1031, 1 << 20)
    #endif
    descriptor = ends.write
    let reading = ends.read
    worker = Worker("verify \(place)") { () throws(JobError) in
      defer { Files.closeQuietly(reading) }
      do throws(JobError) {
        return try inspect("/dev/fd/\(reading)")
      } catch {
        // The writer must not block on a pipe that nobody reads any more.
        try? pump(reading, into: NullSink(), step: "verify", path: place)
        throw error
      }
    }
  }

  deinit { if descriptor >= 0 { Files.closeQuietly(descriptor) } }

  package func write(_ bytes: Span<UInt8>) throws(JobError) {
    if worker.isDone { _ = try worker.value() }
    try Files.write(bytes, to: descriptor, step: "verify", path: place)
  }

  package func finish() throws(JobError) {
    Files.closeQuietly(descriptor)
    descriptor = -1
  }

  /// What was found; to be asked after `finish`.
  package func facts() throws(JobError) -> FileFacts { try worker.value() }
}

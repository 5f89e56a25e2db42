internal import Synchronization

/// Sends the stream through a program (`age`), or into one (`rclone rcat`).
package final class ProgramSink: ByteSink {
  /// A sink that is used by the reading thread until `finish` has waited for it, and by nobody
  /// else.
  private struct Handed: @unchecked Sendable { let sink: any ByteSink }

  private let child: ChildProcess
  private let reader: Worker<Void>?
  private let next: (any ByteSink)?
  private let step: String
  private let remedy: String

  /// Starts the program; what it writes goes to `next`, from a thread of its own.
  package init(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], step: String,
    remedy: String, _ next: (any ByteSink)?
  ) throws(JobError) {
    self.step = step
    self.remedy = remedy
    self.next = next
    child = try ChildProcess(
      program, arguments, environment: environment, input: .pipe,
      output: next == nil ? .null : .pipe, step: step)
    guard let next else {
      reader = nil
      return
    }
    let handed = Handed(sink: next)
    let output = child.output
    reader = Worker("output of \(program)") { () throws(JobError) in
      do throws(JobError) {
        try pump(output, into: handed.sink, step: step, path: program)
      } catch {
        // The program must not block on a pipe that nobody reads any more.
        try? pump(output, into: NullSink(), step: step, path: program)
        throw error
      }
    }
  }

  package func write(_ bytes: Span<UInt8>) throws(JobError) {
    do throws(JobError) {
      try Files.write(bytes, to: child.input, step: step, path: child.program)
    } catch {
      throw failure() ?? error
    }
  }

  /// After a failed write: what the program or the thread behind it says about it.
  private func failure() -> JobError? {
    child.closeInput()
    child.terminate(patience: .seconds(2))
    if let reader {
      do throws(JobError) { try reader.value() } catch { return error }
    }
    do throws(JobError) {
      try child.succeed(step: step, remedy: remedy)
      return nil
    } catch {
      return error
    }
  }

  package func finish() throws(JobError) {
    child.closeInput()
    if let reader { try reader.value() }
    try child.succeed(step: step, remedy: remedy)
    try next?.finish()
  }
}

import Bytes
import Operations

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One run of a command: what it was told about output, and the ways to put something out.
///
/// Answers go to standard output, all else to standard error. Nothing is put out behind the
/// session's back.
final class Session {
  let options: GlobalOptions
  let terminal: Terminal
  /// How far reading has come; carried by ``fileSystem``.
  let progress = ReadProgress()

  private var running: (ProgressBar, pthread_t?)?

  init(_ options: GlobalOptions) {
    self.options = options
    terminal = Terminal(options.color)
  }

  /// The file system that operations are given, so that what they read is counted.
  var fileSystem: SystemFileSystem { SystemFileSystem(progress: progress) }

  /// Whether one JSON document is wanted.
  var isJSON: Bool { options.json }

  /// Whether more is wanted.
  var isVerbose: Bool { options.verbose }

  /// A sentence for the user, on standard error; not with `--quiet`.
  func note(_ text: String) {
    endProgress()
    if !options.quiet { Terminal.writeError("redis-backup: \(text)\n") }
  }

  /// Sentences for the user, on standard error; not with `--quiet`.
  func notes(_ texts: [String]) { for text in texts { note(text) } }

  /// A text for people, on standard output.
  func print(_ text: String) throws(ToolError) {
    try write { output throws(ToolError) in output.write(text: text) }
  }

  /// Calls `body` with standard output.
  func write(_ body: (inout OutputBuffer) throws(ToolError) -> Void) throws(ToolError) {
    endProgress()
    var output = OutputBuffer(StandardOutput())
    do throws(ToolError) { try body(&output) } catch {
      // What was written before the error is part of the answer.
      try? output.flush()
      throw error
    }
    do throws(SystemError) { try output.flush() } catch {
      throw ToolError(error, file: "standard output", role: .output)
    }
  }

  /// Calls `body` with a JSON writer and standard output; the line is ended behind it.
  func writeJSON(
    _ body: (inout JSONWriter, inout OutputBuffer) throws(ToolError) -> Void
  ) throws(ToolError) {
    try write { output throws(ToolError) in
      var json = JSONWriter()
      try body(&json, &output)
      json.endLine(&output)
    }
  }

  /// Shows a progress bar from now on, where one is wanted; `total` is how many bytes will be
  /// read, 0 when nobody knows. It goes away when something is put out, and must be ended:
  ///
  /// ```swift
  /// session.beginProgress(total: …)
  /// defer { session.endProgress() }
  /// ```
  func beginProgress(total: Int) {
    endProgress()
    progress.total = total
    let isShown =
      switch options.progress {
      case .always: true
      case .never: false
      case .auto: terminal.errorDrawsOver && !options.quiet
      }
    guard isShown else { return }
    let bar = ProgressBar(progress, isTerminal: terminal.errorDrawsOver)
    running = (bar, bar.start())
  }

  /// Takes the progress bar away, if there is one.
  func endProgress() {
    guard let (bar, thread) = running else { return }
    running = nil
    bar.stop(thread)
  }

  /// Runs `body` with a progress bar, where one is wanted; `total` as in ``beginProgress(total:)``.
  func withProgress<R: ~Copyable>(
    total: Int, _ body: () throws(ToolError) -> R
  ) throws(ToolError) -> R {
    beginProgress(total: total)
    defer { endProgress() }
    return try body()
  }
}

/// A command whose answer is no; what there is to say has been said.
struct AnswerIsNo: Error {}

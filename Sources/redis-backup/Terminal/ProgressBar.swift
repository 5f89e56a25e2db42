import Bytes
import Operations
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A line on standard error that says how far reading has come:
///
/// ```text
/// [=========>                ]  37%  410 MB of 1.08 GB  2.91 GB/s  0:01 left
/// ```
///
/// It is drawn by a thread of its own, first after half a second, so that quick work shows
/// nothing; ten times a second on a terminal, where each line replaces the one before in a single
/// write, and every ten seconds elsewhere.
final class ProgressBar: Sendable {
  let progress: ReadProgress
  private let isTerminal: Bool
  private let ended = Atomic<Bool>(false)
  private let started: Moment

  init(_ progress: ReadProgress, isTerminal: Bool) {
    self.progress = progress
    self.isTerminal = isTerminal
    started = .now
  }

  /// Starts drawing; returns what ``stop(_:)`` wants.
  func start() -> pthread_t? {
    #if canImport(Glibc)
      var thread = pthread_t()
    #else
      var thread: pthread_t?
    #endif
    let box = unsafe Unmanaged.passRetained(self).toOpaque()
    // SAFETY: the thread takes over the reference that `box` holds.
    let result = unsafe pthread_create(
      &thread, nil,
      { raw in
        #if canImport(Glibc)
          guard let raw = unsafe raw else { return nil }
        #endif
        unsafe Unmanaged<ProgressBar>.fromOpaque(raw).takeRetainedValue().draw()
        return nil
      }, box)
    guard result == 0 else {
      unsafe Unmanaged<ProgressBar>.fromOpaque(box).release()
      return nil
    }
    return thread
  }

  /// Ends drawing and takes the line away.
  func stop(_ thread: pthread_t?) {
    ended.store(true, ordering: .releasing)
    if let thread { _ = pthread_join(thread, nil) }
  }

  private func draw() {
    var drawn = false
    var turns = 0
    while !ended.load(ordering: .acquiring) {
      usleep(50_000)
      turns += 1
      let isDue = isTerminal ? turns >= 10 && turns % 2 == 0 : turns % 200 == 0
      guard isDue else { continue }
      let text = line(columns: isTerminal ? Terminal.errorColumns : 80)
      Terminal.writeError(isTerminal ? "\r\(text)\u{1B}[K" : text + "\n")
      drawn = true
    }
    if drawn && isTerminal { Terminal.writeError("\r\u{1B}[K") }
  }

  /// The line now.
  func line(columns: Int) -> String {
    ProgressBar.line(
      done: progress.bytes, total: progress.total,
      milliseconds: Moment.now.milliseconds - started.milliseconds, columns: columns)
  }

  /// The line for a state of things; never longer than `columns` - 1.
  static func line(done: Int, total: Int, milliseconds: Int64, columns: Int) -> String {
    let rate = milliseconds > 0 ? done / max(Int(milliseconds), 1) * 1000 : 0
    var facts: String
    if total > 0 {
      let part = min(done, total)
      facts = "\(ByteCount.text(part)) of \(ByteCount.text(total))  \(ByteCount.text(rate))/s"
      if rate > 0 { facts += "  \(clock((total - part) / rate)) left" }
      let percent = Int(Double(part) / Double(total) * 100)
      let number = String(repeating: " ", count: percent < 10 ? 2 : percent < 100 ? 1 : 0)
      let room = min(columns - 1 - facts.utf8.count - 10, 40)
      if room >= 10 {
        let filled = room * percent / 100
        let bar =
          String(repeating: "=", count: max(filled - 1, 0)) + (filled > 0 ? ">" : "")
          + String(repeating: " ", count: room - filled)
        return "[\(bar)] \(number)\(percent)%  " + facts
      }
      facts = "\(percent)%  " + facts
    } else {
      facts = "\(ByteCount.text(done))  \(ByteCount.text(rate))/s"
    }
    return String(facts.prefix(max(columns - 1, 0)))
  }

  /// `m:ss`, or `h:mm:ss`.
  private static func clock(_ seconds: Int) -> String {
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    if seconds < 3600 { return "\(seconds / 60):\(two(seconds % 60))" }
    return "\(seconds / 3600):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }
}

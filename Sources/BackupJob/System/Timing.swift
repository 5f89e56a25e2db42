internal import Foundation

/// The moment after which a step gives up, on the clock that never jumps.
package struct Deadline: Sendable {
  private let end: ContinuousClock.Instant

  /// A deadline `duration` from now.
  package init(after duration: Duration) {
    end = ContinuousClock.now.advanced(by: duration)
  }

  /// Whole milliseconds left, rounded up, at least 0 and at most what `poll` takes.
  package var millisecondsLeft: Int32 {
    let left = ContinuousClock.now.duration(to: end)
    guard left > .zero else { return 0 }
    let (seconds, attoseconds) = left.components
    guard seconds < 2_000_000 else { return Int32.max }
    return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }

  /// Whether the moment has come.
  package var hasPassed: Bool { ContinuousClock.now >= end }
}

extension Duration {
  /// The duration in seconds with its fraction.
  package var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }

  /// The duration as people write it: `250 ms`, `3 s`, `2 min 5 s`, `1 h 2 min`.
  package var text: String {
    let (seconds, attoseconds) = components
    if seconds == 0 { return "\(attoseconds / 1_000_000_000_000_000) ms" }
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 {
      return seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds / 60) min \(seconds % 60) s"
    }
    let minutes = seconds / 60 % 60
    return minutes == 0 ? "\(seconds / 3600) h" : "\(seconds / 3600) h \(minutes) min"
  }
}

/// Sleeps on this thread.
package func pause(_ duration: Duration) {
  Thread.sleep(forTimeInterval: duration.inSeconds)
}

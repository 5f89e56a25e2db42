/// Random moments at which to kill a program, spread over the time that it runs.
///
/// How long that is changes with the machine's load, so it is felt for: a moment behind the program's end
/// makes the next ones earlier, one shortly before the end lets them come later. A test asks for as many
/// kills *that hit* as it wants, instead of hoping that a share of a fixed number does.
package struct KillMoments: Sendable {
  /// How long the program is thought to run.
  private(set) var length: Duration
  private var random: SplitMix64
  private var last: Duration = .zero
  /// The kills that hit a running program, and all.
  package private(set) var hits = 0
  package private(set) var tries = 0

  /// - Parameter length: what a whole run took just now.
  package init(length: Duration, seed: UInt64) {
    self.length = length
    random = SplitMix64(seed: seed)
  }

  /// How long to let the program run before it is killed.
  package mutating func next() -> Duration {
    last = length * Int.random(in: 0..<1000, using: &random) / 1000
    return last
  }

  /// Says whether the program still ran at the moment that ``next()`` gave last.
  package mutating func met(running: Bool) {
    tries += 1
    if running {
      hits += 1
      if last > length * 9 / 10 { length = length * 11 / 10 }
    } else {
      length = last * 19 / 20
    }
  }
}

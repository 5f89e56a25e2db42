import ArgumentParser
import Operations

/// What every command understands.
struct GlobalOptions: ParsableArguments {
  @Flag(name: .long, help: "Print one JSON document on standard output, and nothing else there.")
  var json = false

  @Flag(name: [.short, .long], help: "Print nothing but the answer; no notes, no progress.")
  var quiet = false

  @Flag(name: [.short, .long], help: "Print more.")
  var verbose = false

  @Option(name: .long, help: "Show a bar with bytes, rate and time left on standard error.")
  var progress = Choice.auto

  @Option(name: .long, help: "Print in colours; auto honours NO_COLOR.")
  var color = Choice.auto

  /// When something is done.
  enum Choice: String, ExpressibleByArgument, CaseIterable {
    /// On a terminal.
    case auto
    /// Also elsewhere.
    case always
    /// Not at all.
    case never
  }

  func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose contradict each other") }
  }
}

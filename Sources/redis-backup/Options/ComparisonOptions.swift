import ArgumentParser
import Operations

/// What counts when two states are compared: shared by `verify` and `diff`.
struct ComparisonOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "What does not count: \(StateAspects.names.map(\.word).joined(separator: ", ")).",
      valueName: "WHAT[,WHAT]"))
  var ignore: [String] = []

  @Flag(name: .long, help: "Idle times and use counters count too.")
  var strict = false

  @Flag(name: .long, help: "Strings of exports are bare base64 text.")
  var base64 = false

  /// What was asked for.
  ///
  /// - Throws: ``ToolError`` of wrong use.
  func ignored() throws -> StateAspects {
    var aspects: StateAspects = strict ? [] : .usage
    for text in ignore { try aspects.add(text) }
    return aspects
  }
}

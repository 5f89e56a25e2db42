import ArgumentParser

/// Where a command puts the file it makes.
struct OutputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, help: ArgumentHelp("The file or directory to make.", valueName: "OUT"))
  var output: String

  @Flag(name: .long, help: "Replace OUT when it is there already.")
  var force = false
}

import ArgumentParser
import Operations

/// `redis-backup info PATH`
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Tells what a file or directory is, and what it would restore.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String

  func run() throws {
    let session = Session(global)
    let input = try Input(path, fileSystem: session.fileSystem)
    session.notes(input.facts.notes)
    try session.print("\(input.kind)\n")
  }
}

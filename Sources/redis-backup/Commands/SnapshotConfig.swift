import ArgumentParser
import BackupJob
import Foundation

/// `config`.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Checks and explains the configuration of the backup job.",
    subcommands: [ConfigCheck.self, ConfigKeys.self])
}

/// `config check`.
struct ConfigCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Reads the configuration and says whether it is right; nothing is connected to.")

  @OptionGroup var options: JobOptions
  @Argument(
    help: "The configuration; the same as --config FILE.",
    completion: .file(extensions: ["yaml"])) var file: String?

  private struct Answer: Encodable {
    var ok: Bool
    var file: String
    var source: String?
    var repository: String
  }

  mutating func run() throws {
    if let file { options.config = file }
    let options = options
    try options.run { context throws(JobError) in
      let config = context.config
      let source = config.url?.description ?? config.dataDirectory
      let repository =
        switch config.place {
        case .directory(let path): path
        case .rclone(let remote, _, _): "rclone:\(remote)"
        }
      if options.json {
        return options.print(
          json: Answer(ok: true, file: options.config, source: source, repository: repository))
      }
      if !options.quiet { Swift.print("\(options.config): ok; \(source ?? "") to \(repository)") }
    }
  }
}

/// `config keys`.
struct ConfigKeys: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Lists every key with its default, its meaning and its environment variable.")

  func run() {
    for key in ConfigKey.all {
      Swift.print("\(key.name)\(key.standard.map { " (default: \($0))" } ?? "")")
      Swift.print("    \(key.meaning)")
      Swift.print("    \(key.variable)")
    }
  }
}

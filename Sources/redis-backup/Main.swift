import ArgumentParser
import Bytes
import Operations

/// Where the program begins, and where every error becomes one line and an exit code.
@main
enum Main {
  // No command is asynchronous: an asynchronous `main` would start the machinery of tasks, which
  // costs a tenth of the time of a small check.
  static func main() {
    Signals.install()
    let arguments = Array(Terminal.arguments.dropFirst())
    if let tool = ServerTool(calledBy: Terminal.arguments.first ?? "") {
      do { Signals.end(status: try tool.run(arguments)) } catch { finish(error, arguments) }
    }
    do {
      var command = try RedisBackupCommand.parseAsRoot(arguments)
      try command.run()
    } catch {
      finish(error, arguments)
    }
  }

  private static func finish(_ error: any Error, _ arguments: [String]) -> Never {
    if error is AnswerIsNo { Signals.end(status: ToolStatus.no.rawValue) }
    if let error = error as? ToolError {
      say(error.advisingNearFile.line)
      Signals.end(status: error.status.rawValue)
    }
    let code = RedisBackupCommand.exitCode(for: error)
    if code == .success {
      // Help, the version, a completion script: asked for, so it goes to standard output.
      let text = RedisBackupCommand.fullMessage(for: error)
      answer(text)
      Signals.end(status: ToolStatus.done.rawValue)
    }
    if error is ExitCode { Signals.end(status: code.rawValue) }
    let message = RedisBackupCommand.message(for: error)
      .split(separator: "\n").map { $0.trimmed }.joined(separator: " ")
    if code == .validationFailure || code.rawValue == ToolStatus.usage.rawValue {
      let (words, unknown) = commandWords(arguments)
      let reason = unknown ?? message
      let end = reason.hasSuffix(".") || reason.hasSuffix("?") ? "" : "."
      say("\(reason)\(end) Try: redis-backup \(words)--help")
      Signals.end(status: ToolStatus.usage.rawValue)
    }
    say(message)
    Signals.end(status: ToolStatus.ioError.rawValue)
  }

  /// The words of the command line that name a command, each with a blank behind it; and a sentence
  /// when the next word should have named one and does not.
  private static func commandWords(_ arguments: [String]) -> (words: String, unknown: String?) {
    var commands = names(RedisBackupCommand.configuration)
    var words = ""
    for argument in arguments {
      if commands.isEmpty || argument.hasPrefix("-") || argument == "help" { break }
      guard let next = commands.first(where: { $0.name == argument }) else {
        return (words, unknownCommand(argument, commands.map { $0.name }))
      }
      words += argument + " "
      commands = names(next.configuration)
    }
    return (words, nil)
  }

  /// The subcommands by name.
  private static func names(
    _ configuration: CommandConfiguration
  ) -> [(name: String, configuration: CommandConfiguration)] {
    var all: [(name: String, configuration: CommandConfiguration)] = []
    for command in configuration.subcommands {
      let inner = command.configuration
      if let name = inner.commandName { all.append((name, inner)) }
    }
    return all
  }

  private static func unknownCommand(_ word: String, _ names: [String]) -> String {
    let shown = KeyText.fileName(word)
    guard let near = NearNames.of(word, among: names).first else {
      return "'\(shown)' is no command"
    }
    return "'\(shown)' is no command; did you mean '\(near)'?"
  }

  private static func say(_ line: String) {
    Terminal.writeError("redis-backup: \(line)\n")
  }

  private static func answer(_ text: String) {
    var output = OutputBuffer(StandardOutput())
    output.write(text: text.hasSuffix("\n") ? text : text + "\n")
    try? output.flush()
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    drop { $0 == " " || $0 == "\t" }
  }
}

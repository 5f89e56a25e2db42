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
    let arguments = Array(CommandLine.arguments.dropFirst())
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
      say(error.line)
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
      say("\(message). Try: redis-backup \(subcommand(arguments))--help")
      Signals.end(status: ToolStatus.usage.rawValue)
    }
    say(message)
    Signals.end(status: ToolStatus.ioError.rawValue)
  }

  /// The words of the command line that name a command, each with a blank behind it.
  private static func subcommand(_ arguments: [String]) -> String {
    var commands = RedisBackupCommand.configuration.subcommands
    var words = ""
    for argument in arguments {
      guard let next = commands.first(where: { $0._commandName == argument }) else { break }
      words += argument + " "
      commands = next.configuration.subcommands
    }
    return words
  }

  private static func say(_ line: String) {
    let text = line.hasSuffix("..") ? String(line.dropLast()) : line
    Terminal.writeError("redis-backup: \(text)\n")
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

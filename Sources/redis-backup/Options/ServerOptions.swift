import ArgumentParser
import BackupJob
import Foundation

/// How a server that the command line names is logged in to.
struct ServerOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("The ACL user; without it the default user.", valueName: "NAME"))
  var user: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The file whose first line is the password; else REDISCLI_AUTH of the environment.",
      valueName: "FILE"), completion: .file())
  var passwordFile: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Trusted certificates (PEM) for rediss://; else those of the system.", valueName: "FILE"),
    completion: .file())
  var caFile: String?

  /// What is needed to reach `url`.
  func login(_ url: String) throws(JobError) -> ServerLogin {
    try ServerLogin(
      url: url, user: user, passwordFile: passwordFile, caFile: caFile,
      environment: ProcessInfo.processInfo.environment)
  }

  /// Runs `body`; what stops it becomes one line on stderr and its exit code.
  static func run<R>(_ body: () throws(JobError) -> R) throws -> R {
    JobSignals.install()
    do throws(JobError) { return try body() } catch {
      FileHandle.standardError.write(Data("redis-backup: \(error)\n".utf8))
      throw ExitCode(error.exitCode)
    }
  }
}

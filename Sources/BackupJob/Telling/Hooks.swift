/// The operator's own commands around a backup, run by `/bin/sh`.
public struct Hooks: Sendable {
  /// Before a backup; a failure stops it.
  public var pre: String?
  /// After a published backup.
  public var post: String?
  /// After a failure.
  public var onFailure: String?
  /// The longest one may take.
  public var timeout: Duration

  /// Hooks.
  public init(
    pre: String? = nil, post: String? = nil, onFailure: String? = nil,
    timeout: Duration = .seconds(300)
  ) {
    self.pre = pre
    self.post = post
    self.onFailure = onFailure
    self.timeout = timeout
  }

  /// Runs one hook with `environment` added to ours; its output goes nowhere, what it says on
  /// stderr comes back in the error.
  package func run(_ command: String, step: String, environment: [String: String]) throws(JobError)
  {
    let child = try ChildProcess("/bin/sh", ["-c", command], environment: environment, step: step)
    guard let code = child.wait(until: Deadline(after: timeout)) else {
      child.terminate()
      throw JobError(
        .unavailable, step: step, place: command, "the hook took longer than \(timeout.text)",
        remedy: "Raise hooks.timeout or look into the hook.")
    }
    guard code == 0 else {
      let said = child.complaint
      throw JobError(
        .unavailable, step: step, place: command,
        "the hook ended with status \(code)\(said.isEmpty ? "" : ": \(said)")",
        remedy: "Look into the hook.")
    }
  }
}

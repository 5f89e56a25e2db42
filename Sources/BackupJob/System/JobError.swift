/// What stopped a step of the backup job, in words an operator can act on.
///
/// Every error names the step ("AUTH", "PSYNC", "publish"), the place (host and port, or a path),
/// what happened there, and what to do about it. `kind` decides the exit code.
public struct JobError: Error, Sendable, Equatable {
  /// The classes of failure that a caller may want to treat differently.
  public enum Kind: String, Sendable, CaseIterable {
    /// The answer is no: a backup differs, is damaged or too old.
    case negative
    /// Wrong use or wrong configuration.
    case usage
    /// The data is not what it claims to be.
    case badData
    /// A file, a backup or a program that was asked for does not exist.
    case missing
    /// A server, a Sentinel or the repository can not be reached, or refused.
    case unavailable
    /// The output exists already or can not be created.
    case cannotCreate
    /// Reading or writing failed (disk full, read error).
    case inputOutput
    /// Another run, a rewrite or a failover is in the way: the same call may succeed later.
    case tryLater
    /// AUTH failed, an ACL or a file mode refused.
    case permission
  }

  /// The class of the failure.
  public var kind: Kind
  /// What was being done.
  public var step: String
  /// Where: `host:port`, a path, or a backup's id.
  public var place: String
  /// What happened.
  public var message: String
  /// What to do about it.
  public var remedy: String

  /// An error of `kind` in `step` at `place`.
  public init(_ kind: Kind, step: String, place: String, _ message: String, remedy: String) {
    self.kind = kind
    self.step = step
    self.place = place
    self.message = message
    self.remedy = remedy
  }

  /// The exit code of the command line for this failure (`Documentation/backup-job.md`).
  public var exitCode: Int32 {
    switch kind {
    case .negative: 1
    case .usage: 64
    case .badData: 65
    case .missing: 66
    case .unavailable: 69
    case .cannotCreate: 73
    case .inputOutput: 74
    case .tryLater: 75
    case .permission: 77
    }
  }
}

extension JobError: CustomStringConvertible {
  /// One line: place, step, what happened, what to do.
  public var description: String {
    "\(place): \(step): \(message). \(remedy)"
  }
}

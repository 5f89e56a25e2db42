internal import Synchronization

/// Whether the process was asked to end (SIGTERM, SIGINT). The command line sets it from its signal
/// handlers; the job looks at it between chunks and while it waits, and then ends as after any
/// other failure: nothing published, everything put back.
public enum Interruption {
  private static let flag = Atomic<Bool>(false)

  /// Asks the running job to end soon. Safe to call from a signal handler.
  public static func request() { flag.store(true, ordering: .relaxed) }

  /// Whether the job was asked to end.
  public static var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Throws when the job was asked to end.
  package static func check(_ step: String) throws(JobError) {
    guard isRequested else { return }
    throw JobError(
      .tryLater, step: step, place: "this process", "it was told to end",
      remedy: "Nothing was published; run the job again.")
  }
}

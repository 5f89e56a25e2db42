/// Removes the backups that no retention rule wants.
public struct Pruning: Sendable {
  private let context: JobContext

  /// Pruning by a configuration.
  public init(_ context: JobContext) { self.context = context }

  /// Decides about every backup and, unless `isDryRun`, removes those that go.
  public func run(isDryRun: Bool) throws(JobError) -> [RetentionRules.Verdict] {
    if isDryRun { return try decide() }
    let lock = try RepositoryLock.take(
      context.store, purpose: "prune", patience: context.config.lockWait
    ) {
      context.say($0)
    }
    defer { lock.release() }
    return try run(isDryRun: false, lock: lock)
  }

  private func decide() throws(JobError) -> [RetentionRules.Verdict] {
    var candidates: [RetentionRules.Candidate] = []
    let damaged = Set(try context.store.notes(in: "damaged"))
    for id in try context.store.published() {
      // A record that can not be read is no verified backup; its time is in its name.
      if let record = try? context.store.record(id) {
        candidates.append(.init(id: id, time: record.started, isVerified: !damaged.contains(id)))
      } else if let time = Self.time(of: id) {
        candidates.append(.init(id: id, time: time, isVerified: false))
      }
    }
    return context.config.retention.decide(candidates)
  }

  func run(isDryRun: Bool, lock: RepositoryLock) throws(JobError) -> [RetentionRules.Verdict] {
    let verdicts = try decide()
    for verdict in verdicts where !verdict.stays && !isDryRun {
      try lock.confirm()
      try context.store.remove(verdict.id)
      try context.store.removeNote("damaged/\(verdict.id)")
      context.say("pruned", ["id": verdict.id, "why": verdict.reasons.joined(separator: ", ")])
    }
    return verdicts
  }

  private static func time(of id: String) -> UTCTime? {
    let c = Array(id)
    guard c.count > 15 else { return nil }
    let text =
      "\(String(c[0..<4]))-\(String(c[4..<6]))-\(String(c[6..<8]))T\(String(c[9..<11])):\(String(c[11..<13])):\(String(c[13..<15]))Z"
    return UTCTime(text)
  }
}

internal import Logging

/// One backup from start to end: find the server, take its data, prove it, publish it, prune.
public struct CreateBackup: Sendable {
  /// What came of it.
  public struct Outcome: Sendable {
    /// The record of the published backup.
    public var record: BackupRecord
    /// What retention did with every backup afterwards.
    public var retention: [RetentionRules.Verdict]
  }

  private let context: JobContext
  private var config: JobConfig { context.config }
  private var store: any BackupStore { context.store }

  /// A backup by a configuration.
  public init(_ context: JobContext) { self.context = context }

  /// Takes and publishes one backup. Whatever fails: nothing is published, nothing temporary stays,
  /// and the server's settings are put back; the hooks, metrics and the health check are told.
  public func run() throws(JobError) -> Outcome {
    var clock = PhaseClock("prepare")
    do throws(JobError) {
      let outcome = try perform(&clock)
      clock.begin("end")
      context.say(
        "backup published",
        [
          "id": outcome.record.id, "keys": "\(outcome.record.keys)",
          "bytes": "\(outcome.record.bytes)",
          "stored": "\(outcome.record.storedBytes)", "verified": outcome.record.verification.level,
        ])
      tell(success: outcome.record)
      return outcome
    } catch {
      tell(failure: error, phase: clock.phase)
      throw error
    }
  }

  private func perform(_ clock: inout PhaseClock) throws(JobError) -> Outcome {
    let started = UTCTime.now
    if let hook = config.hooks.pre {
      context.say("hook pre")
      try config.hooks.run(hook, step: "hooks.pre", environment: ["REDIS_BACKUP_NAME": config.name])
    }
    try store.prepare()
    clock.begin("lock")
    let lock = try RepositoryLock.take(store, purpose: "create", patience: config.lockWait) {
      context.say($0)
    }
    defer { lock.release() }
    context.putSettingsBack()
    try cleanUp()
    if let newest = try store.published().last, let record = try? store.record(newest) {
      try context.requireSpace(record.storedBytes)
    } else {
      try context.requireSpace(0)
    }
    let id = BackupID.make(started)
    do throws(JobError) {
      clock.begin("source")
      let taking = Taking(context: context, writer: BackupWriter(context: context, id: id))
      let sources = try taking.sources()
      clock.begin("transfer")
      try store.begin(id)
      let parts = try taking.take(sources)
      clock.begin("verify")
      try taking.confirm(sources, parts)
      var isReadBack = true
      let writer = BackupWriter(context: context, id: id)
      for file in parts.flatMap(\.files) { isReadBack = try writer.readBack(file) && isReadBack }
      clock.begin("publish")
      let record = BackupRecord(
        id: id, name: config.name, tool: context.tool, started: started, ended: .now,
        method: config.method.rawValue,
        parts: parts, compression: config.compression.name,
        encryption: config.age.encrypts ? "age" : "none",
        verification: .init(level: config.level.rawValue, at: .now, readBack: isReadBack),
        seconds: clock.seconds)
      try Interruption.check("publish")
      let json = try record.json()
      try writeSums(record, json)
      try lock.confirm()
      try store.publish(id, record: json)
      clock.begin("prune")
      let verdicts = try Pruning(context).run(isDryRun: false, lock: lock)
      return Outcome(record: record, retention: verdicts)
    } catch {
      // What was not published is removed at once; if even that fails, the next run does it.
      try? cleanUp()
      throw error
    }
  }

  /// Removes what runs that were killed have left.
  private func cleanUp() throws(JobError) {
    for name in try store.unfinished() {
      context.say("removing an unfinished backup", ["name": name])
      try store.removeUnfinished(name)
    }
  }

  /// `SHA256SUMS`, for `sha256sum -c` without this program; it covers `backup.json` too.
  private func writeSums(_ record: BackupRecord, _ json: [UInt8]) throws(JobError) {
    var text = "\(SHA256.of(json))  backup.json\n"
    for file in record.files { text += "\(file.storedSHA256)  \(file.stored)\n" }
    let sink = try store.file("SHA256SUMS", of: record.id)
    let bytes = Array(text.utf8)
    try sink.write(bytes.span)
    try sink.finish()
  }

  private func tell(success record: BackupRecord) {
    if let hook = config.hooks.post {
      context.say("hook post")
      let variables = [
        "REDIS_BACKUP_NAME": config.name, "REDIS_BACKUP_ID": record.id,
        "REDIS_BACKUP_KEYS": "\(record.keys)",
        "REDIS_BACKUP_BYTES": "\(record.bytes)",
        "REDIS_BACKUP_STORED_BYTES": "\(record.storedBytes)",
        "REDIS_BACKUP_REPOSITORY": store.place,
      ]
      attempt("hook post") { () throws(JobError) in
        try config.hooks.run(hook, step: "hooks.post", environment: variables)
      }
    }
    attempt("metrics") { () throws(JobError) in try Telling(context).metrics(failedPhase: nil) }
    attempt("health check") { () throws(JobError) in
      try Telling(context).ping(success: true, message: record.id)
    }
  }

  private func tell(failure: JobError, phase: String) {
    context.log.error("backup failed", metadata: ["phase": "\(phase)", "error": "\(failure)"])
    if let hook = config.hooks.onFailure {
      attempt("hook on-failure") { () throws(JobError) in
        try config.hooks.run(
          hook, step: "hooks.on-failure",
          environment: [
            "REDIS_BACKUP_NAME": config.name, "REDIS_BACKUP_PHASE": phase,
            "REDIS_BACKUP_ERROR": failure.description,
            "REDIS_BACKUP_EXIT_CODE": "\(failure.exitCode)", "REDIS_BACKUP_REPOSITORY": store.place,
          ])
      }
    }
    attempt("metrics") { () throws(JobError) in try Telling(context).metrics(failedPhase: phase) }
    attempt("health check") { () throws(JobError) in
      try Telling(context).ping(success: false, message: failure.description)
    }
  }

  /// Telling others must not change the outcome: a failure here is logged.
  private func attempt(_ what: String, _ body: () throws(JobError) -> Void) {
    do throws(JobError) { try body() } catch {
      context.log.warning("\(what) failed", metadata: ["error": "\(error)"])
    }
  }
}

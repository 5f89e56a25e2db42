import AOF
import ArgumentParser
import BackupJob
import Bytes
import Operations

// `undo` by effect: --patch, --apply, --restore-from.

extension UndoCommand {
  /// What was made.
  private struct Outcome {
    var report = RecoveryReport()
    var log: LogRewriteResult?
    var applied: ApplyReport?
  }

  /// Brings back what was lost.
  func recover() throws {
    let session = Session(global)
    let plan = try recovery.plan()
    // Told before long work, not behind it.
    let login = try recovery.apply.map { url in
      try ServerOptions.run { () throws(JobError) in try server.login(url) }
    }
    let now = Moment.now
    var options = LostKeys.Options(now: now.milliseconds)
    options.keys = try keys.selection(now: now)
    options.source = recovery.from
    let selection = try commands.selection(now: now)
    var accident: Accident?
    let input = try Input(path, fileSystem: session.fileSystem)
    session.notes(input.facts.notes)
    let lost: LostKeys
    session.beginProgress(total: 0)
    defer { session.endProgress() }
    if selection.isEverything && recovery.from != nil {
      if recovery.restoreFrom {
        accident = try Accident(
          wholeOf: log(of: input, session), fileSystem: session.fileSystem)
      }
      lost = try LostKeys(
        missingFrom: path, options, fileSystem: session.fileSystem)
    } else {
      let found = try Accident(
        log(of: input, session), selection, options.keys, fileSystem: session.fileSystem)
      if found.commands.isEmpty { throw found.emptyReason }
      lost = try LostKeys(found, options, fileSystem: session.fileSystem)
      accident = found
    }
    session.endProgress()
    session.notes(lost.notes)
    let outcome = try carryOut(plan, lost, accident, login, now, session)
    if session.isJSON {
      try writeJSON(plan, lost, accident, outcome, session)
    } else {
      try writeText(plan, lost, accident, outcome, session)
    }
    let isNothing = !lost.keys.contains { plan.scope.includes($0) }
    if isNothing || outcome.applied?.failed.isEmpty == false { throw AnswerIsNo() }
  }

  /// The log that `input` is.
  private func log(
    of input: borrowing Input, _ session: Session
  ) throws(ToolError) -> AppendOnlyLog {
    if case .rdb = input.kind, recovery.restoreFrom, FilePath.name(of: input.file).hasSuffix(".rdb")
    {
      throw .usage(
        "a dump holds no commands, so none can be added", remedy: "Try: --patch, or merge")
    }
    return try AppendOnlyLog.open(input.file, fileSystem: session.fileSystem)
  }

  private func carryOut(
    _ plan: RecoveryPlan, _ lost: LostKeys, _ accident: Accident?, _ login: ServerLogin?,
    _ now: Moment, _ session: Session
  ) throws -> Outcome {
    var outcome = Outcome()
    if dryRun {
      var nothing = OutputBuffer(NullTarget())
      outcome.report = try lost.write(plan, to: &nothing)
      return outcome
    }
    if !lost.keys.contains(where: { plan.scope.includes($0) }) { return outcome }
    if let accident, recovery.restoreFrom {
      let appendix = RecoveryAppendix(lost, plan, accident, now: now)
      if let output {
        outcome.log = try accident.write(
          appendix, to: output, replacing: force, fileSystem: session.fileSystem)
      } else {
        outcome.log = try accident.replace(
          appendix, stamp: now.compactText, fileSystem: session.fileSystem)
      }
      outcome.report = appendix.report
      return outcome
    }
    if let patch = recovery.patch {
      outcome.report = try lost.writePatch(
        plan, to: patch, replacing: force, standardOutput: StandardOutput(),
        fileSystem: session.fileSystem)
    }
    if let login {
      outcome.applied = try ServerOptions.run { () throws(JobError) in
        let connection = try login.connect()
        defer { connection.close() }
        return try ApplyRecovery(connection, plan).run(lost)
      }
    }
    return outcome
  }

  private func writeJSON(
    _ plan: RecoveryPlan, _ lost: LostKeys, _ accident: Accident?, _ outcome: Outcome,
    _ session: Session
  ) throws {
    try session.writeJSON { (json, output) throws(ToolError) in
      json.beginObject(&output)
      if let accident {
        try accident.shown(outcome.log?.kept ?? []).writeJSON(
          &json, &output, fileSystem: session.fileSystem)
      }
      lost.writeJSON(plan, &json, &output)
      let written = outcome.log?.path ?? (dryRun ? nil : recovery.patch)
      json.field("written", outcome.report.keys > 0 ? written : nil, &output)
      json.field("bytes", outcome.report.bytes, &output)
      json.field("target", outcome.report.target, &output)
      json.key("kept", &output)
      json.beginArray(&output)
      for name in outcome.log?.kept ?? [] { json.string(name, &output) }
      json.endArray(&output)
      json.key("lost", &output)
      json.beginArray(&output)
      for loss in outcome.report.lost {
        json.beginObject(&output)
        json.field("db", loss.database, &output)
        json.key("key", &output)
        loss.key.withByteSlice { json.string($0, &output) }
        json.field("what", loss.what, &output)
        json.endObject(&output)
      }
      json.endArray(&output)
      if let applied = outcome.applied {
        json.key("applied", &output)
        applied.write(&json, &output)
      }
      json.endObject(&output)
    }
  }

  private func writeText(
    _ plan: RecoveryPlan, _ lost: LostKeys, _ accident: Accident?, _ outcome: Outcome,
    _ session: Session
  ) throws {
    if recovery.patch == "-" && !dryRun {
      // Standard output belongs to the commands.
      session.note(RecoveryWords.summary(plan, lost))
      return
    }
    let limit = session.isVerbose ? Int.max : 10
    try session.write { (output) throws(ToolError) in
      if let accident {
        let count = accident.commands.count
        output.write(text: "the accident: \(RecoveryWords.counted(count, "command"))\n")
        try accident.shown(outcome.log?.kept ?? []).writeText(
          limit: limit, to: &output, fileSystem: session.fileSystem)
      }
      for fate in KeyFate.allCases {
        let count = lost.count(fate)
        if count == 0 { continue }
        output.write(text: "\(RecoveryWords.line(fate, count, plan)):\n")
        lost.writeText(fate, limit: limit, to: &output)
      }
      if lost.keys.isEmpty { output.write(text: "nothing was lost by it\n") }
      if let applied = outcome.applied { applied.write(to: &output, limit: limit) }
      if let log = outcome.log {
        output.write(
          text: "\(KeyText.fileName(log.path)) written: \(ByteCount.text(log.bytesAfter)), "
            + "was \(ByteCount.text(log.bytesBefore))\n")
        for name in log.kept { output.write(text: "kept: \(KeyText.fileName(name))\n") }
      } else if let patch = recovery.patch, !dryRun, outcome.report.keys > 0 {
        output.write(
          text: "\(KeyText.fileName(patch)) written: \(ByteCount.text(outcome.report.bytes)) for "
            + "\(outcome.report.target)\n")
        output.write(text: "Send it: redis-cli --pipe < \(KeyText.shellWord(patch))\n")
      }
    }
  }
}

/// Sentences about lost keys.
enum RecoveryWords {
  /// `1 key`, `2 keys`
  static func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  /// What becomes of the keys of one fate.
  static func line(_ fate: KeyFate, _ count: Int, _ plan: RecoveryPlan) -> String {
    let keys = counted(count, "key")
    let one = count == 1
    switch fate {
    case .gone: return "\(keys) \(one ? "is" : "are") gone and \(one ? "comes" : "come") back"
    case .changed:
      let what = "\(keys) \(one ? "holds" : "hold") what the accident left"
      return plan.scope.changed || plan.scope.newer
        ? "\(what) and \(one ? "becomes" : "become") what \(one ? "it was" : "they were")"
        : "\(what) and \(one ? "is" : "are") left alone (--changed puts \(one ? "it" : "them") back)"
    case .made:
      let what = "\(keys) that the accident made"
      return plan.scope.made || plan.scope.newer
        ? "\(what) \(one ? "is" : "are") removed"
        : "\(what) \(one ? "is" : "are") left alone (--remove-made removes \(one ? "it" : "them"))"
    case .newer:
      let what = "\(keys) \(one ? "holds" : "hold") something newer"
      return plan.scope.newer
        ? "\(what) and \(one ? "is" : "are") overwritten"
        : "\(what) and \(one ? "is" : "are") left alone"
    case .expired:
      return "\(keys) would have expired by now and \(one ? "stays" : "stay") away"
    }
  }

  /// All of it in one line.
  static func summary(_ plan: RecoveryPlan, _ lost: LostKeys) -> String {
    let lines = KeyFate.allCases.compactMap { fate in
      let count = lost.count(fate)
      return count == 0 ? nil : line(fate, count, plan)
    }
    return lines.isEmpty ? "nothing was lost by it" : lines.joined(separator: "; ")
  }
}

extension ApplyReport {
  fileprivate func write(to output: inout OutputBuffer, limit: Int) {
    output.write(text: "\(server) (\(version)): \(RecoveryWords.counted(restored, "key")) restored")
    if replaced > 0 { output.write(text: ", \(replaced) replaced") }
    if removed > 0 { output.write(text: ", \(removed) removed") }
    if asCommands > 0 { output.write(text: ", \(asCommands) of them by plain commands") }
    output.write(text: "; \(leftAlone.count) left alone, \(failed.count) failed\n")
    ApplyReport.list(leftAlone, "left alone", limit, to: &output)
    ApplyReport.list(failed, "failed", limit, to: &output)
  }

  private static func list(
    _ rest: [Rest], _ word: String, _ limit: Int, to output: inout OutputBuffer
  ) {
    for one in rest.prefix(limit) {
      output.write(
        text: "  \(word): db \(one.database)  \(KeyText.quoted(one.key))  \(one.reason)\n")
    }
    if rest.count > limit { output.write(text: "  … and \(rest.count - limit) more\n") }
  }

  fileprivate func write(_ json: inout JSONWriter, _ output: inout OutputBuffer) {
    json.beginObject(&output)
    json.field("server", server, &output)
    json.field("version", version, &output)
    json.field("restored", restored, &output)
    json.field("replaced", replaced, &output)
    json.field("removed", removed, &output)
    json.field("asCommands", asCommands, &output)
    json.key("leftAlone", &output)
    ApplyReport.write(leftAlone, &json, &output)
    json.key("failed", &output)
    ApplyReport.write(failed, &json, &output)
    json.endObject(&output)
  }

  private static func write(
    _ rest: [Rest], _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    json.beginArray(&output)
    for one in rest {
      json.beginObject(&output)
      json.field("db", one.database, &output)
      json.key("key", &output)
      one.key.withByteSlice { json.string($0, &output) }
      json.field("reason", one.reason, &output)
      json.endObject(&output)
    }
    json.endArray(&output)
  }
}

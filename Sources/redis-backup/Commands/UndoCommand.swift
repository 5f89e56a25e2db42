import AOF
public import ArgumentParser
import Bytes
public import Operations

extension UndoImpact.ConflictPolicy: ExpressibleByArgument {}

/// `redis-backup undo PATH SELECTION (-o OUT | --in-place)`
struct UndoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "undo",
    abstract:
      "Takes commands out of an AOF, as if they had never been sent, or undoes their effect.",
    discussion: """
      Look first with log and the same selection. Of DEL, UNLINK and MSET with several keys only \
      those that match --key are taken out. Stop the server before its own files are changed \
      with --in-place; what they were stays as NAME.before-TIME. With --patch, --apply and \
      --restore-from no command is taken out: what was lost is put back by new commands, on a \
      server that keeps running or behind the end of the log.

      Examples:
        redis-backup undo appendonlydir --index 17 --dry-run
        redis-backup undo appendonlydir --index 17 -o recovered
        redis-backup undo appendonlydir --command FLUSHALL --apply redis://127.0.0.1:6379
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup(title: "Which commands") var commands: CommandSelectionOptions
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup(title: "By effect") var recovery: RecoveryOptions
  @OptionGroup(title: "Login") var server: ServerOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file to make; of a multi-part AOF the directory.", valueName: "OUT"))
  var output: String?

  @Flag(name: .long, help: "Put the result in the place of PATH, which is kept under another name.")
  var inPlace = false

  @Flag(name: .long, help: "Only show what would be taken out, and what that changes.")
  var dryRun = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "When later commands act differently: only report them, and refuse when writes would be lost; or what a key keeps, the later or the restored value.",
      valueName: "report|keep-later|keep-restored"))
  var onConflict = UndoImpact.ConflictPolicy.report

  @Flag(
    name: .long,
    help:
      "Take the commands out without replaying the log to see what that changes: as quick as copying it."
  )
  var noImpact = false

  @Flag(name: .long, help: "Replace OUT when it is there already.")
  var force = false

  @Argument(help: "An AOF, a manifest, or a directory of a server.")
  var path: String

  func validate() throws {
    if output != nil && inPlace { throw ValidationError("-o and --in-place contradict each other") }
    if recovery.isAsked && onConflict != .report {
      throw ValidationError("--on-conflict means something only where commands are taken out")
    }
    if noImpact && (recovery.isAsked || onConflict != .report) {
      throw ValidationError("--no-impact does not look for conflicts, nor for what was lost")
    }
    if recovery.patch != nil || recovery.apply != nil {
      if output != nil || inPlace {
        throw ValidationError("--patch and --apply leave the log alone: no -o and no --in-place")
      }
      if recovery.patch == "-" && global.json {
        throw ValidationError("--json needs a file for --patch")
      }
    } else if output == nil && !inPlace && !dryRun {
      throw ValidationError("where to? Give -o OUT, --in-place, or --dry-run")
    }
  }

  func run() throws {
    if recovery.isAsked { return try recover() }
    let session = Session(global)
    let selection = try LogSelection(commands: commands.selection(), keys: keys.selection())
    let input = try Input(path, fileSystem: session.fileSystem)
    session.notes(input.facts.notes)
    let log = try AppendOnlyLog.open(input.file, fileSystem: session.fileSystem)
    var plan = try session.withProgress(total: log.size) { () throws(ToolError) in
      try UndoPlan(log, selection, fileSystem: session.fileSystem)
    }
    if plan.isEmpty { throw plan.emptyReason }
    let impact = noImpact ? nil : try impact(of: plan, session)
    if let impact { try plan.resolve(impact, fileSystem: session.fileSystem) }
    var result: LogRewriteResult?
    if !dryRun, impact?.refusal == nil {
      if let output {
        result = try plan.rewrite.write(
          to: output, replacing: force, fileSystem: session.fileSystem)
      } else {
        result = try plan.rewrite.replace(
          stamp: Moment.now.compactText, fileSystem: session.fileSystem)
      }
    }
    // The list reads the log; in place it has become another one.
    let shown = result != nil && inPlace ? plan.listing(kept: result?.kept ?? []) : plan
    if session.isJSON {
      try writeJSON(shown, impact, result, session)
    } else {
      try writeText(shown, impact, result, session)
    }
    if let refusal = impact?.refusal { throw refusal }
  }

  /// What the undo does to the data; nil, with a note, for a log that can't be replayed.
  private func impact(of plan: UndoPlan, _ session: Session) throws -> UndoImpact? {
    do throws(ToolError) {
      return try session.withProgress(total: plan.log.size) { () throws(ToolError) in
        try UndoImpact(plan, policy: onConflict, fileSystem: session.fileSystem)
      }
    } catch {
      guard error.status == .badData, onConflict == .report else { throw error }
      session.note("what this changes can't be told: \(error.line)")
      return nil
    }
  }

  private func writeJSON(
    _ plan: UndoPlan, _ impact: UndoImpact?, _ result: LogRewriteResult?, _ session: Session
  ) throws {
    try session.writeJSON { (json, output) throws(ToolError) in
      json.beginObject(&output)
      try plan.writeJSON(&json, &output, fileSystem: session.fileSystem)
      json.field("impactKnown", impact != nil, &output)
      impact?.writeJSON(&json, &output, log: plan.log)
      json.field("bytesBefore", plan.log.size, &output)
      json.field("bytesAfter", result?.bytesAfter ?? plan.rewrite.bytesAfter, &output)
      json.field("written", result?.path, &output)
      json.key("kept", &output)
      json.beginArray(&output)
      for name in result?.kept ?? [] { json.string(name, &output) }
      json.endArray(&output)
      json.endObject(&output)
    }
  }

  private func writeText(
    _ plan: UndoPlan, _ impact: UndoImpact?, _ result: LogRewriteResult?, _ session: Session
  ) throws {
    try session.write { (output) throws(ToolError) in
      let count = plan.removed.count
      let verb = result == nil ? "would be taken out" : "taken out"
      output.write(text: "\(count) of \(plan.commands) commands \(verb)")
      output.write(text: count > 0 ? ":\n" : "\n")
      try plan.writeText(
        limit: session.isVerbose ? Int.max : 20, to: &output, fileSystem: session.fileSystem)
      if plan.emptiedTransactions > 0 {
        let pairs = plan.emptiedTransactions == 1 ? "1 pair" : "\(plan.emptiedTransactions) pairs"
        output.write(text: "\(pairs) of MULTI and EXEC with nothing left between \(verb)\n")
      }
      if plan.unfinishedBytes > 0 {
        output.write(
          text:
            "\(ByteCount.text(plan.unfinishedBytes)) of an unfinished command at the end left out\n"
        )
      }
      impact?.writeText(limit: session.isVerbose ? Int.max : 20, log: plan.log, to: &output)
      guard let result else { return }
      output.write(
        text:
          "\(KeyText.fileName(result.path)) written: \(ByteCount.text(result.bytesAfter)), was \(ByteCount.text(result.bytesBefore))\n"
      )
      for name in result.kept { output.write(text: "kept: \(KeyText.fileName(name))\n") }
    }
  }
}

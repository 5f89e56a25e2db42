import ArgumentParser
import BackupJob
import Bytes
import Foundation
import Operations

/// `redis-backup verify A B`, `verify --round-trip PATH`, `verify PATH --against URL`
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Proves that two files, or a file and a server, hold the same data.",
    discussion: """
      Compares keys, values, expiry of keys and hash fields, streams with groups, consumers, pending \
      entries and counters, arrays, functions, and values of modules. Formats, versions, encodings \
      and order do not matter. What one of the formats does not hold is told, not failed. Exit 1 \
      when they differ.

      With --round-trip one file is converted through every pair of formats, and each result \
      compared with it; with --server a real server also loads it in every form and is compared. \
      With --against a running server is read by SCAN and DUMP; REDISCLI_AUTH holds its password.

      Examples:
        redis-backup verify appendonlydir compacted.rdb
        redis-backup verify dump.rdb --round-trip
        redis-backup verify dump.rdb --against redis://127.0.0.1:6379
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(
    help:
      "An RDB, an AOF, a manifest, a directory of a server, or an export: two of them, or one with --round-trip or --against."
  )
  var paths: [String]
  @Flag(name: .long, help: "Convert there and back through every pair of formats.")
  var roundTrip = false
  @Option(
    name: .long,
    help: ArgumentHelp(
      "With --round-trip: a redis-server or valkey-server that loads the results. Again for more.",
      valueName: "PROGRAM"))
  var server: [String] = []
  @Option(
    name: .long,
    help: ArgumentHelp(
      "A running server to compare with: redis://, rediss:// or unix://.", valueName: "URL"))
  var against: String?
  @Option(
    name: .long,
    help: ArgumentHelp("With --against: at most so many keys a second.", valueName: "KEYS"))
  var rate = 20_000
  @Option(
    name: .long,
    help: ArgumentHelp(
      "With --against: seconds between the two looks at a key that is not the same.",
      valueName: "SECONDS"))
  var pause = 2.0
  @Option(name: .long, help: ArgumentHelp("Tell so many keys that differ.", valueName: "N"))
  var most = 20
  @OptionGroup(title: "What counts") var comparison: ComparisonOptions
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup var expiry: ExpiryOptions

  func validate() throws {
    if roundTrip && against != nil {
      throw ValidationError("--round-trip and --against are two questions")
    }
    let wanted = roundTrip || against != nil ? 1 : 2
    if paths.count != wanted {
      throw ValidationError(
        wanted == 2
          ? "two paths are compared; one goes with --round-trip or --against"
          : "one path goes with \(roundTrip ? "--round-trip" : "--against")")
    }
    if !server.isEmpty && !roundTrip {
      throw ValidationError("--server means something only with --round-trip")
    }
    if keys.minSize != nil {
      throw ValidationError("--min-size means other things in each format, and nothing here")
    }
    if rate < 1 { throw ValidationError("--rate \(rate) reads nothing") }
    if !(0...3600 ~= pause) { throw ValidationError("--pause is 0 to 3600 seconds") }
    if paths.filter({ $0 == "-" }).count > 1 {
      throw ValidationError("only one of the two can be standard input")
    }
  }

  func run() throws {
    let session = Session(global)
    if roundTrip {
      try runRoundTrip(session)
    } else if let against {
      try compare(with: against, session)
    } else {
      try comparePaths(session)
    }
  }

  private func open(
    _ path: String, _ session: Session, now: Int64 = Moment.now.milliseconds
  ) throws -> ComparedState {
    try ComparedState(
      path, base64: comparison.base64, now: now, fileSystem: session.fileSystem)
  }

  private func comparePaths(_ session: Session) throws {
    var options = Verify.Options()
    options.ignored = try comparison.ignored()
    options.selection = try keys.selection()
    options.expiredBefore = try expiry.limit()
    options.mostKeys = most
    session.beginProgress(total: 0)
    defer { session.endProgress() }
    let clock = ContinuousClock.now
    let now = options.expiredBefore ?? Moment.now.milliseconds
    let a = try open(paths[0], session, now: now)
    let b = try open(paths[1], session, now: now)
    let report = try Verify.run(a, b, options)
    let seconds = clock.duration(to: .now).milliseconds
    session.endProgress()
    session.notes(report.notes)
    if session.isJSON {
      try session.writeJSON { json, out in
        json.beginObject(&out)
        json.field("ok", report.isEqual, &out)
        json.key("steps", &out)
        json.beginArray(&out)
        json.beginObject(&out)
        json.field("from", paths[0], &out)
        json.field("to", paths[1], &out)
        json.field("ok", report.isEqual, &out)
        json.field("digest", report.digestOfB, &out)
        json.key("seconds", &out)
        json.number(seconds, &out)
        json.endObject(&out)
        json.endArray(&out)
        json.field("keys", report.keys, &out)
        json.field("keysOfSecond", report.keysOfB, &out)
        json.field("onlyA", report.onlyA, &out)
        json.field("onlyB", report.onlyB, &out)
        json.field("different", report.changed, &out)
        VerifyCommand.write(report.differences, report.excused, &json, &out)
        json.endObject(&out)
      }
    } else {
      for text in report.excused { session.note("not held by both formats: \(text)") }
      try session.write { out in
        for difference in report.differences {
          for line in difference.lines { out.write(text: line + "\n") }
        }
        if report.isEqual {
          if !global.quiet { out.write(text: "the same: \(report.keys) keys, \(report.digest)\n") }
          return
        }
        if report.differing > report.differences.count {
          out.write(text: "and \(report.differing - report.differences.count) more keys\n")
        }
        out.write(
          text: "different: \(report.onlyA) keys only in A, \(report.onlyB) only in B, "
            + "\(report.changed) changed, of \(report.keys) and \(report.keysOfB)\n")
      }
    }
    if !report.isEqual { throw AnswerIsNo() }
  }

  private static func write(
    _ differences: [ContentDifference], _ excused: [String], _ json: inout JSONWriter,
    _ out: inout OutputBuffer
  ) {
    json.key("differences", &out)
    json.beginArray(&out)
    for difference in differences { json.difference(difference, &out) }
    json.endArray(&out)
    json.key("notHeldByBoth", &out)
    json.beginArray(&out)
    for text in excused { json.string(text, &out) }
    json.endArray(&out)
  }

  // MARK: - Round trip

  private func runRoundTrip(_ session: Session) throws {
    var options = RoundTrip.Options()
    options.ignored = try comparison.ignored()
    options.base64 = comparison.base64
    options.folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    if !(try keys.selection()).isEverything || expiry.dropExpired {
      throw ToolError.usage("a round trip takes all keys")
    }
    do throws(JobError) {
      for program in server { options.servers.append(try ServerProof(program)) }
    } catch {
      throw ToolError.refused(
        ToolStatus(rawValue: error.exitCode) ?? .unavailable, error.message, file: error.place,
        remedy: error.remedy)
    }
    let report = try RoundTrip.run(paths[0], options, fileSystem: session.fileSystem) { step in
      guard !session.isJSON, !global.quiet || !step.isEqual else { return }
      try? session.print(VerifyCommand.text(step, isVerbose: session.isVerbose))
    }
    session.notes(report.notes)
    if session.isJSON {
      try session.writeJSON { json, out in
        json.beginObject(&out)
        json.field("ok", report.isEqual, &out)
        json.field("keys", report.keys, &out)
        json.field("digest", report.digest, &out)
        json.key("steps", &out)
        json.beginArray(&out)
        for step in report.steps { VerifyCommand.write(step, &json, &out) }
        json.endArray(&out)
        json.endObject(&out)
      }
    } else if !global.quiet {
      let bad = report.steps.filter { !$0.isEqual }.count
      let skipped = report.steps.filter(\.isSkipped).count
      let done = report.steps.count - skipped
      try session.print(
        bad == 0
          ? "all \(done) steps hold the same \(report.keys) keys\(skipped > 0 ? "; \(skipped) skipped" : "")\n"
          : "\(bad) of \(report.steps.count) steps DIFFER\n")
    }
    if !report.isEqual { throw AnswerIsNo() }
  }

  private static func text(_ step: RoundTrip.Step, isVerbose: Bool) -> String {
    let way = "\(step.from) -> \(step.to)"
    let padding = String(repeating: " ", count: max(1, 60 - way.count))
    let time = String(format: "%8.3f s", step.seconds)
    let word = step.isSkipped ? "skip  " : step.isEqual ? "same  " : "DIFFER"
    var text = "\(word)  \(way)\(padding)\(time)\n"
    if let failure = step.failure { text += "        \(failure)\n" }
    for difference in step.differences {
      for line in difference.lines { text += "        \(line)\n" }
    }
    if step.differing > step.differences.count {
      text += "        and \(step.differing - step.differences.count) more keys\n"
    }
    if isVerbose || !step.isEqual || step.isSkipped {
      for note in step.notes { text += "        \(note)\n" }
    }
    return text
  }

  private static func write(
    _ step: RoundTrip.Step, _ json: inout JSONWriter, _ out: inout OutputBuffer
  ) {
    json.beginObject(&out)
    json.field("from", step.from, &out)
    json.field("to", step.to, &out)
    json.field("ok", step.isEqual, &out)
    json.field("skipped", step.isSkipped, &out)
    json.field("digest", step.digest, &out)
    json.key("seconds", &out)
    json.number(step.seconds, &out)
    json.field("keys", step.keys, &out)
    json.field("failure", step.failure, &out)
    json.key("notes", &out)
    json.beginArray(&out)
    for note in step.notes { json.string(note, &out) }
    json.endArray(&out)
    json.key("differences", &out)
    json.beginArray(&out)
    for difference in step.differences { json.difference(difference, &out) }
    json.endArray(&out)
    json.endObject(&out)
  }

  // MARK: - A running server

  private func compare(with text: String, _ session: Session) throws {
    var options = LiveServerCheck.Options()
    options.ignored = try comparison.ignored()
    options.keysPerSecond = rate
    options.pause = .milliseconds(Int(pause * 1000))
    options.mostKeys = most
    if !(try keys.selection()).isEverything || expiry.dropExpired {
      throw ToolError.usage("--against compares all keys")
    }
    let url: ServerURL
    do throws(JobError) { url = try ServerURL(text) } catch {
      throw ToolError.usage("--against: \(error.message)", remedy: error.remedy)
    }
    var settings = ConnectionSettings(user: url.user, commandTimeout: .seconds(60))
    settings.password =
      url.password
      ?? ProcessInfo.processInfo.environment["REDISCLI_AUTH"].map { Secret($0) }
    if url.usesTLS { settings.tls = TLSSettings() }
    let state = try open(paths[0], session)
    session.notes(state.notes)
    let report = try LiveServerCheck(options).run(state, url, settings)
    session.notes(report.notes)
    if session.isJSON {
      try session.writeJSON { json, out in
        json.beginObject(&out)
        json.field("ok", report.isGood, &out)
        json.field("server", report.server, &out)
        json.field("keys", report.keys, &out)
        json.field("keysOfServer", report.keysOfServer, &out)
        json.field("equal", report.equal, &out)
        json.field("different", report.different, &out)
        json.field("missing", report.missing, &out)
        json.field("changing", report.changing, &out)
        json.field("touched", report.touched, &out)
        json.field("expired", report.expired, &out)
        json.field("new", report.new, &out)
        VerifyCommand.write(report.differences, [], &json, &out)
        json.endObject(&out)
      }
    } else {
      try session.write { out in
        for difference in report.differences {
          for line in difference.lines { out.write(text: line + "\n") }
        }
        if global.quiet && report.isGood { return }
        out.write(text: "\(report.server): \(report.equal) of \(report.keys) keys are the same\n")
        let counts = [
          (report.different, "differ and were not used since the file was made"),
          (report.missing, "are missing on the server: deleted since, or lost"),
          (report.changing, "were written while they were compared"),
          (report.touched, "differ and were used since the file was made"),
          (report.expired, "have expired since"),
          (report.new, "are only on the server"),
        ]
        for (count, meaning) in counts where count > 0 {
          out.write(text: "  \(count) \(meaning)\n")
        }
      }
    }
    if !report.isGood { throw AnswerIsNo() }
  }
}

extension Duration {
  /// Seconds, to the millisecond.
  fileprivate var milliseconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds / 1_000_000_000_000_000) / 1000
  }
}

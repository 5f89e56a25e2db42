import ArgumentParser
import Operations
import RDB

/// How `undo` brings lost keys back by their effect: as commands for a server, or behind a log.
struct RecoveryOptions: ParsableArguments {
  @Flag(
    name: .long,
    help: """
      Leave the log as it is and add commands behind it that put back what was lost: for what \
      can not be taken out, such as one key of a script's work.
      """)
  var restoreFrom = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Make only the commands that bring back what was lost, for redis-cli --pipe; - for standard "
        + "output.", valueName: "FILE"))
  var patch: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Send them to this running server; every key is looked at first: redis://host:port, rediss://…, unix:///path.",
      valueName: "URL"))
  var apply: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Take the good values from here, an older backup or a replica's dump, instead of the log.",
      valueName: "PATH"))
  var from: String?

  @Flag(
    name: .long,
    help: "In a patch, also keys that the accident changed without removing them (with REPLACE).")
  var changed = false

  @Flag(name: .long, help: "With a server or patch, also remove keys that the accident made.")
  var removeMade = false

  @Flag(
    name: .long,
    help: """
      Also put back keys that were written to since: they become what they would be without the \
      accident, later writes in the log included; with --from what they were there.
      """)
  var overwrite = false

  @Flag(name: .long, help: "Write plain commands instead of RESTORE.")
  var asCommands = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The server that is to take them, such as redis:6.2 or valkey:9.0.", valueName: "SERVER"))
  var target: String?

  @Flag(name: .long, help: "Leave out what the target can not hold instead of refusing.")
  var lossy = false

  /// Whether any of it is wanted.
  var isAsked: Bool { restoreFrom || patch != nil || apply != nil }

  func validate() throws {
    if !isAsked {
      let others: [(Bool, String)] = [
        (from != nil, "--from"), (changed, "--changed"), (removeMade, "--remove-made"),
        (overwrite, "--overwrite"), (asCommands, "--as-commands"), (target != nil, "--target"),
        (lossy, "--lossy"),
      ]
      if let name = others.first(where: { $0.0 })?.1 {
        throw ValidationError("\(name) belongs to --patch, --apply or --restore-from")
      }
    }
    if [restoreFrom, patch != nil, apply != nil].filter({ $0 }).count > 2
      || restoreFrom && (patch != nil || apply != nil)
    {
      throw ValidationError("--restore-from is another way than --patch and --apply")
    }
  }

  /// What is done.
  func plan() throws(ToolError) -> RecoveryPlan {
    var plan = RecoveryPlan()
    if restoreFrom { plan.scope = .accident }
    // A server is asked whether the keys are still what the accident left.
    if apply != nil || changed { plan.scope.changed = true }
    if removeMade { plan.scope.made = true }
    if overwrite { plan.scope.newer = true }
    if asCommands { plan.form = .commands }
    plan.lossy = lossy
    if let target = try TargetOption.parse(target) { plan.target = target }
    return plan
  }
}

import RedisBackup

/// Takes every command of this name (`FLUSHALL`, say) out of the log at `path`, and writes the rest to
/// `output`. The log itself stays as it is.
///
/// - Returns: how many keys come back.
public func undo(_ name: String, in path: String, to output: String) throws -> Int {
  var commands = CommandSelection()
  commands.names.insert(name)
  let log = try AppendOnlyLog.open(path)
  var plan = try UndoPlan(log, LogSelection(commands: commands))
  if plan.isEmpty { return 0 }
  // Commands behind the accident may act differently now: replaying the log twice tells.
  let impact = try UndoImpact(plan, policy: .report)
  try plan.resolve(impact)
  // The new log appears under its name whole, or not at all.
  _ = try plan.rewrite.write(to: output, replacing: false)
  return impact.restored
}

/// The commands of a log that destroyed whole keys, the worst first: the number of each in the log,
/// and how many keys it took.
public func commandsThatDestroyedKeys(in path: String) throws -> [(number: Int, keys: Int)] {
  let losses = try Losses(AppendOnlyLog.open(path), LogSelection())
  return losses.losses.filter { $0.keysLost > 0 }.map { ($0.command.index, $0.keysLost) }
}

/// Writes the commands that bring back what command `number` of a log destroyed: the input of
/// `redis-cli --pipe`, for a server that goes on running.
///
/// Keys that somebody has written since are left alone.
///
/// - Returns: how many keys come back.
public func writePatch(
  undoing number: Int, of path: String, for target: RDBTarget, to output: String
) throws -> Int {
  var commands = CommandSelection()
  commands.indexes = [number...number]
  let accident = try Accident(AppendOnlyLog.open(path), commands, KeySelection())
  // Two replays, with the accident and without it: what differs is its doing.
  let lost = try LostKeys(accident, LostKeys.Options(now: Moment.now.milliseconds))
  var plan = RecoveryPlan()
  plan.target = target
  let report = try lost.writePatch(
    plan, to: output, replacing: false, standardOutput: NullTarget())
  return report.restored
}

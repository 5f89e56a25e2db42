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

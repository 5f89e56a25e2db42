internal import AOF
internal import Bytes
internal import Operations

/// Point in time: a restored log is cut behind the last command that is not younger.
extension RestoreBackup {
  /// The oldest log that was taken at or after `time`: it holds the commands up to that moment.
  public func findLog(reaching time: UTCTime) throws(JobError) -> String {
    for id in try context.store.published() {
      guard let record = try? context.store.record(id), record.started >= time,
        record.method != "replication"
      else { continue }
      return id
    }
    throw JobError(
      .missing, step: "find backup", place: context.store.place,
      "no backup of a log (method aof or file) was taken after \(time)",
      remedy: "Name a backup; --to-time needs one whose log holds that moment.")
  }

  /// Cuts the log of `part` in `folder` to `time`; throws `.usage` when the part is a dump.
  func cut(_ part: BackupRecord.Part, in folder: String, to time: UTCTime) throws(JobError) {
    guard let file = part.files.first(where: { $0.kind == "manifest" }) ?? part.files.first,
      file.kind != "rdb"
    else {
      throw JobError(
        .usage, step: "restore", place: folder, "--to-time needs a log, and this backup is a dump",
        remedy: "Use --at TIME for the newest dump before that moment.")
    }
    let isMultiPart = file.kind == "manifest"
    let path = isMultiPart ? "\(folder)/\(Files.parent(of: file.name))" : "\(folder)/\(file.name)"
    let shorter = "\(path).cut"
    do throws(ToolError) {
      let log: AppendOnlyLog
      do throws(LogOpenError) { log = try AppendOnlyLog(path) } catch {
        throw ToolError(
          .refused(.badData, "the restored log can not be opened: \(error)"), file: path)
      }
      _ = try CutPlan(log, .time(time.seconds)).rewrite.write(to: shorter, replacing: false)
    } catch {
      throw JobError(
        .badData, step: "cut to \(time)", place: file.name, error.line,
        remedy: "The time must lie inside the log, and the server needs aof-timestamp-enabled yes.")
    }
    try Files.removeTree(path, step: "restore")
    try Files.rename(shorter, to: path, step: "restore")
  }
}

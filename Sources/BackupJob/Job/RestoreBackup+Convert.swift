internal import Bytes
internal import Operations
internal import RDB

/// Another form than the one that was stored: a log replayed into a dump, a file for another server,
/// a part of the keys.
extension RestoreBackup {
  /// Makes `dump.rdb` of the restored files of `part` in `folder` when they are not wanted as they
  /// are; the files it is made of are removed. True when there is a dump then.
  func convert(
    _ part: BackupRecord.Part, in folder: String, _ options: Options, _ outcome: inout Outcome
  ) throws(JobError) -> Bool {
    let dump = part.files.first { $0.kind == "rdb" }
    // A log that was stored in one file becomes one of several only by way of a dump.
    let isOtherLog =
      options.form == .multiPart && dump == nil
      && !part.files.contains { $0.kind == "manifest" }
    if options.isAsItWas, dump != nil || options.form != .rdb, !isOtherLog {
      outcome.keys += part.keys
      return dump != nil
    }
    guard let file = dump ?? part.files.first(where: { $0.kind == "manifest" }) ?? part.files.first
    else {
      throw JobError(
        .badData, step: "convert", place: folder, "the backup holds no file", remedy: "")
    }
    context.say("converting", ["file": file.name, "to": options.target?.description ?? "dump"])
    let made = "\(folder)/.converted.rdb"
    var wanted = Convert.Options()
    wanted.form = .rdb
    wanted.target = options.target
    wanted.lossy = options.lossy
    wanted.selection = options.selection
    wanted.expiredBefore = options.expiredBefore
    let report: Convert.Report
    do throws(ToolError) {
      report = try Convert.run(DataInput("\(folder)/\(file.name)"), to: made, wanted)
    } catch {
      throw JobError(
        .badData, step: "convert", place: file.name, error.line,
        remedy: "Restore it as it is, and look at it with `redis-backup check`.")
    }
    let lost = report.lost.map(Self.text)
    guard !report.isRefused else {
      let shown = lost.prefix(10).joined(separator: "; ") + (report.lostCount > 10 ? "; …" : "")
      throw JobError(
        .negative, step: "convert", place: file.name,
        "\(report.target) can not hold \(report.lostCount) of it: \(shown)",
        remedy: "Name a newer --target, or leave it out with --lossy.")
    }
    outcome.lost += lost
    outcome.lostCount += report.lostCount
    outcome.keys += Int64(report.keys)
    outcome.bytes += Int64(report.bytes) - part.files.reduce(0) { $0 + $1.size }
    for file in part.files { try Files.remove("\(folder)/\(file.name)", step: "convert") }
    for name in try Files.names(in: folder, step: "convert") where name != ".converted.rdb" {
      try Files.removeTree("\(folder)/\(name)", step: "convert")
    }
    try Files.rename(made, to: "\(folder)/dump.rdb", step: "convert")
    return true
  }

  private static func text(_ loss: Convert.Loss) -> String {
    guard let database = loss.database, let key = loss.key else { return loss.what }
    return "db \(database) \(KeyText.quoted(key)): \(loss.what)"
  }
}

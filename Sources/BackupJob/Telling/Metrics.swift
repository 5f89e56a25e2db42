/// The Prometheus text of the job (exposition format 0.0.4).
package enum Metrics {
  /// The phases whose errors are counted; each is always exposed, so that alerts see the first
  /// increase.
  package static let phases = [
    "prepare", "lock", "source", "transfer", "verify", "publish", "prune",
  ]

  /// The errors so far by phase, read from the file of the last run, with one more for `phase`.
  package static func errors(in text: String, name: String, adding phase: String?) -> [String: Int]
  {
    var errors: [String: Int] = [:]
    for known in phases { errors[known] = 0 }
    for line in text.split(separator: "\n") where line.hasPrefix("redis_backup_errors_total{") {
      guard line.contains("job_name=\"\(name)\""), let mark = line.firstRange(of: "phase=\""),
        let value = line.split(separator: " ").last.flatMap({ Int($0) })
      else { continue }
      errors[String(line[mark.upperBound...].prefix { $0 != "\"" })] = value
    }
    if let phase { errors[phase, default: 0] += 1 }
    return errors
  }

  /// The whole text.
  package static func text(name: String, status: JobStatus?, errors: [String: Int], now: UTCTime)
    -> String
  {
    var out = ""
    let label = "job_name=\"\(name)\""
    func family(_ metric: String, _ type: String, _ help: String, _ samples: [(String, String)]) {
      guard !samples.isEmpty else { return }
      out += "# HELP \(metric) \(help)\n# TYPE \(metric) \(type)\n"
      for (labels, value) in samples {
        out += "\(metric){\(label)\(labels.isEmpty ? "" : "," + labels)} \(value)\n"
      }
    }
    func seconds(_ time: UTCTime) -> String { "\(time.milliseconds / 1000)" }
    family(
      "redis_backup_last_run_timestamp_seconds", "gauge", "When the job ran last.",
      [("", seconds(now))])
    family(
      "redis_backup_errors_total", "counter", "Failed runs by the phase that failed.",
      errors.sorted { $0.key < $1.key }.map { ("phase=\"\($0.key)\"", "\($0.value)") })
    family(
      "redis_backup_repository_up", "gauge", "Whether the repository could be read.",
      [("", status == nil ? "0" : "1")])
    guard let status else { return out }
    family(
      "redis_backup_backups", "gauge", "Published backups in the repository.",
      [("", "\(status.count)")])
    guard let record = status.newest else { return out }
    family(
      "redis_backup_last_success_timestamp_seconds", "gauge",
      "When the newest good backup was complete.",
      [("", seconds(record.ended))])
    family(
      "redis_backup_newest_age_seconds", "gauge",
      "Age of the newest good backup when this was written.",
      [("", "\(max(0, (now.milliseconds - record.started.milliseconds) / 1000))")])
    family("redis_backup_keys", "gauge", "Keys in the newest backup.", [("", "\(record.keys)")])
    family(
      "redis_backup_size_bytes", "gauge", "Bytes of the newest backup when restored.",
      [("", "\(record.bytes)")])
    family(
      "redis_backup_stored_bytes", "gauge", "Bytes of the newest backup as stored.",
      [("", "\(record.storedBytes)")])
    family(
      "redis_backup_verified", "gauge",
      "1 when the newest backup was verified at the level it is labelled with.",
      [("level=\"\(record.verification.level)\"", "1")])
    family(
      "redis_backup_phase_duration_seconds", "gauge",
      "How long each phase of the newest backup took.",
      record.seconds.sorted { $0.key < $1.key }.map { ("phase=\"\($0.key)\"", "\($0.value)") })
    return out
  }
}

import Foundation
import TestSupport
import Testing

@testable import BackupJob

@Suite(.serialized) struct DeployTests {
  /// Manifests, chart, units, alerts and dashboard against the programs that know; what is skipped
  /// is printed.
  @Test func everythingInDeployIsValid() throws {
    let directory = try TemporaryDirectory()
    let server = try LoopbackServer()
    defer { server.keep() }
    let context = try makeContext(
      yaml("redis://127.0.0.1:\(server.port)", more: "metrics:\n  textfile: $DIR/metrics.prom"),
      directory)
    _ = try CreateBackup(context).run()
    let script = PackageRoot.url.appendingPathComponent("scripts/check-deploy").path
    let result = try Shell.run(
      script,
      environment: [
        "REDIS_BACKUP": PackageRoot.redisBackup, "METRICS": directory.file("metrics.prom"),
      ])
    for line in result.lines where line.hasPrefix("SKIPPED") { print("check-deploy: \(line)") }
    #expect(result.status == 0, "\(result.errorText.suffix(2000))")
    #expect(result.lines.contains { $0.hasPrefix("ok ") })
  }

  /// The whole story: Sentinels, backup, drill, accident, restore.
  @Test func theDemoShowsEqualData() throws {
    let script = PackageRoot.url.appendingPathComponent("scripts/demo-backup").path
    let result = try Shell.run(script, environment: ["REDIS_BACKUP": PackageRoot.redisBackup])
    #expect(result.status == 0, "\(result.errorText.suffix(2000))")
    #expect(result.text.contains("The data is equal: "))
  }

  @Test func metricsCountErrorsOverRuns() {
    var text = Metrics.text(
      name: "a", status: nil, errors: Metrics.errors(in: "", name: "a", adding: "transfer"),
      now: UTCTime(seconds: 5))
    text = Metrics.text(
      name: "a", status: nil, errors: Metrics.errors(in: text, name: "a", adding: "transfer"),
      now: UTCTime(seconds: 6))
    #expect(text.contains("redis_backup_errors_total{job_name=\"a\",phase=\"transfer\"} 2\n"))
    #expect(text.contains("redis_backup_errors_total{job_name=\"a\",phase=\"lock\"} 0\n"))
    #expect(text.contains("redis_backup_repository_up{job_name=\"a\"} 0\n"))
    #expect(Metrics.errors(in: text, name: "b", adding: nil)["transfer"] == 0)
  }
}

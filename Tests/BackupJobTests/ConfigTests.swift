import Foundation
import TestSupport
import Testing

@testable import BackupJob

@Suite struct ConfigTests {
  private func read(_ yaml: String, _ environment: [String: String] = [:]) throws -> JobConfig {
    try JobConfig(yaml: yaml, file: "c.yaml", environment: environment)
  }

  private let good = "source:\n  url: redis://h\nrepository:\n  path: /r\n"

  @Test func defaultsAndValues() throws {
    let config = try read(good)
    #expect(config.compression == .zstd(level: 3))
    #expect(config.policy.prefer == .replica)
    #expect(config.level == .full)
    #expect(config.stateDirectory == "/r/.state")
    #expect(config.timeouts.sentinel == .milliseconds(500))
    let other = try read(
      good
        + "  compression: gzip\n  rate-limit: 2MB\n  age-recipients: [age1a, age1b]\nretention:\n  keep-daily: 7\n"
        + "  time-zone: Europe/Berlin\n")
    #expect(other.compression == .gzip(level: 6))
    #expect(other.rateLimit == 2 << 20)
    #expect(other.age.recipients == ["age1a", "age1b"])
    #expect(other.retention.daily == 7)
  }

  @Test(arguments: [
    ("source:\n  url: redis://h\n", "c.yaml", "repository.path is missing"),
    ("repository:\n  path: /r\n", "c.yaml", "source.url is missing"),
    (
      "source:\n  url: redis://h\n  ulr: x\nrepository:\n  path: /r\n", "c.yaml:3",
      "there is no key source.ulr"
    ),
    ("source:\n  url: http://h\nrepository:\n  path: /r\n", "c.yaml:2", "source.url"),
    (
      "source:\n  url: redis://h\n  max-lag: fast\nrepository:\n  path: /r\n", "c.yaml:3",
      "source.max-lag is \"fast\""
    ),
    (
      "source:\n  url: redis://h\n  parallel: 0\nrepository:\n  path: /r\n", "c.yaml:3",
      "source.parallel"
    ),
    ("source:\n  url: redis://h\nrepository:\n  path: /r\n  compression: lz4\n", "c.yaml:5", "lz4"),
    ("source:\n  url: redis://h\n  url: redis://i\nrepository:\n  path: /r\n", "c.yaml", "YAML"),
    ("source: x\n", "c.yaml:1", "section"),
    ("name: [a]\nsource:\n  url: redis://h\nrepository:\n  path: /r\n", "c.yaml:1", "one value"),
    ("a: b: c\n", "c.yaml:1", "YAML"),
    ("- a\n", "c.yaml:1", "keys and values"),
    (
      "source:\n  url: redis://h\nrepository:\n  path: /r\nretention:\n  time-zone: Mars/Olympus\n",
      "c.yaml:6", "time zone"
    ),
    (
      "source:\n  url: redis://h\nrepository:\n  path: /r\n  compression: gzip\n  compression-level: 12\n",
      "c.yaml:6",
      "gzip"
    ),
    ("source:\n  url: redis://h\nrepository:\n  path: /r\n  rclone: 'a:b'\n", "c.yaml:5", "both"),
    (
      "source:\n  url: redis://h\n  method: aof\nrepository:\n  path: /r\n", "c.yaml",
      "source.data-dir is missing"
    ),
  ])
  func tellsTheLine(_ yaml: String, _ place: String, _ message: String) {
    let error = jobError { _ = try read(yaml) }
    #expect(error?.exitCode == 64)
    #expect(error?.place.hasPrefix(place) == true, "\(String(describing: error))")
    #expect(error?.message.contains(message) == true, "\(String(describing: error))")
  }

  @Test func everyKeyHasItsVariable() throws {
    #expect(Set(ConfigKey.all.map(\.variable)).count == ConfigKey.all.count)
    let config = try read(
      good,
      [
        "REDIS_BACKUP_SOURCE_URL": "unix:///s", "REDIS_BACKUP_REPOSITORY_AGE_RECIPIENTS": "a, b",
        "REDIS_BACKUP_SOURCE_TLS_VERIFY": "no",
      ])
    #expect(config.url?.target == .node(.unix(path: "/s")))
    #expect(config.age.recipients == ["a", "b"])
    #expect(!config.tls.verifiesPeer)
    let error = jobError { _ = try read(good, ["REDIS_BACKUP_SOURCE_PARALLEL": "many"]) }
    #expect(error?.place == "environment variable REDIS_BACKUP_SOURCE_PARALLEL")
  }

  @Test func secretsComeFromFilesAndVariables() throws {
    try withTemporaryDirectory { directory in
      let file = try directory.write("from-file\nsecond line\n", to: "password")
      #expect(try read(good, ["REDISCLI_AUTH": "env"]).password?.reveal == "env")
      #expect(try read(good, ["REDIS_PASSWORD_FILE": file]).password?.reveal == "from-file")
      let inFile = good.replacingOccurrences(
        of: "redis://h\n", with: "redis://u:url@h\n  password-file: \(file)\n")
      #expect(try read(inFile, ["REDISCLI_AUTH": "env"]).password?.reveal == "from-file")
      #expect(try read(inFile, [:]).user == "u")
      #expect(
        jobError { _ = try read(good, ["REDIS_PASSWORD_FILE": "/nowhere/x"]) }?.exitCode == 66)
    }
  }

  /// The reference page lists each key, and no other.
  @Test func theDocumentationKnowsEveryKey() throws {
    let url = PackageRoot.url.appendingPathComponent("Documentation/configuration.md")
    let text = try String(contentsOf: url, encoding: .utf8)
    for key in ConfigKey.all {
      #expect(text.contains("`\(key.name)`"), "\(key.name)")
      #expect(text.contains(key.meaning), "\(key.name)")
      #expect(text.contains(key.variable), "\(key.name)")
    }
  }
}

import Foundation
import TestSupport
import Testing

@Suite struct DrillCommandTests {
  /// Servers from 7.0 on move a log of one file into a directory of their own when they load it; the
  /// drill looked for it where it was.
  @Test(arguments: [RealServer.Version.redis6_2, .redis7_0, .valkey9_1])
  func aLogOfOneFile(_ version: RealServer.Version) throws {
    let folder = try TemporaryDirectory()
    for name in ["data", "repository"] {
      try FileManager.default.createDirectory(
        atPath: folder.file(name), withIntermediateDirectories: true)
    }
    try Fixture.copy("demo/appendonly.aof", to: folder.file("data/appendonly.aof"))
    let config = folder.file("c.yaml")
    try """
    source:
      method: file
      data-dir: \(folder.file("data"))
    repository:
      path: \(folder.file("repository"))
    drill:
      server: \(try version.path())
    """.write(toFile: config, atomically: true, encoding: .utf8)
    let made = try Shell.redisBackup("snapshot", "create", "-c", config)
    #expect(made.status == 0, "\(made.errorText)")
    let drill = try Shell.redisBackup("snapshot", "drill", "-c", config)
    #expect(drill.status == 0, "\(drill.text)\(drill.errorText)")
    #expect(drill.text.contains("restores") && drill.text.contains("compared: digest"))
  }
}

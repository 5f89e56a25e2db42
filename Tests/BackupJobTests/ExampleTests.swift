import Examples
import Foundation
import TestSupport
import Testing

@testable import BackupJob

/// The examples of the backup job do what they say.
@Suite struct BackupExampleTests {
  @Test func takingAndRestoring() throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(100)
    let directory = try TemporaryDirectory()
    let text = yaml("redis://127.0.0.1:\(server.port)").replacingOccurrences(
      of: "$DIR", with: directory.path)
    let config = try directory.write(text, to: "backup.yaml")
    let id = try takeBackup(configuration: config, environment: [:])
    #expect(FileManager.default.fileExists(atPath: directory.file("repo/\(id)/backup.json")))
    let lines = try restoreNewest(
      configuration: config, environment: [:], into: directory.file("restored"))
    #expect(lines.contains("dir \(directory.file("restored"))"))
    let restored = try LoopbackServer(
      options: ["--dir", directory.file("restored"), "--appendonly", "yes"])
    #expect(try restored.call("DBSIZE").number == 100)
  }
}

import Keyspace
import Testing

@testable import BackupJob

/// Whose log a backup holds decides how its commands are replayed.
@Suite struct LogGenerationTests {
  @Test(arguments: [
    ("redis", "6.2.16", ServerGeneration.upTo6), ("redis", "2.8.24", .upTo6),
    ("redis", "7.0.15", .redis7_0), ("redis", "7.4.1", .from7), ("redis", "8.0.5", .from8),
    ("redis", "10.1", .from8), ("valkey", "7.2.4", .from7), ("valkey", "9.1.2", .from7),
  ])
  func theServerTellsIt(_ product: String, _ version: String, _ wanted: ServerGeneration) {
    var source = BackupRecord.Source(endpoint: "h:1")
    source.product = product
    source.version = version
    let part = BackupRecord.Part(slots: nil, source: source, files: [])
    #expect(LogReplay.generation(of: part) == wanted)
  }

  @Test func elseItsForm() {
    var part = BackupRecord.Part(
      slots: nil, source: BackupRecord.Source(endpoint: "/data"), files: [])
    #expect(LogReplay.generation(of: part) == .upTo6)
    part.files = [
      BackupRecord.File(
        name: "m", stored: "m", kind: "manifest", size: 1, sha256: "", storedSize: 1,
        storedSHA256: "")
    ]
    #expect(LogReplay.generation(of: part) == .from7)
  }
}

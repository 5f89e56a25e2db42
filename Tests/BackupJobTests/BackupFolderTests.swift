import Operations
import TestSupport
import Testing

@testable import BackupJob

/// The folder of a backup as PATH of the other commands.
@Suite(.serialized) struct BackupFolderTests {
  @Test(arguments: ["none", "gzip", "zstd"]) func aDumpIsRead(_ compression: String) throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(200)
    let digest = try #require(server.call("DEBUG", "DIGEST").text)
    let directory = try TemporaryDirectory()
    let text = """
      source:
        url: redis://127.0.0.1:\(server.port)
        wait: 0s
      repository:
        path: $DIR/repo
        min-free: 0
        compression: \(compression)
      """
    let context = try makeContext(text, directory)
    let first = directory.file("repo/" + (try CreateBackup(context).run().record.id))
    try server.call("SET", "later", "x")
    let second = directory.file("repo/" + (try CreateBackup(context).run().record.id))
    let style = try Digest.of(DataInput(first), now: 0)
    #expect(style.digest == digest)
    let report = try Verify.run(ComparedState(first), ComparedState(second), Verify.Options())
    #expect(report.onlyB == 1 && report.onlyA == 0 && report.changed == 0)
    let listed = try Shell.run(PackageRoot.redisBackup, ["keys", second])
    #expect(listed.status == 0 && listed.text.split(separator: "\n").count == 201)
  }

  @Test func aLogOfSeveralFilesIsRefusedWithTheWayOut() throws {
    let server = try LoopbackServer(options: ["--appendonly", "yes"])
    defer { server.keep() }
    try server.fill(50)
    let directory = try TemporaryDirectory()
    for compression in ["none", "gzip"] {
      let text = """
        source:
          url: redis://127.0.0.1:\(server.port)
          wait: 0s
          method: aof
          data-dir: \(server.data)
        repository:
          path: $DIR/\(compression)
          min-free: 0
          compression: \(compression)
        """
      let context = try makeContext(text, directory)
      let id = try CreateBackup(context).run().record.id
      let listed = try Shell.run(
        PackageRoot.redisBackup, ["keys", directory.file("\(compression)/\(id)")])
      #expect(listed.status == 65)
      #expect(listed.errorText.contains("snapshot restore \(id) -o DIR"), "\(listed.errorText)")
    }
  }
}

import Foundation
import TestSupport
import Testing

@Suite struct NearNameTests {
  @Test func filesThatAreMissing() throws {
    let folder = try TemporaryDirectory()
    let dump = folder.file("dump.rdb")
    try Fixture.copy("r7.0/types.rdb", to: dump)
    let near = try Shell.redisBackup("check", folder.file("dmup.rdb"))
    #expect(near.status == 66)
    #expect(near.errorText.contains("no such file or directory. Did you mean \(dump)?"))
    let here = try Shell.run(
      PackageRoot.redisBackup, ["info", "Dump.rdb"], directory: folder.path)
    #expect(here.errorText.hasSuffix("Did you mean dump.rdb?\n"))
    let far = try Shell.redisBackup("check", folder.file("other.aof"))
    #expect(far.status == 66 && !far.errorText.contains("Did you mean"))
    // The folder on the way.
    let folderName = folder.path + "x"
    let inFolder = try Shell.redisBackup("check", folderName + "/dump.rdb")
    #expect(inFolder.errorText.contains("Did you mean \(dump)?"), "\(inFolder.errorText)")
  }

  @Test func keysThatAreMissing() throws {
    for path in ["live/live_7.4.rdb", "demo/appendonly.aof"] {
      let file = Fixture.path(path)
      let line = try #require(try Shell.redisBackup("keys", "--db", "0", file).lines.first)
      let key = String(line.split(separator: "\t")[1].dropFirst().dropLast())
      let result = try Shell.redisBackup("get", file, key + "x")
      #expect(result.status == 1)
      #expect(result.errorText.contains("Did you mean ") && result.errorText.contains("\"\(key)\""))
      let far = try Shell.redisBackup("get", file, "nothing-is-called-like-this")
      #expect(far.status == 1 && !far.errorText.contains("Did you mean"))
    }
  }
}

import Foundation
import TestSupport
import Testing

/// A limit on the size of files (`ulimit -f`) is an error like a full disk, not a death by SIGXFSZ that leaves
/// temporary files behind.
@Suite struct FileSizeLimitTests {
  @Test(arguments: [
    ["repair"], ["compact"], ["convert", "--to", "rdb"], ["undo", "--index", "2"],
  ])
  func nothingIsLeftBehind(_ command: [String]) throws {
    let directory = try TemporaryDirectory()
    var log = ""
    for number in 0..<4000 {
      let value = "value-\(number)-\(UInt64(number) &* 0x9E37_79B9_7F4A_7C15)-of-a-key"
      log += "*3\r\n$3\r\nSET\r\n$6\r\nk\(10000 + number)\r\n$\(value.utf8.count)\r\n\(value)\r\n"
    }
    let path = try directory.write(log, to: "x.aof")
    let before = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    // 64 units of 512 bytes, or of 1024 in some shells.
    let result = try Shell.run(
      "sh",
      ["-c", "ulimit -f 64; exec \"$0\" \"$@\"", PackageRoot.redisBackup] + command
        + [path, "-o", directory.file("out"), "-q"])
    #expect(result.status == 74, "\(result.status): \(result.errorText)")
    #expect(result.errorText.contains("File too large"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == before)
  }
}

import TestSupport
import Testing

/// The words of the command line reach the program wherever it runs.
@Suite struct ArgumentTests {
  /// In a chroot, or on a rescue system, /proc may be missing; Swift's own list of words comes from there.
  @Test func theyNeedNoProc() throws {
    let directory = try TemporaryDirectory()
    let log = try directory.write("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n", to: "a.aof")
    let script = "mount -t tmpfs none /proc && exec \"$0\" \"$@\""
    let hidden = try Shell.run("unshare", ["--mount", "sh", "-c", script, "/bin/true"])
    guard hidden.status == 0 else {
      print("SKIPPED: theyNeedNoProc needs the right to hide /proc: \(hidden.errorText)")
      return
    }
    let result = try Shell.run(
      "unshare", ["--mount", "sh", "-c", script, PackageRoot.redisBackup, "check", log])
    #expect(result.status == 0, "\(result.errorText)")
    #expect(result.text == "\(log): good, 1 command, 27 bytes\n")
    let refused = try Shell.run(
      "unshare", ["--mount", "sh", "-c", script, PackageRoot.redisBackup, "chekc", log])
    #expect(refused.status == 64)
  }

  @Test func wordsOfManyBytesAndNone() throws {
    let result = try Shell.redisBackup("check", "", String(repeating: "é", count: 5000))
    #expect(result.status == 64 || result.status == 66, "\(result.errorText)")
  }
}

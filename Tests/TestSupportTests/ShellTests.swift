import Foundation
import TestSupport
import Testing

@Suite struct ShellTests {
  @Test func givesExitCodeOutputsAndMemory() throws {
    let result = try Shell.run("sh", ["-c", "echo out; echo err >&2; exit 7"])
    #expect(result.status == 7)
    #expect(result.signal == nil)
    #expect(result.lines == ["out"])
    #expect(result.errorText == "err\n")
    #expect(result.maximumResidentBytes > 100_000)
  }

  @Test func feedsStandardInputWhileItReads() throws {
    let bytes = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0) }
    #expect(try Shell.run("cat", stdin: bytes).output == bytes)
    #expect(try Shell.run("cat").output == [])
    // Ends without reading its input.
    #expect(try Shell.run("true", stdin: bytes).status == 0)
  }

  @Test func passesEnvironmentAndFolder() throws {
    let folder = try TemporaryDirectory()
    let result = try Shell.run(
      "sh", ["-c", "echo $COLOUR; pwd"], environment: ["COLOUR": "blue"], directory: folder.path)
    #expect(result.lines.first == "blue")
    #expect(result.lines.last?.hasSuffix((folder.path as NSString).lastPathComponent) == true)
  }

  @Test func tellsSignalsAndStopsWhatHangs() throws {
    #expect(try Shell.run("sh", ["-c", "kill -SEGV $$"]).signal == SIGSEGV)
    #expect(throws: TestSupportError.self) { try Shell.run("sleep", ["60"], limit: 0.1) }
    #expect(throws: TestSupportError.self) { try Shell.run("no-such-program") }
  }

  @Test func findsTheBuiltProgram() throws {
    #expect(try Shell.redisBackup("--help").status == 0)
  }
}

@Suite struct SmallPartsTests {
  @Test func randomNumbersFollowFromTheSeed() {
    var generator = SplitMix64(seed: 1_234_567)
    // The reference values of the algorithm for this seed.
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
    #expect((0..<1000).allSatisfy { _ in (0..<10).contains(generator.below(10)) })
  }

  @Test func temporaryFoldersAreEmptyAndGoAway() throws {
    let path = try withTemporaryDirectory { folder in
      #expect(try folder.names() == [])
      try folder.write("text", to: "a")
      #expect(try folder.read("a") == Array("text".utf8))
      return folder.path
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}

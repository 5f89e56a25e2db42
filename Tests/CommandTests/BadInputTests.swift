import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Inputs and surroundings that go wrong while the program runs.
@Suite struct BadInputTests {
  private let log = Fixture.path("demo/appendonly.aof")

  /// Runs a script in a folder of its own; `$B` is the program, `$LOG` a small AOF.
  private func script(_ text: String) throws -> (result: Shell.Result, folder: TemporaryDirectory) {
    let folder = try TemporaryDirectory()
    let result = try Shell.run(
      "/bin/bash", ["-c", text], environment: ["B": PackageRoot.redisBackup, "LOG": log],
      directory: folder.path)
    return (result, folder)
  }

  private static let makeBig = """
    printf '*3\\r\\n$3\\r\\nSET\\r\\n$4\\r\\nkey1\\r\\n$20\\r\\n01234567890123456789\\r\\n' > one
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do cat one one > two; mv two one; done

    """

  /// The program writes into a pipe that nobody reads yet, so that it stands still in the middle of
  /// a file of 13 MB; the file is cut; then the pipe is read.
  @Test func aMappedFileThatShrinks() throws {
    let (result, folder) = try script(
      Self.makeBig + """
        mkfifo pipe
        "$B" log one > pipe 2> error &
        exec 8< pipe
        head -c 1 <&8 > /dev/null
        truncate -s 4096 one
        cat <&8 > /dev/null
        wait $!
        status=$?
        cat error >&2
        exit $status
        """)
    #expect(result.status == 74)
    #expect(result.signal == nil)
    #expect(result.errorText.hasPrefix("redis-backup: \(folder.path)/one: became shorter"))
    #expect(result.errorText.filter { $0 == "\n" }.count == 1, "\(result.errorText)")
  }

  @Test func aReaderThatGoesAway() throws {
    let (result, _) = try script(
      Self.makeBig + """
        "$B" log one | head -n 1
        exit ${PIPESTATUS[0]}
        """)
    #expect(result.status == 141)
    #expect(result.lines.count == 1)
    #expect(result.errorText == "")
  }

  @Test func aPipeIsOpenedOnce() throws {
    for command in ["info", "check"] {
      let (result, _) = try script(
        """
        mkfifo pipe
        (sleep 0.2; cat "$LOG" > pipe) &
        "$B" \(command) pipe
        """)
      #expect(result.status == 0, "\(result.errorText)")
      #expect(result.text.contains("829 bytes"), "\(result.text)")
    }
  }

  @Test func aPipeWithoutWriterIsNoTrap() throws {
    let (result, _) = try script("mkfifo pipe; \"$B\" check pipe")
    #expect(result.status == 66)
    #expect(result.errorText.contains("nobody writes"), "\(result.errorText)")
  }

  @Test func streamsAreTheSameAsFiles() throws {
    let dump = Fixture.path("live/live_7.0.rdb")
    for path in [log, dump] {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let file = try Shell.redisBackup("check", "--json", path)
      let stream = try Shell.redisBackup("check", "--json", "-", stdin: bytes)
      func facts(_ result: Shell.Result) throws -> [String: String] {
        let all = try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any]
        return ["ok", "bytes", "goodBytes", "keys", "commands"].reduce(into: [:]) {
          $0[$1] = "\(all?[$1] ?? "missing")"
        }
      }
      #expect(try facts(file) == facts(stream))
      let (zipped, _) = try script(
        "gzip -c < '\(path)' > x; \"$B\" check x; gzip -dc x | \"$B\" check -")
      #expect(zipped.status == 0, "\(zipped.errorText)")
      let (cut, _) = try script("gzip -c < '\(path)' | head -c 300 > x; \"$B\" check x")
      // 65 when not even the first bytes came out of it.
      #expect([1, 65].contains(cut.status), "\(cut.errorText)")
    }
  }

  /// Whatever the place of the cut: no trap, and the good bytes lie before the error and inside the file.
  @Test(arguments: ["demo/appendonly.aof", "live/live_2.4.rdb", "r7.0/accident-del"])
  func cutAnywhere(name: String) throws {
    var file = Fixture.path(name)
    if name.hasSuffix("del") {
      let inner = Fixture.files(under: name).first { $0.hasSuffix(".incr.aof") }
      file = Fixture.path(try #require(inner))
    }
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    let step = max(1, bytes.count / 60)
    for length in stride(from: 1, to: bytes.count, by: step) {
      let result = try Shell.redisBackup("check", "--json", "-", stdin: Array(bytes[..<length]))
      #expect([0, 1, 65].contains(result.status), "cut at \(length): \(result.status)")
      guard result.status != 65 else { continue }
      let all = try #require(
        try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any])
      let good = try #require(all["goodBytes"] as? Int)
      #expect(good <= length, "cut at \(length)")
      for problem in all["problems"] as? [[String: Any]] ?? [] {
        #expect((problem["offset"] as? Int ?? 0) <= length, "cut at \(length)")
      }
    }
  }

  /// An unfinished output goes away with the program, and the name stays free.
  @Test(arguments: ["TERM", "INT", "HUP"])
  func aSignalLeavesNothingBehind(signal: String) throws {
    let dump = Fixture.path("r7.0/types.rdb")
    // A job in the background of a script ignores SIGINT, and what is ignored stays so: `set -m`.
    let (result, folder) = try script(
      """
      set -m
      mkfifo pipe
      "$B" export pipe -o out.jsonl & program=$!
      exec 8> pipe
      head -c 100000 '\(dump)' >&8
      for i in $(seq 100); do ls -A | grep -q tmp- && break; sleep 0.05; done
      ls -A > before
      kill -\(signal) $program
      wait $program
      echo "status $?"
      """)
    let before = String(decoding: try folder.read("before"), as: UTF8.self)
    #expect(before.contains(".out.jsonl.tmp-"), "\(before)")
    #expect(try folder.names() == ["before", "pipe"], "\(result.errorText)")
    let number = ["TERM": 143, "INT": 130, "HUP": 129][signal] ?? 0
    #expect(result.text.contains("status \(number)"), "\(result.text)")
  }
}

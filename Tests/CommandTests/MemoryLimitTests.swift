#if os(Linux)
  import Foundation
  import TestSupport
  import Testing

  /// With `--memory-limit` the tables of a replay are no anonymous memory, which nobody could take back.
  @Suite(.serialized) struct MemoryLimitTests {
    /// Runs the program; the most anonymous resident memory that it was seen with, in bytes.
    private func anonymous(_ arguments: [String], in folder: String) throws -> Int {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: PackageRoot.redisBackup)
      process.arguments = arguments
      process.environment = ["TMPDIR": folder]
      process.standardInput = FileHandle.nullDevice
      try process.run()
      var most = 0
      while process.isRunning {
        let status = FileManager.default.contents(
          atPath: "/proc/\(process.processIdentifier)/status")
        for line in String(decoding: status ?? Data(), as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("RssAnon:") {
          let number = line.split(whereSeparator: { $0 == " " || $0 == "\t" })[1]
          most = max(most, (Int(number) ?? 0) << 10)
        }
        usleep(1000)
      }
      process.waitUntilExit()
      guard process.terminationStatus == 0 else {
        throw TestSupportError("\(arguments): exit code \(process.terminationStatus)")
      }
      return most
    }

    @Test func anonymousMemoryStaysNearTheLimit() throws {
      let directory = try TemporaryDirectory()
      var bytes: [UInt8] = []
      for number in 0..<450_000 {
        let key = "key:\(number * 7919 % 1_000_003)"
        bytes += Array("*3\r\n$3\r\nSET\r\n$\(key.count)\r\n\(key)\r\n$1\r\nv\r\n".utf8)
        if number % 2 == 0 {
          bytes += Array("*3\r\n$6\r\nAPPEND\r\n$\(key.count)\r\n\(key)\r\n$1\r\nw\r\n".utf8)
        }
      }
      let log = try directory.write(bytes, to: "appendonly.aof")
      let free = directory.file("free.aof")
      let bound = directory.file("bound.aof")
      let limit = 8_000_000
      let plain = try anonymous(["compact", log, "-o", free, "--quiet"], in: directory.path)
      let limited = try anonymous(
        ["compact", log, "-o", bound, "--memory-limit", "8m", "--quiet"], in: directory.path)
      print("compact: \(plain) bytes of anonymous memory; with --memory-limit \(limit): \(limited)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: free)) == directory.data("bound.aof"))
      // Otherwise nothing was limited.
      #expect(plain > limit * 3)
      #expect(limited * 10 <= limit * 12)
      // No file is left.
      #expect(try directory.names() == ["appendonly.aof", "bound.aof", "free.aof"])
      let commands = [
        ["digest"], ["export", "-o", directory.file("x")],
        ["convert", "--to", "aof", "-o", directory.file("y")],
      ]
      for command in commands {
        let most = try anonymous(
          [command[0], log, "--memory-limit", "8m", "--quiet"] + command.dropFirst(),
          in: directory.path)
        print("\(command[0]): \(most)")
        #expect(most * 10 <= limit * 12)
      }
    }

    /// Files are read in pieces, but a value that is larger than some MB is no reason to take memory.
    @Test(arguments: [[], ["--deep"]]) func aLargeValueTakesNoMemory(_ options: [String]) throws {
      let directory = try TemporaryDirectory()
      let size = 200 << 20
      let count = (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) }
      let dump = try directory.write(
        Array("REDIS0012".utf8) + [0, 1, 0x61, 0x80] + count, to: "dump.rdb")
      // Sparse: the value is zeros, and so is the checksum, which then counts for nothing.
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: dump))
      try file.truncate(atOffset: UInt64(17 + size + 9))
      try file.seek(toOffset: UInt64(17 + size))
      try file.write(contentsOf: [0xFF])
      try file.close()
      let most = try anonymous(["check", dump, "--quiet"] + options, in: directory.path)
      #expect(most > 0 && most < 32 << 20, "\(most)")
    }

    @Test func smallLogsStayInMemoryAndSizesAreChecked() throws {
      let directory = try TemporaryDirectory()
      let log = try directory.write("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n", to: "log")
      let nowhere = ["TMPDIR": directory.file("absent")]
      let small = try Shell.redisBackup(
        "digest", log, "--memory-limit", "1mb", environment: nowhere)
      #expect(small.status == 0 && small.errorText.isEmpty)
      // A limit that can't be kept is said.
      let tiny = try Shell.redisBackup("digest", log, "--memory-limit", "1", environment: nowhere)
      #expect(tiny.status == 0 && tiny.errorText.contains("memory limit"), "\(tiny.errorText)")
      #expect(tiny.text == small.text)
      #expect(try Shell.redisBackup("digest", log, "--memory-limit", "much").status == 64)
    }
  }

  extension TemporaryDirectory {
    /// The content of a file in the folder.
    fileprivate func data(_ name: String) throws -> Data { Data(try read(name)) }
  }
#endif

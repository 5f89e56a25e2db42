import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// The state of a log at one of its moments is that of the log that ends there.
@Suite struct ReplayExtentTests {
  static let folders = CompactTests.logs.map(\.folder)

  private func digest(_ path: String, _ options: ReplayedLog.Options) throws -> String {
    try Digest.of(DataInput(Input(path), replaying: options)).digest
  }

  private func at(_ index: Int) -> ReplayedLog.Options {
    var options = ReplayedLog.Options()
    options.lastIndex = index
    return options
  }

  private func until(_ time: Int64) -> ReplayedLog.Options {
    var options = ReplayedLog.Options()
    options.lastTime = time
    return options
  }

  @Test(arguments: folders.indices)
  func eachIndexIsThePrefixOfTheLog(_ number: Int) throws {
    let directory = try TemporaryDirectory()
    let path = CompactTests.path(Self.folders[number])
    var entries = try LogEntries(try AppendOnlyLog.open(path), try LogSelection())
    let log = try AppendOnlyLog.open(path)
    var commands: [AOFCommand] = []
    while try entries.next() { commands.append(entries.command) }
    try #require(!commands.isEmpty)
    // The files up to the command, as a disk would hold them at that moment.
    let step = max(1, commands.count / 25)
    for command in commands where command.index % step == 0 || command.index == commands.count {
      let folder = directory.file("\(command.index)")
      if log.manifest != nil {
        try FileManager.default.copyItem(atPath: path, toPath: folder)
        for (index, part) in log.parts.enumerated() where index >= command.file {
          let handle = try #require(FileHandle(forWritingAtPath: folder + "/" + part.name))
          try handle.truncate(atOffset: index > command.file ? 0 : UInt64(command.end))
          try handle.close()
        }
      } else {
        try FileManager.default.copyItem(atPath: path, toPath: folder)
        let handle = try #require(FileHandle(forWritingAtPath: folder))
        try handle.truncate(atOffset: UInt64(command.end))
        try handle.close()
      }
      let isInside = command.transaction != 0 && !command.word.isExec
      if isInside {
        #expect(throws: ToolError.self) { try digest(path, at(command.index)) }
        continue
      }
      #expect(try digest(path, at(command.index)) == digest(folder, ReplayedLog.Options()))
    }
    #expect(throws: ToolError.self) { try digest(path, at(commands.count + 1)) }
  }

  @Test func insideOfATransactionIsNoMoment() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(
      command("SET", "a", "1") + command("MULTI") + command("SET", "a", "2")
        + command("SET", "b", "2") + command("EXEC") + command("SET", "a", "3"), to: "log")
    let open = try directory.write(
      command("SET", "a", "1") + command("MULTI") + command("SET", "a", "2"), to: "open")
    func words(_ path: String, _ index: Int) -> String {
      do {
        _ = try DataInput(Input(path), replaying: at(index))
        return "read"
      } catch { return error.line }
    }
    for index in 2...4 {
      #expect(words(path, index).contains("the transaction of commands 2 to 5"))
      #expect(words(path, index).contains("--index 5"))
      #expect(words(path, index).contains("--index 1"))
    }
    for index in [0, 1, 5, 6] { #expect(words(path, index) == "read") }
    #expect(words(path, 7).contains("holds 6 commands"))
    #expect(words(open, 2).contains("without EXEC"))
    let empty = try directory.write("", to: "empty")
    #expect(try digest(path, at(0)) == digest(empty, ReplayedLog.Options()))
    let before = try directory.write(command("SET", "a", "1"), to: "before")
    #expect(try digest(path, at(1)) == digest(before, ReplayedLog.Options()))
  }

  @Test func momentsComeFromTheStampsOfTheLog() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(
      stamp(1000) + command("SET", "a", "1") + stamp(1005) + command("SET", "a", "2")
        + command("SET", "b", "1") + stamp(1010) + command("DEL", "a"), to: "log")
    for (time, index) in [
      (999, 0), (1000, 1), (1004, 1), (1005, 3), (1009, 3), (1010, 4), (2000, 4),
    ] {
      #expect(try digest(path, until(Int64(time))) == digest(path, at(index)), "\(time)")
    }
    let silent = try directory.write(command("SET", "a", "1"), to: "silent")
    #expect(throws: ToolError.self) { try digest(silent, until(1000)) }
  }

  @Test func aDumpHoldsOneMoment() throws {
    let directory = try TemporaryDirectory()
    var options = Compact.Options()
    options.form = .rdb
    _ = try Compact.run(CompactTests.path(Self.folders[0]), to: directory.file("x.rdb"), options)
    #expect(throws: ToolError.self) { try digest(directory.file("x.rdb"), at(1)) }
    #expect(throws: ToolError.self) { try digest(directory.file("x.rdb"), until(1000)) }
    _ = try digest(directory.file("x.rdb"), ReplayedLog.Options())
  }

  @Test func whatALogAmountsTo() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(
      command("SELECT", "0") + command("SET", "a", "1") + command("SET", "a", "2")
        + command("SELECT", "3") + command("RPUSH", "l", "x", "y") + command("DEL", "l")
        + command("SET", "c", "1") + command("SET", "d", "1"), to: "log")
    let yield = try LogYield(path)
    let live =
      command("SELECT", "0") + command("SET", "a", "2") + command("SELECT", "3")
      + command("SET", "c", "1") + command("SET", "d", "1")
    #expect(yield.keys == 3)
    #expect(yield.databases.map { [$0.number, $0.keys] } == [[0, 1], [3, 2]])
    #expect(yield.liveBytes == live.count && yield.liveCommands == 5)
    #expect(yield.bytes == (try directory.read("log")).count)
    #expect(yield.savedBytes == yield.bytes - live.count)
  }
}

import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

@Suite struct LogTests {
  private let log =
    command("SELECT", "0") + command("SET", "user:1", "x") + command("SELECT", "1")
    + command("DEL", "user:1", "b") + stamp(50) + command("HSET", "h", "f", "v")
    + command("FLUSHALL")

  private func lines(_ selection: LogSelection) throws -> [String] {
    try withTemporaryDirectory { directory in
      try Logs.lines(try directory.write(log, to: "a.aof"), selection)
    }
  }

  @Test func selections() throws {
    #expect(try lines(LogSelection()).count == 6)
    #expect(try lines(Logs.selection(index: "2,4-5")).map { $0.first } == ["2", "4", "5"])
    #expect(try lines(Logs.selection(names: "del,hset")).count == 2)
    #expect(
      try lines(Logs.selection(names: "destructive")) == [
        "2 db0 SET user:1 x", "4 db1 DEL user:1 b", "5 db1 HSET h f v", "6 db1 FLUSHALL",
      ])
    #expect(try lines(Logs.selection(keys: ["user:*"])).count == 2)
    #expect(try lines(Logs.selection(keys: ["b"])) == ["4 db1 DEL user:1 b"])
    #expect(
      try lines(Logs.selection(notKeys: ["user:*"])) == ["4 db1 DEL user:1 b", "5 db1 HSET h f v"])
    #expect(try lines(Logs.selection(db: "0")) == ["1 db0 SELECT 0", "2 db0 SET user:1 x"])
    #expect(try lines(Logs.selection(since: 50)).count == 2)
    #expect(try lines(Logs.selection(last: 2)).count == 2)
    #expect(try lines(Logs.selection(names: "SET", last: 5)) == ["2 db0 SET user:1 x"])
    #expect(try lines(Logs.selection(names: "GET", last: 5)).isEmpty)
  }

  @Test func whatALogDoesNotTellIsRefused() throws {
    var keys = KeySelection()
    try keys.addTypes("hash")
    #expect(throws: ToolError.self) { try LogSelection(keys: keys) }
    #expect(throws: ToolError.self) { try lines(Logs.selection(file: "other.aof")) }
  }

  @Test func jsonAndTextLines() throws {
    try withTemporaryDirectory { directory in
      let bytes =
        stamp(1_763_863_200) + command("SET", "a\u{1}\"", "é")
        + Array("*2\r\n$3\r\nDEL\r\n$1\r\n".utf8) + [0xFF] + Array("\r\n".utf8)
      let path = try directory.write(bytes, to: "a.aof")
      var entries = try LogEntries(AppendOnlyLog.open(path), LogSelection())
      let memory = MemoryTarget()
      var output = OutputBuffer(memory)
      while try entries.next() {
        Array(entries.fileName.utf8).withByteSlice {
          LogLine.writeJSON(entries.command, entries.arguments, file: $0, to: &output)
          LogLine.writeText(entries.command, entries.arguments, file: $0, to: &output)
        }
      }
      try output.flush()
      #expect(
        String(decoding: memory.bytes, as: UTF8.self) == """
          {"index":1,"file":"a.aof","offset":16,"length":30,"time":1763863200,"db":0,"command":"SET","arguments":["a\\u0001\\"","é"]}
                 1  a.aof:16  2025-11-23T02:00:00Z  db0  SET "a\\x01\\"" "\\xc3\\xa9"
          {"index":2,"file":"a.aof","offset":46,"length":20,"time":1763863200,"db":0,"command":"DEL","arguments":[{"base64":"/w=="}]}
                 2  a.aof:46  2025-11-23T02:00:00Z  db0  DEL "\\xff"

          """)
    }
  }

  @Test func aFollowerWaitsForWholeCommands() throws {
    try withTemporaryDirectory { directory in
      let whole = command("SET", "a", "1")
      let more = command("MULTI") + command("DEL", "a")
      let path = try directory.write(whole + more.dropLast(3), to: "a.aof")
      var follower = LogFollower(try AppendOnlyLog.open(path), try LogSelection())
      var seen: [String] = []
      func read() throws {
        _ = try follower.readMore { command, arguments, _, _ in
          seen.append("\(command.index) \(arguments.name.text) \(command.transaction)")
        }
      }
      try read()
      #expect(seen == ["1 SET 0", "2 MULTI 1"])
      try read()
      #expect(seen.count == 2)
      try directory.write(whole + more + command("EXEC") + command("SELECT", "2"), to: "a.aof")
      try read()
      #expect(seen == ["1 SET 0", "2 MULTI 1", "3 DEL 1", "4 EXEC 1", "5 SELECT 0"])
    }
  }

  @Test func aFollowerGoesToNewFiles() throws {
    try withTemporaryDirectory { directory in
      let folder = directory.file("log")
      try Logs.multiPart(folder, base: [], increments: [command("SET", "a", "1")])
      var follower = LogFollower(try AppendOnlyLog.open(folder), try LogSelection())
      var seen: [String] = []
      func read() throws {
        _ = try follower.readMore { command, arguments, file, _ in
          seen.append("\(command.index) \(file)")
        }
      }
      try read()
      try Logs.multiPart(
        folder, base: [], increments: [command("SET", "a", "1"), command("SET", "b", "1")])
      try read()
      #expect(seen == ["1 appendonly.aof.1.incr.aof", "2 appendonly.aof.2.incr.aof"])
    }
  }
}

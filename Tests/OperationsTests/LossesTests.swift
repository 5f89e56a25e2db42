import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// What `losses` counts, puts together and ranks.
@Suite struct LossesTests {
  private static let head = command("SELECT", "0")

  /// `index commands keys elements bytes cause`, worst first.
  private func lines(
    _ bytes: [UInt8], _ selection: LogSelection? = nil, single: Bool = false, top: Int = 20
  ) throws -> [String] {
    try withTemporaryDirectory { directory in
      let path = try directory.write(bytes, to: "a.aof")
      var options = Losses.Options()
      options.joins = !single
      options.top = top
      let losses = try Losses(
        AppendOnlyLog.open(path), selection ?? Logs.selection(), options)
      #expect(losses.stop == nil)
      return losses.losses.map {
        "\($0.command.index) \($0.commands) \($0.keysLost) \($0.elementsLost) \($0.bytesLost) "
          + $0.cause.rawValue
      }
    }
  }

  private func lines(_ commands: [[String]]) throws -> [String] {
    try lines(LossesTests.head + commands.flatMap { command($0) })
  }

  /// What a log made of `before` loses by one more command.
  struct Case: CustomStringConvertible, Sendable {
    var before: [[String]]
    var command: [String]
    var lost: String
    var description: String { command.joined(separator: " ") }
  }

  static let cases: [Case] = [
    Case(before: [["SET", "a", "xyz"]], command: ["DEL", "a"], lost: "1 1 3"),
    Case(before: [["SET", "a", "xyz"]], command: ["DEL", "nosuch", "a"], lost: "1 1 3"),
    Case(
      before: [["SET", "a", "xyz"], ["RPUSH", "l", "1", "22"]], command: ["UNLINK", "a", "l"],
      lost: "2 3 6"),
    Case(
      before: [["HSET", "h", "f", "1", "g", "2"]], command: ["SET", "h", "oops"], lost: "1 2 4"),
    Case(before: [["SET", "a", "xyz"]], command: ["SET", "a", "0"], lost: "0 0 3"),
    Case(before: [["SET", "a", "xyz"]], command: ["GETDEL", "a"], lost: "1 1 3"),
    Case(
      before: [["SET", "a", "xyz"], ["RPUSH", "b", "1", "2"]], command: ["RENAME", "a", "b"],
      lost: "1 2 2"),
    Case(
      before: [["SET", "a", "xyz"], ["SET", "b", "12"]], command: ["RENAME", "a", "b"],
      lost: "1 1 2"),
    Case(
      before: [["RPUSH", "l", "1", "2"], ["SADD", "s", "m"]], command: ["SUNIONSTORE", "l", "s"],
      lost: "1 2 2"),
    Case(
      before: [["SADD", "t", "1", "2"], ["SADD", "s", "m"]], command: ["SUNIONSTORE", "t", "s"],
      lost: "0 1 1"),
    Case(
      before: [["RPUSH", "l", "a", "b", "cc"]], command: ["LTRIM", "l", "0", "0"], lost: "0 2 3"),
    Case(
      before: [["RPUSH", "l", "a", "b", "cc"]], command: ["LTRIM", "l", "5", "6"], lost: "1 3 4"),
    Case(
      before: [["ZADD", "z", "1", "a", "2", "b"]], command: ["ZREMRANGEBYSCORE", "z", "-inf", "1"],
      lost: "0 1 9"),
    Case(
      before: [["HSET", "h", "f", "1", "g", "22"]], command: ["HDEL", "h", "g", "x"], lost: "0 1 3"),
    Case(before: [["SADD", "s", "1", "2"]], command: ["SREM", "s", "1"], lost: "0 1 1"),
    Case(
      before: [["MSET", "a", "1", "b", "2"], ["SELECT", "1"], ["SET", "c", "3"]],
      command: ["FLUSHDB"], lost: "1 1 1"),
    Case(
      before: [["MSET", "a", "1", "b", "2"], ["SELECT", "1"], ["SET", "c", "3"]],
      command: ["FLUSHALL"], lost: "3 3 3"),
    Case(
      before: [["SET", "a", "1"], ["RPUSH", "b", "1", "2"]], command: ["MSET", "a", "3", "b", "4"],
      lost: "1 2 3"),
    Case(
      before: [["SET", "a", "xyz"]], command: ["EXPIREAT", "a", "1"], lost: "1 1 3 past-expiry"),
    Case(
      before: [["SET", "a", "1"], ["SET", "b", "2"]], command: ["COPY", "a", "b", "REPLACE"],
      lost: "1 1 1"),
  ]

  @Test(arguments: cases) func countsWhatACommandDestroys(_ item: Case) throws {
    let wanted = item.lost.contains("past") ? item.lost : item.lost + " command"
    #expect(try lines(item.before + [item.command]) == ["\(item.before.count + 2) 1 \(wanted)"])
  }

  static let harmless: [([[String]], [String])] = [
    ([["SET", "a", "1"]], ["DEL", "b"]),
    ([["SET", "a", "1"]], ["RENAME", "a", "b"]),
    ([["SET", "a", "1"]], ["MOVE", "a", "3"]),
    ([["RPUSH", "l", "1", "2"]], ["RPOPLPUSH", "l", "m"]),
    ([["RPUSH", "l", "1"]], ["LMOVE", "l", "m", "LEFT", "LEFT"]),
    ([["SADD", "s", "1"]], ["SMOVE", "s", "t", "1"]),
    ([["SET", "a", "1"]], ["APPEND", "a", "2"]),
    ([["SET", "a", "10"]], ["DECR", "a"]),
    ([["SET", "a", "1"]], ["EXPIREAT", "a", "4102444800"]),
    ([["HSET", "h", "f", "long"]], ["HSET", "h", "f", "1"]),
    ([["SET", "a", "1"]], ["SWAPDB", "0", "1"]),
  ]

  @Test(arguments: harmless) func whatIsNotLostIsNotCounted(_ before: [[String]], _ last: [String])
    throws
  {
    #expect(try lines(before + [last]).isEmpty)
  }

  @Test func aTransactionIsOne() throws {
    let log: [[String]] = [
      ["SET", "a", "1"], ["HSET", "h", "f", "1", "g", "2"], ["SADD", "s", "x", "y"], ["MULTI"],
      ["SET", "a", "2"], ["DEL", "h"], ["INCR", "a"], ["SREM", "s", "x"], ["EXEC"],
    ]
    // The string that was replaced by another one stays alone.
    #expect(try lines(log) == ["7 2 1 3 5 command", "6 1 0 0 1 command"])
    let each = try lines(LossesTests.head + log.flatMap { command($0) }, single: true)
    #expect(each == ["7 1 1 2 4 command", "9 1 0 1 1 command", "6 1 0 0 1 command"])
  }

  @Test func neighboursAreOne() throws {
    let make: [[String]] = [["MSET", "a", "1", "b", "2", "c", "3", "d", "4"]]
    #expect(
      try lines(make + [["DEL", "a"], ["UNLINK", "b"], ["DEL", "c"]]) == ["3 3 3 3 3 command"])
    #expect(
      try lines(
        make + [["DEL", "a"], ["SELECT", "0"], ["DEL", "b"], ["SET", "x", "1"], ["DEL", "c"]])
        == ["3 2 2 2 2 command", "7 1 1 1 1 command"])
  }

  @Test func aBurstIsManyOfOneCommandInASecond() throws {
    var log = LossesTests.head
    for number in 0..<30 { log += command("SET", "k\(number)", "1") }
    log += stamp(100)
    for number in 0..<10 { log += command("DEL", "k\(number)") + command("SET", "x", "1") }
    log += stamp(101)
    for number in 10..<14 { log += command("DEL", "k\(number)") + command("APPEND", "x", "1") }
    #expect(
      try lines(log).prefix(5).map { $0 } == [
        "32 10 10 10 10 command", "58 1 1 1 1 command", "56 1 1 1 1 command", "54 1 1 1 1 command",
        "52 1 1 1 1 command",
      ])
  }

  @Test func deletionsOfKeysWhoseTimeHadPassedAreToldApart() throws {
    let make =
      LossesTests.head + command("SET", "a", "1") + command("SET", "b", "1")
      + command("PEXPIREAT", "a", "1700000150500") + command("PEXPIREAT", "b", "1700000900000")
    let end =
      stamp(1_700_000_150) + command("DEL", "a") + command("SET", "x", "1") + command("DEL", "b")
    #expect(
      try lines(stamp(1_700_000_100) + make + end) == ["8 1 1 1 1 command", "6 1 1 1 1 expiry"])
    // Servers delete them one by one; who deletes several at once does it by hand.
    #expect(
      try lines(stamp(1_700_000_100) + make + stamp(1_700_002_000) + command("DEL", "a", "b")) == [
        "6 1 2 2 2 command"
      ]
    )
  }

  @Test func theLineUndoesWhatSetTheTimeAsWell() throws {
    try withTemporaryDirectory { directory in
      let log =
        LossesTests.head + stamp(1_700_000_100) + command("SET", "a", "1")
        + command("PEXPIREAT", "a", "1700000150500")
        + stamp(1_700_000_200) + command("DEL", "a")
      let path = try directory.write(log, to: "it's.aof")
      let losses = try Losses(AppendOnlyLog.open(path), Logs.selection())
      let loss = try #require(losses.losses.first)
      #expect(loss.expirySetters == [3])
      #expect(
        losses.undoLine(of: loss, path: "it's.aof", keys: "--db 0")
          == "redis-backup undo 'it'\\''s.aof' --index 3,4 --db 0 -o 'it'\\''s.aof.undone'")
    }
  }

  @Test func theSelectionCounts() throws {
    var log = LossesTests.head + stamp(100) + command("MSET", "a", "1", "b", "2", "c", "33")
    log += command("DEL", "a", "b") + stamp(200) + command("UNLINK", "c")
    log += command("SELECT", "2") + command("SET", "d", "1") + command("FLUSHALL")
    #expect(try lines(log, Logs.selection(keys: ["b"])) == ["3 1 1 1 1 command"])
    #expect(try lines(log, Logs.selection(names: "unlink")) == ["4 1 1 1 2 command"])
    #expect(try lines(log, Logs.selection(db: "2")) == ["7 1 1 1 1 command"])
    #expect(
      try lines(log, Logs.selection(since: 200)) == ["4 1 1 1 2 command", "7 1 1 1 1 command"])
    #expect(try lines(log, Logs.selection(until: 150)) == ["3 1 2 2 2 command"])
    #expect(try lines(log, Logs.selection(index: "4")) == ["4 1 1 1 2 command"])
    #expect(try lines(log, top: 1).count == 1)
  }

  @Test func queuesAtWorkComeLast() throws {
    let log: [[String]] = [
      ["RPUSH", "q", "1"], ["LPOP", "q"], ["SADD", "s", "1", "2"], ["SREM", "s", "1"],
    ]
    #expect(try lines(log) == ["5 1 0 1 1 command", "3 1 1 1 1 command"])
  }

  @Test func whatCameBeforeAScriptCounts() throws {
    try withTemporaryDirectory { directory in
      let log =
        LossesTests.head + command("SET", "a", "1") + command("DEL", "a")
        + command("EVAL", "x", "0")
      let path = try directory.write(log, to: "a.aof")
      let losses = try Losses(AppendOnlyLog.open(path), Logs.selection())
      #expect(losses.losses.map(\.command.index) == [3])
      #expect(losses.stop?.status == .badData)
    }
  }

  @Test func movesOfAHugeListCostNoCopies() throws {
    try withTemporaryDirectory { directory in
      var log = LossesTests.head
      for _ in 0..<200 { log += command(["RPUSH", "l"] + (0..<500).map { "\($0)" }) }
      for _ in 0..<20_000 { log += command("RPOPLPUSH", "l", "l") }
      let path = try directory.write(log, to: "a.aof")
      let start = ContinuousClock.now
      let losses = try Losses(AppendOnlyLog.open(path), Logs.selection())
      #expect(losses.losses.isEmpty)
      // Copies of 100,000 elements for each would take minutes.
      #expect(ContinuousClock.now - start < .seconds(20))
    }
  }
}

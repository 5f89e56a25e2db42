import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

@Suite struct CutTests {
  private let head = command("SELECT", "0")

  private func cut(_ bytes: [UInt8], _ limit: CutPlan.Limit) throws -> (
    plan: CutPlan, bytes: [UInt8]
  ) {
    try withTemporaryDirectory { directory in
      let path = try directory.write(bytes, to: "a.aof")
      let plan = try CutPlan(AppendOnlyLog.open(path), limit)
      _ = try plan.rewrite.write(to: directory.file("b.aof"), replacing: false)
      return (plan, try directory.read("b.aof"))
    }
  }

  @Test func inFrontOfANumber() throws {
    let first = head + command("SET", "a", "1")
    let log =
      first + command("MULTI") + command("DEL", "a") + command("EXEC") + command("SET", "b", "1")
    for index in 3...5 {
      let (plan, bytes) = try cut(log, .before(index: index))
      #expect(bytes == first, "before \(index)")
      #expect(plan.commandsKept == 2)
      #expect(plan.commandsDropped == 4)
    }
    #expect(
      try cut(log, .before(index: 6)).bytes.count == log.count - command("SET", "b", "1").count)
    #expect(try cut(log, .before(index: 7)).bytes == log)
    #expect(throws: ToolError.self) { try cut(log, .before(index: 8)) }
    #expect(throws: ToolError.self) { try cut(log, .before(index: 1)) }
  }

  @Test func atATime() throws {
    let first = stamp(100) + head + command("SET", "a", "1")
    let second = stamp(105) + command("SET", "b", "1")
    let third = stamp(110) + command("MULTI") + stamp(120) + command("DEL", "a") + command("EXEC")
    let log = first + second + third
    #expect(try cut(log, .time(104)).bytes == first)
    #expect(try cut(log, .time(105)).bytes == first + second)
    // A stamp inside a transaction: all of it goes.
    #expect(try cut(log, .time(115)).bytes == first + second)
    #expect(try cut(log, .time(120)).bytes == log)
    let result = try cut(log, .time(107))
    #expect(result.plan.time == 105)
    #expect(result.plan.commandsDropped == 3)
    let early = #expect(throws: ToolError.self) { try cut(log, .time(99)) }
    #expect(early?.status == .no)
    let none = #expect(throws: ToolError.self) { try cut(head + command("DEL", "a"), .time(1)) }
    #expect(none?.line.contains("no time stamps") == true)
  }

  @Test func atAByte() throws {
    let first = head + command("SET", "a", "1")
    let log = first + command("MULTI") + command("DEL", "a") + command("EXEC")
    for offset in first.count..<log.count {
      #expect(try cut(log, .offset(offset, file: nil)).bytes == first)
    }
    #expect(try cut(log, .offset(log.count, file: nil)).bytes == log)
  }

  @Test func damageBehindTheCutDoesNotMatter() throws {
    let first = head + command("SET", "a", "1")
    let log = first + command("DEL", "a") + Array("garbage".utf8)
    let result = try cut(log, .before(index: 3))
    #expect(result.bytes == first)
    #expect(result.plan.commandsDropped == nil)
    #expect(throws: ToolError.self) { try cut(log, .before(index: 5)) }
  }

  @Test func filesBehindTheCutGo() throws {
    try withTemporaryDirectory { directory in
      let base = stamp(100) + head + command("SET", "a", "1")
      let first = stamp(105) + head + command("SET", "b", "1") + stamp(110) + command("DEL", "b")
      let second = stamp(120) + head + command("DEL", "a")
      try Logs.multiPart(directory.file("log"), base: base, increments: [first, second])
      let log = try AppendOnlyLog.open(directory.file("log"))
      let plan = try CutPlan(log, .time(107))
      #expect(plan.commandsKept == 4)
      #expect(plan.commandsDropped == 3)
      _ = try plan.rewrite.write(to: directory.file("out"), replacing: false)
      let out = try Logs.snapshot(directory.file("out"))
      #expect(
        out.keys.sorted() == [
          "appendonly.aof.1.base.aof", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest",
        ])
      #expect(out["appendonly.aof.1.incr.aof"] == stamp(105) + head + command("SET", "b", "1"))
      #expect(try Logs.check(directory.file("out")).isOK)
      #expect(throws: ToolError.self) { try CutPlan(log, .time(99)) }
      let offset = try CutPlan(log, .offset(first.count, file: "appendonly.aof.1.incr.aof"))
      #expect(offset.commandsKept == 5)
    }
  }

  @Test func aBaseThatIsYoungerIsRefused() throws {
    let log = try AppendOnlyLog.open(Fixture.path("r7.0/aof-preamble/appendonlydir"))
    let error = #expect(throws: ToolError.self) { try CutPlan(log, .time(1)) }
    #expect(error?.line.contains("older backup") == true)
  }

  /// Every cut at a number of every small log reads as the commands in front of it.
  @Test func everyNumberOfARealLog() throws {
    let path = Fixture.path("r7.0/accident-inmulti/appendonlydir")
    let log = try AppendOnlyLog.open(path)
    let all = try Logs.words(path)
    for index in 2...all.count {
      try withTemporaryDirectory { directory in
        let plan = try CutPlan(log, .before(index: index))
        _ = try plan.rewrite.write(to: directory.file("out"), replacing: false)
        let left = try Logs.words(directory.file("out"))
        #expect(left.count == plan.commandsKept)
        #expect(left == Array(all[..<left.count]))
        #expect(left.count < index)
        #expect(try Logs.check(directory.file("out")).isOK)
      }
    }
  }

  /// Three increments with stamps, a transaction across a second, cut at every second: what a real
  /// server loads is what was written until then.
  @Test(arguments: [RealServer.Version.redis7_0, .valkey9_1])
  func aTimeInAnyOfSeveralFiles(_ version: RealServer.Version) throws {
    let base = stamp(100) + head + command("SET", "n", "100")
    let first =
      stamp(101) + head + command("SET", "n", "101") + stamp(102) + command("SET", "n", "102")
    let second =
      stamp(103) + head + command("MULTI") + command("SET", "n", "oops") + stamp(104)
      + command("SET", "n", "104") + command("EXEC")
    let third = stamp(106) + head + command("SET", "n", "106")
    // A transaction is there when its last command is.
    let wanted = [100: 100, 101: 101, 102: 102, 103: 102, 104: 104, 105: 104, 106: 106, 107: 106]
    try withTemporaryDirectory { directory in
      try Logs.multiPart(directory.file("log"), base: base, increments: [first, second, third])
      let log = try AppendOnlyLog.open(directory.file("log"))
      for (time, value) in wanted.sorted(by: { $0.key < $1.key }) {
        let plan = try CutPlan(log, .time(Int64(time)))
        let out = directory.file("out\(time)")
        _ = try plan.rewrite.write(to: out, replacing: false)
        #expect(try Logs.check(out).isOK)
        let server = try RealServer.loading(aof: out, version)
        #expect(try server.call("GET", "n").integer == Int64(value), "\(time)")
        // It goes on from there.
        try server.call("SET", "n", "later")
        try server.shutdown()
        let again = try RealServer.loading(aof: server.directory + "/appendonlydir", version)
        #expect(try again.call("GET", "n").text == "later")
      }
    }
  }

  @Test func onlyTheBaseIsLeft() throws {
    try withTemporaryDirectory { directory in
      let base = stamp(100) + head + command("SET", "a", "1")
      try Logs.multiPart(
        directory.file("log"), base: base, increments: [stamp(200) + head + command("DEL", "a")])
      let log = try AppendOnlyLog.open(directory.file("log"))
      let plan = try CutPlan(log, .time(150))
      #expect(plan.commandsKept == 2)
      _ = try plan.rewrite.write(to: directory.file("out"), replacing: false)
      #expect(try Logs.words(directory.file("out")).count == 2)
    }
    // A dump as base has no commands, and is no nothing.
    let real = try AppendOnlyLog.open(Fixture.path("r7.0/aof-preamble/appendonlydir"))
    let plan = try CutPlan(real, .before(index: 1))
    #expect(plan.commandsKept == 0)
  }

  @Test func whatHasNoTimeOrAnEarlierOneIsTold() throws {
    let log =
      head + command("SET", "a", "1") + stamp(100) + command("SET", "b", "1") + stamp(120)
      + command("SET", "c", "1") + stamp(90) + command("SET", "d", "1")
    let result = try cut(log, .time(110))
    #expect(result.plan.commandsKept == 3)
    #expect(result.plan.commandsWithoutTime == 2)
    #expect(result.plan.commandsOutOfOrder == 1)
  }

  @Test func theChoicesOfALogWithoutTimes() throws {
    let log = try AppendOnlyLog.open(Fixture.path("r7.0/aof-preamble/appendonlydir"))
    let choices = CutChoices(log)
    #expect(choices.parts.count == 2)
    #expect(choices.parts[0].keysInDump == 59 && choices.parts[0].commands == nil)
    #expect(choices.parts[0].madeAt != nil)
    let increment = choices.parts[1]
    let end = try #require(increment.commands?.upperBound)
    #expect(increment.commands?.lowerBound == 1 && increment.stamps == nil)
    #expect(increment.bytes == 0..<(log.parts[1].status?.size ?? 0))
    // What it says can be done.
    #expect(try CutPlan(log, .before(index: end + 1)).commandsDropped == 0)
    let offset = try CutPlan(log, .offset(increment.bytes.upperBound, file: increment.name))
    #expect(offset.commandsKept == end)
    let stamped = CutChoices(try AppendOnlyLog.open(Fixture.path("r7.0/aof-ts/appendonlydir")))
    #expect(stamped.hasStamps)
  }
}

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
}

import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

@Suite struct CheckAOFTests {
  private let head = command("SELECT", "0")

  private func check(_ bytes: [UInt8]) throws -> Survey {
    try withTemporaryDirectory { directory in
      try Logs.check(try directory.write(bytes, to: "a.aof"))
    }
  }

  @Test func everyLogOfAServerIsRight() throws {
    var tried = 0
    for name in Fixture.files()
    where name.hasSuffix(".manifest") || name.hasSuffix("appendonly.aof") {
      guard !name.hasPrefix("manifests/") else { continue }
      tried += 1
      let check = try Logs.check(Fixture.path(name))
      #expect(check.isOK, "\(name): \(check.problems)")
      #expect(check.goodBytes == check.bytesRead, "\(name)")
      #expect(check.log?.commands ?? check.dump?.keys ?? 0 > 0, "\(name)")
    }
    #expect(tried > 50)
  }

  @Test(
    arguments: [
      (command("SET", "a"), "SET with 1 arguments, which needs at least 2"),
      (command("EXEC"), "EXEC without MULTI"),
      (command("MULTI") + command("MULTI") + command("EXEC"), "MULTI inside a transaction"),
      (command("SELECT", "x"), "SELECT of \"x\""),
      (command("DEL", "a").dropLast(), "drops the last"),
      (command("MULTI"), "between MULTI and EXEC"),
      (Array(repeating: 0, count: 4096), "4096 bytes from here on are zero"),
      (Array("*1\n$4\nPING\n".utf8), "redis-check-aof refuses it"),
      (Array("garbage".utf8), "expected '*' but found 'g'"),
    ] as [([UInt8], String)])
  func problemsAreNamed(_ bytes: [UInt8], _ words: String) throws {
    let result = try check(head + bytes)
    #expect(!result.isOK)
    #expect(result.problems.contains { $0.line.contains(words) }, "\(result.problems)")
    #expect(result.problems.allSatisfy { $0.offset ?? 0 >= head.count })
  }

  @Test func unknownCommandsAreNotedOnce() throws {
    let log = head + command("JSON.SET", "a", "$", "1") + command("json.set", "a", "$", "2")
    let result = try check(log)
    #expect(result.isOK)
    #expect(result.notes.count == 1)
    #expect(result.notes.first?.contains("JSON.SET (2)") == true)
  }

  @Test func manyOfAKindAreCounted() throws {
    let result = try check(head + (0..<2000).flatMap { _ in command("SET", "a") })
    #expect(result.problems.count == 1000)
    #expect(result.problemCount == 2000)
  }

  @Test func filesOfAMultiPartLog() throws {
    try withTemporaryDirectory { directory in
      let folder = directory.file("log")
      let good = head + command("SET", "a", "1")
      try Logs.multiPart(
        folder, base: good, increments: [good + command("DEL", "a").dropLast(), good])
      var result = try Logs.check(folder)
      #expect(result.problems.count == 1)
      #expect(result.problems[0].line.contains("not the last file"))
      #expect(result.parts.map(\.isWhole) == [true, false, true])
      #expect(result.parts.map(\.goodBytes) == [good.count, good.count, good.count])
      #expect(result.log?.commands == 6)
      try FileManager.default.removeItem(atPath: folder + "/appendonly.aof.1.base.aof")
      try Data().write(to: URL(fileURLWithPath: folder + "/temp-rewriteaof-1.aof"))
      try Data().write(to: URL(fileURLWithPath: folder + "/stray"))
      result = try Logs.check(folder)
      #expect(result.problems.first?.line.contains("The manifest lists it") == true)
      #expect(
        result.notes.filter { $0.contains("stray") || $0.contains("temp-rewriteaof-1") }.count == 2)
    }
  }

  @Test func aDamagedPreambleIsNamedWithItsPlace() throws {
    var bytes = try Fixture.bytes("r6.2/aof-preamble/appendonly.aof")
    bytes[100] ^= 0x55
    let result = try check(bytes)
    #expect(!result.isOK)
    #expect(result.problems[0].offset ?? 0 > 0)
    #expect(result.parts[0].log == nil)
  }
}

import Bytes
import TestSupport
import Testing

@testable import Keyspace

/// PFMERGE makes another form in logs of old servers, which these tell by their commands only.
@Suite struct LogAgeTests {
  /// Whether key `m` is a dense HyperLogLog after a log of `lines`, one command each.
  private func isDense(
    _ lines: [String], head: [UInt8] = [], generation: ServerGeneration = .upTo6
  ) throws -> Bool {
    var log = head
    for line in lines {
      let words = line.split(separator: " ")
      log += Array("*\(words.count)\r\n".utf8)
      for word in words { log += Array("$\(word.utf8.count)\r\n\(word)\r\n".utf8) }
    }
    let keyspace = try Differential.replay(log, now: 0, generation: generation)
    let state = Array("m".utf8).withByteSlice { keyspace.state(of: $0) }
    guard case .string(let value)? = state.value else { throw TestSupportError("no m") }
    var scratch = ScratchBuffer()
    return HyperLogLog.isDense(value.bytes(&scratch))
  }

  private let merge = ["SELECT 0", "PFADD a x y", "PFADD b z", "PFMERGE m a b"]

  @Test(arguments: ["SET k v EX 10", "SET k v NX px 10", "BRPOPLPUSH l k 0", "brpoplpush l k 0"])
  func oldFormsMakeItDense(_ line: String) throws {
    // Before or behind it: whoever wrote the log wrote all of it.
    #expect(try isDense([line] + merge))
    #expect(try isDense(merge + [line]))
    #expect(try !isDense(merge + [line], generation: .from7))
  }

  @Test(arguments: ["SET k v", "SET k v NX", "SET EX PX", "RPOPLPUSH l k", "PEXPIREAT a 99"])
  func otherCommandsTellNothing(_ line: String) throws {
    #expect(try !isDense([line] + merge))
  }

  @Test(arguments: ["UNLINK x", "SWAPDB 1 2", "XADD s 1-1 f v", "SET k v PXAT 4102444800000"])
  func aLaterServerHasReadItItself(_ line: String) throws {
    #expect(try !isDense(["SET k v EX 10"] + merge + [line]))
    #expect(try !isDense([line, "SET k v EX 10"] + merge))
  }

  @Test func aDumpInFrontIsNotOld() throws {
    let dump = try Fixture.bytes("r4.0/types.rdb")
    #expect(try !isDense(["FLUSHALL", "SET k v EX 10"] + merge, head: dump))
  }

  /// The log of a real Redis 2.8.24, which merges often, and its digest.
  @Test func theLogOfRedis2_8() throws {
    let result = try Shell.redisBackup(
      "digest", Fixture.path("r2.8/aof-nolua/appendonly.aof"), "--style", "redis7.0", "--quiet")
    #expect(result.status == 0, "\(result.errorText)")
    #expect(try result.text.hasPrefix(Fixture.text("r2.8/aof-nolua/aof.digest").prefix(40)))
  }
}

import Bytes
import TestSupport
import Testing

@testable import Keyspace

/// Reading back what was written: keys enter by their commands where these have the usual form, and
/// are executed where not. Both give the number that the state itself has.
@Suite struct ReadBackTests {
  /// A command whose words are separated by blanks.
  private static func log(_ commands: [String]) -> [UInt8] {
    commands.flatMap { command -> [UInt8] in
      let words = command.split(separator: " ").map { Array($0.utf8) }
      return Array("*\(words.count)\r\n".utf8)
        + words.flatMap { Array("$\($0.count)\r\n".utf8) + $0 + Array("\r\n".utf8) }
    }
  }

  /// What reading back gives, and how many commands failed.
  private static func readBack(_ commands: [String]) throws -> (StateHash, faults: Int) {
    let kept = KeptBytes()
    let slice = log(commands).withByteSlice { kept.keep($0) }
    let keyspace = Keyspace(now: 0, eager: true)
    var hash = StateHash()
    try keyspace.pass(ByteCursor(slice, owner: kept), into: &hash)
    return (hash, keyspace.faultCount)
  }

  /// The number of the state that the commands make.
  private static func stateHash(_ commands: [String]) throws -> StateHash {
    let keyspace = try LazinessTests.replay(log(commands), eager: true)
    return LazinessTests.hash(keyspace)
  }

  @Test(arguments: [
    ["SET a 1", "PEXPIREAT a 1900000000000", "SET b two"],
    ["RPUSH l a b c", "RPUSH l d", "PEXPIREAT l 1900000000000"],
    ["SADD s a b c", "SADD s d e"],
    ["ZADD z 1 a -0 b 1.5e300 c inf d", "ZADD z -inf e"],
    ["HMSET h a 1 b 2", "HMSET h c 3", "HPEXPIREAT h 1900000000000 FIELDS 1 c"],
    ["HSETEX h PXAT 1900000000000 FIELDS 1 a 1", "HSETEX h PXAT 1900000000001 FIELDS 1 b 2"],
    ["XADD x 1-1 a b", "XADD x 1-2 c d", "XSETID x 1-2 ENTRIESADDED 2 MAXDELETEDID 0-0"],
    ["SELECT 3", "SET a 1", "SELECT 4", "SET a 1", "RPUSH l x"],
    // What is executed, from the first command of the key on.
    ["RPUSH l a b", "LPUSH l c"], ["SADD s a b", "SREM s a"], ["SET a 1", "APPEND a 2"],
    ["HMSET h a 1 b 2", "HPEXPIREAT h 1900000000000 FIELDS 1 a"],
    ["HMSET h a 1", "HPEXPIREAT h 1900000000000 FIELDS 1 b"],
    ["HMSET h a 1", "HPEXPIREAT h 1900000000000 NX FIELDS 1 a"],
    ["ZADD z NX 1 a"], ["ZADD z 1 a", "ZINCRBY z 2 a"],
    ["HSETEX h FNX PXAT 1900000000000 FIELDS 1 a 1"], ["RPUSH l a", "EXPIREAT l 1900000000"],
    ["SET a 1 PXAT 1900000000000"], ["RPUSH l a", "PEXPIREAT l -5"],
    ["RPUSH l a", "LREM l 0 a", "SET b 1"], ["SET a 1", "SET a 2"],
  ])
  func sameNumberAsTheState(_ commands: [String]) throws {
    let (found, faults) = try Self.readBack(commands)
    #expect(found == (try Self.stateHash(commands)))
    #expect(faults == 0)
  }

  /// What a server would read as the same or answer with an error, but no writer of ours writes.
  @Test(arguments: [
    ["SADD s a a"], ["SADD s a b", "SADD s a"], ["ZADD z 1 a 2 a"], ["HMSET h a 1 a 2"],
    ["SET a 1", "RPUSH b 1", "SET a 1"],
  ])
  func whatIsSaidTwiceIsNoticed(_ commands: [String]) throws {
    #expect(try Self.readBack(commands).0 != (try Self.stateHash(commands)))
  }

  @Test func commandsThatFailAreCounted() throws {
    #expect(try Self.readBack(["SADD s a", "RPUSH s b"]).faults == 1)
    #expect(try Self.readBack(["ZADD z x a"]).faults == 1)
    #expect(try Self.readBack(["SET a x", "INCR a"]).faults == 1)
  }

  @Test func everyWordCounts() throws {
    let whole = [
      "RPUSH l a b", "SADD s a b", "ZADD z 1 a", "HMSET h a 1", "PEXPIREAT h 1900000000000",
    ]
    let hash = try Self.readBack(whole).0
    for place in whole.indices {
      var less = whole
      less.remove(at: place)
      #expect(try Self.readBack(less).0 != hash)
    }
    for (from, to) in [
      ("l a b", "l b a"), ("s a b", "s a c"), ("z 1", "z 2"), ("h a 1", "h a 2"),
      ("19", "18"), ("RPUSH l", "RPUSH m"), ("RPUSH", "SADD"),
    ] {
      let other = whole.map { $0.replacing(from, with: to) }
      #expect(other != whole)
      #expect(try Self.readBack(other).0 != hash)
    }
  }
}

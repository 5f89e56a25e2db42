import AOF
import Bytes
import Foundation
import TestSupport
import Testing

@testable import Keyspace

/// Logs that once made another state here than on the server that wrote or loads them.
@Suite struct RegressionTests {
  /// A log of one file, compared with what `version` makes of it.
  private func loadsAlike(_ name: String, _ versions: RealServer.Version...) throws {
    let log = CommandLog(try Fixture.bytes("regressions/\(name).aof"))
    for version in versions {
      let keyspace = try Differential.replay(log.bytes, now: Differential.now)
      #expect(!Differential.picture(keyspace, without: 0).isEmpty)
      let lines = try Differential.loading(log, version, slack: 0)
      #expect(lines.isEmpty, "\(version): \(lines.joined(separator: "\n"))")
    }
  }

  /// A member that was added to a collection that had shrunk to eight was not found again.
  @Test func collectionsShrinkAndGrow() throws {
    try loadsAlike("set-shrinks-and-grows", .redis6_2, .redis7_0, .valkey9_1)
  }

  @Test func indexesOf64Bits() throws { try loadsAlike("lset-index-of-64-bits", .valkey9_1) }

  @Test func leastIntegerAsCount() throws { try loadsAlike("lrem-of-the-least-integer", .redis7_0) }

  @Test func scoreRangesBeyondDoubles() throws {
    try loadsAlike("score-range-beyond-doubles", .redis6_2, .redis7_0)
  }

  @Test func fieldsUntilTheEndOfTime() throws {
    try loadsAlike("hash-field-until-the-end-of-time", .valkey9_1)
  }

  @Test func claimsOfNothing() throws {
    try loadsAlike("xclaim-of-nothing-makes-a-consumer", .valkey9_1)
  }

  @Test func polygons() throws { try loadsAlike("geosearch-in-a-polygon", .valkey9_1) }

  @Test func largeAreas() throws {
    try loadsAlike("georadius-of-large-areas", .redis6_2, .redis7_0, .valkey9_1)
  }

  @Test func placesWithoutAKey() throws {
    try loadsAlike("georadiusbymember-without-a-key", .redis6_2, .redis7_0, .valkey9_1)
  }

  @Test func leastIntegerAsDecrement() throws {
    try loadsAlike("decrby-of-the-least-integer", .redis6_2, .redis7_0, .valkey9_1)
  }

  @Test func lexRangesOfUnequalScores() throws {
    try loadsAlike("lex-range-of-unequal-scores", .redis6_2, .redis7_0, .valkey9_1)
  }

  @Test func floatsInHashes() throws {
    try loadsAlike("hincrbyfloat", .redis6_2, .redis7_0, .valkey9_1)
  }

  /// The log goes on in the database in which the dump ended: commands on several keys, which are
  /// not postponed, ran in database 0.
  @Test func baseEndsInTheDatabaseThatFollows() throws {
    let folder = "regressions/base-ends-in-database-1/appendonlydir/appendonly.aof"
    for eager in [false, true] {
      let keyspace = Keyspace(now: Differential.now, eager: eager)
      var last: AOFCommand?
      for (file, name) in ["2.base.rdb", "2.incr.aof"].enumerated() {
        let stable = StableBytes(try Fixture.bytes("\(folder).\(name)"))
        last = try keyspace.replay(
          ByteCursor(stable.slice, owner: stable), file: file, after: last)
      }
      let picture = Differential.picture(keyspace, without: 0)
      #expect(picture.keys.sorted() == ["1/renamed", "1/sum"])
      #expect(picture["1/sum"]?.elements == ["a", "b", "c"])
      #expect(keyspace.faultCount == 0)
    }
  }
}

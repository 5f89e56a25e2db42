import Bytes
import Foundation
import Operations
import RDB
import TestSupport
import Testing

/// What servers said of their dumps stays true of what is made of them.
@Suite struct ConvertTests {
  static let labels = ["r2.8", "r4.0", "r6.2", "r7.0", "r7.4", "r8.8", "v9.1"]

  @Test(arguments: labels, Convert.Form.allCases)
  func theDigestStays(_ label: String, _ form: Convert.Form) throws {
    let original = Fixture.path("\(label)/types.rdb")
    let truth = try Fixture.text("\(label)/types.digest").prefix(40)
    let style = try Digest.of(DataInput(original)).style
    try withTemporaryDirectory { directory in
      let made = directory.file("made")
      var options = Convert.Options()
      options.form = form
      let report = try Convert.run(DataInput(original), to: made, options)
      #expect(!report.isRefused)
      #expect(report.lost.isEmpty)
      let digest = try Digest.of(DataInput(made), style: style)
      #expect(digest.digest == truth)
      #expect(digest.keys == report.keys)
    }
  }

  @Test func aDumpForItsOwnReleaseStaysWhatItWas() throws {
    let original = Fixture.path("r7.0/types.rdb")
    try withTemporaryDirectory { directory in
      _ = try Convert.run(DataInput(original), to: directory.file("x.rdb"))
      #expect(try directory.read("x.rdb") == Fixture.bytes("r7.0/types.rdb"))
    }
  }

  @Test func whatTheTargetCanNotHoldIsRefused() throws {
    let original = Fixture.path("v9.1/types.rdb")
    try withTemporaryDirectory { directory in
      var options = Convert.Options()
      options.target = RDBTarget("redis:6.2")
      let refused = try Convert.run(DataInput(original), to: directory.file("x.rdb"), options)
      #expect(refused.isRefused)
      #expect(refused.lostCount > 0)
      #expect(refused.lost.contains { $0.what.contains("hash fields") && $0.key != nil })
      #expect(try directory.names().isEmpty)
      options.lossy = true
      let made = try Convert.run(DataInput(original), to: directory.file("x.rdb"), options)
      #expect(!made.isRefused)
      #expect(made.lostCount == refused.lostCount)
      #expect(try directory.read("x.rdb").starts(with: Array("REDIS0009".utf8)))
    }
  }

  @Test func batchesAndTimes() throws {
    let items = (0..<65).map { "item\($0)" }
    let log =
      command("SELECT", "3") + command(["RPUSH", "list"] + items)
      + command("PEXPIREAT", "list", "4102444800000")
    try withTemporaryDirectory { directory in
      var options = Convert.Options()
      options.form = .aof
      let report = try Convert.run(
        DataInput(directory.write(log, to: "a.aof")), to: directory.file("b.aof"), options)
      #expect(report.keys == 1)
      let expected =
        command("SELECT", "3") + command(["RPUSH", "list"] + items.prefix(64))
        + command("RPUSH", "list", "item64") + command("PEXPIREAT", "list", "4102444800000")
      #expect(try directory.read("b.aof") == expected)
    }
  }

  @Test func timesOfManyFieldsOfALogStay() throws {
    let fields = (0..<600).flatMap { ["field\($0)", "value"] }
    let log =
      command("SELECT", "0") + command(["HSET", "hash"] + fields)
      + command("HPEXPIREAT", "hash", "4102444800000", "FIELDS", "1", "field7")
    try withTemporaryDirectory { directory in
      let path = try directory.write(log, to: "a.aof")
      let report = try Convert.run(DataInput(path), to: directory.file("b.rdb"))
      #expect(report.lost.isEmpty)
      let before = try Digest.of(DataInput(path))
      let after = try Digest.of(DataInput(directory.file("b.rdb")), style: before.style)
      #expect(before.digest == after.digest)
    }
  }

  @Test func onlyTheSelectedKeys() throws {
    let log = command("SELECT", "0") + command("SET", "a1", "x") + command("SET", "b1", "y")
    try withTemporaryDirectory { directory in
      var options = Convert.Options()
      options.form = .resp
      options.selection.keys = [Glob("b*")]
      let report = try Convert.run(
        DataInput(directory.write(log, to: "a.aof")), to: directory.file("b.resp"), options)
      #expect(report.keys == 1)
      let expected = command("SELECT", "0") + command("SET", "b1", "y")
      #expect(try directory.read("b.resp") == expected)
    }
  }
}

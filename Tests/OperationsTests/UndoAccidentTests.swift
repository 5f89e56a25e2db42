import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// The accidents of the fixtures, undone, and loaded in a real server of their version: its
/// `DEBUG DIGEST` is that of a run in which the accident never happened.
@Suite(.serialized) struct UndoAccidentTests {
  struct Accident: CustomStringConvertible, Sendable {
    var label: String
    var name: String
    var version: RealServer.Version
    var description: String { "\(label)/\(name)" }
    var folder: String { "\(label)/\(name)" }
    var log: String {
      let file = label == "r6.2" ? "appendonly.aof" : "appendonlydir"
      return Fixture.path("\(folder)/\(file)")
    }
  }

  struct Meta: Decodable {
    var log_removed: [[String]]
    var derivable_by_removal: Bool?
  }

  static let all: [Accident] = {
    let versions: [(String, RealServer.Version)] = [
      ("r6.2", .redis6_2), ("r7.0", .redis7_0), ("v9.1", .valkey9_1),
    ]
    return versions.flatMap { label, version in
      Set(
        Fixture.files(under: label).compactMap { file -> String? in
          let parts = file.split(separator: "/").map(String.init)
          return parts.count > 2 && parts[1].hasPrefix("accident-") ? parts[1] : nil
        }
      ).sorted().map { Accident(label: label, name: $0, version: version) }
    }
  }()

  @Test func thereAreAccidents() { #expect(UndoAccidentTests.all.count >= 39) }

  /// The numbers of the commands that the accident put into the log: the last ones that fit.
  static func numbers(_ log: String, _ meta: Meta) throws -> [Int] {
    let all = try Logs.words(log)
    var picked: [Int] = []
    var at = all.count
    for encoded in meta.log_removed.reversed() {
      let words = encoded.map { String(decoding: Data(base64Encoded: $0) ?? Data(), as: UTF8.self) }
      repeat { at -= 1 } while at >= 0 && !same(all[at], words)
      try #require(at >= 0, "\(words)")
      picked.append(at + 1)
    }
    return picked.reversed()
  }

  private static func same(_ a: [String], _ b: [String]) -> Bool {
    a.count == b.count && a[0].uppercased() == b[0].uppercased() && a.dropFirst() == b.dropFirst()
  }

  private func undo(_ path: String, _ selection: LogSelection, to out: String) throws {
    let plan = try UndoPlan(AppendOnlyLog.open(path), selection)
    #expect(!plan.isEmpty)
    _ = try plan.rewrite.write(to: out, replacing: false)
    #expect(try Logs.check(out).isOK)
  }

  @Test(arguments: all) func theUndoneLogIsWhatItWouldHaveBeen(_ accident: Accident) throws {
    let meta = try JSONDecoder().decode(
      Meta.self, from: Data(contentsOf: Fixture.url("\(accident.folder)/without.meta.json")))
    let wanted = try Fixture.text("\(accident.folder)/without.digest").split(separator: " ")[0]
    let picked = try Self.numbers(accident.log, meta)
    let directory = try TemporaryDirectory()
    let text = picked.map(String.init).joined(separator: ",")
    var out = directory.file("out")
    if meta.derivable_by_removal == true {
      try undo(accident.log, Logs.selection(index: text), to: out)
    } else {
      // `DEL user:1 user:2 …`, of which user:2 was meant: the other keys go, then the rest.
      let first = try #require(picked.first)
      try undo(
        accident.log, Logs.selection(index: "\(first)", notKeys: ["user:2"]), to: out)
      if picked.count > 1 {
        let rest = picked.dropFirst().map(String.init).joined(separator: ",")
        try undo(out, Logs.selection(index: rest), to: directory.file("out2"))
        out = directory.file("out2")
      }
    }
    let server = try RealServer.loading(aof: out, accident.version)
    #expect(try server.debugDigest() == wanted)
  }

  @Test(arguments: [RealServer.Version.redis7_0, .valkey9_1])
  func serversTakeTheNamesOfFilesReplacedInPlace(_ version: RealServer.Version) throws {
    let directory = try TemporaryDirectory()
    let folder = directory.file("appendonlydir")
    let head = command("SELECT", "0")
    try Logs.multiPart(
      folder, base: head + command("SET", "a", "1") + command("DEL", "a"),
      increments: [head + command("SET", "b", "1") + command("DEL", "b")])
    let plan = try UndoPlan(AppendOnlyLog.open(folder), Logs.selection(names: "DEL"))
    _ = try plan.rewrite.replace(stamp: Moment.now.compactText)
    let server = try RealServer.loading(aof: folder, version)
    #expect(try server.call("GET", "a").text == "1")
    #expect(try server.call("GET", "b").text == "1")
    // It goes on with them: new commands, and a rewrite.
    try server.call("SET", "c", "1")
    try server.call("BGREWRITEAOF")
    try server.waitForBackgroundWork()
    try server.call("SET", "d", "1")
    try server.shutdown()
    let after = try RealServer.loading(aof: server.directory + "/appendonlydir", version)
    #expect(try after.call("DBSIZE").text ?? "\(after.call("DBSIZE"))" != "0")
    #expect(try after.call("GET", "c").text == "1")
    #expect(try after.call("GET", "d").text == "1")
  }

  /// The operator's day: a base made by BGREWRITEAOF, a key deleted after it, undone in place.
  @Test(arguments: [RealServer.Version.redis6_2, .redis7_0, .valkey9_1])
  func aKeyDeletedAfterARewriteIsBack(_ version: RealServer.Version) throws {
    let options = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"]
    let server = try RealServer(
      version, directory: try TemporaryDirectory().path + "-aof", options: options)
    defer { try? FileManager.default.removeItem(atPath: server.directory) }
    try server.call("SET", "old", "in the base")
    try server.call("BGREWRITEAOF")
    try server.waitForBackgroundWork()
    try server.call("SET", "test", "Nice to meet you")
    let wanted = try server.debugDigest()
    try server.call("DEL", "test", "old")
    try server.shutdown()
    let log = try AppendOnlyLog.open(server.directory)
    #expect(log.foundInDirectory)
    let plan = try UndoPlan(log, Logs.selection(names: "DEL", last: 1))
    #expect(plan.removed.count == 1)
    #expect(plan.keysInBase == 1)
    _ = try plan.rewrite.replace(stamp: "20261124T000000Z")
    #expect(try Logs.check(server.directory).isOK)
    let again = try RealServer(version, directory: server.directory, options: options)
    #expect(try again.debugDigest() == wanted)
    #expect(try again.call("GET", "test").text == "Nice to meet you")
  }
}

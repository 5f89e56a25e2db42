import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// Every accident undone by its effect: the log stays as it is, and commands behind it put back what
/// was lost. A real server that loads the result has the state of a run in which the accident never
/// happened, key by key.
@Suite(.serialized) struct RestoreAccidentTests {
  /// Puts everything back, later writes included; payloads or plain commands.
  static func restore(
    _ path: String, _ selection: LogSelection, _ form: RecoveryPlan.Form, to out: String
  ) throws {
    let now = Moment.now
    let accident = try Accident(AppendOnlyLog.open(path), selection.commands, selection.keys)
    #expect(!accident.commands.isEmpty)
    var options = LostKeys.Options(now: now.milliseconds)
    options.keys = selection.keys
    let lost = try LostKeys(accident, options)
    var plan = RecoveryPlan()
    plan.scope = .accident
    plan.scope.newer = true
    plan.form = form
    _ = try accident.write(
      RecoveryAppendix(lost, plan, accident, now: now), to: out, replacing: false)
    #expect(try Logs.check(out).isOK)
  }

  /// Undoes the accident of a log whose commands have these numbers.
  static func undo(
    _ log: String, _ picked: [Int], derivable: Bool, _ form: RecoveryPlan.Form,
    in directory: TemporaryDirectory
  ) throws -> String {
    let all = picked.map(String.init).joined(separator: ",")
    let out = directory.file("out-\(form)")
    if derivable {
      try restore(log, Logs.selection(index: all), form, to: out)
      return out
    }
    // `DEL user:1 user:2 …`, of which user:2 was meant: the other keys come back, then the rest.
    let first = try #require(picked.first)
    try restore(log, Logs.selection(index: "\(first)", notKeys: ["user:2"]), form, to: out)
    if picked.count == 1 { return out }
    let rest = picked.dropFirst().map(String.init).joined(separator: ",")
    let second = directory.file("out2-\(form)")
    try restore(out, Logs.selection(index: rest), form, to: second)
    return second
  }

  /// How what `path` holds differs from the lines of a truth file; nil when it does not.
  static func difference(_ path: String, _ truth: String) throws -> String? {
    var options = Export.Options()
    options.base64 = true
    func table(_ objects: [JSONValue]) -> [JSONValue: JSONValue] {
      var table: [JSONValue: JSONValue] = [:]
      for object in objects { table[.array([object["db"], object["key"]])] = object }
      return table
    }
    let got = table(try ExportTests.objects(try ExportTests.export(path, options)))
    let want = table(try ExportTests.objects(truth))
    for (key, value) in want {
      guard let mine = got[key] else { return "\(key) is missing" }
      if mine["type"] != value["type"] { return "\(key): type" }
      if mine["pexpireat"] != value["pexpireat"] { return "\(key): expiry" }
      if value["type"].text == "stream" {
        if let what = ExportTests.streamDifference(mine["value"], value["value"]) {
          return "\(key): \(what)"
        }
      } else if !ExportTests.isSame(mine["value"], value["value"], value["type"].text) {
        return "\(key): value"
      }
    }
    return got.count == want.count ? nil : "\(got.count) keys instead of \(want.count)"
  }

  @Test(arguments: UndoAccidentTests.all)
  func theServerHasWhatItWouldHaveHad(_ accident: UndoAccidentTests.Accident) throws {
    let meta = try JSONDecoder().decode(
      UndoAccidentTests.Meta.self,
      from: Data(contentsOf: Fixture.url("\(accident.folder)/without.meta.json")))
    let wanted = try Fixture.text("\(accident.folder)/without.digest").split(separator: " ")[0]
    let truth = try Fixture.text("\(accident.folder)/without.truth.jsonl")
    let picked = try UndoAccidentTests.numbers(accident.log, meta)
    try withTemporaryDirectory { directory in
      for form in [RecoveryPlan.Form.payloads, .commands] {
        let out = try Self.undo(
          accident.log, picked, derivable: meta.derivable_by_removal == true, form, in: directory)
        #expect(try Self.difference(out, truth) == nil)
        let server = try RealServer.loading(aof: out, accident.version)
        #expect(try server.debugDigest() == wanted, "\(form)")
      }
    }
  }
}

/// The same for the accidents of every version in the corpus beside the checkout; the newest server
/// that is at hand loads what those of versions without a server of ours wrote.
@Suite(.enabled(if: SharedCorpus.isPresent, Comment(rawValue: SharedCorpus.absence)), .serialized)
struct RestoreCorpusAccidentTests {
  static let folders: [String] = {
    guard let root = SharedCorpus.path("") else { return [] }
    let manager = FileManager.default
    return ((try? manager.contentsOfDirectory(atPath: root)) ?? []).sorted().flatMap { label in
      let seed = "\(root)/\(label)/seed1"
      return ((try? manager.contentsOfDirectory(atPath: seed)) ?? []).sorted()
        .filter { $0.hasPrefix("accident-") }.map { "\(seed)/\($0)" }
    }
  }()

  @Test(arguments: folders) func theStateIsWhatItWouldHaveBeen(_ folder: String) throws {
    let meta = try JSONDecoder().decode(
      UndoAccidentTests.Meta.self,
      from: Data(contentsOf: URL(fileURLWithPath: folder + "/without.meta.json")))
    let truth = try String(contentsOfFile: folder + "/without.truth.jsonl", encoding: .utf8)
    let directoryLog = folder + "/appendonlydir"
    let isMultiPart = FileManager.default.fileExists(atPath: directoryLog)
    let log = isMultiPart ? directoryLog : folder + "/appendonly.aof"
    let picked = try UndoAccidentTests.numbers(log, meta)
    try withTemporaryDirectory { directory in
      for form in [RecoveryPlan.Form.payloads, .commands] {
        let out = try RestoreAccidentTests.undo(
          log, picked, derivable: meta.derivable_by_removal == true, form, in: directory)
        #expect(try RestoreAccidentTests.difference(out, truth) == nil, "\(form)")
      }
    }
  }

  @Test func thereAreMany() { #expect(Self.folders.count >= 75) }
}

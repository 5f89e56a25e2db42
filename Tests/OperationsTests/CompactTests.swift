import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// Compacting logs of real servers: the result is loaded by the server of that version, whose
/// `DEBUG DIGEST` is that of the log.
@Suite(.serialized) struct CompactTests {
  static let logs: [(folder: String, version: RealServer.Version)] = {
    let versions: [(String, RealServer.Version)] = [
      ("r6.2", .redis6_2), ("r7.0", .redis7_0), ("v9.1", .valkey9_1),
    ]
    return versions.flatMap { label, version in
      Set(
        Fixture.files(under: label).compactMap { file -> String? in
          let parts = file.split(separator: "/").map(String.init)
          return parts.count > 2 && parts[1].hasPrefix("accident-") ? parts[1] : nil
        }
      ).sorted().map { ("\(label)/\($0)", version) }
    }
  }()

  static func path(_ folder: String) -> String {
    Fixture.path("\(folder)/\(folder.hasPrefix("r6.2") ? "appendonly.aof" : "appendonlydir")")
  }

  @Test(arguments: logs.indices)
  func aServerLoadsTheResult(_ index: Int) throws {
    let (folder, version) = Self.logs[index]
    let wanted = try Fixture.text("\(folder)/aof.digest").split(separator: " ")[0]
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let directory = try TemporaryDirectory()
    let out = directory.file("x.aof")
    let report = try Compact.run(Self.path(folder), to: out)
    #expect(report.bytesAfter == (try directory.read("x.aof")).count)
    #expect(report.lost.isEmpty)
    let server = try RealServer.loading(aof: out, version)
    #expect(try server.debugDigest() == wanted)
  }

  @Test func everyFormHoldsTheSame() throws {
    let (folder, _) = Self.logs[Self.logs.count / 2]
    let directory = try TemporaryDirectory()
    let log = Self.path(folder)
    let wanted = try Digest.of(DataInput(log)).digest
    for form in Compact.Form.allCases {
      var options = Compact.Options()
      options.form = form
      let out = directory.file("out-\(form.rawValue)")
      _ = try Compact.run(log, to: out, options)
      #expect(try Digest.of(DataInput(out)).digest == wanted)
      // Made already: refused, and left as it is.
      #expect(throws: ToolError.self) { try Compact.run(log, to: out, options) }
    }
  }

  /// Redis before 2.6 knows seconds only: what is lost is told, and no key goes before its time.
  @Test func secondsOnlyAreRoundedUpAndTold() throws {
    let directory = try TemporaryDirectory()
    let log = try directory.write(
      """
      *3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$9\r\nPEXPIREAT\r\n$1\r\na\r\n$13\r\n4102444800001\r\n\
      *3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nb\r\n$13\r\n4102444800000\r\n
      """, to: "x.aof")
    var options = Compact.Options()
    options.target = "redis:2.4"
    let out = directory.file("out.aof")
    #expect(throws: ToolError.self) { try Compact.run(log, to: out, options) }
    #expect(!FileManager.default.fileExists(atPath: out))
    options.lossy = true
    let report = try Compact.run(log, to: out, options)
    #expect(report.lost == ["1 time to live's milliseconds"])
    let text = String(decoding: try directory.read("out.aof"), as: UTF8.self)
    #expect(text.contains("EXPIREAT\r\n$1\r\na\r\n$10\r\n4102444801\r\n"))
    #expect(text.contains("EXPIREAT\r\n$1\r\nb\r\n$10\r\n4102444800\r\n"))
  }

  @Test func compactingTwiceChangesNothing() throws {
    let directory = try TemporaryDirectory()
    let log = Self.path(Self.logs[0].folder)
    let first = try Compact.run(log, to: directory.file("one"))
    let second = try Compact.run(directory.file("one"), to: directory.file("two"))
    #expect(first.keys == second.keys)
    #expect(first.bytesAfter == second.bytesAfter)
    #expect(first.commandsAfter == second.commandsAfter)
  }

  @Test func inPlaceKeepsTheOldLog() throws {
    let directory = try TemporaryDirectory()
    let bytes = Array(
      "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n".utf8)
    let path = try directory.write(bytes, to: "appendonly.aof")
    var options = Compact.Options()
    options.inPlace = true
    let report = try Compact.run(path, to: path, options)
    #expect(report.commandsAfter == 2)
    let kept = try #require(report.kept.first)
    #expect(try Array(Data(contentsOf: URL(fileURLWithPath: kept))) == bytes)
    #expect(
      try directory.read("appendonly.aof")
        == Array(
          "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n2\r\n".utf8))
  }

  @Test func nothingIsMadeOfALogThatCanNotBeTold() throws {
    let directory = try TemporaryDirectory()
    let set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
    let cases = [
      ("*2\r\n$6\r\nNOSUCH\r\n$1\r\na\r\n", "NOSUCH"),
      ("*3\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n0\r\n", "EVAL"),
      ("*2\r\n$3\r\nSET\r\n$1\r\na\r\n", "SET"),
    ]
    for (text, name) in cases {
      let path = try directory.write(set + text, to: "log")
      do {
        _ = try Compact.run(path, to: directory.file("out"))
        Issue.record("\(name) was taken")
      } catch {
        #expect(error.command == 2)
        #expect(error.offset == set.utf8.count)
        #expect(error.line.contains(name))
      }
      #expect(try directory.names() == ["log"])
    }
  }

  @Test func strictRefusesWhatAServerAnswersWithAnError() throws {
    let directory = try TemporaryDirectory()
    let text =
      "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nx\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n"
      + "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\ny\r\n"
    let path = try directory.write(text, to: "log")
    var options = Compact.Options()
    options.strict = true
    #expect(throws: ToolError.self) { try Compact.run(path, to: directory.file("out"), options) }
    _ = try Compact.run(path, to: directory.file("out"))
  }
}

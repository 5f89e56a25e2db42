import Bytes
import Foundation
import Operations
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `check` on whatever a path means.
@Suite struct PathCheckTests {
  private func check(_ path: String, deep: Bool = false) throws -> PathCheck {
    try PathCheck(Input(path), deep: deep)
  }

  private let set = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"

  @Test(arguments: [true, false])
  func everyFixtureIsGood(deep: Bool) throws {
    let dumps = Fixture.files().filter { $0.hasSuffix(".rdb") && !$0.contains("appendonlydir") }
    #expect(dumps.count > 50)
    for name in dumps {
      let result = try check(Fixture.path(name), deep: deep)
      #expect(result.isOK, "\(name): \(result.report.findings.first?.error.line ?? "")")
      let size = try Fixture.bytes(name).count
      #expect(result.bytes == size && result.goodBytes == size, "\(name)")
    }
  }

  @Test func aLogBehindADump() throws {
    try withTemporaryDirectory { folder in
      let dump = try Fixture.bytes("live/live_7.0.rdb")
      let path = try folder.write(dump + Array(set.utf8), to: "x.aof")
      let good = try check(path)
      #expect(good.isOK)
      #expect(good.commands == 1)
      #expect(good.keys == 32)
      #expect(good.goodBytes == dump.count + set.utf8.count)
      let cut = try check(folder.write(dump + Array(set.utf8.dropLast(3)), to: "cut.aof"))
      #expect(!cut.isOK)
      #expect(cut.goodBytes == dump.count)
      let odd = try check(folder.write(dump + Array("hello".utf8), to: "odd.rdb"))
      #expect(odd.isOK)
      #expect(odd.report.findings.first?.severity == .unusual)
    }
  }

  @Test func aDamagedDump() throws {
    try withTemporaryDirectory { folder in
      var dump = try Fixture.bytes("live/live_7.0.rdb")
      dump[dump.count / 2] ^= 0x40
      let result = try check(folder.write(dump, to: "x.rdb"))
      #expect(!result.isOK)
      #expect(result.goodBytes < dump.count)
      #expect(result.report.findings.contains { $0.error.status == .badData })
    }
  }

  @Test func filesOfALog() throws {
    try withTemporaryDirectory { folder in
      let manifest = try folder.write(
        "file a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n", to: "a.manifest")
      try folder.write(set, to: "a.1.incr.aof")
      let missing = try check(manifest)
      #expect(!missing.isOK)
      #expect(missing.report.findings[0].error.line.contains("a.2.incr.aof"))
      try folder.write(set + "*1\r\n$4\r\nPI", to: "a.2.incr.aof")
      let cut = try check(folder.path)
      #expect(cut.goodBytes == 2 * set.utf8.count)
      #expect(cut.report.findings[0].error.line.contains("a.2.incr.aof: byte"))
      try folder.write(set, to: "a.2.incr.aof")
      let good = try check(folder.path)
      #expect(good.isOK)
      #expect(good.commands == 2)
      #expect(good.parts.count == 2)
      try folder.write("", to: "a.2.incr.aof")
      #expect(try check(folder.path).isOK)
    }
  }

  /// A disk that fails is told as that, not as damage.
  @Test(arguments: [SystemError.Call.read, .open, .fstat])
  func aDiskThatFails(call: SystemError.Call) throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("x.gz")
      let zipped = try Shell.run(
        "/bin/sh", ["-c", "gzip -c < '\(Fixture.path("live/live_7.0.rdb"))' > '\(path)'"])
      #expect(zipped.status == 0)
      var faults = FaultyFileSystem.Faults()
      faults.always = [call: EIO]
      let files = FaultyFileSystem(faults)
      let error = #expect(throws: ToolError.self) {
        try PathCheck(Input(path, fileSystem: files), deep: false, fileSystem: files)
      }
      #expect(error?.status == .ioError, "\(error?.line ?? "")")
    }
  }
}

/// `info` counts what the server counted.
@Suite struct SurveyTests {
  private struct Meta: Decodable {
    var dbsize: [String: Int]
  }

  @Test func keysPerDatabase() throws {
    var compared = 0
    for name in Fixture.files().filter({ $0.hasSuffix(".rdb") && !$0.contains("lapsed") }) {
      let meta = Fixture.url(String(name.dropLast(4)) + ".meta.json")
      guard let data = try? Data(contentsOf: meta),
        let facts = try? JSONDecoder().decode(Meta.self, from: data)
      else { continue }
      let survey = try Survey(Input(Fixture.path(name)))
      let counted = (survey.dump?.databases ?? []).reduce(into: [:]) {
        $0["\($1.number)"] = $1.keys
      }
      #expect(counted == facts.dbsize.filter { $0.value > 0 }, "\(name)")
      #expect(survey.dump?.types.reduce(0, +) == survey.dump?.keys)
      #expect(survey.isOK)
      compared += 1
    }
    #expect(compared > 20)
  }

  @Test func commandsByName() throws {
    let survey = try Survey(Input(Fixture.path("demo/appendonly.aof")))
    let log = try #require(survey.log)
    #expect(log.commands == 17)
    #expect(log.names.reduce(0) { $0 + $1.count } == 17)
    #expect(log.names.first?.name == "SET")
    #expect(log.names.contains { $0.name == "DEL" && $0.count == 1 })
    #expect(log.databases.map(\.number) == [0])
    #expect(log.firstTime == nil)
  }

  @Test func times() throws {
    let survey = try Survey(Input(Fixture.path("r7.0/aof-ts/appendonlydir")))
    let log = try #require(survey.log)
    let first = try #require(log.firstTime)
    #expect(try #require(log.lastTime) > first)
    #expect(log.annotations > 1)
  }

  @Test func unknownNamesAreCountedAndBounded() throws {
    try withTemporaryDirectory { folder in
      var text = ""
      for number in 0..<3000 {
        let name = "MODULE.C\(number)"
        text += "*1\r\n$\(name.utf8.count)\r\n\(name)\r\n"
      }
      let survey = try Survey(Input(folder.write(text, to: "x")))
      #expect(survey.log?.commands == 3000)
      #expect((survey.log?.unknown.count ?? 0) <= 1001)
      #expect(survey.notes.count == 1)
    }
  }
}

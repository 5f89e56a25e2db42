import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Killed at any moment, `compact --in-place` leaves the log that was there, or the new one.
@Suite(.serialized) struct CompactKillTests {
  /// A log of some MB in which much is overwritten.
  static func log(_ commands: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var chance = SplitMix64(seed: 11)
    func add(_ words: [String]) {
      bytes += Array("*\(words.count)\r\n".utf8)
      for word in words { bytes += Array("$\(word.utf8.count)\r\n\(word)\r\n".utf8) }
    }
    add(["SELECT", "0"])
    for number in 0..<commands {
      let key = "key:\(Int.random(in: 0..<commands / 3, using: &chance))"
      switch number % 4 {
      case 0: add(["SET", "s" + key, "value of command \(number), some bytes long"])
      case 1: add(["RPUSH", "l" + key, "\(number)", "element"])
      case 2: add(["HSET", "h" + key, "field\(number % 9)", "\(number)"])
      default: add(["APPEND", "s" + key, "+\(number)"])
      }
    }
    return bytes
  }

  private func digest(_ path: String) throws -> String {
    let result = try Shell.redisBackup("digest", path, "--quiet")
    guard result.status == 0 else { throw TestSupportError(result.errorText) }
    return String(result.text.prefix(40))
  }

  /// Runs the program and kills it after `delay` seconds; whether it lived until then.
  private func run(killing delay: Double, _ path: String) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: PackageRoot.redisBackup)
    process.arguments = ["compact", path, "--in-place", "--quiet"]
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    usleep(UInt32(delay * 1e6))
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    return process.terminationReason == .uncaughtSignal
  }

  /// All files below `folder` by name.
  private func files(_ folder: String) throws -> [String: Data] {
    var all: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      all[name] = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
    }
    return all
  }

  /// What the kills have met.
  private struct Met: CustomStringConvertible {
    var killed = 0
    var unfinished = 0
    var original = 0
    var result = 0
    /// Otherwise the moments were not those that matter.
    var isEnough: Bool { killed >= 15 && unfinished >= 5 && original >= 5 && result >= 3 }
    var description: String {
      "\(killed) killed, \(unfinished) with unfinished files; \(original) times the original, "
        + "\(result) times the result"
    }
  }

  /// Kills at least 50 times: every other time at any moment, else around the one in which the result takes
  /// its place, which is felt for, so that a busy machine does not move all kills before or behind it.
  /// More often while too few fell where they matter.
  /// `name` is the log in `origin`; its directory is copied anew each time.
  private func killOften(
    _ origin: String, _ log: (String) -> String, check: (String, [String: Data]) throws -> Bool
  ) throws -> Met {
    let directory = try TemporaryDirectory()
    let wanted = try digest(log(origin))
    var chance = SplitMix64(seed: 5)
    var times: [Double] = []
    for round in 0..<3 {
      let folder = directory.file("whole\(round)")
      try FileManager.default.copyItem(atPath: origin, toPath: folder)
      let start = Date()
      #expect(try Shell.redisBackup("compact", log(folder), "--in-place", "--quiet").status == 0)
      times.append(Date().timeIntervalSince(start))
      #expect(try digest(log(folder)) == wanted)
    }
    // The end of the work, as it was felt last.
    var time = try #require(times.max())
    var met = Met()
    var round = 0
    while round < 50 || !met.isEnough && round < 300 {
      defer { round += 1 }
      let folder = directory.file("try\(round)")
      try FileManager.default.copyItem(atPath: origin, toPath: folder)
      let isNear = round % 2 == 1
      let delay = time * Double.random(in: isNear ? 0.97..<1.03 : 0..<1, using: &chance)
      if try run(killing: delay, log(folder)) { met.killed += 1 }
      let found = try files(folder)
      if found.keys.contains(where: { $0.contains(".tmp-") }) { met.unfinished += 1 }
      let isResult = try check(folder, found)
      if isResult { met.result += 1 } else { met.original += 1 }
      if isResult { time *= 0.93 } else if isNear { time *= 1.08 }
      #expect(try digest(log(folder)) == wanted, "killed after \(delay) s")
      try FileManager.default.removeItem(atPath: folder)
    }
    return met
  }

  private func judge(_ met: Met) {
    print("compact --in-place: \(met)")
    #expect(met.isEnough)
  }

  @Test func aSingleFileIsWholeWheneverKilled() throws {
    let directory = try TemporaryDirectory()
    let origin = directory.file("origin")
    try FileManager.default.createDirectory(atPath: origin, withIntermediateDirectories: true)
    let before = Data(Self.log(200_000))
    try before.write(to: URL(fileURLWithPath: origin + "/appendonly.aof"))
    let out = directory.file("out.aof")
    #expect(
      try Shell.redisBackup("compact", origin + "/appendonly.aof", "-o", out, "--quiet").status == 0
    )
    let after = try Data(contentsOf: URL(fileURLWithPath: out))
    #expect(after.count < before.count)
    let met = try killOften(origin, { $0 + "/appendonly.aof" }) { _, found in
      for (name, bytes) in found where !name.contains(".tmp-") {
        let isBackup = name.hasPrefix("appendonly.aof.before-")
        #expect(name == "appendonly.aof" || isBackup, "\(name)")
        #expect(bytes == before || !isBackup && bytes == after, "\(name) is neither")
      }
      return found["appendonly.aof"] == after
    }
    judge(met)
  }

  @Test func aLogOfSeveralFilesIsWholeWheneverKilled() throws {
    let directory = try TemporaryDirectory()
    let origin = directory.file("origin")
    try FileManager.default.createDirectory(atPath: origin, withIntermediateDirectories: true)
    let manifest = Data(
      "file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
        .utf8)
    let base = Data(Self.log(150_000))
    let increment = Data(Self.log(50_000))
    let old = [
      "appendonly.aof.1.base.aof": base, "appendonly.aof.1.incr.aof": increment,
      "appendonly.aof.manifest": manifest,
    ]
    for (name, bytes) in old { try bytes.write(to: URL(fileURLWithPath: origin + "/" + name)) }
    let out = directory.file("out.aof")
    #expect(try Shell.redisBackup("compact", origin, "-o", out, "--quiet").status == 0)
    let after = try Data(contentsOf: URL(fileURLWithPath: out))
    let met = try killOften(origin, { $0 }) { _, found in
      let list = try #require(found["appendonly.aof.manifest"])
      for (name, bytes) in found where !name.contains(".tmp-") {
        switch name {
        case "appendonly.aof.manifest": continue
        case "appendonly.aof.2.base.aof": #expect(bytes == after)
        case "appendonly.aof.2.incr.aof": #expect(bytes.isEmpty)
        case _ where name.hasPrefix("appendonly.aof.manifest.before-"): #expect(bytes == manifest)
        default: #expect(bytes == old[name], "\(name)")
        }
      }
      // The old files stay, whatever the manifest says.
      for name in ["appendonly.aof.1.base.aof", "appendonly.aof.1.incr.aof"] {
        #expect(found[name] != nil)
      }
      if list == manifest { return false }
      #expect(
        found["appendonly.aof.2.base.aof"] == after && found["appendonly.aof.2.incr.aof"] != nil)
      return true
    }
    judge(met)
  }
}

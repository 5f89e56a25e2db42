import Foundation
import TestSupport
import Testing

@testable import BackupJob

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Kills exactly while AOF rewrites are off: whatever runs next puts the setting back.
@Suite(.serialized) struct HoldCrashTests {
  private static let setting = "auto-aof-rewrite-percentage"

  /// Where the program is killed.
  private enum Moment: CaseIterable {
    /// As soon as the state file is there: before, or just behind, CONFIG SET.
    case stateFile
    /// As soon as the server says 0.
    case settingIsOff
    /// While it waits for a running rewrite.
    case waiting
    /// When that rewrite ended: the files are opened, or the setting was just put back.
    case rewriteEnded, files
  }

  private final class Scene {
    let server: LoopbackServer
    let directory: TemporaryDirectory
    let files: [String: String]
    var state: String { directory.file("state") }

    init() throws {
      server = try LoopbackServer(options: [
        "--appendonly", "yes", "--\(HoldCrashTests.setting)", "61",
      ])
      directory = try TemporaryDirectory()
      try server.fill(400)
      var files: [String: String] = [:]
      for method in ["aof", "replication"] {
        let text = yaml(
          "redis://127.0.0.1:\(server.port)", source: "method: \(method)\ndata-dir: \(server.data)",
          more: "state-dir: \(directory.path)/state\nretention:\n  keep-last: 2"
            + "\ndrill:\n  server: \(try RealServer.Version.redis7_0.path())")
        files[method] = try directory.write(
          text.replacingOccurrences(of: "$DIR", with: directory.path), to: "\(method).yaml")
      }
      self.files = files
    }

    func current() throws -> String? {
      try server.call("CONFIG", "GET", HoldCrashTests.setting).elements?.last?.text
    }

    func isRewriting() throws -> Bool { try server.info()["aof_rewrite_in_progress"] == "1" }

    /// A rewrite that lasts about `milliseconds`.
    func beginRewrite(lasting milliseconds: Int = 800) throws {
      try server.call("CONFIG", "SET", "rdb-key-save-delay", "\(milliseconds * 1000 / 400)")
      try server.call("BGREWRITEAOF")
      try waitFor("the rewrite runs") {
        if try isRewriting() { return true }
        // It may have ended before anybody looked, or not have begun yet.
        _ = try? server.call("BGREWRITEAOF")
        return false
      }
    }

    func start() throws -> ChildProcess {
      try ChildProcess(
        PackageRoot.redisBackup, ["snapshot", "create", "-q", "-c", files["aof"] ?? ""],
        step: "test")
    }

    func run(_ arguments: [String], _ method: String = "replication") throws -> Shell.Result {
      try Shell.run(
        PackageRoot.redisBackup, ["snapshot"] + arguments + ["-c", files[method] ?? ""])
    }
  }

  @Test func theNextRunOfAnyKindPutsTheSettingBack() throws {
    let scene = try Scene()
    defer { scene.server.keep() }
    #expect(try scene.run(["create", "-q"]).status == 0)
    let next: [([String], String)] = [
      (["status"], "replication"), (["list"], "replication"), (["create", "-q"], "replication"),
      (["verify"], "aof"), (["prune", "--dry-run"], "aof"), (["create", "-q"], "aof"),
      (["drill"], "replication"),
    ]
    var wasOff = 0
    var round = 0
    // Three times all moments; again while too few kills fell where they matter, on a busy machine.
    while round < 3 * Moment.allCases.count || wasOff < 6 && round < 60 {
      let moment = Moment.allCases[round % Moment.allCases.count]
      defer { round += 1 }
      let waits = moment != .stateFile && moment != .settingIsOff || round.isMultiple(of: 2)
      if waits { try scene.beginRewrite() }
      let child = try scene.start()
      let deadline = Deadline(after: .seconds(20))
      while tree(scene.state).filter({ $0.hasSuffix(".json") && $0.hasPrefix("rewrite-") }).isEmpty,
        !deadline.hasPassed, child.wait(until: Deadline(after: .zero)) == nil
      {}
      switch moment {
      case .stateFile: break
      case .settingIsOff:
        while try scene.current() != "0", !tree(scene.state).isEmpty, !deadline.hasPassed {}
      case .waiting: pause(.milliseconds(300))
      case .rewriteEnded: while try scene.isRewriting() {}
      case .files:
        while try scene.isRewriting() {}
        pause(.milliseconds(40 + 20 * (round % 15)))
      }
      kill(child.processID, SIGSTOP)
      let isOff = try scene.current() == "0"
      kill(child.processID, SIGKILL)
      _ = child.wait()
      if isOff {
        wasOff += 1
        #expect(!tree(scene.state).isEmpty, "what is off stands in a file")
      }
      while try scene.isRewriting() { pause(.milliseconds(20)) }
      try scene.server.call("CONFIG", "SET", "rdb-key-save-delay", "0")
      let (arguments, method) = next[round % next.count]
      let result = try scene.run(arguments, method)
      #expect(result.status == 0, "\(arguments): \(result.text) \(result.errorText)")
      #expect(try scene.current() == "61", "round \(round): killed at \(moment), then \(arguments)")
      #expect(tree(scene.state).isEmpty, "round \(round): \(tree(scene.state))")
    }
    #expect(wasOff >= 6, "kills fall while rewrites are off")
    print("\(wasOff) of \(round) kills fell while rewrites were off")
  }

  /// What a living run holds is left alone by all others.
  @Test func aLivingRunIsLeftAlone() throws {
    let scene = try Scene()
    defer { scene.server.keep() }
    #expect(try scene.run(["create", "-q"]).status == 0)
    try scene.beginRewrite(lasting: 5000)
    let child = try scene.start()
    try waitFor("rewrites are off") { try scene.current() == "0" }
    kill(child.processID, SIGSTOP)
    for arguments in [["status"], ["list"], ["verify"]] {
      #expect(try scene.run(arguments).status == 0)
      #expect(try scene.current() == "0")
      #expect(!tree(scene.state).isEmpty)
    }
    kill(child.processID, SIGCONT)
    #expect(child.wait(until: Deadline(after: .seconds(30))) == 0)
    #expect(try scene.current() == "61")
    #expect(tree(scene.state).isEmpty)
  }

  /// A server that is away does not hinder a command; its file stays.
  @Test func aServerThatIsAwayKeepsItsFile() throws {
    let scene = try Scene()
    #expect(try scene.run(["create", "-q"]).status == 0)
    try scene.beginRewrite(lasting: 5000)
    let child = try scene.start()
    try waitFor("rewrites are off") { try scene.current() == "0" }
    kill(child.processID, SIGKILL)
    _ = child.wait()
    scene.server.stop()
    let result = try scene.run(["list"])
    #expect(result.status == 0)
    #expect(result.errorText.contains("AOF rewrites may still be off"), "\(result.errorText)")
    #expect(tree(scene.state).count == 1)
  }
}

import Foundation
import TestSupport
import Testing

@testable import Keyspace

/// Every command of real servers, at random, with all that can go wrong: what their logs make here
/// is what they hold.
@Suite struct LiveTests {
  /// How many commands each family draws for each server.
  static let count =
    ProcessInfo.processInfo.environment["REDIS_BACKUP_COMMANDS"].flatMap { Int($0) } ?? 2600

  /// The one family that is drawn, for a search.
  static let only = ProcessInfo.processInfo.environment["REDIS_BACKUP_FAMILY"]

  /// The families that are drawn.
  static var families: [any CommandFamily.Type] { MixedFamily.parts + [MixedFamily.self] }

  /// Commands that write and never reach a log under their name.
  static let neverLogged: [String: String] = [
    "MIGRATE": "needs a second server; the log has a DEL",
    "CLUSTER FLUSHSLOT": "of clusters only; StringFamilyTests.slotsOfClusters executes it",
  ]

  /// The one server that is asked, for a search.
  static let server = ProcessInfo.processInfo.environment["REDIS_BACKUP_SERVER"]

  /// The servers that are asked.
  static let versions = [RealServer.Version.redis7_0, .valkey9_1, .redis6_2]
    .filter { server == nil || server == $0.rawValue }

  @Test(arguments: versions)
  func everyCommand(_ version: RealServer.Version) throws {
    var calls: [String: Int] = [:]
    var sent = 0
    for round in 1...Differential.rounds {
      for (number, type) in Self.families.enumerated() {
        if let only = Self.only, only != "\(type)" { continue }
        // 6.2 is there for what it alone does.
        let count = version == .redis6_2 ? Self.count / 4 : Self.count
        let rewrite = LiveRun.Rewrite.allCases[(Int(round) + number) % 3]
        let outcome = try LiveRun.run(
          type, seed: round &* 7919, version, count: count, rewrite: rewrite)
        #expect(outcome.keys > 2)
        if !outcome.lines.isEmpty {
          let shown = outcome.lines.prefix(12).joined(separator: "\n  ")
          Issue.record("\(type), round \(round), rewrite \(rewrite):\n  \(shown)")
        }
        calls.merge(outcome.calls) { $0 + $1 }
        sent += count
      }
    }
    guard Self.only == nil else { return }
    #expect(version == .redis6_2 || sent >= 25_000)
    let names = try Self.writeCommands(version)
    #expect(names.count > 80)
    for name in names where Self.neverLogged[name] == nil {
      #expect(calls[name, default: 0] > 0, "\(name) was never executed")
    }
    let table = names.map { "\($0) \(calls[$0, default: 0])" }.joined(separator: ", ")
    print("\(version): \(sent) commands were drawn; executed: \(table)")
  }

  /// The names of the commands that write, as the server has them.
  private static func writeCommands(_ version: RealServer.Version) throws -> [String] {
    let server = try RealServer(version)
    defer { server.kill() }
    var names: [String] = []
    func add(_ commands: [RedisReply]) {
      for command in commands {
        let parts = command.items ?? []
        let flags = parts[2].items?.compactMap(\.text) ?? []
        if flags.contains("write"), let name = parts[0].text {
          names.append(name.uppercased().replacingOccurrences(of: "|", with: " "))
        }
        if parts.count > 9 { add(parts[9].items ?? []) }
      }
    }
    add(try server.call("COMMAND").items ?? [])
    return names.sorted()
  }
}

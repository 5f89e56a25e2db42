import Foundation
import TestSupport
import Testing

@testable import Keyspace

/// Which commands a log for a loader may hold: no server checks that they exist and have the right
/// number of words, and what depends on the clock or on chance can't be compared.
struct LoadableCommands {
  /// The arity of each command and subcommand (`xgroup|create`), name included.
  private var arities: [String: Int] = [:]
  private var containers: Set<String> = []

  init(_ version: RealServer.Version) throws {
    let server = try RealServer(version)
    defer { server.kill() }
    add(try server.call("COMMAND").items ?? [])
  }

  private mutating func add(_ commands: [RedisReply]) {
    for command in commands {
      let parts = command.items ?? []
      let name = parts[0].text ?? ""
      if let bar = name.firstIndex(of: "|") { containers.insert(String(name[..<bar])) }
      arities[parts[0].text ?? ""] = Int(parts[1].integer ?? 0)
      if parts.count > 9 { add(parts[9].items ?? []) }
    }
  }

  private static let random: Set<String> = [
    "spop", "xreadgroup", "xautoclaim", "hexpire", "hpexpire", "eval", "evalsha", "fcall",
    // Loading servers take offsets beyond all limits.
    "setbit",
  ]

  /// Whether a log may hold the command.
  func allows(_ words: [String]) -> Bool {
    let name = words[0].lowercased()
    guard let arity = arities[name], !Self.random.contains(name), fits(words.count, arity) else {
      return false
    }
    if words.count > 1, let arity = arities[name + "|" + words[1].lowercased()] {
      return fits(words.count, arity)
    }
    if containers.contains(name) { return false }
    let options = words.dropFirst(2).map { $0.uppercased() }
    switch name {
    case "xadd": return !options.contains("*") && !options.contains("~")
    // How many databases there are is not in the log.
    case "select", "move", "copy", "swapdb": return !words.contains("99") && !words.contains("16")
    // 7.0 takes the whole index, later servers 32 bits of it.
    case "lset": return words[2].count < 10
    // Valkey takes only decimals as scores.
    case let name where name.hasPrefix("z"):
      return !words.contains { $0.contains("0x") || $0.hasPrefix(" ") || $0.hasPrefix("( ") }
    // Of several keys it is a read, whose errors do not count.
    case "pfcount": return words.count == 2
    case "pfdebug": return words[1] != "ENCODING"
    // Redis takes the least integer, Valkey refuses it.
    case "lrem": return words[2] != "\(Int64.min)"
    case "xtrim": return !options.contains("~")
    case "xclaim":
      return options.contains("TIME") && !options.contains("IDLE") && (Int(words[4]) ?? 1) <= 0
    // The time is looked at only when the condition holds; here a bad one is always an error.
    case "hsetex", "hgetex":
      return !options.contains("EX") && !options.contains("PX") && !options.contains("X")
    default: return true
    }
  }

  private func fits(_ count: Int, _ arity: Int) -> Bool {
    arity < 0 ? count >= -arity : count == arity
  }
}

/// Logs of commands as clients sent them, many of which fail: a loading server goes on, and so does
/// the replay.
@Suite struct LoadTests {
  @Test(
    arguments: LiveTests.families.map { "\($0)" }
      .filter { LiveTests.only == nil || $0 == LiveTests.only },
    LiveTests.versions.filter { $0 != .redis6_2 })
  func family(_ name: String, _ version: RealServer.Version) throws {
    let type = try #require(LiveTests.families.first { "\($0)" == name })
    let loadable = try LoadableCommands(version)
    for round in 1...Differential.rounds {
      var family = type.init(seed: round &* 104_729, version)
      var log = CommandLog()
      var drawn = 0
      while log.commands.count < 1000 && drawn < 20_000 {
        drawn += 1
        let isTransaction = family.words.chance(3)
        if isTransaction { log.add("MULTI") }
        for _ in 0..<(isTransaction ? family.words.random.below(4) : 1) {
          let command = family.command()
          if loadable.allows(command) { log.add(command.map(\.utf8Bytes)) }
        }
        if isTransaction || family.words.chance(1) { log.add("EXEC") }
      }
      let lines = try Differential.loading(log, version)
      if !lines.isEmpty {
        let first = try Differential.firstDifference(log) {
          try Differential.loading($0, version)
        }
        Issue.record("round \(round): \(first)")
        break
      }
    }
  }
}

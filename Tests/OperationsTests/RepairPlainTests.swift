import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

/// Undamaged commands are gone over quickly; what is kept must be the same as by the table of commands.
@Suite struct RepairPlainTests {
  private func repair(_ bytes: [UInt8]) throws -> (report: RepairReport, result: [UInt8]) {
    try withTemporaryDirectory { directory in
      let path = directory.file("a.aof")
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let report = try Repair.run(path, to: path + ".out")
      return (report, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + ".out"))))
    }
  }

  /// What the table says of the number of words.
  private func isKept(_ words: [String]) throws -> Bool {
    let bytes = command(words)
    return try bytes.withByteSlice { slice in
      var table = ArgumentTable()
      _ = try table.fill(from: slice, at: 0)
      let arity = CommandTable.shared.arity(CommandWord(table[0]), table.arguments)
      return arity == CommandTable.unknownArity
        || (arity >= 0 ? arity == words.count : words.count >= -arity)
    }
  }

  @Test(arguments: [0, 1, 2]) func everyCommandOfEveryLength(_ style: Int) throws {
    var log = command("SELECT", "0")
    var wanted = log
    var (kept, lost) = (1, 0)
    for info in CommandTable.shared.all {
      var words = "\(info.name)".split(separator: " ").map { name in
        switch style {
        case 0: String(name)
        case 1: name.lowercased()
        default: String(name.prefix(1)) + name.dropFirst().lowercased()
        }
      }
      // They change what is around them.
      if ["SELECT", "MULTI", "EXEC", "DISCARD"].contains(words[0].uppercased()) { continue }
      for _ in 0..<9 {
        let bytes = command(words)
        log += bytes
        if try isKept(words) {
          wanted += bytes
          kept += 1
        } else {
          lost += 1
        }
        words.append("1")
      }
    }
    let (report, result) = try repair(log)
    #expect(result == wanted)
    #expect(report.keptCommands == kept)
    #expect(report.lostBytes == log.count - wanted.count)
    #expect(kept > 500 && lost > 200)
  }

  /// Names that differ from a known one in what folding them to upper case may lose.
  @Test(arguments: [
    "SET ", "SET\u{0}", "SE", "SETT", "S\u{5}T", "s%t", "\u{0}", " ", "SETEXPIREATX", "PEXPIREAT",
  ])
  func namesThatLookAlike(_ name: String) throws {
    let sets = (0..<10).flatMap { command("SET", "k\($0)", "v") }
    // Others, or they would be taken for the same ones written twice.
    let more = (0..<10).flatMap { command("SET", "l\($0)", "w") }
    let odd = command(name, "a", "b", "c", "d")
    let (report, result) = try repair(command("SELECT", "0") + sets + odd + more)
    let isName = name.utf8.count >= 2 && name.allSatisfy(\.isLetter)
    let stays = try isName && isKept([name, "a", "b", "c", "d"])
    #expect(result == command("SELECT", "0") + sets + (stays ? odd : []) + more)
    #expect(report.keptCommands == (stays ? 22 : 21))
    #expect(report.lostBytes == (stays ? 0 : odd.count))
  }

  @Test func everyFormOfCommandStays() throws {
    let sets = (0..<10).flatMap { command("SET", "k\($0)", "v") }
    let forms: [[UInt8]] = [
      command("SET", "", ""), command(["DEL"] + (0..<1500).map(String.init)),
      command("SET", "large", String(repeating: "x", count: 123_456)),
      command("SET", "long", String(repeating: "x", count: 999)),
      command("SET", "longer", String(repeating: "x", count: 1000)),
      Array("*03\r\n$3\r\nSET\r\n$01\r\na\r\n$1\r\nb\r\n".utf8), Array("#a remark\n".utf8),
      stamp(1_700_000_000), command("MULTI") + command("SET", "a", "b") + command("EXEC"),
      command("SELECT", "3"), command("select", "0"), command("multi") + command("exec"),
      command("json.set", "a", ".", "1"), command("PING"), Array("*1\r\n$4\r\nPING\r\n".utf8),
    ]
    for count in 0..<2 * forms.count {
      // Each form at the start, at the end, and between others; and twice.
      let log =
        (count < forms.count ? forms[count] : []) + sets + forms[count % forms.count]
        + forms.joined() + sets + forms[count % forms.count]
      let (report, result) = try repair(log)
      #expect(result == log)
      #expect(report.lost.isEmpty)
    }
  }
}

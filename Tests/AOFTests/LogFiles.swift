import AOF
import Bytes
import Foundation
import TestSupport

/// The logs among the fixtures.
enum LogFiles {
  /// Every folder or file that is a log, as paths inside `Fixtures/`.
  static let all: [String] = {
    var found: Set<String> = []
    for name in Fixture.files() {
      let parts = name.split(separator: "/").map(String.init)
      guard parts.count >= 2, parts[0] != "manifests", !name.hasPrefix("demo/restored") else {
        continue
      }
      if parts.contains("appendonlydir") {
        found.insert(
          parts.prefix { $0 != "appendonlydir" }.joined(separator: "/") + "/appendonlydir")
      } else if name.hasSuffix(".aof") {
        found.insert(name)
      }
    }
    return found.sorted()
  }()

  /// Every file of commands in them, without manifests.
  static let files: [String] = Fixture.files().filter { $0.hasSuffix(".aof") }

  /// What a walk over `bytes` as one file ends with: how many commands, their lengths summed, the
  /// error if any, and the good bytes.
  struct Outcome: Equatable {
    var commands = 0
    var words = 0
    var wordBytes = 0
    var lengths = 0
    var good = 0
    var error: AOFError?
  }

  static func walk(_ start: consuming ByteCursor) -> Outcome {
    var outcome = Outcome()
    var reader = AOFReader(start)
    do throws(AOFError) {
      while try reader.next() {
        outcome.commands += 1
        outcome.lengths += reader.command.length
        let arguments = reader.arguments
        outcome.words += arguments.count
        for index in 0..<arguments.count { outcome.wordBytes += arguments[index].count }
      }
    } catch { outcome.error = error }
    outcome.good = reader.goodBytes
    return outcome
  }

  static func walk(_ bytes: [UInt8]) -> Outcome { bytes.withByteSlice { walk(ByteCursor($0)) } }
}

import AOF
import Bytes
import Testing

@testable import Keyspace

/// A keyspace that commands given as text run in, for the tests of command families.
final class CommandHarness {
  let keyspace = Keyspace(now: 1_700_000_000_000)
  private var table = ArgumentTable()
  private let memory = KeptBytes()

  /// Executes a command whose words are separated by single blanks.
  @discardableResult
  func run(_ line: String) -> Execution {
    run(words: line.split(separator: " ", omittingEmptySubsequences: false).map { Array($0.utf8) })
  }

  /// Executes a command of these words.
  @discardableResult
  func run(words: [[UInt8]]) -> Execution {
    var raw = Array("*\(words.count)\r\n".utf8)
    var places: [(Int, Int)] = []
    for word in words {
      raw += Array("$\(word.count)\r\n".utf8)
      places.append((raw.count, word.count))
      raw += word + [13, 10]
    }
    let command = raw.withByteSlice { memory.keep($0) }
    table.clear()
    for (at, count) in places { table.append(command.slice(at: at, count: count)) }
    return keyspace.execute(table.arguments, raw: command)
  }

  /// The string `key` holds; nil when it is none.
  func string(_ key: String) -> String? {
    guard case .string(let value)? = state(key).value else { return nil }
    var scratch = ScratchBuffer()
    return value.bytes(&scratch).text
  }

  /// What `key` holds.
  func state(_ key: String) -> KeyState {
    Array(key.utf8).withByteSlice { keyspace.state(of: $0) }
  }
}

import AOF
import Bytes

/// A command of which line ends are damaged: `\n` or `\r` alone, as an editor leaves them, or
/// nothing where the next marker follows at once. All its words are there all the same.
struct LooseCommand {
  /// Where it ends.
  private(set) var end = 0
  /// Its words.
  private(set) var words: [Range<Int>] = []
  /// How many line ends are wrong.
  private(set) var wrong = 0
  /// How many are missing altogether.
  private(set) var missing = 0

  /// Reads the command at `start`; nil when there is none, or when more is wrong with it.
  init?(_ bytes: ByteSlice, at start: Int) {
    var at = start
    guard let count = number(bytes, 0x2A, &at), count >= 1, count <= bytes.count - start else {
      return nil
    }
    guard passLineEnd(bytes, &at, isLast: false) else { return nil }
    for index in 0..<count {
      guard let length = number(bytes, 0x24, &at), passLineEnd(bytes, &at, isLast: nil),
        bytes.holds(length, at: at)
      else { return nil }
      words.append(at..<at + length)
      at += length
      let before = wrong
      guard passLineEnd(bytes, &at, isLast: index == count - 1) else { return nil }
      // A line end inside the word where one is missing behind it: it is the word that lost bytes.
      if wrong > before, length > 0, [0x0D, 0x0A].contains(bytes[words[index].upperBound - 1]) {
        return nil
      }
    }
    end = at
    guard missing <= 2 else { return nil }
  }

  /// `marker` and the digits behind it.
  private func number(_ bytes: ByteSlice, _ marker: UInt8, _ at: inout Int) -> Int? {
    guard at < bytes.count, bytes[at] == marker else { return nil }
    var value = 0
    let first = at + 1
    at = first
    while at < bytes.count, ASCII.isDigit(bytes[at]), at - first < 10 {
      value = value * 10 + Int(bytes[at] & 15)
      at += 1
    }
    return at > first ? value : nil
  }

  /// Passes a line end. `isLast` tells what may follow when there is none: nil for data, which
  /// can't be told from anything.
  private mutating func passLineEnd(
    _ bytes: ByteSlice, _ at: inout Int, isLast: Bool?
  ) -> Bool {
    if bytes.isLineEnd(at: at) {
      at += 2
      return true
    }
    wrong += 1
    if at < bytes.count, bytes[at] == 0x0A || bytes[at] == 0x0D {
      at += 1
      return true
    }
    guard let isLast else { return false }
    missing += 1
    if isLast {
      return at == bytes.count || bytes[at] == 0x2A || bytes[at] == 0x23
    }
    return at < bytes.count && bytes[at] == 0x24
  }

  /// Fills `table` with the words.
  func fill(_ table: inout ArgumentTable, _ bytes: ByteSlice) {
    table.clear()
    for word in words { table.append(bytes.slice(at: word.lowerBound, count: word.count)) }
  }

  /// Whether its name is a known one, with so many words.
  func isPlausible(_ bytes: ByteSlice, _ table: inout ArgumentTable) -> Bool {
    fill(&table, bytes)
    let arity = CommandTable.shared.arity(CommandWord(table[0]), table.arguments)
    if arity == CommandTable.unknownArity { return false }
    return arity >= 0 ? table.count == arity : table.count >= -arity
  }

  /// Writes the command as it should stand.
  func write(_ bytes: ByteSlice, to output: inout OutputBuffer) {
    output.write(commandOf: words.count)
    for word in words {
      output.write(bulk: bytes.slice(at: word.lowerBound, count: word.count))
    }
  }
}

internal import AOF
internal import Bytes

/// All commands, found by name.
package struct CommandRegistry: Sendable {
  /// The tables of all families.
  package static let families: [[CommandEntry]] = [
    StringCommands.table,
    CounterCommands.table,
    BitmapCommands.table,
    HyperLogLogCommands.table,
    KeyCommands.table,
    SortCommands.table,
    RestoreCommands.table,
    DatabaseCommands.table,
    FunctionCommands.table,
    HashCommands.table,
    ListCommands.table,
    SetCommands.table,
    SortedSetCommands.table,
    GeoCommands.table,
    StreamCommands.table,
    ArrayCommands.table,
    ControlCommands.table,
    UnsupportedCommands.table,
    ReadCommands.table,
  ]

  /// The commands of all families.
  package static let shared = CommandRegistry(families.flatMap { $0 })

  /// The commands, by number.
  package let entries: [CommandEntry]
  private let words: [CommandWord]
  /// 0 for free, otherwise the number + 1.
  private let slots: [UInt16]

  init(_ entries: [CommandEntry]) {
    precondition(entries.count < 512)
    self.entries = entries
    words = entries.map { CommandWord(ByteSlice($0.name)) }
    var slots = [UInt16](repeating: 0, count: 1024)
    for number in entries.indices {
      var slot = CommandRegistry.home(words[number])
      while slots[slot] != 0 { slot = (slot + 1) & 1023 }
      slots[slot] = UInt16(number + 1)
    }
    self.slots = slots
  }

  private static func home(_ word: CommandWord) -> Int {
    let mixed = (word.first ^ word.second &* 0xA076_1D64_78BD_642F) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 54)
  }

  /// The number of the command whose name is `name`, folded to `word`.
  func find(_ word: CommandWord, _ name: ByteSlice) -> Int? {
    var slot = CommandRegistry.home(word)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) &- 1
      if words[number] == word && (word.count <= 16 || isSame(name, number)) {
        return hasOddBytes(number) && !isSame(name, number) ? nil : number
      }
      slot = (slot &+ 1) & 1023
    }
    return nil
  }

  /// Whether the name of entry `number` has bytes that folding does not keep apart.
  private func hasOddBytes(_ number: Int) -> Bool { words[number].count > 13 }

  private func isSame(_ name: ByteSlice, _ number: Int) -> Bool {
    name.equalsIgnoringCase(entries[number].name)
  }

  /// The number of the command called `name`, in any case.
  func find(_ name: ByteSlice) -> Int? { find(CommandWord(name), name) }
}

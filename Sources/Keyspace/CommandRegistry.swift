internal import AOF
package import Bytes

/// All commands, found by name.
package struct CommandRegistry: Sendable {
  /// The tables of all families.
  package static let families: [[CommandEntry]] = [
    StringCommands.table,
    HashCommands.table,
  ]

  /// The commands of all families.
  package static let shared = CommandRegistry(families.flatMap { $0 })

  /// The commands, by number.
  package let entries: [CommandEntry]
  /// 0 for free, otherwise the number + 1.
  private let slots: [UInt16]

  init(_ entries: [CommandEntry]) {
    self.entries = entries
    var slots = [UInt16](repeating: 0, count: 1024)
    for (number, entry) in entries.enumerated() {
      var slot = CommandRegistry.home(ByteSlice(entry.name))
      while slots[slot] != 0 { slot = (slot + 1) & 1023 }
      slots[slot] = UInt16(number + 1)
    }
    self.slots = slots
  }

  private static func home(_ name: ByteSlice) -> Int {
    var word: UInt64 = UInt64(name.count)
    for index in 0..<min(name.count, 12) {
      word = word &* 31 &+ UInt64(name[index] & 0xDF)
    }
    return Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 54)
  }

  /// The number of the command called `name`, in any case.
  package func find(_ name: ByteSlice) -> Int? {
    var slot = CommandRegistry.home(name)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if name.equalsIgnoringCase(entries[number].name) { return number }
      slot = (slot + 1) & 1023
    }
    return nil
  }
}

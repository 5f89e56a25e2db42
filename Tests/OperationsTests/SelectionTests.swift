import Bytes
import Operations
import RDB
import Testing

@Suite struct SelectionTests {
  private func slot(_ key: String) -> Int { Array(key.utf8).withByteSlice { HashSlot.of($0) } }

  /// Values that `CLUSTER KEYSLOT` of a real server answered.
  @Test func slots() {
    #expect(slot("123456789") == 12739)  // 0x31C3, the check value of CRC-16/XMODEM
    #expect(slot("foo") == 12182)
    #expect(slot("") == 0)
    #expect(slot("{user1000}.following") == slot("user1000"))
    #expect(slot("foo{}{bar}") == 8363)
    #expect(slot("foo{{bar}}zap") == slot("{bar"))
    #expect(slot("foo{bar}{zap}") == slot("bar"))
    #expect(slot("{bar") == 4015)
  }

  @Test func everyOptionNarrows() throws {
    var keys = KeySelection()
    #expect(keys.isEverything)
    try keys.addDatabases("0,3")
    keys.keys = [Glob("user:*"), Glob("session:*")]
    keys.excluded = [Glob("*:tmp")]
    try keys.addExpression(#":\d+$"#)
    try keys.addTypes("string,hash")
    try keys.setMinimumSize("1kb")
    try keys.setExpiry("before:2026-11-23T02:00:00Z", now: Moment(milliseconds: 0))
    #expect(!keys.isEverything)
    #expect(keys.matches(database: 3) && !keys.matches(database: 1))
    func name(_ text: String) -> Bool { Array(text.utf8).withByteSlice { keys.matches(name: $0) } }
    #expect(name("user:17"))
    #expect(name("session:9"))
    #expect(!name("user:x"))
    #expect(!name("user:17:tmp"))
    #expect(!name("other:17"))
    #expect(keys.matches(type: .hash, expiresAt: 1))
    #expect(!keys.matches(type: .hash, expiresAt: nil))
    #expect(!keys.matches(type: .list, expiresAt: 1))
    #expect(!keys.matches(type: .hash, expiresAt: 1_795_399_200_000 + 1))
    #expect(keys.matches(size: 1024) && !keys.matches(size: 1023))
  }

  @Test func slotRanges() throws {
    var keys = KeySelection()
    try keys.addSlots("12182")
    #expect(Array("foo".utf8).withByteSlice { keys.matches(name: $0) })
    #expect(!Array("bar".utf8).withByteSlice { keys.matches(name: $0) })
    #expect(throws: ToolError.self) { try keys.addSlots("16384") }
    #expect(throws: ToolError.self) { try keys.addSlots("5-3") }
    #expect(throws: ToolError.self) { try keys.addSlots("") }
  }

  @Test func regularExpressionsOverBytes() throws {
    let expression = try RegularExpression("^a[^x]*z$")
    let bytes: [UInt8] = [0x61, 0x00, 0xFF, 0x7A]
    #expect(bytes.withByteSlice { expression.matches($0) })
    #expect(!bytes.prefix(3).withContiguous { expression.matches($0) })
    #expect(try RegularExpression("").matches(ByteSlice()))
    #expect(try RegularExpression(#"^\d{2}\D$"#).matches(ByteSlice("12x")))
    #expect(try RegularExpression(#"[\]d]"#).pattern == #"[\]d]"#)
    var keys = KeySelection()
    let error = #expect(throws: ToolError.self) { try keys.addExpression("a(") }
    #expect(error?.status == .usage)
  }

  @Test func commands() throws {
    var selection = CommandSelection()
    try selection.addIndexes("5,10-12,100-")
    try selection.addNames("del,XGROUP DESTROY")
    #expect([5, 10, 12, 100, 999].allSatisfy { selection.matches(index: $0, offset: 0, time: -1) })
    #expect(![1, 4, 6, 9, 13, 99].contains { selection.matches(index: $0, offset: 0, time: -1) })
    #expect(selection.names.matches(ByteSlice("DeL"), subcommand: ByteSlice("x")))
    #expect(!selection.names.matches(ByteSlice("DELX"), subcommand: nil))
    #expect(selection.names.matches(ByteSlice("xgroup"), subcommand: ByteSlice("destroy")))
    #expect(!selection.names.matches(ByteSlice("xgroup"), subcommand: ByteSlice("create")))
    #expect(!selection.names.matches(ByteSlice("xgroup"), subcommand: nil))
    #expect(selection.lastIndex == Int.max)
    for bad in ["0", "", "a", "3-1", "-5", "1,,2"] {
      #expect(throws: ToolError.self, "\(bad)") { try selection.addIndexes(bad) }
    }
  }

  @Test func destructiveCommands() throws {
    var selection = CommandSelection()
    try selection.addNames("destructive")
    #expect(selection.names.matches(ByteSlice("flushall"), subcommand: nil))
    #expect(selection.names.matches(ByteSlice("UNLINK"), subcommand: nil))
    #expect(selection.names.matches(ByteSlice("XGROUP"), subcommand: ByteSlice("DESTROY")))
    #expect(!selection.names.matches(ByteSlice("XGROUP"), subcommand: ByteSlice("CREATE")))
    #expect(!selection.names.matches(ByteSlice("SELECT"), subcommand: nil))
    #expect(!selection.names.matches(ByteSlice("SADD"), subcommand: nil))
  }

  @Test func timesOfCommands() {
    var selection = CommandSelection()
    selection.since = 100
    selection.until = 200
    #expect(selection.matches(index: 1, offset: 0, time: 100))
    #expect(selection.matches(index: 1, offset: 0, time: 200))
    #expect(!selection.matches(index: 1, offset: 0, time: 99))
    #expect(!selection.matches(index: 1, offset: 0, time: 201))
    #expect(!selection.matches(index: 1, offset: 0, time: -1))
  }
}

extension ArraySlice where Element == UInt8 {
  func withContiguous<R>(_ body: (ByteSlice) -> R) -> R { Array(self).withByteSlice(body) }
}

internal import AOF
internal import Bytes

/// # Undamaged stretches
///
/// Nearly all of a log is undamaged, and nearly all of its commands change neither the database nor a
/// transaction. They are gone over without taking note of their words: whole by their headers and line
/// ends, known by name, with a number of words that the name may have. Whatever is not that plain is
/// left to the careful walk, and so is every damage.
extension LogSalvage {
  /// Behind so many bytes the reader does its housekeeping.
  private static let stretch = 256 << 10

  /// Goes behind plain commands, maybe none.
  mutating func skim(_ reader: inout AOFReader) {
    if reader.isOpenTransaction { return }
    let bytes = self.bytes
    let isLarge = self.isLarge
    let start = reader.cursor.offset
    // Eight bytes can be read from the name of any command that begins in front of it.
    let limit = min(start + LogSalvage.stretch, bytes.count - 32)
    var at = start
    var last = start
    var name = 0..<0
    var passed = 0
    while at < limit {
      bytes.prefetch(at: at &+ 1024)
      bytes.prefetch(at: at &+ 1088)
      let head = bytes.shortHeader(0x2A, at: at)
      guard head >= 16 else { break }
      var end = at &+ (head & 7)
      guard let word = bytes.passShortWords(head >> 3, at: &end),
        plain.allows(word, of: bytes, words: head >> 3, table)
      else { break }
      if isLarge { hashes.add(bytes, at, end) }
      last = at
      name = word
      at = end
      passed &+= 1
    }
    if passed == 0 { return }
    keep(passed)
    let word = CommandWord(bytes.slice(at: name.lowerBound, count: name.count))
    reader.pass(passed, last: last, end: at, word: word)
  }
}

/// Remembers of how many words commands may be whose name alone decides it, and that change neither
/// the database nor a transaction.
struct PlainCommands {
  private struct Entry {
    /// The name in upper case; 0 where there is none.
    var name: UInt64 = 0
    var length = 0
    var arity = 0

    @inline(__always) func allows(_ words: Int) -> Bool {
      arity >= 0 ? words == arity : words >= -arity
    }
  }

  private static let bits: UInt64 = 6
  private var entries = [Entry](repeating: Entry(), count: 1 << Int(PlainCommands.bits))

  /// Whether a command may have so many words whose name is the range `name` of `bytes`, behind the
  /// start of which eight bytes can be read; false too where the name is not as plain.
  @inline(__always)
  mutating func allows(
    _ name: Range<Int>, of bytes: ByteSlice, words: Int, _ table: borrowing CommandTable
  ) -> Bool {
    let length = name.upperBound &- name.lowerBound
    if UInt(bitPattern: length &- 1) < 8 {
      let mask = UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- length &* 8)
      let folded = bytes.load(at: name.lowerBound, as: UInt64.self) & mask & 0xDFDF_DFDF_DFDF_DFDF
      let entry = entries[PlainCommands.slot(folded)]
      if entry.name == folded && entry.length == length { return entry.allows(words) }
    }
    return learn(bytes.slice(at: name.lowerBound, count: length), words, table)
  }

  @inline(__always) private static func slot(_ name: UInt64) -> Int {
    Int(truncatingIfNeeded: (name &* 0x9E37_79B9_7F4A_7C15) &>> (64 &- bits))
  }

  /// Looks a name up in the table, and keeps what it says of one of up to eight letters.
  @inline(never)
  private mutating func learn(
    _ name: ByteSlice, _ words: Int, _ table: borrowing CommandTable
  ) -> Bool {
    let word = CommandWord(name)
    if word.isSelect || word.isMulti || word.isExec { return false }
    let arity = table.plainArity(word)
    guard arity != 0 else { return false }
    let entry = Entry(name: word.first, length: word.count, arity: arity)
    if word.count <= 8 { entries[PlainCommands.slot(word.first)] = entry }
    return entry.allows(words)
  }
}

package import AOF
package import Bytes

/// Several words as one run of bytes, `$<length>\r\n<bytes>\r\n` each: the fields of a stream
/// entry, mostly a part of the very command that added them, so that keeping them costs nothing
/// and writing them out again is one copy.
package struct PackedWords {
  /// The bytes, in the form of a log.
  package let raw: ByteSlice
  /// How many words there are.
  package let count: Int

  /// No words.
  package init() {
    raw = ByteSlice()
    count = 0
  }

  /// `count` words that stand in `raw`, with canonical headers.
  package init(raw: ByteSlice, count: Int) {
    self.raw = raw
    self.count = count
  }

  /// The first word at `offset`, which then moves behind it; start with 0.
  package func next(_ offset: inout Int) -> ByteSlice {
    var length = 0
    offset += 1
    while raw[offset] != 0x0D {
      length = length * 10 + Int(raw[offset] & 15)
      offset += 1
    }
    let word = raw.slice(at: offset + 2, count: length)
    offset += length + 4
    return word
  }

  /// The bytes of the words without their headers.
  package var byteCount: Int {
    var offset = 0
    var sum = 0
    for _ in 0..<count { sum += next(&offset).count }
    return sum
  }
}

extension Context {
  /// The words of `arguments` from `first` on (`count` of them, or all) in packed form. They are
  /// not copied when they stand in the log one after another, as they do.
  package func pack(_ arguments: Arguments, from first: Int, count: Int? = nil) -> PackedWords {
    let count = count ?? arguments.count - first
    guard count > 0 else { return PackedWords() }
    guard var at = command.offset(ofPart: arguments[first]) else {
      return copy(arguments, first, count)
    }
    let start = at - headerLength(arguments[first].count)
    for index in first..<first + count {
      let word = arguments[index]
      guard command.offset(ofPart: word) == at else {
        return copy(arguments, first, count)
      }
      at += word.count + 2
      if index + 1 < first + count { at += headerLength(arguments[index + 1].count) }
    }
    guard start >= 0, command[start] == 0x24 else { return copy(arguments, first, count) }
    return PackedWords(raw: command.slice(at: start, count: at - start), count: count)
  }

  private func headerLength(_ length: Int) -> Int { 3 + DecimalText.digitCount(UInt64(length)) }

  private func copy(_ arguments: Arguments, _ first: Int, _ count: Int) -> PackedWords {
    scratch.clear()
    for index in first..<first + count { appendPacked(arguments[index]) }
    return PackedWords(raw: keep(scratch.slice), count: count)
  }

  /// Adds `word` in packed form to `scratch`; for words that come one by one. When all are there,
  /// `PackedWords(raw: keep(scratch.slice), count:)` holds them.
  package func appendPacked(_ word: ByteSlice) {
    scratch.append(0x24)
    scratch.append(decimal: UInt64(word.count))
    scratch.append(ByteSlice("\r\n"))
    scratch.append(word)
    scratch.append(ByteSlice("\r\n"))
  }
}

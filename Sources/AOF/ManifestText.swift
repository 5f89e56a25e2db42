public import Bytes

extension Manifest {
  /// Longest line, newline included.
  static let longestLine = 1024

  /// Reads the whole of a manifest file.
  ///
  /// - Throws: ``ManifestError`` for everything that a server refuses.
  public init(parsing bytes: ByteSlice) throws(ManifestError) {
    guard bytes.count > 0 else { throw ManifestError(kind: .empty, line: 1, offset: 0) }
    var at = 0
    var number = 0
    var comments: [[UInt8]] = []
    while at < bytes.count {
      number += 1
      let start = at
      func wrong(_ kind: ManifestError.Kind) -> ManifestError {
        ManifestError(kind: kind, line: number, offset: start)
      }
      guard let newline = bytes.firstIndex(of: 0x0A, from: at) else {
        if bytes[at] == 0x23 && bytes.count - at < Manifest.longestLine {
          comments.append(bytes.dropFirst(at).bytes)
          break
        }
        throw wrong(bytes.count - at >= Manifest.longestLine ? .lineTooLong : .noNewline)
      }
      guard newline + 1 - at <= Manifest.longestLine else { throw wrong(.lineTooLong) }
      let line = bytes.slice(at: at, count: newline - at)
      at = newline + 1
      if line.isEmpty { throw wrong(.emptyLine) }
      if line[0] == 0x23 {
        comments.append(line.bytes)
        continue
      }
      var entry: Entry
      do throws(LineError) { entry = try Entry(parsing: line) } catch { throw wrong(error.kind) }
      if entry.kind == .base, base != nil { throw wrong(.secondBase) }
      if entry.kind == .increment, let last = increments.last, entry.sequence <= last.sequence {
        throw wrong(.sequenceOrder)
      }
      entry.comments = comments
      comments = []
      entries.append(entry)
    }
    closingComments = comments
  }

  /// The text of the manifest file, in the form servers write.
  public var text: [UInt8] {
    var out: [UInt8] = []
    for entry in entries {
      for comment in entry.comments { out += comment + [0x0A] }
      out += entry.text + [0x0A]
    }
    for comment in closingComments { out += comment + [0x0A] }
    return out
  }

  /// Whether `head`, the first bytes of a file, begins a manifest rather than a log: the first
  /// line that is no comment begins with a key of the grammar. A log has `*`, `#TS:` or an RDB
  /// there; a line with `file` further on, inside a value, means nothing.
  public static func isLikely(_ head: ByteSlice) -> Bool {
    var at = 0
    while at < head.count, head[at] == 0x23 {
      guard let newline = head.firstIndex(of: 0x0A, from: at) else { return false }
      at = newline + 1
    }
    let line = head.slice(at: at, count: min(head.count - at, 16))
    for key in ["file", "seq", "type", "startoffset", "endoffset"] as [StaticString] {
      let length = key.utf8CodeUnitCount
      guard line.count > length, line.prefix(length).equalsIgnoringCase(key) else { continue }
      if line[length] == 0x20 || line[length] == 0x09 { return true }
    }
    return false
  }
}

/// What is wrong with one line.
private struct LineError: Error {
  var kind: ManifestError.Kind
}

extension Manifest.Entry {
  fileprivate init(parsing line: ByteSlice) throws(LineError) {
    guard let words = Words.split(line) else { throw LineError(kind: .quotes) }
    guard words.count >= 6, words.count % 2 == 0 else { throw LineError(kind: .pairs) }
    var name: String?
    var sequence: Int64?
    var kind: Manifest.Kind?
    var start: Int64?
    var end: Int64?
    var unknown: [Manifest.Pair] = []
    for index in stride(from: 0, to: words.count, by: 2) {
      let value = words[index + 1]
      switch String(decoding: words[index].map(ASCII.lowercased), as: UTF8.self) {
      case "file":
        guard let text = String(validating: value, as: UTF8.self), !value.contains(0x2F),
          !value.contains(0x5C), !value.contains(0)
        else { throw LineError(kind: .fileName) }
        name = text
      case "seq":
        guard let number = Words.number(value), number > 0 else { throw LineError(kind: .sequence) }
        sequence = number
      case "type":
        guard let letter = value.first, let known = Manifest.Kind(rawValue: letter) else {
          throw LineError(kind: .type)
        }
        kind = known
      case "startoffset":
        guard let number = Words.number(value) else { throw LineError(kind: .replicationOffset) }
        start = number
      case "endoffset":
        guard let number = Words.number(value) else { throw LineError(kind: .replicationOffset) }
        end = number
      default:
        unknown.append(Manifest.Pair(key: words[index], value: value))
      }
    }
    guard let name, !name.isEmpty, let sequence, let kind else {
      throw LineError(kind: .missingKey)
    }
    self.init(name: name, sequence: sequence, kind: kind)
    startOffset = start
    endOffset = end
    self.unknown = unknown
  }

  /// The line of this entry, without its newline.
  fileprivate var text: [UInt8] {
    var out = Array("file ".utf8) + Words.quoted(Array(name.utf8))
    out += Array(" seq \(sequence) type ".utf8) + [kind.rawValue]
    if let startOffset { out += Array(" startoffset \(startOffset)".utf8) }
    if let endOffset { out += Array(" endoffset \(endOffset)".utf8) }
    for pair in unknown {
      out += [0x20] + Words.quoted(pair.key) + [0x20] + Words.quoted(pair.value)
    }
    return out
  }
}

/// Splitting and joining words as redis.conf has them.
enum Words {
  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte &- 9 < 5 }

  /// The words of a line, or nil when its quotes are wrong. A byte 0 ends the line, as in C.
  static func split(_ line: ByteSlice) -> [[UInt8]]? {
    var words: [[UInt8]] = []
    let end = line.firstIndex(of: 0) ?? line.count
    var at = 0
    func byte(_ index: Int) -> UInt8 { index < end ? line[index] : 0 }
    while true {
      while at < end, isBlank(line[at]) { at += 1 }
      guard at < end else { return words }
      var word: [UInt8] = []
      scan: while at < end, !isBlank(line[at]) {
        let quote = line[at]
        guard quote == 0x22 || quote == 0x27 else {
          word.append(quote)
          at += 1
          continue
        }
        at += 1
        while true {
          guard at < end else { return nil }
          if byte(at) == quote {
            at += 1
            guard at == end || isBlank(line[at]) else { return nil }
            break scan
          }
          if quote == 0x22, byte(at) == 0x5C, byte(at + 1) == 0x78,
            let high = hex(byte(at + 2)), let low = hex(byte(at + 3))
          {
            word.append(high << 4 | low)
            at += 4
          } else if quote == 0x22, byte(at) == 0x5C, at + 1 < end {
            word.append(unescaped(byte(at + 1)))
            at += 2
          } else if quote == 0x27, byte(at) == 0x5C, byte(at + 1) == 0x27 {
            word.append(0x27)
            at += 2
          } else {
            word.append(byte(at))
            at += 1
          }
        }
      }
      words.append(word)
    }
  }

  /// `word` as it may stand in a line: bare when that is safe, else in double quotes.
  static func quoted(_ word: [UInt8]) -> [UInt8] {
    let isPlain =
      !word.isEmpty && word[0] != 0x23
      && word.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x27 && $0 != 0x5C }
    if isPlain { return word }
    let digits = Array("0123456789abcdef".utf8)
    var out: [UInt8] = [0x22]
    for byte in word {
      switch byte {
      case 0x22, 0x5C: out += [0x5C, byte]
      case 0x0A: out += Array("\\n".utf8)
      case 0x0D: out += Array("\\r".utf8)
      case 0x09: out += Array("\\t".utf8)
      case 0x08: out += Array("\\b".utf8)
      case 0x07: out += Array("\\a".utf8)
      case 0x20..<0x7F: out.append(byte)
      default:
        out += [0x5C, 0x78, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return out + [0x22]
  }

  /// A decimal number with an optional sign, as `atoll` would read it whole; nil for anything else.
  static func number(_ word: [UInt8]) -> Int64? {
    guard let text = String(validating: word, as: UTF8.self) else { return nil }
    return Int64(text)
  }

  private static func hex(_ byte: UInt8) -> UInt8? {
    if ASCII.isDigit(byte) { return byte - 0x30 }
    let letter = ASCII.lowercased(byte)
    return letter &- 0x61 < 6 ? letter - 0x61 + 10 : nil
  }

  private static func unescaped(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 0x6E: 0x0A
    case 0x72: 0x0D
    case 0x74: 0x09
    case 0x62: 0x08
    case 0x61: 0x07
    default: byte
    }
  }
}

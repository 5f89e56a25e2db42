internal import Bytes

/// Reads JSON (RFC 8259) from bytes in memory, token by token.
///
/// Nothing is allocated; strings without escapes are slices of the input, others are put together in
/// the scratch buffer that is given. Every step is checked against the end; nesting is bounded.
struct JSONCursor {
  let bytes: ByteSlice
  /// Where the next token may begin.
  private(set) var at: Int
  /// Added to offsets in errors.
  let origin: Int

  /// Nesting deeper than this is refused.
  static let deepest = 64

  init(_ bytes: ByteSlice, from at: Int = 0, origin: Int = 0) {
    self.bytes = bytes
    self.at = at
    self.origin = origin
  }

  @inline(never) func fail(_ kind: JSONError.Kind, at place: Int? = nil) -> JSONError {
    JSONError(kind, at: origin + (place ?? at))
  }

  /// Passes blanks.
  @inline(__always) mutating func skipBlanks() {
    while at < bytes.count {
      let byte = bytes[at]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      at &+= 1
    }
  }

  /// The first byte of the next token.
  mutating func peek() throws(JSONError) -> UInt8 {
    skipBlanks()
    guard at < bytes.count else { throw fail(.truncated) }
    return bytes[at]
  }

  /// Whether nothing but blanks is left.
  mutating func isAtEnd() -> Bool {
    skipBlanks()
    return at == bytes.count
  }

  /// Passes `byte`, which must be next.
  mutating func take(_ byte: UInt8) throws(JSONError) {
    guard try peek() == byte else { throw fail(.expected(byte)) }
    at += 1
  }

  /// Passes `byte` if it is next.
  mutating func takes(_ byte: UInt8) throws(JSONError) -> Bool {
    guard try peek() == byte else { return false }
    at += 1
    return true
  }

  /// Whether another element of an array follows; passes what is between. `first` is true before
  /// the first one.
  mutating func nextElement(_ first: inout Bool) throws(JSONError) -> Bool {
    if first {
      first = false
      return try !takes(0x5D)
    }
    if try takes(0x2C) { return true }
    try take(0x5D)
    return false
  }

  /// The next name of an object; nil behind the last. Its value follows.
  mutating func nextName(
    _ first: inout Bool, _ scratch: inout ScratchBuffer
  ) throws(JSONError) -> ByteSlice? {
    if first {
      first = false
      if try takes(0x7D) { return nil }
    } else if try !takes(0x2C) {
      try take(0x7D)
      return nil
    }
    let name = try string(&scratch)
    try take(0x3A)
    return name
  }

  /// Passes `null` if it is next.
  mutating func takesNull() throws(JSONError) -> Bool {
    guard try peek() == 0x6E else { return false }
    guard bytes.holds(4, at: at), bytes.slice(at: at, count: 4).equals("null") else {
      throw fail(.notAValue)
    }
    at += 4
    return true
  }

  /// A string, its escapes resolved. Valid until `scratch` is written to again.
  mutating func string(_ scratch: inout ScratchBuffer) throws(JSONError) -> ByteSlice {
    try take(0x22)
    let from = at
    var high = false
    while at < bytes.count {
      let byte = bytes[at]
      if byte == 0x22 {
        let text = bytes.slice(at: from, count: at &- from)
        if high && !text.isUTF8 { throw fail(.notUTF8, at: from) }
        at &+= 1
        return text
      }
      if byte == 0x5C { return try escapedString(from, &scratch) }
      if byte < 0x20 { throw fail(.badString) }
      if byte >= 0x80 { high = true }
      at &+= 1
    }
    throw fail(.truncated)
  }

  /// The rest of a string in which a `\` was met.
  private mutating func escapedString(
    _ from: Int, _ scratch: inout ScratchBuffer
  ) throws(JSONError) -> ByteSlice {
    scratch.clear()
    var plain = from
    while at < bytes.count {
      let byte = bytes[at]
      if byte == 0x22 {
        scratch.append(bytes.slice(at: plain, count: at - plain))
        let end = at
        at += 1
        if !scratch.slice.isUTF8 { throw fail(.notUTF8, at: min(from, end)) }
        return scratch.slice
      }
      if byte < 0x20 { throw fail(.badString) }
      guard byte == 0x5C else {
        at += 1
        continue
      }
      scratch.append(bytes.slice(at: plain, count: at - plain))
      try escape(&scratch)
      plain = at
    }
    throw fail(.truncated)
  }

  private mutating func escape(_ scratch: inout ScratchBuffer) throws(JSONError) {
    guard at + 1 < bytes.count else { throw fail(.truncated, at: bytes.count) }
    let letter = bytes[at + 1]
    switch letter {
    case 0x22, 0x5C, 0x2F: scratch.append(letter)
    case 0x62: scratch.append(0x08)
    case 0x66: scratch.append(0x0C)
    case 0x6E: scratch.append(0x0A)
    case 0x72: scratch.append(0x0D)
    case 0x74: scratch.append(0x09)
    case 0x75:
      var scalar = try fourDigits(at + 2)
      if 0xD800...0xDBFF ~= scalar {
        guard bytes.holds(6, at: at + 6), bytes[at + 6] == 0x5C, bytes[at + 7] == 0x75 else {
          throw fail(.loneSurrogate)
        }
        let low = try fourDigits(at + 8)
        guard 0xDC00...0xDFFF ~= low else { throw fail(.loneSurrogate) }
        scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
        at += 6
      } else if 0xDC00...0xDFFF ~= scalar {
        throw fail(.loneSurrogate)
      }
      JSONCursor.append(scalar, &scratch)
      at += 6
      return
    default: throw fail(.badString)
    }
    at += 2
  }

  private func fourDigits(_ from: Int) throws(JSONError) -> UInt32 {
    guard bytes.holds(4, at: from) else { throw fail(.truncated, at: bytes.count) }
    var value: UInt32 = 0
    for index in from..<from + 4 {
      let byte = bytes[index]
      let letter = ASCII.lowercased(byte)
      if ASCII.isDigit(byte) {
        value = value << 4 | UInt32(byte - 0x30)
      } else if 0x61...0x66 ~= letter {
        value = value << 4 | UInt32(letter - 0x57)
      } else {
        throw fail(.badString, at: index)
      }
    }
    return value
  }

  private static func append(_ scalar: UInt32, _ scratch: inout ScratchBuffer) {
    func tail(_ shift: UInt32) { scratch.append(UInt8(0x80 | scalar >> shift & 0x3F)) }
    if scalar < 0x80 {
      scratch.append(UInt8(scalar))
    } else if scalar < 0x800 {
      scratch.append(UInt8(0xC0 | scalar >> 6))
      tail(0)
    } else if scalar < 0x10000 {
      scratch.append(UInt8(0xE0 | scalar >> 12))
      tail(6)
      tail(0)
    } else {
      scratch.append(UInt8(0xF0 | scalar >> 18))
      tail(12)
      tail(6)
      tail(0)
    }
  }

  /// The text of a number, as it stands there.
  mutating func number() throws(JSONError) -> ByteSlice {
    _ = try peek()
    let from = at
    while at < bytes.count {
      switch bytes[at] {
      case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: at += 1
      default:
        guard at > from else { throw fail(.badNumber) }
        return bytes.slice(at: from, count: at - from)
      }
    }
    guard at > from else { throw fail(.badNumber) }
    return bytes.slice(at: from, count: at - from)
  }

  /// Passes the next value, whatever it is.
  mutating func skipValue(_ scratch: inout ScratchBuffer) throws(JSONError) {
    var depth = 0
    // One bit a level: whether it is an object.
    var objects: UInt64 = 0
    while true {
      switch try peek() {
      case 0x22: _ = try string(&scratch)
      case 0x7B, 0x5B:
        let isObject = bytes[at] == 0x7B
        guard depth < JSONCursor.deepest else { throw fail(.tooDeep) }
        at += 1
        if try takes(isObject ? 0x7D : 0x5D) { break }
        depth += 1
        objects = objects << 1 | (isObject ? 1 : 0)
        if isObject {
          _ = try string(&scratch)
          try take(0x3A)
        }
        continue
      case 0x74: try literal("true")
      case 0x66: try literal("false")
      case 0x6E: try literal("null")
      case 0x2D, 0x30...0x39: _ = try number()
      default: throw fail(.notAValue)
      }
      // A value is complete; so may be what it stands in.
      while true {
        if depth == 0 { return }
        let isObject = objects & 1 == 1
        if try takes(0x2C) {
          if isObject {
            _ = try string(&scratch)
            try take(0x3A)
          }
          break
        }
        try take(isObject ? 0x7D : 0x5D)
        depth -= 1
        objects >>= 1
      }
    }
  }

  private mutating func literal(_ text: StaticString) throws(JSONError) {
    let wanted = ByteSlice(text)
    guard bytes.holds(wanted.count, at: at), bytes.slice(at: at, count: wanted.count) == wanted
    else { throw fail(.notAValue) }
    at += wanted.count
  }
}

/// Base64 (RFC 4648): the padding may be missing, nothing else may stand in it.
enum Base64Text {
  /// Adds the bytes that `text` stands for; false when it is no base64.
  static func decode(_ text: ByteSlice, into scratch: inout ScratchBuffer) -> Bool {
    var count = text.count
    if count % 4 == 0, count > 0, text[count - 1] == 0x3D {
      count -= text[count - 2] == 0x3D ? 2 : 1
    }
    guard count % 4 != 1 else { return false }
    var held: UInt32 = 0
    var bits = 0
    for index in 0..<count {
      guard let digit = digit(text[index]) else { return false }
      held = held << 6 | digit
      bits += 6
      if bits >= 8 {
        bits -= 8
        scratch.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
      }
    }
    // What is left over must be nothing.
    return held & (1 << UInt32(bits) - 1) == 0
  }

  @inline(__always) private static func digit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x41...0x5A: UInt32(byte) - 0x41
    case 0x61...0x7A: UInt32(byte) - 0x61 + 26
    case 0x30...0x39: UInt32(byte) - 0x30 + 52
    case 0x2B: 62
    case 0x2F: 63
    default: nil
    }
  }
}

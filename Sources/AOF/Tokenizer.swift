public import Bytes

// # One command
//
//     *<argc>\r\n ( $<length>\r\n <bytes> \r\n )*argc
//
// argc is at least 1. Numbers are decimal. redis-check-aof reads them with `strtol`, hence blanks,
// a plus sign and leading zeros are accepted, as it accepts them; no server writes them. Line ends
// are `\r\n` everywhere. A number line has at most 127 bytes for redis-check-aof.
//
// The fast path decodes a header of up to three digits by one eight-byte load
// (``ByteSlice/shortHeader(_:at:)``); everything else goes through `anyHeader`.

/// Why a command could not be read from some bytes.
public struct TokenFailure: Error, Sendable, Equatable {
  /// What is wrong; `.truncated` when the bytes end too early.
  public var kind: AOFError.Kind
  /// What was being read.
  public var activity: AOFError.Activity
  /// The byte that is wrong, in the bytes given.
  public var offset: Int
  /// With `.truncated`: how many bytes there have to be at least for the command to be whole.
  public var needed: Int
}

extension ArgumentTable {
  /// The largest length of an argument that is taken for truncation instead of damage when the
  /// bytes end before it: the default of `proto-max-bulk-len`.
  static let plausibleLength: Int64 = 512 << 20

  /// Replaces the words by those of the command at `start` of `bytes`. The words are slices of
  /// `bytes`. Memory grows with the words that are really there, never by a claimed count.
  ///
  /// - Returns: the offset behind the command.
  /// - Throws: ``TokenFailure``; the words are then undefined.
  public mutating func fill(
    from bytes: ByteSlice, at start: Int
  ) throws(TokenFailure) -> Int {
    used = 0
    var at = start
    var left: Int
    let head = bytes.shortHeader(0x2A, at: at)
    if head >= 16 {
      left = head >> 3
      at &+= head & 7
    } else {
      let header = try Header.read(0x2A, from: bytes, at: at)
      guard header.number >= 1 && header.number <= Int64(Int32.max) else {
        throw TokenFailure(
          kind: .argumentCount(header.number), activity: .argumentCount, offset: start, needed: 0)
      }
      left = Int(header.number)
      at = header.end
    }
    while true {
      // SAFETY: the table has room for `capacity` words, of which `used` are filled.
      let room = unsafe UnsafeMutableBufferPointer(
        start: memory + used, count: min(left, capacity &- used))
      let filled = unsafe bytes.readShortWords(at: &at, into: room)
      used &+= filled
      left &-= filled
      if left == 0 { return at }
      if used == capacity { grow() }
      // Another form of header, or the end of the bytes.
      let headerStart = at
      let header = try Header.read(0x24, from: bytes, at: at)
      let length = try Header.length(header.number, behind: header.end, start: headerStart, bytes)
      // `header.end` and `length` are at most `bytes.count`.
      let end = header.end &+ length
      guard bytes.isLineEnd(at: end) else { throw Header.badEnd(bytes, at: end) }
      append(bytes.slice(at: header.end, count: length))
      at = end &+ 2
      left &-= 1
      if left == 0 { return at }
    }
  }
}

/// The rare forms of headers, and the words for what is wrong with them.
enum Header {
  /// Longest line of a number, line end included.
  static let longest = 128

  /// Reads any header: the marker, a number as `strtol` reads it, and `\r\n`.
  @inline(never)
  static func read(
    _ marker: UInt8, from bytes: ByteSlice, at start: Int
  ) throws(TokenFailure) -> (number: Int64, end: Int) {
    let activity: AOFError.Activity = marker == 0x2A ? .argumentCount : .argumentHeader
    guard start < bytes.count else {
      throw TokenFailure(
        kind: .truncated, activity: activity, offset: bytes.count, needed: start + 4)
    }
    guard bytes[start] == marker else {
      throw TokenFailure(
        kind: .unexpected(wanted: marker, found: bytes[start]),
        activity: marker == 0x2A ? .commandStart : .argumentHeader, offset: start, needed: 0)
    }
    let limit = min(bytes.count, start + longest)
    var at = start + 1
    while at < limit && bytes[at] == 0x20 { at += 1 }
    var negative = false
    if at < limit && (bytes[at] == 0x2D || bytes[at] == 0x2B) {
      negative = bytes[at] == 0x2D
      at += 1
    }
    let digits = at
    var number: Int64 = 0
    while at < limit && ASCII.isDigit(bytes[at]) {
      let (scaled, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(Int64(bytes[at] & 15))
      number = overflow || carry ? Int64.max : sum
      at += 1
    }
    guard at < limit || at - start < longest else {
      throw TokenFailure(kind: .lineTooLong, activity: activity, offset: start, needed: 0)
    }
    guard at < bytes.count else {
      throw TokenFailure(kind: .truncated, activity: activity, offset: at, needed: at + 2)
    }
    guard at > digits else {
      throw TokenFailure(kind: .number, activity: activity, offset: at, needed: 0)
    }
    guard bytes.isLineEnd(at: at) else {
      if at + 1 == bytes.count && bytes[at] == 0x0D {
        throw TokenFailure(kind: .truncated, activity: activity, offset: at + 1, needed: at + 2)
      }
      let isLoose = bytes[at] == 0x0A || bytes[at] == 0x0D
      throw TokenFailure(
        kind: isLoose ? .lineEnd : .number, activity: activity, offset: at, needed: 0)
    }
    return (negative ? -number : number, at + 2)
  }

  /// The length of an argument whose header was `[start, at)`, when it can be true.
  @inline(never)
  static func length(
    _ number: Int64, behind at: Int, start: Int, _ bytes: ByteSlice
  ) throws(TokenFailure) -> Int {
    let left = Int64(bytes.count - at)
    if number >= 0 && number <= left { return Int(number) }
    if number < 0 || number > ArgumentTable.plausibleLength {
      // A stream may still bring more than 512 MiB; `needed` lets the reader ask for it.
      throw TokenFailure(
        kind: .argumentLength(number), activity: .argumentHeader, offset: start,
        needed: number < 0 || number > Int64.max / 4 ? 0 : at + Int(number) + 2)
    }
    throw TokenFailure(
      kind: .truncated, activity: .argument, offset: bytes.count, needed: at + Int(number) + 2)
  }

  /// What is wrong where an argument should end.
  @inline(never)
  static func badEnd(_ bytes: ByteSlice, at end: Int) -> TokenFailure {
    let cut = end >= bytes.count || (end + 1 == bytes.count && bytes[end] == 0x0D)
    return TokenFailure(
      kind: cut ? .truncated : .lineEnd, activity: .argument,
      offset: cut ? bytes.count : end, needed: cut ? end + 2 : 0)
  }
}

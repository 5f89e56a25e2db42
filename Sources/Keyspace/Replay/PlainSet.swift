internal import AOF
internal import Bytes

/// A SET as servers write it, `SET key value` or `SET key value PXAT time`, with texts of up to 999 bytes:
/// most of what there is in a log, so that these are read without a table of their words.
struct PlainSet {
  /// The whole command.
  let raw: ByteSlice
  let key: ByteSlice
  let value: ByteSlice
  /// The time behind PXAT.
  let expiresAt: Int64?

  /// The command at `offset` of `bytes`, if it is such a one. It was read before, so it is whole.
  @inline(__always)
  init?(_ bytes: ByteSlice, at offset: Int, isTimed: Bool) {
    // `*3\r\n$3\r\nSET\r\n`, or `*5\r\n…`
    let begin: UInt64 = isTimed ? 0x0A0D_3324_0A0D_352A : 0x0A0D_3324_0A0D_332A
    guard bytes.holds(24, at: offset), bytes.load(at: offset, as: UInt64.self) == begin,
      bytes.load(at: offset &+ 8, as: UInt32.self) == 0x0D54_4553
    else { return nil }
    let head = bytes.shortHeader(0x24, at: offset &+ 13)
    guard head >= 0 else { return nil }
    let second = offset &+ 13 &+ (head & 7) &+ (head >> 3) &+ 2
    let other = bytes.shortHeader(0x24, at: second)
    guard other >= 0 else { return nil }
    var end = second &+ (other & 7) &+ (other >> 3) &+ 2
    if isTimed {
      // `$4\r\nPXAT\r\n$13\r\n` and 13 digits, as all times from 2001 to 2286 have.
      guard bytes.holds(30, at: end), bytes.load(at: end, as: UInt64.self) == 0x5441_5850_0A0D_3424,
        bytes.load(at: end &+ 7, as: UInt64.self) == 0x0A0D_3331_240A_0D54,
        let time = DecimalText.canonical(bytes.slice(at: end &+ 15, count: 13)), time > 0
      else { return nil }
      expiresAt = time
      end &+= 30
    } else {
      expiresAt = nil
    }
    raw = bytes.slice(at: offset, count: end &- offset)
    key = bytes.slice(at: offset &+ 13 &+ (head & 7), count: head >> 3)
    value = bytes.slice(at: second &+ (other & 7), count: other >> 3)
  }
}

extension Keyspace {
  /// The `SET key value` at `position`, if servers would write it so.
  @inline(__always)
  func plainSet(_ position: Int) -> PlainSet? {
    let (bytes, offset) = log.locate(position)
    return PlainSet(bytes, at: offset, isTimed: false)
  }

  /// The SET that makes all of `entry`, where there is nothing else and it is in the usual form.
  @inline(__always)
  func onlySet(_ entry: KeyEntry) -> PlainSet? {
    if entry.lastOperation == 0 {
      return entry.base.kind == .setCommand ? plainSet(entry.base.payload) : nil
    }
    guard entry.lastOperation == entry.firstOperation, entry.base.kind == .absent else {
      return nil
    }
    let (bytes, offset) = log.locate(chains.at(entry.lastOperation).position)
    return PlainSet(bytes, at: offset, isTimed: true)
  }
}

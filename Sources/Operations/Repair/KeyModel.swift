import Bytes
import RDB

/// What the keys of a dump look like, learned from those that are certainly whole: to tell a true
/// key from bytes that only happen to read as one.
struct KeyModel {
  /// Times at which keys may expire: 2000 to 2100, in ms.
  static let plausible: ClosedRange<Int64> = 946_684_800_000...4_102_444_800_000

  /// Keys seen.
  private(set) var count = 0
  private var printable = 0
  private var longest = 0
  private var shortest = Int.max
  private var evicting = 0
  private var times = Int64.max...Int64.max
  private var timesSeen = 0
  private var types = InlineArray<256, Int>(repeating: 0)
  private var isEmptySeen = false
  /// Bytes of all records seen.
  private(set) var bytes = 0

  /// Learns from a record of `length` bytes.
  mutating func learn(_ key: KeyHeader, length: Int) {
    count &+= 1
    bytes &+= length
    if let time = key.expiresAt, KeyModel.plausible ~= time {
      times =
        timesSeen == 0
        ? time...time : min(times.lowerBound, time)...max(times.upperBound, time)
      timesSeen += 1
    }
    // Looking at every key of a large dump would cost more than it tells.
    if count > 100_000, count & 63 != 0 { return }
    if KeyModel.isPrintable(key.key) { printable &+= count > 100_000 ? 64 : 1 }
    if key.key.isEmpty { isEmptySeen = true }
    longest = max(longest, key.key.count)
    shortest = min(shortest, key.key.count)
    if key.idle != nil || key.frequency != nil { evicting &+= count > 100_000 ? 64 : 1 }
    types[Int(key.type.rawValue)] &+= 1
  }

  /// Bytes of an average record.
  var average: Int { count > 0 ? max(4, bytes / count) : 64 }
  /// Whether keys carry what LRU or LFU know of them.
  var isEvicting: Bool { count > 20 && evicting * 10 > count * 9 }
  /// Whether practically all keys are text.
  private var isText: Bool { count < 20 || printable * 1000 >= count * 995 }

  /// Whether many keys were seen, and every one of them is text.
  var isTextAlone: Bool { count > 1000 && printable >= count - (count > 100_000 ? 128 : 0) }

  /// How much a key speaks for being a true one, about in bits; negative when it can't be.
  func bits(of key: KeyHeader) -> Int {
    let name = key.key
    if name.isEmpty && !isEmptySeen { return -1000 }
    if name.count > max(1024, longest * 4) { return -1000 }
    var bits = types[Int(key.type.rawValue)] > 0 ? 3 : 0
    if let time = key.expiresAt {
      guard KeyModel.plausible ~= time else { return -1000 }
      bits += 20
    }
    if KeyModel.isPrintable(name) { return bits + 2 + min(name.count, 32) * 7 / 5 }
    if isText { return -1000 }
    return bits + (name.count >= 4 ? 2 : 0)
  }

  /// Whether a key may expire at `time`, by when others do: between the first and the last of them, and a
  /// little before and after.
  func hasSeen(_ time: Int64) -> Bool {
    if timesSeen < 20 { return true }
    let margin = (times.upperBound - times.lowerBound) / 8
    return times.lowerBound - margin...times.upperBound + margin ~= time
  }

  /// Whether a name is much shorter than all that were seen.
  func isShort(_ name: ByteSlice) -> Bool { count > 100 && name.count * 2 < shortest }

  /// Whether a name is longer or shorter than all that were seen.
  func isOfNewLength(_ name: ByteSlice) -> Bool {
    count > 100 && (name.count > longest || name.count < shortest)
  }

  /// Whether a key may be a true one.
  func accepts(_ key: KeyHeader) -> Bool {
    key.key.isEmpty ? isEmptySeen || count == 0 : bits(of: key) >= 0 || !isText
  }

  /// Letters, digits, signs, and bytes above 0x7F (UTF-8).
  static func isPrintable(_ name: ByteSlice) -> Bool {
    for index in 0..<name.count where name[index] < 0x20 || name[index] == 0x7F { return false }
    return true
  }
}

internal import Bytes

/// Hashes of the commands of a large log, in their order: to know, without going through the file
/// once more, that a command stands at no second place.
///
/// Four bytes a command, up to ``most`` of them; when there are more, nothing is known.
struct CommandHashes: ~Copyable {
  /// So many take 6 MiB.
  private static let most = 3 << 19

  private var all = PagedArray<UInt32>()
  /// Whether commands are missing.
  private var isFull = false

  init() {}

  /// Adds the command at `start`, which ends at `end`.
  @inline(__always) mutating func add(_ bytes: ByteSlice, _ start: Int, _ end: Int) {
    if all.count == CommandHashes.most {
      isFull = true
      return
    }
    all.append(CommandHashes.hash(bytes, start, end))
  }

  /// Whether the command at `first` may stand at another place too, with the one at `second` behind it.
  func mayRepeat(_ bytes: ByteSlice, _ first: Range<Int>, _ second: Range<Int>?) -> Bool {
    if isFull { return true }
    let wanted = CommandHashes.hash(bytes, first.lowerBound, first.upperBound)
    let next = second.map { CommandHashes.hash(bytes, $0.lowerBound, $0.upperBound) }
    var found = 0
    for index in 0..<all.count where all[index] == wanted {
      if let next, index + 1 == all.count || all[index + 1] != next { continue }
      found += 1
    }
    return found > 1
  }

  /// Of its length, its last bytes, and some in the middle: commands that are equal have the same.
  @inline(__always) private static func hash(
    _ bytes: ByteSlice, _ start: Int, _ end: Int
  ) -> UInt32 {
    let length = end - start
    var state = UInt64(truncatingIfNeeded: length)
    if length >= 16 {
      let middle: UInt64 = bytes.load(at: start + length / 2)
      let late: UInt64 = bytes.load(at: end - 16)
      let last: UInt64 = bytes.load(at: end - 8)
      state = (state ^ middle) &* 0x9E37_79B9_7F4A_7C15
      state = (state ^ late ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
      state = (state ^ last ^ state >> 32) &* 0x94D0_49BB_1331_11EB
    }
    return UInt32(truncatingIfNeeded: state >> 32)
  }
}

/// Hashes of byte strings for tables: 64-bit multiply and fold, about a nanosecond for a key.
///
/// Not for adversaries: whoever writes the log can make keys collide; the tables that use it
/// bound their probe length by growing.
extension ByteSlice {
  /// A 64-bit hash of the bytes; the same within one version of this library only.
  @inlinable @inline(__always) public var fastHash: UInt64 {
    // The length is spread over all bits: added plainly, it cancels against low bits of the bytes.
    let seed = UInt64(truncatingIfNeeded: count &+ 1) &* 0x9E37_79B9_7F4A_7C15
    return count < 16 ? tailHash(0, seed) : tailHash(count & ~15, blockHash(seed))
  }

  /// The state behind all whole blocks of 16 bytes.
  @usableFromInline @inline(never) func blockHash(_ seed: UInt64) -> UInt64 {
    var state = seed
    var at = 0
    while count &- at >= 16 {
      state = ByteSlice.fold(
        word(at) ^ 0xA076_1D64_78BD_642F, word(at &+ 8) ^ state)
      at &+= 16
    }
    return state
  }

  /// The hash, once the bytes before `at` have gone into `state`; fewer than 16 are left.
  @inline(__always) @inlinable func tailHash(_ at: Int, _ state: UInt64) -> UInt64 {
    let left = count &- at
    var a: UInt64 = 0
    var b: UInt64 = 0
    if left >= 8 {
      a = word(at)
      b = word(count &- 8)
    } else if left >= 4 {
      a = UInt64(half(at))
      b = UInt64(half(count &- 4))
    } else if left > 0 {
      a = UInt64(self[at]) << 16 | UInt64(self[at &+ left >> 1]) << 8 | UInt64(self[count &- 1])
    }
    return ByteSlice.fold(a ^ 0xE703_7ED1_A0B4_28DB, b ^ state)
  }

  @inlinable @inline(__always) func word(_ offset: Int) -> UInt64 {
    // SAFETY: the callers keep offset + 8 <= count.
    unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }

  @inlinable @inline(__always) func half(_ offset: Int) -> UInt32 {
    // SAFETY: the callers keep offset + 4 <= count.
    unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }

  @inlinable @inline(__always) static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}

/// Three words of some bytes, for comparing names where they are kept in tables: they spare the look at
/// the bytes themselves, which are far away.
public struct NameWords: Equatable, Sendable, BitwiseCopyable {
  /// Up to so many bytes the words, with the length, tell all of the name; of longer ones they hold
  /// the beginning and the end.
  public static let most = 24
  @usableFromInline let first: UInt64
  @usableFromInline let second: UInt64
  @usableFromInline let last: UInt64

  /// The words of `name`.
  @inlinable @inline(__always) public init(_ name: ByteSlice) {
    // SAFETY: every load lies inside the `count` bytes; loads may overlap.
    let count = name.count
    if count >= 8 {
      first = name.word(0)
      second = count >= 16 ? name.word(8) : 0
      last = name.word(count &- 8)
    } else {
      first = count >= 4 ? UInt64(name.half(0)) : 0
      second = 0
      last = count >= 4 ? UInt64(name.half(count &- 4)) : name.fewBytes
    }
  }

  /// Whether both are the words of the same name, if their names have the same length.
  @inlinable @inline(__always) public static func == (a: NameWords, b: NameWords) -> Bool {
    (a.first ^ b.first) | (a.second ^ b.second) | (a.last ^ b.last) == 0
  }
}

extension ByteSlice {
  /// Up to three bytes as one number.
  @inlinable @inline(__always) var fewBytes: UInt64 {
    if count == 0 { return 0 }
    return UInt64(self[0]) << 16 | UInt64(self[count >> 1]) << 8 | UInt64(self[count &- 1])
  }
}

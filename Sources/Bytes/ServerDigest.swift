internal import CShims

/// Twenty bytes that grow as `DEBUG DIGEST` of a server lets them grow (debug-digest.md 1).
///
/// With H = SHA-1: `xor` is d = d XOR H(x), which forgets the order of what is fed;
/// `mix` is d = H(d XOR H(x)), which keeps it. About 70 ns for each SHA-1 of up to 55 bytes.
@safe
public struct ServerDigest: Sendable {
  // SAFETY: the C functions read and write these 20 bytes and read the slice, nothing else.
  private var state = redis_backup_digest()

  /// Twenty zero bytes, the digest of nothing.
  public init() {}

  /// Feeds `bytes` without order.
  public mutating func xor(_ bytes: ByteSlice) {
    unsafe bytes.withUnsafeBytes { raw in
      unsafe redis_backup_digest_xor(&state, raw.baseAddress, raw.count)
    }
  }

  /// Feeds `bytes` in order.
  public mutating func mix(_ bytes: ByteSlice) {
    unsafe bytes.withUnsafeBytes { raw in
      unsafe redis_backup_digest_mix(&state, raw.baseAddress, raw.count)
    }
  }

  /// Feeds the four big-endian bytes of `number` in order.
  public mutating func mix(_ number: UInt32) {
    var ordered = number.bigEndian
    unsafe redis_backup_digest_mix(&state, &ordered, 4)
  }

  /// Feeds the twenty bytes of `other` without order.
  public mutating func xor(_ other: ServerDigest) {
    unsafe withUnsafePointer(to: other.state) { unsafe redis_backup_digest_fold(&state, $0) }
  }

  /// XORs the bytes of `other` itself: puts together what was fed without order in two places.
  public mutating func join(_ other: ServerDigest) {
    state.words.0 ^= other.state.words.0
    state.words.1 ^= other.state.words.1
    state.words.2 ^= other.state.words.2
    state.words.3 ^= other.state.words.3
    state.words.4 ^= other.state.words.4
  }

  /// The 40 lower-case hexadecimal digits that a server prints.
  public var text: String {
    let words = [
      state.words.0, state.words.1, state.words.2, state.words.3, state.words.4,
    ]
    return words.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }
}

extension ServerDigest: Equatable {
  /// Whether both have the same twenty bytes.
  public static func == (a: ServerDigest, b: ServerDigest) -> Bool {
    a.state.words == b.state.words
  }
}

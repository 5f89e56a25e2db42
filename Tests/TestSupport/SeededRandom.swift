/// Random numbers that are the same in every run with the same seed (SplitMix64).
public struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// The sequence that belongs to `seed`.
  public init(_ seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in `0..<limit`.
  public mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }

  /// `count` bytes; `letters` small makes them compressible.
  public mutating func bytes(_ count: Int, letters: Int = 256) -> [UInt8] {
    var all = [UInt8](repeating: 0, count: count)
    for index in all.indices { all[index] = UInt8(truncatingIfNeeded: Int(next() >> 33) % letters) }
    return all
  }
}

internal import Bytes

/// The string that servers keep a HyperLogLog in, changed byte for byte as they do.
///
/// ```text
/// 0   "HYLL"
/// 4   u8 encoding: 0 dense, 1 sparse
/// 5   3 unused bytes
/// 8   u64le cached count; the highest bit is set when it is out of date
/// 16  registers
/// ```
/// 16384 registers of 6 bits each. Dense: one behind the other, lowest bits first, 12288 bytes.
/// Sparse, a sequence of
/// ```text
/// 00llllll            l+1 registers (1...64) are 0
/// 01llllll llllllll   l+1 registers (1...16384) are 0, high bits first
/// 1vvvvvll            l+1 registers (1...4) are v+1 (1...32)
/// ```
/// A sparse one becomes dense when a register exceeds 32 or when it would grow beyond 3000 bytes
/// (`hll-sparse-max-bytes`; a log does not tell when a server was set otherwise).
enum HyperLogLog {
  static let registerCount = 16384
  static let headerSize = 16
  static let denseSize = 16 + 16384 * 6 / 8
  /// `hll-sparse-max-bytes`
  static let mostSparseBytes = 3000
  /// The highest value of a register in the sparse form.
  static let mostSparseValue: UInt8 = 32

  /// Whether these bytes are one, as far as servers look before they use it.
  static func isValid(_ bytes: ByteSlice) -> Bool {
    guard bytes.count >= headerSize, bytes.starts(with: "HYLL"), bytes[4] <= 1 else { return false }
    return bytes[4] == 1 || bytes.count == denseSize
  }

  static func isDense(_ bytes: ByteSlice) -> Bool { bytes[4] == 0 }

  /// Whether the cached count is up to date.
  static func isCountKnown(_ bytes: ByteSlice) -> Bool { bytes[15] & 0x80 == 0 }

  /// Marks the cached count as out of date.
  static func forgetCount(_ owned: OwnedBytes) {
    owned.buffer.set(15, to: owned.buffer.slice[15] | 0x80)
  }

  /// Makes an empty one of a string without bytes.
  static func makeEmpty(_ owned: OwnedBytes) {
    owned.buffer.append(ByteSlice("HYLL"))
    owned.buffer.append(littleEndian: UInt32(1))
    owned.buffer.append(littleEndian: UInt64(0))
    owned.buffer.append(0x7F)
    owned.buffer.append(0xFF)
  }

  /// Counts `element` in; whether a register changed, nil when the registers are damaged.
  static func add(_ element: ByteSlice, to owned: OwnedBytes) -> Bool? {
    let hash = murmur(element)
    let index = Int(hash & UInt64(registerCount - 1))
    let rest = hash >> 14 | 1 << 50
    return set(index, to: UInt8(rest.trailingZeroBitCount + 1), in: owned)
  }

  /// Raises a register to `value` when it is lower; whether it was, nil when the registers are
  /// damaged.
  static func set(_ index: Int, to value: UInt8, in owned: OwnedBytes) -> Bool? {
    isDense(owned.buffer.slice)
      ? setDense(index, to: value, in: owned) : SparseRegisters.set(index, to: value, in: owned)
  }

  static func setDense(_ index: Int, to value: UInt8, in owned: OwnedBytes) -> Bool {
    let bit = index * 6
    let at = headerSize + bit / 8
    let shift = UInt16(bit & 7)
    let isLast = at + 1 == denseSize
    let bytes = owned.buffer.slice
    var pair = UInt16(bytes[at])
    if !isLast { pair |= UInt16(bytes[at + 1]) << 8 }
    guard UInt8(pair >> shift & 63) < value else { return false }
    pair = pair & ~(63 << shift) | UInt16(value) << shift
    owned.buffer.set(at, to: UInt8(truncatingIfNeeded: pair))
    if !isLast { owned.buffer.set(at + 1, to: UInt8(truncatingIfNeeded: pair >> 8)) }
    return true
  }

  /// Calls `body` with every run of equal registers: how many, and their value. False when the
  /// sparse form does not describe exactly 16384 registers.
  static func forEachRun(_ bytes: ByteSlice, _ body: (_ length: Int, _ value: UInt8) -> Void)
    -> Bool
  {
    if isDense(bytes) {
      for index in 0..<registerCount {
        let bit = index * 6
        let at = headerSize + bit / 8
        var pair = UInt16(bytes[at])
        if at + 1 < bytes.count { pair |= UInt16(bytes[at + 1]) << 8 }
        body(1, UInt8(pair >> UInt16(bit & 7) & 63))
      }
      return true
    }
    var at = headerSize
    var index = 0
    while at < bytes.count {
      guard let run = SparseRegisters.run(bytes, at) else { return false }
      at += run.size
      index += run.length
      guard index <= registerCount else { return false }
      body(run.length, run.value)
    }
    return index == registerCount
  }

  /// Raises `highest` to the registers in `bytes`; false when they are damaged.
  static func merge(_ bytes: ByteSlice, into highest: inout [UInt8]) -> Bool {
    var index = 0
    return forEachRun(bytes) { length, value in
      if value > 0 {
        for place in index..<index + length where highest[place] < value { highest[place] = value }
      }
      index += length
    }
  }

  /// Turns the sparse form into the dense one, whatever it is now; false when it is damaged.
  static func makeDense(_ owned: OwnedBytes) -> Bool {
    let bytes = owned.buffer.slice
    if isDense(bytes) { return true }
    let dense = OwnedBytes()
    dense.buffer.append(bytes.prefix(headerSize))
    dense.buffer.set(4, to: 0)
    dense.extend(to: denseSize)
    var index = 0
    let whole = forEachRun(bytes) { length, value in
      if value > 0 {
        for place in index..<index + length { _ = setDense(place, to: value, in: dense) }
      }
      index += length
    }
    guard whole else { return false }
    owned.buffer.clear()
    owned.buffer.append(dense.buffer.slice)
    return true
  }

  // MARK: - The count

  /// The estimate by O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
  /// (2017), as servers since 5.0 compute it; nil when the registers are damaged.
  static func count(_ bytes: ByteSlice) -> UInt64? {
    var histogram = [Int](repeating: 0, count: 64)
    guard forEachRun(bytes, { length, value in histogram[Int(value)] += length }) else {
      return nil
    }
    let m = Double(registerCount)
    var z = m * tau((m - Double(histogram[51])) / m)
    for value in stride(from: 50, through: 1, by: -1) {
      z += Double(histogram[value])
      z *= 0.5
    }
    z += m * sigma(Double(histogram[0]) / m)
    let estimate = (0.721347520444481703680 * m * m / z).rounded(.toNearestOrAwayFromZero)
    return estimate < 9e18 ? UInt64(estimate) : 1 << 63
  }

  private static func tau(_ start: Double) -> Double {
    if start == 0 || start == 1 { return 0 }
    var x = start
    var y = 1.0
    var z = 1 - x
    while true {
      x = x.squareRoot()
      let before = z
      y *= 0.5
      z -= (1 - x) * (1 - x) * y
      if before == z { return z / 3 }
    }
  }

  private static func sigma(_ start: Double) -> Double {
    if start == 1 { return .infinity }
    var x = start
    var y = 1.0
    var z = x
    while true {
      x *= x
      let before = z
      z += x * y
      y += y
      if before == z { return z }
    }
  }

  /// MurmurHash64A (A. Appleby) with the seed of servers.
  static func murmur(_ bytes: ByteSlice) -> UInt64 {
    let multiplier: UInt64 = 0xC6A4_A793_5BD1_E995
    let count = bytes.count
    // Multiplications wrap, that is the algorithm.
    var hash = 0xADC8_3B19 ^ UInt64(count) &* multiplier
    var at = 0
    while at + 8 <= count {
      var word = bytes.load(at: at, as: UInt64.self) &* multiplier
      word ^= word >> 47
      hash = (hash ^ word &* multiplier) &* multiplier
      at += 8
    }
    if at < count {
      var tail: UInt64 = 0
      for index in at..<count { tail |= UInt64(bytes[index]) << UInt64((index - at) * 8) }
      hash = (hash ^ tail) &* multiplier
    }
    hash = (hash ^ hash >> 47) &* multiplier
    return hash ^ hash >> 47
  }
}

/// XXH3 with 64 bits and seed 0 (Y. Collet, "xxHash fast digest algorithm"): what the command
/// DIGEST of Redis 8.4 prints, and what SET … IFDEQ compares with.
public enum XXH3 {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
  private static let shortPrimes: [UInt64] = [0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D]

  /// The 192 bytes that everything is mixed with, as little-endian words.
  private static let secret: [UInt64] = [
    0xBE4B_A423_396C_FEB8, 0x1CAD_21F7_2C81_017C, 0xDB97_9083_E96D_D4DE,
    0x1F67_B3B7_A4A4_4072, 0x78E5_C0CC_4EE6_79CB, 0x2172_FFCC_7DD0_5A82,
    0x8E24_43F7_7446_08B8, 0x4C26_3A81_E690_35E0, 0xCB00_C391_BB52_283C,
    0xA32E_531B_8B65_D088, 0x4EF9_0DA2_9748_6471, 0xD8AC_DEA9_46EF_1938,
    0x3F34_9CE3_3F76_FAA8, 0x1D4F_0BC7_C7BB_DCF9, 0x3159_B4CD_4BE0_518A,
    0x6473_78D9_C97E_9FC8, 0xC3EB_D334_83AC_C5EA, 0xEB63_13FA_FFA0_81C5,
    0x49DA_F0B7_51DD_0D17, 0x9E68_D429_2655_16D3, 0xFCA1_477D_58BE_162B,
    0xCE31_D07A_D1B8_F88F, 0x2804_1695_8F3A_CB45, 0x7E40_4BBB_CAFB_D7AF,
  ]

  /// The hash of `bytes`.
  public static func hash(_ bytes: ByteSlice) -> UInt64 {
    switch bytes.count {
    case 0...16: short(bytes)
    case 17...128: medium(bytes)
    case 129...240: long(bytes)
    default: stripes(bytes)
    }
  }

  /// Eight bytes of the secret.
  private static func key(_ offset: Int) -> UInt64 {
    let word = offset >> 3
    let shift = UInt64(offset & 7) << 3
    if shift == 0 { return secret[word] }
    return secret[word] >> shift | secret[word + 1] << (64 - shift)
  }

  /// Both halves of the product of 128 bits, one XOR the other.
  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (high, low) = a.multipliedFullWidth(by: b)
    return high ^ low
  }

  private static func avalanche(_ hash: UInt64) -> UInt64 {
    let mixed = (hash ^ hash >> 37) &* 0x1656_6791_9E37_79F9
    return mixed ^ mixed >> 32
  }

  private static func strongAvalanche(_ hash: UInt64) -> UInt64 {
    let first = (hash ^ hash >> 33) &* prime2
    let second = (first ^ first >> 29) &* prime3
    return second ^ second >> 32
  }

  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    value << bits | value >> (64 - bits)
  }

  private static func short(_ bytes: ByteSlice) -> UInt64 {
    let count = bytes.count
    let length = UInt64(count)
    switch count {
    case 0: return strongAvalanche(key(56) ^ key(64))
    case 1...3:
      let first = UInt64(bytes[0])
      let middle = UInt64(bytes[count >> 1])
      let last = UInt64(bytes[count - 1])
      let word = first << 16 | middle << 24 | last | length << 8
      return strongAvalanche(word ^ (key(0) & 0xFFFF_FFFF ^ key(0) >> 32))
    case 4...8:
      let first = UInt64(bytes.load(at: 0, as: UInt32.self))
      let last = UInt64(bytes.load(at: count - 4, as: UInt32.self))
      var hash = (last &+ first << 32) ^ (key(8) ^ key(16))
      hash ^= rotate(hash, 49) ^ rotate(hash, 24)
      hash = hash &* 0x9FB2_1C65_1E98_DF25
      hash ^= (hash >> 35) &+ length
      hash = hash &* 0x9FB2_1C65_1E98_DF25
      return hash ^ hash >> 28
    default:
      let low = bytes.load(at: 0, as: UInt64.self) ^ (key(24) ^ key(32))
      let high = bytes.load(at: count - 8, as: UInt64.self) ^ (key(40) ^ key(48))
      return avalanche(length &+ low.byteSwapped &+ high &+ fold(low, high))
    }
  }

  /// Sixteen bytes mixed with sixteen of the secret.
  private static func mix(_ bytes: ByteSlice, _ at: Int, _ place: Int) -> UInt64 {
    fold(
      bytes.load(at: at, as: UInt64.self) ^ key(place),
      bytes.load(at: at + 8, as: UInt64.self) ^ key(place + 8))
  }

  private static func medium(_ bytes: ByteSlice) -> UInt64 {
    var hash = UInt64(bytes.count) &* prime1
    // From the middle outwards, both ends at a time.
    for pair in (0...(bytes.count - 1) / 32).reversed() {
      hash = hash &+ mix(bytes, pair * 16, pair * 32)
      hash = hash &+ mix(bytes, bytes.count - 16 - pair * 16, pair * 32 + 16)
    }
    return avalanche(hash)
  }

  private static func long(_ bytes: ByteSlice) -> UInt64 {
    var hash = UInt64(bytes.count) &* prime1
    for block in 0..<8 { hash = hash &+ mix(bytes, block * 16, block * 16) }
    hash = avalanche(hash)
    for block in 8..<bytes.count / 16 {
      hash = hash &+ mix(bytes, block * 16, (block - 8) * 16 + 3)
    }
    return avalanche(hash &+ mix(bytes, bytes.count - 16, 119))
  }

  private static func accumulate(
    _ sums: inout [UInt64], _ bytes: ByteSlice, _ at: Int, _ place: Int
  ) {
    for lane in 0..<8 {
      let data = bytes.load(at: at + lane * 8, as: UInt64.self)
      let mixed = data ^ key(place + lane * 8)
      sums[lane ^ 1] = sums[lane ^ 1] &+ data
      sums[lane] = sums[lane] &+ (mixed & 0xFFFF_FFFF) &* (mixed >> 32)
    }
  }

  private static func stripes(_ bytes: ByteSlice) -> UInt64 {
    let count = bytes.count
    var sums = [
      shortPrimes[2], prime1, prime2, prime3, prime4, shortPrimes[1], prime5, shortPrimes[0],
    ]
    let all = (count - 1) / 64
    for stripe in 0..<all {
      accumulate(&sums, bytes, stripe * 64, (stripe & 15) * 8)
      guard stripe & 15 == 15 else { continue }
      for lane in 0..<8 {
        let mixed = sums[lane] ^ sums[lane] >> 47 ^ key(128 + lane * 8)
        sums[lane] = mixed &* shortPrimes[0]
      }
    }
    accumulate(&sums, bytes, count - 64, 121)
    var hash = UInt64(count) &* prime1
    for pair in 0..<4 {
      hash =
        hash
        &+ fold(
          sums[pair * 2] ^ key(11 + pair * 16), sums[pair * 2 + 1] ^ key(19 + pair * 16))
    }
    return avalanche(hash)
  }
}

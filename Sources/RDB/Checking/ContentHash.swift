internal import Bytes

/// A hash of what an element stands for, the same for an integer and for its canonical text.
@inline(__always) func contentHash(_ item: PackedItem) -> UInt64 {
  item.isInteger ? contentHash(item.integer) : contentHash(item.text)
}

/// A hash of what an element stands for, the same for an integer and for its canonical text.
@inline(__always) func contentHash(_ text: ByteSlice) -> UInt64 {
  if text.count > 0, text.count <= 20, text[0] == 0x2D || ASCII.isDigit(text[0]),
    let integer = DecimalText.canonical(text)
  {
    return contentHash(integer)
  }
  return text.fastHash
}

/// A hash of an integer; the constants are odd and have about as many ones as zeros.
@inline(__always) func contentHash(_ integer: Int64) -> UInt64 {
  let product = (UInt64(bitPattern: integer) ^ 0x8EBC_6AF0_9C88_C6E3)
    .multipliedFullWidth(by: 0x5899_65CC_7537_4CC3)
  return product.high ^ product.low
}

/// Finds hashes that occur twice: open addressing, 8 bytes a slot, used again for value after
/// value.
struct DuplicateFilter {
  /// Slots in use are `[0, mask]`; 0 is empty.
  private var slots = [UInt64](repeating: 0, count: 64)
  private var mask = 63
  private var count = 0

  /// Forgets everything.
  mutating func clear() {
    if count == 0 { return }
    count = 0
    if slots.count > 1 << 16 { slots = [UInt64](repeating: 0, count: 64) }
    for index in 0...min(mask, slots.count - 1) { slots[index] = 0 }
    mask = 63
  }

  /// Adds `hash`; false when it was there already.
  @inline(__always) mutating func insert(_ hash: UInt64) -> Bool {
    let wanted = hash == 0 ? 1 : hash
    var index = Int(truncatingIfNeeded: wanted) & mask
    while slots[index] != 0 {
      if slots[index] == wanted { return false }
      index = (index &+ 1) & mask
    }
    slots[index] = wanted
    count &+= 1
    if count &* 4 > mask &* 3 { grow() }
    return true
  }

  @inline(never) private mutating func grow() {
    let old = Array(slots[0...mask])
    mask = mask * 2 + 1
    if slots.count <= mask { slots = [UInt64](repeating: 0, count: mask + 1) }
    for index in 0...mask { slots[index] = 0 }
    for hash in old where hash != 0 {
      var index = Int(truncatingIfNeeded: hash) & mask
      while slots[index] != 0 { index = (index + 1) & mask }
      slots[index] = hash
    }
  }
}

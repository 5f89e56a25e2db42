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
/// value. Small sets stay in the struct itself.
struct DuplicateFilter: ~Copyable {
  /// 0 is empty.
  private var small = InlineArray<64, UInt64>(repeating: 0)
  private var smallCount = 0
  /// In use once the small table was full.
  private var slots = PODArray<UInt64>()
  private var count = 0

  init() {}

  /// Forgets everything.
  @inline(__always) mutating func clear() {
    if smallCount == 0 { return }
    smallCount = 0
    small = InlineArray(repeating: 0)
    if count > 0 {
      count = 0
      slots = PODArray()
    }
  }

  /// Makes room for about `expected` hashes, a number that need not be right.
  mutating func expect(_ expected: UInt64) {
    if expected <= 48 { return }
    let bounded = min(Int(clamping: expected) &* 3 / 2, 1 << 16)
    if slots.count < bounded { resize(bounded) }
  }

  /// Adds `hash`; false when it was there already.
  @inline(__always) mutating func insert(_ hash: UInt64) -> Bool {
    let wanted = hash == 0 ? 1 : hash
    if smallCount >= 48 { return insertLarge(wanted) }
    var index = Int(truncatingIfNeeded: wanted & 63)
    while small[index] != 0 {
      if small[index] == wanted { return false }
      index = (index &+ 1) & 63
    }
    small[index] = wanted
    smallCount &+= 1
    return true
  }

  @inline(never) private mutating func insertLarge(_ wanted: UInt64) -> Bool {
    if count == 0 {
      if slots.count == 0 { resize(256) }
      for index in 0..<64 where small[index] != 0 { place(small[index]) }
      count = smallCount
    } else if count &* 4 > slots.count &* 3 {
      resize(slots.count * 2)
    }
    let mask = slots.count &- 1
    var index = Int(truncatingIfNeeded: wanted) & mask
    while slots[index] != 0 {
      if slots[index] == wanted { return false }
      index = (index &+ 1) & mask
    }
    slots[index] = wanted
    count &+= 1
    return true
  }

  private mutating func place(_ hash: UInt64) {
    let mask = slots.count &- 1
    var index = Int(truncatingIfNeeded: hash) & mask
    while slots[index] != 0 { index = (index &+ 1) & mask }
    slots[index] = hash
  }

  /// A table of at least `wanted` slots that holds what the old one did.
  private mutating func resize(_ wanted: Int) {
    var size = 256
    while size < wanted { size *= 2 }
    var old = PODArray<UInt64>(repeating: 0, count: size)
    swap(&old, &slots)
    for index in 0..<old.count where old[index] != 0 { place(old[index]) }
  }
}

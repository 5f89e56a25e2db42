internal import Bytes

/// The sparse form of a HyperLogLog's registers; see there for the bytes.
///
/// Which of the many sequences that describe the same registers comes out depends on how a server
/// splits and joins its parts, so that is done here in the same way.
enum SparseRegisters {
  /// One part of the sequence.
  struct Run {
    /// How many registers.
    let length: Int
    /// What they are.
    let value: UInt8
    /// How many bytes.
    let size: Int
  }

  /// The part at `at`; nil when its second byte is missing.
  static func run(_ bytes: ByteSlice, _ at: Int) -> Run? {
    let byte = bytes[at]
    if byte & 0x80 != 0 {
      return Run(length: Int(byte & 3) + 1, value: (byte >> 2 & 31) + 1, size: 1)
    }
    if byte & 0x40 == 0 { return Run(length: Int(byte & 63) + 1, value: 0, size: 1) }
    guard at + 1 < bytes.count else { return nil }
    return Run(length: (Int(byte & 63) << 8 | Int(bytes[at + 1])) + 1, value: 0, size: 2)
  }

  /// Up to five bytes that replace a part.
  private struct Replacement {
    var word: UInt64 = 0
    var count = 0

    mutating func add(_ byte: UInt8) {
      word |= UInt64(byte) << UInt64(count * 8)
      count += 1
    }

    mutating func add(_ length: Int, of value: UInt8) {
      guard length > 0 else { return }
      if value > 0 {
        add(0x80 | (value - 1) << 2 | UInt8(length - 1))
      } else if length > 64 {
        add(0x40 | UInt8((length - 1) >> 8))
        add(UInt8(truncatingIfNeeded: length - 1))
      } else {
        add(UInt8(length - 1))
      }
    }

    func byte(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: word >> UInt64(index * 8)) }
  }

  /// Raises register `index` to `value` when it is lower; whether it was, nil when the sequence is
  /// damaged. The form may become dense by that.
  static func set(_ index: Int, to value: UInt8, in owned: OwnedBytes) -> Bool? {
    if value > HyperLogLog.mostSparseValue { return promote(index, value, owned) }
    let bytes = owned.buffer.slice
    var at = HyperLogLog.headerSize
    var before = at
    var first = 0
    var found: Run?
    while at < bytes.count {
      guard let run = run(bytes, at) else { return nil }
      if index < first + run.length {
        found = run
        break
      }
      before = at
      at += run.size
      first += run.length
    }
    guard let run = found else { return nil }
    if run.value >= value { return false }

    var replacement = Replacement()
    replacement.add(index - first, of: run.value)
    replacement.add(1, of: value)
    replacement.add(first + run.length - 1 - index, of: run.value)
    let growth = replacement.count - run.size
    if growth > 0, bytes.count + growth > HyperLogLog.mostSparseBytes {
      return promote(index, value, owned)
    }
    owned.buffer.replace(at: at, run.size, by: replacement.count)
    for place in 0..<replacement.count { owned.buffer.set(at + place, to: replacement.byte(place)) }
    join(from: before, owned)
    HyperLogLog.forgetCount(owned)
    return true
  }

  /// Joins neighbours of the same value, looking at five parts from `start` on.
  private static func join(from start: Int, _ owned: OwnedBytes) {
    var at = start
    var left = 5
    while at < owned.buffer.count && left > 0 {
      left -= 1
      let bytes = owned.buffer.slice
      let byte = bytes[at]
      if byte & 0x80 == 0 {
        at += byte & 0x40 == 0 ? 1 : 2
        continue
      }
      if at + 1 < bytes.count, bytes[at + 1] & 0x80 != 0, bytes[at + 1] & 0x7C == byte & 0x7C {
        let length = (byte & 3) + (bytes[at + 1] & 3) + 2
        if length <= 4 {
          owned.buffer.set(at + 1, to: byte & 0xFC | (length - 1))
          owned.buffer.replace(at: at, 1, by: 0)
          continue
        }
      }
      at += 1
    }
  }

  private static func promote(_ index: Int, _ value: UInt8, _ owned: OwnedBytes) -> Bool? {
    guard HyperLogLog.makeDense(owned) else { return nil }
    return HyperLogLog.setDense(index, to: value, in: owned)
  }
}

extension ScratchBuffer {
  /// Replaces `old` bytes at `offset` by room for `new` ones, whose content is undefined; what follows
  /// moves.
  mutating func replace(at offset: Int, _ old: Int, by new: Int) {
    let end = count
    if new > old {
      for _ in old..<new { append(0) }
      var place = end
      while place > offset + old {
        place -= 1
        set(place + new - old, to: slice[place])
      }
    } else if new < old {
      for place in offset + old..<end { set(place - (old - new), to: slice[place]) }
      truncate(to: end - (old - new))
    }
  }
}

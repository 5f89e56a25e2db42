internal import AOF
internal import Bytes

/// Strings as bits; bit 0 is the highest of the first byte.
package enum BitmapCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("SETBIT", arity: 4, .key(setbit)),
    CommandEntry("BITFIELD", arity: -2, .key(bitfield)),
    CommandEntry("BITOP", arity: -4, .keyspace(bitop)),
  ]

  /// `SETBIT key offset 0|1`
  @Sendable
  static func setbit(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let offset = try bitOffset(a[2], bits: nil)
    let bit = try a.integer(at: 3)
    guard bit == 0 || bit == 1 else { throw .notInteger }
    let owned = try bytes(of: &state, to: offset)
    let mask = UInt8(0x80) >> UInt8(offset & 7)
    let old = owned.buffer.slice[offset >> 3]
    owned.buffer.set(offset >> 3, to: bit == 1 ? old | mask : old & ~mask)
    return .changed
  }

  /// The place of a bit; with `bits`, `#n` is n times so many.
  private static func bitOffset(_ text: ByteSlice, bits: Int?) throws(CommandFault) -> Int {
    var text = text
    var factor = 1
    if let bits, text.count > 0, text[0] == 0x23 {
      text = text.dropFirst(1)
      factor = bits
    }
    guard let number = DecimalText.canonical(text), number >= 0 else { throw .outOfRange }
    let (offset, overflow) = Int(number).multipliedReportingOverflow(by: factor)
    guard !overflow, offset >> 3 < StringCommands.longest else { throw .outOfRange }
    return offset
  }

  /// The bytes of the string here, long enough for bit `offset`.
  private static func bytes(
    of state: inout KeyState, to offset: Int
  ) throws(CommandFault) -> OwnedBytes {
    var string = try state.string() ?? StringValue(ByteSlice())
    let owned = string.owned()
    owned.extend(to: offset >> 3 + 1)
    state.value = .string(string)
    return owned
  }

  // MARK: - Integers of any width

  /// What BITFIELD does with a result that does not fit.
  private enum Overflow { case wrap, saturate, fail }

  /// The type of an integer: `u1`…`u63`, `i1`…`i64`.
  private struct FieldType {
    let isSigned: Bool
    let bits: Int

    init(_ text: ByteSlice) throws(CommandFault) {
      guard text.count > 1, text[0] == 0x69 || text[0] == 0x75,
        let bits = DecimalText.canonical(text.dropFirst(1)), bits >= 1,
        bits <= (text[0] == 0x69 ? 64 : 63)
      else { throw .syntax }
      isSigned = text[0] == 0x69
      self.bits = Int(bits)
    }
  }

  /// A write of BITFIELD.
  private struct FieldWrite {
    let type: FieldType
    let offset: Int
    let value: Int64
    let adds: Bool
    let overflow: Overflow
  }

  /// `BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value |
  /// INCRBY type offset increment …]`: everything is checked before anything is written.
  @Sendable
  static func bitfield(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    var writes: [FieldWrite] = []
    var overflow = Overflow.wrap
    var index = 2
    while index < a.count {
      let isGet = a.isOption(index, "GET")
      let isSet = a.isOption(index, "SET")
      if a.isOption(index, "OVERFLOW"), index + 1 < a.count {
        if a.isOption(index + 1, "WRAP") {
          overflow = .wrap
        } else if a.isOption(index + 1, "SAT") {
          overflow = .saturate
        } else if a.isOption(index + 1, "FAIL") {
          overflow = .fail
        } else {
          throw .syntax
        }
        index += 2
        continue
      }
      guard
        isGet && index + 2 < a.count
          || (isSet || a.isOption(index, "INCRBY")) && index + 3 < a.count
      else { throw .syntax }
      let type = try FieldType(a[index + 1])
      let offset = try bitOffset(a[index + 2], bits: type.bits)
      if !isGet {
        writes.append(
          FieldWrite(
            type: type, offset: offset, value: try a.integer(at: index + 3), adds: !isSet,
            overflow: overflow))
      }
      index += isGet ? 3 : 4
    }
    guard let last = writes.map({ $0.offset + $0.type.bits - 1 }).max() else {
      _ = try state.string()
      return .unchanged
    }
    let owned = try bytes(of: &state, to: last)
    for write in writes { apply(write, owned) }
    return .changed
  }

  private static func apply(_ write: FieldWrite, _ owned: OwnedBytes) {
    let bits = write.type.bits
    let old = field(owned.buffer.slice, write.offset, bits)
    let result: Int64?
    if write.type.isSigned {
      let shift = Int64(64 - bits)
      let value = (Int64(bitPattern: old) << shift) >> shift
      result = signed(write.adds ? value : write.value, write.adds ? write.value : 0, write)
    } else {
      let value = Int64(bitPattern: old)
      result = unsigned(
        UInt64(bitPattern: write.adds ? value : write.value), write.adds ? write.value : 0, write)
    }
    if let result { setField(owned, write.offset, bits, UInt64(bitPattern: result)) }
  }

  private static func signed(_ value: Int64, _ increment: Int64, _ write: FieldWrite) -> Int64? {
    let highest = write.type.bits == 64 ? Int64.max : 1 << Int64(write.type.bits - 1) - 1
    let lowest = -highest - 1
    let (sum, carry) = value.addingReportingOverflow(increment)
    // A carry goes the way of the increment.
    let isOver = carry ? increment > 0 : sum > highest
    let isUnder = carry ? increment < 0 : sum < lowest
    guard isOver || isUnder else { return sum }
    switch write.overflow {
    case .wrap: return sum
    case .saturate: return isOver ? highest : lowest
    case .fail: return nil
    }
  }

  private static func unsigned(_ value: UInt64, _ increment: Int64, _ write: FieldWrite) -> Int64? {
    let highest: UInt64 = 1 << UInt64(write.type.bits) - 1
    let sum = value &+ UInt64(bitPattern: increment)
    let isOver = value > highest || increment > 0 && UInt64(increment) > highest - value
    let isUnder = !isOver && increment < 0 && increment.magnitude > value
    guard isOver || isUnder else { return Int64(bitPattern: sum) }
    switch write.overflow {
    case .wrap: return Int64(bitPattern: sum)
    case .saturate: return isOver ? Int64(bitPattern: highest) : 0
    case .fail: return nil
    }
  }

  private static func field(_ bytes: ByteSlice, _ offset: Int, _ bits: Int) -> UInt64 {
    var value: UInt64 = 0
    for place in offset..<offset + bits {
      value = value << 1 | UInt64(bytes[place >> 3] >> UInt8(7 - place & 7) & 1)
    }
    return value
  }

  private static func setField(_ owned: OwnedBytes, _ offset: Int, _ bits: Int, _ value: UInt64) {
    for index in 0..<bits {
      let place = offset + index
      let mask = UInt8(0x80) >> UInt8(place & 7)
      let old = owned.buffer.slice[place >> 3]
      let isSet = value >> UInt64(bits - 1 - index) & 1 == 1
      owned.buffer.set(place >> 3, to: isSet ? old | mask : old & ~mask)
    }
  }

  // MARK: - Whole strings

  /// How BITOP makes one of many.
  private enum Operation {
    case and, or, xor, not
    /// Redis 8.2: bits of the first that are in none of the others; that are in others but not in
    /// the first; that are in the first and in others; that are in exactly one.
    case diff, diff1, andor, one

    init(_ word: ByteSlice) throws(CommandFault) {
      if word.equalsIgnoringCase("AND") {
        self = .and
      } else if word.equalsIgnoringCase("OR") {
        self = .or
      } else if word.equalsIgnoringCase("XOR") {
        self = .xor
      } else if word.equalsIgnoringCase("NOT") {
        self = .not
      } else if word.equalsIgnoringCase("DIFF") {
        self = .diff
      } else if word.equalsIgnoringCase("DIFF1") {
        self = .diff1
      } else if word.equalsIgnoringCase("ANDOR") {
        self = .andor
      } else if word.equalsIgnoringCase("ONE") {
        self = .one
      } else {
        throw .syntax
      }
    }

    var needsTwo: Bool { self == .diff || self == .diff1 || self == .andor }
  }

  /// `BITOP operation destkey key [key …]`: the result is as long as the longest source, and
  /// removes the destination when that is empty.
  @Sendable
  static func bitop(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let operation = try Operation(a[1])
    if operation == .not && a.count != 4 || operation.needsTwo && a.count < 5 { throw .syntax }
    // Integers have no bytes of their own; theirs are collected behind one another.
    var sources: [ByteSlice] = []
    for index in 3..<a.count {
      guard let string = try keyspace.state(of: a[index]).string() else {
        sources.append(ByteSlice())
        continue
      }
      let bytes = string.bytes(&keyspace.context.scratch)
      sources.append(string.isNumber ? keyspace.context.keep(bytes) : bytes)
    }
    let length = sources.map(\.count).max() ?? 0
    guard length > 0 else { return keyspace.remove(a[2]) ? .changed : .unchanged }
    var result = StringValue(ByteSlice())
    let owned = result.owned()
    combine(operation, sources, length, owned)
    keyspace.setState(KeyState(value: .string(result)), of: a[2])
    return .changed
  }

  private static func combine(
    _ operation: Operation, _ sources: [ByteSlice], _ length: Int, _ owned: OwnedBytes
  ) {
    let shortest = sources.map(\.count).min() ?? 0
    owned.buffer.reserve(length)
    var at = 0
    while at + 8 <= shortest {
      let word = combine(operation, sources) { $0.load(at: at, as: UInt64.self) }
      owned.buffer.append(littleEndian: word)
      at += 8
    }
    while at < length {
      owned.buffer.append(combine(operation, sources) { at < $0.count ? $0[at] : 0 })
      at += 1
    }
  }

  @inline(__always)
  private static func combine<Word: FixedWidthInteger>(
    _ operation: Operation, _ sources: [ByteSlice], _ load: (ByteSlice) -> Word
  ) -> Word {
    let first = load(sources[0])
    var others: Word = 0
    switch operation {
    case .not: return ~first
    case .and: return sources.dropFirst().reduce(first) { $0 & load($1) }
    case .or: return sources.dropFirst().reduce(first) { $0 | load($1) }
    case .xor: return sources.dropFirst().reduce(first) { $0 ^ load($1) }
    case .one:
      var once = first
      var more: Word = 0
      for source in sources.dropFirst() {
        let word = load(source)
        more |= once & word
        once |= word
      }
      return once & ~more
    case .diff, .diff1, .andor:
      for source in sources.dropFirst() { others |= load(source) }
    }
    switch operation {
    case .diff: return first & ~others
    case .diff1: return ~first & others
    default: return first & others
    }
  }
}

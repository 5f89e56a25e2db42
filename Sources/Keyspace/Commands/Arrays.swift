internal import AOF
internal import Bytes

/// Arrays (Redis 8.8): elements at indexes 0...2^64-2, and a cursor behind which ARINSERT and
/// ARRING go on.
package enum ArrayCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("ARSET", arity: -4, .key(arset)),
    CommandEntry("ARMSET", arity: -4, .key(armset)),
    CommandEntry("ARINSERT", arity: -3, .key(arinsert)),
    CommandEntry("ARDEL", arity: -3, .key(ardel)),
    CommandEntry("ARDELRANGE", arity: -4, .key(ardelrange)),
    CommandEntry("ARSEEK", arity: 3, .key(arseek)),
    CommandEntry("ARRING", arity: -4, .key(arring)),
  ]

  /// `ARSET key index element [element …]`: at consecutive indexes.
  @Sendable
  static func arset(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let first = try index(a[2])
    let (last, overflow) = first.addingReportingOverflow(UInt64(a.count - 4))
    guard !overflow, last < .max else { throw .outOfRange }
    guard let array = try state.array(creating: true) else { return .unchanged }
    for word in 3..<a.count { _ = array.set(first + UInt64(word - 3), to: a[word]) }
    return .changed
  }

  /// `ARMSET key index element [index element …]`
  @Sendable
  static func armset(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard a.count % 2 == 0 else { throw .syntax }
    for word in stride(from: 2, to: a.count, by: 2) { _ = try index(a[word]) }
    guard let array = try state.array(creating: true) else { return .unchanged }
    for word in stride(from: 2, to: a.count, by: 2) {
      _ = array.set(try index(a[word]), to: a[word + 1])
    }
    return .changed
  }

  /// `ARINSERT key element [element …]`: behind the cursor, which follows.
  @Sendable
  static func arinsert(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let present = try state.array()
    let first = present?.cursor.map { $0 &+ 1 } ?? 0
    let (last, overflow) = first.addingReportingOverflow(UInt64(a.count - 3))
    guard !overflow, last < .max else { throw .outOfRange }
    guard let array = try state.array(creating: true) else { return .unchanged }
    for word in 2..<a.count { _ = array.set(first + UInt64(word - 2), to: a[word]) }
    array.cursor = last
    return .changed
  }

  /// `ARDEL key index [index …]`
  @Sendable
  static func ardel(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    for word in 2..<a.count { _ = try index(a[word]) }
    guard let array = try state.array() else { return .unchanged }
    var effect = Effect.unchanged
    for word in 2..<a.count where array.remove(try index(a[word])) { effect = .changed }
    return effect
  }

  /// `ARDELRANGE key start end [start end …]`: both ends included, in either order.
  @Sendable
  static func ardelrange(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard a.count % 2 == 0 else { throw .syntax }
    for word in 2..<a.count { _ = try index(a[word]) }
    guard let array = try state.array() else { return .unchanged }
    var effect = Effect.unchanged
    for word in stride(from: 2, to: a.count, by: 2) {
      let start = try index(a[word])
      let end = try index(a[word + 1])
      if array.remove(min(start, end)...max(start, end)) > 0 { effect = .changed }
    }
    return effect
  }

  /// `ARSEEK key index`: the next insertion goes there.
  @Sendable
  static func arseek(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let next = try number(a[2])
    guard let array = try state.array() else { return .unchanged }
    array.cursor = next == 0 ? nil : next - 1
    return .changed
  }

  /// `ARRING key size element [element …]`: behind the cursor, from index 0 again after `size`
  /// elements. An array that is longer, or whose shorter ring has wrapped, is first laid out anew:
  /// the newest elements that leave room for another one, from the oldest to the newest (as files
  /// of an 8.8 show).
  @Sendable
  static func arring(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let size = try number(a[2])
    guard size > 0, size < .max else { throw .outOfRange }
    guard let array = try state.array(creating: true) else { return .unchanged }
    let length = array.length
    let wrapped = array.cursor.map { $0 &+ 1 < length } ?? false
    if length > size || length < size && wrapped {
      relay(array, keeping: size - 1)
    }
    for word in 3..<a.count {
      let next = (array.cursor.map { $0 &+ 1 } ?? 0) % size
      _ = array.set(next, to: a[word])
      array.cursor = next
    }
    return .changed
  }

  /// Lays the elements at the last `window` indexes up to the cursor (up to the end, when there is
  /// none) out from index 0, without gaps. Before index 0 comes the last index of the array.
  private static func relay(_ array: ArrayValue, keeping window: UInt64) {
    let length = array.length
    guard length > 0 else { return }
    let end = array.cursor ?? length - 1
    // How many indexes an element lies behind the cursor; nil for those never reached.
    func age(_ index: UInt64) -> UInt64? {
      if index <= end { return end - index }
      return end < length ? end + (length - index) : nil
    }
    var kept: [(age: UInt64, element: ByteSlice)] = []
    array.items.forEach { item in
      if let age = age(item.index), age < window { kept.append((age, item.element)) }
    }
    kept.sort { $0.age > $1.age }
    _ = array.remove(0...UInt64.max - 1)
    for (place, item) in kept.enumerated() { _ = array.set(UInt64(place), to: item.element) }
    array.cursor = kept.isEmpty ? nil : UInt64(kept.count - 1)
  }

  // MARK: - Words

  private static func number(_ text: ByteSlice) throws(CommandFault) -> UInt64 {
    guard text.count > 0, text.count <= 20 else { throw .notInteger }
    var value: UInt64 = 0
    for index in 0..<text.count {
      guard ASCII.isDigit(text[index]) else { throw .notInteger }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(UInt64(text[index] - 0x30))
      guard !overflow, !carry else { throw .outOfRange }
      value = sum
    }
    return value
  }

  private static func index(_ text: ByteSlice) throws(CommandFault) -> UInt64 {
    let value = try number(text)
    guard value < .max else { throw .outOfRange }
    return value
  }
}

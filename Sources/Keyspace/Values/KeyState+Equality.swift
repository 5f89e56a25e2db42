internal import Bytes
internal import RDB

extension KeyState {
  /// Whether both are the same key to a client: type, content whatever the order of members and
  /// fields, times to live; of streams also groups, consumers and pending entries.
  package func isSame(as other: borrowing KeyState) -> Bool {
    guard let value else { return !other.exists }
    guard let theirs = other.value, expiresAt == other.expiresAt else { return false }
    return value.isSame(as: theirs)
  }
}

extension Value {
  /// Whether both have the same type and content; see ``KeyState/isSame(as:)``.
  package func isSame(as other: Value) -> Bool {
    switch (self, other) {
    case (.string(let a), .string(let b)):
      guard a.count == b.count else { return false }
      if let same = a.hasSameBytes(as: b) { return same }
      var first = ScratchBuffer(capacity: 32)
      var second = ScratchBuffer(capacity: 32)
      return a.bytes(&first) == b.bytes(&second)
    case (.list(let a), .list(let b)):
      if a === b { return true }
      guard a.count == b.count, a.byteCount == b.byteCount else { return false }
      for index in 0..<a.count where a[index] != b[index] { return false }
      return true
    case (.set(let a), .set(let b)):
      if a === b { return true }
      guard a.count == b.count else { return false }
      return a.table.items.allSatisfy { b.table.find($0.key) != nil }
    case (.sortedSet(let a), .sortedSet(let b)):
      if a === b { return true }
      guard a.count == b.count else { return false }
      return a.table.items.allSatisfy { b.score(of: $0.key) == $0.payload }
    case (.hash(let a), .hash(let b)):
      if a === b { return true }
      guard a.count == b.count, a.byteCount == b.byteCount else { return false }
      return a.table.items.allSatisfy {
        guard let cell = b.cell($0.key) else { return false }
        return cell.value == $0.payload.value && cell.expiresAt == $0.payload.expiresAt
      }
    case (.module(let a), .module(let b)):
      return a.type == b.type && a.bytes == b.bytes
    case (.stream, .stream), (.array, .array):
      // What these are made of is enumerated in one place only.
      var first = StateHash()
      var second = StateHash()
      first.add(ByteSlice(), 0, KeyState(value: self))
      second.add(ByteSlice(), 0, KeyState(value: other))
      return first == second
    default: return false
    }
  }
}

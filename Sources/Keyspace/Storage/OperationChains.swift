internal import Bytes

/// A command that was postponed; POD, 16 bytes.
struct Operation: BitwiseCopyable {
  /// Where the command begins in all logs together (48 bits), and its number in the registry.
  private let word: UInt64
  /// The number + 1 of the command postponed on the same key before this one; 0 for none.
  var previous: UInt32
  /// Number of the command in the whole log, from 1.
  let index: UInt32

  init(position: Int, number: Int, previous: UInt32, index: Int) {
    word = UInt64(truncatingIfNeeded: position) << 16 | UInt64(truncatingIfNeeded: number & 0xFFFF)
    self.previous = previous
    self.index = UInt32(clamping: index)
  }

  var position: Int { Int(truncatingIfNeeded: word >> 16) }
  var number: Int { Int(truncatingIfNeeded: word & 0xFFFF) }
}

/// The postponed commands of all keys: one linked list a key, latest first.
///
/// Lists that are dropped are used again, so that memory follows the commands that still matter.
struct OperationChains: ~Copyable {
  private var operations: PagedArray<Operation>
  /// The number + 1 of the first free record.
  private var free: UInt32 = 0

  /// No commands yet.
  init(in backing: PageBacking = .memory) { operations = PagedArray(in: backing) }

  /// Why the commands are in memory although they should be in a file.
  var failure: SystemError? { operations.failure }

  /// Puts a command in front of the chain that begins with `previous` (a number + 1, or 0);
  /// returns its own number + 1.
  mutating func push(position: Int, number: Int, previous: UInt32, index: Int) -> UInt32 {
    let operation = Operation(
      position: position, number: number, previous: previous, index: index)
    if free != 0 {
      let place = free
      free = operations[Int(place) &- 1].previous
      // The next one that is pushed goes there.
      operations.prefetch(Int(free) &- 1)
      operations[Int(place) &- 1] = operation
      return place
    }
    operations.append(operation)
    return UInt32(operations.count)
  }

  /// Makes the command of number + 1 `place`, which is all of its chain, another one.
  mutating func replace(_ place: UInt32, position: Int, number: Int, index: Int) {
    operations[Int(place) &- 1] = Operation(
      position: position, number: number, previous: 0, index: index)
  }

  /// The command of number + 1 `place`.
  func at(_ place: UInt32) -> Operation { operations[Int(place) &- 1] }

  /// Forgets the chain from its latest command `last` down to its oldest one `first`.
  mutating func drop(_ last: UInt32, first: UInt32) {
    guard last != 0 else { return }
    operations[Int(first) &- 1].previous = free
    free = last
  }

  /// Tells the processor that the record is read soon.
  func prefetch(_ place: UInt32) { operations.prefetch(Int(place) &- 1) }
}

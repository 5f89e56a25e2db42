public import Bytes

/// The words of one command: name first, then what follows it. A view, valid until the reader
/// goes on; the bytes of each word are valid as long as ``AOFReader`` says.
@safe
public struct Arguments: @unchecked Sendable {
  // SAFETY: `start` addresses `count` initialised slices owned by the table they were read into.
  @usableFromInline let start: UnsafePointer<ByteSlice>
  /// How many words, the name included; at least 1.
  public let count: Int

  @usableFromInline init(unsafeStart start: UnsafePointer<ByteSlice>, count: Int) {
    unsafe self.start = start
    self.count = count
  }

  /// Word `index`; 0 is the name of the command.
  @inlinable public subscript(index: Int) -> ByteSlice {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    return unsafe start[index]
  }

  /// The name of the command as it stands in the file.
  @inlinable public var name: ByteSlice { self[0] }
}

/// Owns the words of a command while it is looked at; used again for the next one.
@safe
public struct ArgumentTable: ~Copyable {
  // SAFETY: `memory` addresses `capacity` slices, of which the first `count` are initialised.
  @usableFromInline var memory: UnsafeMutablePointer<ByteSlice>
  @usableFromInline var capacity: Int
  /// How many words there are.
  @inlinable public var count: Int { used }
  @usableFromInline var used = 0

  /// An empty table.
  public init() {
    capacity = 64
    unsafe memory = .allocate(capacity: capacity)
  }

  deinit { unsafe memory.deallocate() }

  /// Forgets all words.
  @inlinable public mutating func clear() { used = 0 }

  /// Adds a word.
  @inlinable public mutating func append(_ word: ByteSlice) {
    if used == capacity { grow() }
    unsafe (memory + used).initialize(to: word)
    used &+= 1
  }

  /// Replaces word `index`.
  public mutating func set(_ index: Int, to word: ByteSlice) {
    precondition(index >= 0 && index < used)
    unsafe memory[index] = word
  }

  /// Word `index`; 0 is the name of the command.
  @inlinable public subscript(index: Int) -> ByteSlice {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: used))
    return unsafe memory[index]
  }

  /// The words; valid until the table changes.
  @inlinable public var arguments: Arguments {
    unsafe Arguments(unsafeStart: memory, count: used)
  }

  @usableFromInline @inline(never) mutating func grow() {
    let fresh = UnsafeMutablePointer<ByteSlice>.allocate(capacity: capacity * 2)
    unsafe fresh.moveInitialize(from: memory, count: used)
    unsafe memory.deallocate()
    unsafe memory = unsafe fresh
    capacity *= 2
  }
}

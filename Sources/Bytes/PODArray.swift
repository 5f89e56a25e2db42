public import CShims

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An array of plain data that grows in place where the system can (large blocks move by page
/// tables, not by copying), and lets the processor be told what is read soon.
///
/// For tables of the keyspace: no reference counting, no copy on write; every access is checked.
@safe
public struct PODArray<Element: BitwiseCopyable>: ~Copyable {
  // SAFETY, for all of this file: `memory` addresses `capacity` elements owned by this struct; the
  // first `count` are initialised, and elements are plain bytes.
  @usableFromInline var memory: UnsafeMutablePointer<Element>
  @usableFromInline var capacity: Int
  @usableFromInline var used: Int
  /// How many elements there are.
  @inlinable public var count: Int { used }

  /// An empty array.
  @inlinable public init() {
    capacity = 16
    used = 0
    unsafe memory = PODArray.allocate(nil, 16)
  }

  /// `count` times the same element.
  @inlinable public init(repeating element: Element, count: Int) {
    capacity = max(count, 16)
    used = count
    unsafe memory = PODArray.allocate(nil, capacity)
    unsafe memory.initialize(repeating: element, count: count)
  }

  deinit { unsafe free(memory) }

  @usableFromInline static func allocate(
    _ old: UnsafeMutablePointer<Element>?, _ capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    guard let fresh = unsafe realloc(old, capacity * MemoryLayout<Element>.stride) else {
      fatalError("out of memory")
    }
    return unsafe fresh.bindMemory(to: Element.self, capacity: capacity)
  }

  /// Element `index`.
  @inlinable public subscript(index: Int) -> Element {
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return unsafe memory[index]
    }
    _modify {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      yield unsafe &memory[index]
    }
  }

  /// Adds an element.
  @inlinable public mutating func append(_ element: Element) {
    if count == capacity { grow(to: capacity &* 2) }
    unsafe (memory + count).initialize(to: element)
    used &+= 1
  }

  /// Adds `extra` times the same element.
  public mutating func append(repeating element: Element, count extra: Int) {
    precondition(extra >= 0)
    if extra > capacity &- count { grow(to: max(capacity * 2, count + extra)) }
    unsafe (memory + count).initialize(repeating: element, count: extra)
    used &+= extra
  }

  @usableFromInline @inline(never) mutating func grow(to wanted: Int) {
    unsafe memory = PODArray.allocate(memory, wanted)
    capacity = wanted
  }

  /// Shortens the array to its first `length` elements; the memory stays.
  public mutating func truncate(to length: Int) {
    precondition(length >= 0 && length <= count)
    used = length
  }

  /// Tells the processor that element `index` is read soon; any index will do.
  @inlinable public func prefetch(_ index: Int) {
    guard UInt(bitPattern: index) < UInt(bitPattern: count) else { return }
    unsafe prefetchAddress(UnsafeRawPointer(memory + index))
  }
}

@unsafe @inlinable @inline(__always)
func prefetchAddress(_ address: UnsafeRawPointer) { unsafe redis_backup_prefetch(address) }

extension ByteSlice {
  /// Tells the processor that the bytes at `offset` are read soon.
  @inlinable public func prefetch(at offset: Int = 0) {
    guard UInt(bitPattern: offset) < UInt(bitPattern: count) else { return }
    unsafe prefetchAddress(start + offset)
  }
}

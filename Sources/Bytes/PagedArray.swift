#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An array of plain data in pages of its own: it grows without copying (the system moves page
/// tables), zero pages cost nothing until they are touched, and the pages can live in a file.
///
/// For the large tables of the keyspace: no reference counting, no copy on write. Every access is
/// checked against `count`.
///
/// Running out of space never loses an element: when a file can't grow, the elements move to
/// memory, and ``failure`` tells. Programs that set a limit look at it now and then and stop.
@safe
public struct PagedArray<Element: BitwiseCopyable>: ~Copyable {
  // SAFETY, for all of this file: `memory` addresses `capacity` elements in `block` (nothing, while
  // `capacity` is 0); the first `used` are initialised, and elements are plain bytes.
  @usableFromInline var memory: UnsafeMutablePointer<Element>
  @usableFromInline var capacity = 0
  @usableFromInline var used = 0
  private var block: PageBlock?
  private let backing: PageBacking
  /// Why the pages are in memory although they should be in a file.
  public private(set) var failure: SystemError?

  /// An empty array; it takes no memory before the first element.
  public init(in backing: PageBacking = .memory) {
    self.backing = backing
    // SAFETY: never read, since `capacity` is 0.
    unsafe memory =
      UnsafeMutablePointer(bitPattern: MemoryLayout<Element>.alignment)
      .unsafelyUnwrapped
  }

  /// `count` times the same element.
  public init(repeating element: Element, count: Int, in backing: PageBacking = .memory) {
    self.init(in: backing)
    reserve(count)
    unsafe memory.initialize(repeating: element, count: count)
    used = count
  }

  /// How many elements there are.
  @inlinable public var count: Int { used }

  /// Whether there are no elements.
  @inlinable public var isEmpty: Bool { used == 0 }

  /// Bytes of pages that are mapped.
  public var mappedBytes: Int { block?.size ?? 0 }

  /// Element `index`.
  @inlinable public subscript(index: Int) -> Element {
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: used))
      return unsafe memory[index]
    }
    _modify {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: used))
      yield unsafe &memory[index]
    }
  }

  /// Adds an element.
  @inlinable public mutating func append(_ element: Element) {
    if used == capacity { grow(to: used &+ 1) }
    unsafe (memory + used).initialize(to: element)
    used &+= 1
  }

  /// Takes the last element away.
  @inlinable public mutating func removeLast() -> Element {
    precondition(used > 0)
    used &-= 1
    return unsafe memory[used]
  }

  /// Makes room for `total` elements in all.
  public mutating func reserve(_ total: Int) {
    if total > capacity { grow(to: total) }
  }

  /// Shortens the array to its first `length` elements; the pages stay.
  public mutating func truncate(to length: Int) {
    precondition(length >= 0 && length <= used)
    used = length
  }

  /// Forgets all elements and gives the pages back.
  public mutating func removeAll() {
    used = 0
    capacity = 0
    block = nil
  }

  /// Tells the processor that element `index` is read soon; any index will do.
  @inlinable public func prefetch(_ index: Int) {
    guard UInt(bitPattern: index) < UInt(bitPattern: used) else { return }
    unsafe prefetchAddress(UnsafeRawPointer(memory + index))
  }

  @usableFromInline @inline(never) mutating func grow(to least: Int) {
    let (bytes, overflow) = least.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    precondition(!overflow && bytes <= 1 << 46, "out of memory")
    let mapped = mappedBytes
    // Doubling, but files reserve their space on disk: there in steps of 256 MiB.
    let step = backing == .memory ? mapped : min(mapped, 256 << 20)
    let size = (max(bytes, mapped + step) + PageBlock.granule - 1) & ~(PageBlock.granule - 1)
    do throws(SystemError) {
      try enlarge(to: size)
    } catch {
      failure = failure ?? error
      moveToMemory(size)
    }
    guard let start = unsafe block?.start else { fatalError("out of memory") }
    unsafe memory = unsafe start.assumingMemoryBound(to: Element.self)
    capacity = size / MemoryLayout<Element>.stride
  }

  private mutating func enlarge(to size: Int) throws(SystemError) {
    if block != nil {
      try block?.grow(to: size)
    } else if case .file(let directory) = backing, failure == nil {
      block = try PageBlock(size, file: PageFile(in: directory))
    } else {
      block = try PageBlock(size, file: nil)
    }
  }

  /// The way out when a file can't grow. When memory can't either, there is no way on.
  private mutating func moveToMemory(_ size: Int) {
    guard let fresh = try? PageBlock(size, file: nil) else { fatalError("out of memory") }
    if used > 0 {
      unsafe fresh.start.copyMemory(
        from: memory, byteCount: used * MemoryLayout<Element>.stride)
    }
    block = fresh
  }

  /// Beyond this many bytes of a file the disk counts as full; for tests.
  mutating func limitFile(to bytes: Int) { block?.file?.limit = bytes }
}

extension PagedArray where Element: FixedWidthInteger {
  /// `count` zeros, which take no memory until they are written.
  public init(zeros count: Int, in backing: PageBacking = .memory) {
    self.init(in: backing)
    reserve(count)
    used = count
  }
}

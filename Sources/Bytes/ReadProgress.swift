import Synchronization

/// How far reading has come, for whoever shows it: counted while it happens, asked from another
/// thread.
///
/// A ``SystemFileSystem`` that carries one counts what is read through it, also of mapped files,
/// about every 2 MB.
public final class ReadProgress: Sendable {
  private let passed = Atomic<Int>(0)
  private let expected = Atomic<Int>(0)

  /// Nothing read yet.
  public init() {}

  /// Bytes passed so far, of all inputs together.
  public var bytes: Int { passed.load(ordering: .relaxed) }

  /// Bytes that will be passed; 0 when nobody knows.
  public var total: Int {
    get { expected.load(ordering: .relaxed) }
    set { expected.store(newValue, ordering: .relaxed) }
  }

  /// `count` more bytes were passed.
  public func add(_ count: Int) { passed.add(count, ordering: .relaxed) }
}

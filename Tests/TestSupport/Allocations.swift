import CAllocations

/// How often code asks for memory: what must not grow with the number of keys is asserted with this.
package enum Allocations {
  /// Whether this system can be counted: Linux with glibc, without a sanitizer.
  package static let canBeCounted = redis_backup_test_counts_allocations()

  /// How often `body` asks for memory on this thread. What other tests do meanwhile does not count.
  package static func count<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure)
    -> Int
  {
    let before = redis_backup_test_allocations()
    try body()
    return Int(redis_backup_test_allocations() - before)
  }
}

internal import Foundation
internal import Synchronization

/// A piece of work on a thread of its own, whose result is waited for once.
final class Worker<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, JobError>?>(nil)
  private let condition = NSCondition()

  /// Starts `body` on a new thread.
  init(_ name: String, _ body: @escaping @Sendable () throws(JobError) -> Value) {
    let thread = Thread { [self] in
      let outcome: Result<Value, JobError>
      do throws(JobError) {
        outcome = .success(try body())
      } catch {
        outcome = .failure(error)
      }
      condition.lock()
      result.withLock { $0 = outcome }
      condition.broadcast()
      condition.unlock()
    }
    thread.name = name
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// Waits for the work to end; its value, or what it threw.
  func value() throws(JobError) -> Value {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let outcome = result.withLock({ $0 }) { return try outcome.get() }
      condition.wait()
    }
  }

  /// Whether the work has ended already.
  var isDone: Bool { result.withLock { $0 != nil } }
}

import Foundation

/// Runs `body`, whose errors are many and expected, without the back trace that the test library takes
/// of the stack for each error that is thrown anywhere: 50 to 100 µs for each. Tests that run at the same
/// time lose their back traces meanwhile, nothing else.
public func withQuietThrows<R>(_ body: () throws -> R) rethrows -> R {
  // The hooks are two pointers that Swift's runtime exports, one for each kind of throw.
  let program = unsafe dlopen(nil, RTLD_NOW)
  var hooks: [UnsafeMutablePointer<UInt>] = unsafe []
  for name in ["_swift_willThrow", "_swift_willThrowTypedImpl"] {
    if let hook = unsafe dlsym(program, name) {
      unsafe hooks.append(hook.assumingMemoryBound(to: UInt.self))
    }
  }
  quietLock.lock()
  defer { quietLock.unlock() }
  // SAFETY: the runtime reads them as pointers to functions, of which null means none.
  let before = unsafe hooks.map { unsafe $0.pointee }
  for index in before.indices { unsafe hooks[index].pointee = 0 }
  defer { for index in before.indices { unsafe hooks[index].pointee = before[index] } }
  return try body()
}

/// One at a time, so that what is put back is what was there at first.
private let quietLock = NSRecursiveLock()

import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What went wrong in the machinery of the tests, in words.
package struct TestSupportError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }

  /// An error of the system, with the text of `errno`.
  init(_ what: String, errno code: Int32) {
    // SAFETY: strerror gives a valid C string for every number.
    self.init("\(what): \(unsafe String(cString: strerror(code)))")
  }
}

/// Open files by number. All are closed in programs that this process starts.
enum Descriptor {
  /// SIGPIPE would end the whole test run when a child closes its input early.
  private static let brokenPipesAreErrors: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

  /// Held while a pipe is made and while a program is started: between the making and the marking of a
  /// pipe's ends, a program started by another thread would inherit them and keep them open.
  fileprivate static let gate = NSLock()

  static func pipe() -> (read: Int32, write: Int32) {
    brokenPipesAreErrors
    gate.lock()
    defer { gate.unlock() }
    var ends: [Int32] = [-1, -1]
    // SAFETY: the array has room for the two numbers.
    #if canImport(Glibc)
      let result = unsafe Glibc.pipe(&ends)
    #else
      let result = unsafe Darwin.pipe(&ends)
    #endif
    precondition(result == 0, "no more pipes")
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  static func close(_ descriptor: Int32) {
    #if canImport(Glibc)
      _ = Glibc.close(descriptor)
    #else
      _ = Darwin.close(descriptor)
    #endif
  }

  /// Writes what fits; the number of bytes written, or -1 with `errno` set.
  static func write(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Int {
    // SAFETY: pointer and count are those of the slice.
    unsafe bytes.withUnsafeBytes { buffer in
      #if canImport(Glibc)
        unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      #else
        unsafe Darwin.write(descriptor, buffer.baseAddress, buffer.count)
      #endif
    }
  }

  /// Appends what is there to `bytes`; the number of bytes read, 0 at the end, or -1 with `errno` set.
  static func read(_ descriptor: Int32, into bytes: inout [UInt8]) -> Int {
    var count = -1
    // SAFETY: at most the buffer's size is read, and only what was read is kept.
    let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 65536) { buffer, kept in
      #if canImport(Glibc)
        count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      #else
        count = unsafe Darwin.read(descriptor, buffer.baseAddress, buffer.count)
      #endif
      kept = max(count, 0)
    }
    bytes += chunk
    return count
  }
}

/// Starting a program and waiting for its end, with what the kernel counted.
enum Child {
  /// How a program ended.
  struct End {
    /// The exit code; 128 + the signal when a signal ended it, as a shell says it.
    var status: Int32
    /// The signal that ended it, if one did.
    var signal: Int32?
    /// The largest resident memory, in bytes.
    var maximumResidentBytes: Int
    /// The CPU time it took, user and system, in seconds.
    var cpuSeconds: Double
  }

  /// Starts a program; nil in place of a descriptor is `/dev/null`, nil as environment is that of this process.
  static func start(
    _ path: String, _ arguments: [String], input: Int32?, output: Int32?, error: Int32?,
    environment: [String: String]?
  ) throws -> pid_t {
    #if canImport(Glibc)
      var actions = unsafe posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #else
      var actions: posix_spawn_file_actions_t? = nil
      var attributes: posix_spawnattr_t? = nil
    #endif
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }

    for (number, descriptor) in [(0, input), (1, output), (2, error)] as [(Int32, Int32?)] {
      if let descriptor {
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
      } else {
        unsafe posix_spawn_file_actions_addopen(
          &actions, number, "/dev/null", number == 0 ? O_RDONLY : O_WRONLY, 0)
      }
    }
    // SIGPIPE is ignored here; a child starts with its usual meaning.
    var usual = sigset_t()
    unsafe sigemptyset(&usual)
    unsafe sigaddset(&usual, SIGPIPE)
    unsafe posix_spawnattr_setsigdefault(&attributes, &usual)
    // Threads of the test runner block signals; a child shall hear them.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    let variables = (environment ?? ProcessInfo.processInfo.environment).map { "\($0)=\($1)" }
    var process: pid_t = 0
    // SAFETY: both lists of C strings end with nil and live until posix_spawn returns.
    Descriptor.gate.lock()
    defer { Descriptor.gate.unlock() }
    let result = unsafe withCStrings([path] + arguments) { argv in
      unsafe withCStrings(variables) { envp in
        unsafe posix_spawn(&process, path, &actions, &attributes, argv, envp)
      }
    }
    if result != 0 { throw TestSupportError("\(path) could not be started", errno: result) }
    return process
  }

  /// Waits for the end of a program that was started here; nil when it still runs and `block` is false.
  static func wait(_ process: pid_t, block: Bool = true) -> End? {
    var status: Int32 = 0
    var usage = rusage()
    var result: pid_t
    repeat {
      result = unsafe wait4(process, &status, block ? 0 : WNOHANG, &usage)
    } while result == -1 && errno == EINTR
    if result != process { return nil }
    let signal = status & 0x7f
    #if canImport(Glibc)
      let residentBytes = Int(usage.ru_maxrss) * 1024
    #else
      let residentBytes = Int(usage.ru_maxrss)
    #endif
    let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
    let microseconds = Double(usage.ru_utime.tv_usec) + Double(usage.ru_stime.tv_usec)
    return End(
      status: signal == 0 ? (status >> 8) & 0xff : 128 + signal, signal: signal == 0 ? nil : signal,
      maximumResidentBytes: residentBytes, cpuSeconds: seconds + microseconds / 1e6)
  }

  private static func withCStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe texts.map { unsafe strdup($0) }
    unsafe pointers.append(nil)
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return unsafe body(pointers)
  }
}

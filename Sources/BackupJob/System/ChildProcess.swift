#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif
internal import CShims
internal import Foundation

/// Held while a program is started.
private let spawning = NSLock()

/// A program that the job runs: `age`, `rclone`, a hook, a server for a drill. Streams go through
/// pipes; what it says on stderr is kept (the last 8 KiB) for the error message.
package final class ChildProcess {
  /// What a stream of the program is connected to.
  package enum Stream: Sendable {
    /// A pipe whose other end is ours.
    case pipe
    /// `/dev/null`.
    case null
    /// An open file of ours.
    case descriptor(Int32)
  }

  /// The program's name, for messages.
  package let program: String
  /// Its process id.
  package let processID: Int32
  /// Our end of its standard input; -1 when there is none.
  package private(set) var input: Int32
  /// Our end of its standard output; -1 when there is none.
  package private(set) var output: Int32
  private let complaints: Worker<[UInt8]>
  private var status: Int32?

  /// Starts `program` (looked up in `PATH`) with arguments that never hold a secret. `environment`
  /// is added to ours.
  package init(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    input: Stream = .null, output: Stream = .null, step: String
  ) throws(JobError) {
    self.program = program
    // A program that ends early must not end us: writing to it then fails with EPIPE.
    signal(SIGPIPE, SIG_IGN)
    // Between `pipe` and its close-on-exec flag no other thread may start a program, or it would
    // hold the pipe open.
    spawning.lock()
    defer { spawning.unlock() }
    var opened: [Int32] = []
    func pipeEnds() throws(JobError) -> (read: Int32, write: Int32) {
      let ends = try Self.unlockedPipe(step: step, place: program)
      opened += [ends.read, ends.write]
      return ends
    }
    func null(_ flags: Int32) -> Int32 {
      let descriptor = unsafe open("/dev/null", flags | O_CLOEXEC)
      opened.append(descriptor)
      return descriptor
    }
    var childInput: Int32
    var childOutput: Int32
    self.input = -1
    self.output = -1
    switch input {
    case .pipe:
      let ends = try pipeEnds()
      childInput = ends.read
      self.input = ends.write
    case .null: childInput = null(O_RDONLY)
    case .descriptor(let descriptor): childInput = descriptor
    }
    switch output {
    case .pipe:
      let ends = try pipeEnds()
      childOutput = ends.write
      self.output = ends.read
    case .null: childOutput = null(O_WRONLY)
    case .descriptor(let descriptor): childOutput = descriptor
    }
    let errors = try pipeEnds()
    let ours = [self.input, self.output, errors.read]
    var child = pid_t()
    let code = Self.spawn(
      &child, program, arguments, environment, (childInput, childOutput, errors.write))
    for descriptor in opened where !ours.contains(descriptor) || code != 0 { close(descriptor) }
    guard code == 0 else {
      throw JobError(
        code == ENOENT ? .missing : .unavailable, step: step, place: program,
        unsafe "the program can not be started: \(String(cString: strerror(code)))",
        remedy: "Install \(program), or name its path in the configuration.")
    }
    processID = child
    let reading = errors.read
    complaints = Worker("stderr of \(program)") { () throws(JobError) in
      defer { close(reading) }
      var tail: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = try Files.read(reading, into: &buffer, step: step, path: program)
        if count == 0 { return tail }
        tail += buffer[..<count]
        if tail.count > 8192 { tail.removeFirst(tail.count - 8192) }
      }
    }
  }

  deinit {
    if input >= 0 { close(input) }
    if output >= 0 { close(output) }
    if status == nil {
      kill(processID, SIGKILL)
      var ended: Int32 = 0
      unsafe waitpid(processID, &ended, 0)
    }
  }

  private static func spawn(
    _ child: inout pid_t, _ program: String, _ arguments: [String], _ added: [String: String],
    _ streams: (Int32, Int32, Int32)
  ) -> Int32 {
    #if canImport(Glibc)
      var actions = unsafe posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #else
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #endif
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_adddup2(&actions, streams.0, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, streams.1, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, streams.2, 2)
    // Nothing else of ours is for the program, also not what other code opened without care.
    unsafe redis_backup_spawn_close_from(&actions, 3)
    var defaults = sigset_t()
    unsafe sigemptyset(&defaults)
    unsafe sigaddset(&defaults, SIGPIPE)
    unsafe sigaddset(&defaults, SIGXFSZ)
    unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
    // Threads of a pool block signals; a program must not inherit that, or SIGTERM never reaches it.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var variables: [String] = []
    var index = 0
    while let entry = unsafe environ[index] {
      let text = unsafe String(cString: entry)
      if added[String(text.prefix { $0 != "=" })] == nil { variables.append(text) }
      index += 1
    }
    variables += added.map { "\($0.key)=\($0.value)" }
    var argv: [UnsafeMutablePointer<CChar>?] =
      unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = unsafe variables.map { unsafe strdup($0) } + [nil]
    defer {
      unsafe (argv + envp).forEach { unsafe free($0) }
    }
    var result = unsafe posix_spawnp(&child, program, &actions, &attributes, &argv, &envp)
    // A script that was written just now can still be open in a child that another thread forked.
    for _ in 0..<100 where result == ETXTBSY {
      usleep(10_000)
      result = unsafe posix_spawnp(&child, program, &actions, &attributes, &argv, &envp)
    }
    return result
  }

  /// A pipe that no program inherits.
  static func pipe(step: String, place: String) throws(JobError) -> (read: Int32, write: Int32) {
    spawning.lock()
    defer { spawning.unlock() }
    return try unlockedPipe(step: step, place: place)
  }

  private static func unlockedPipe(step: String, place: String) throws(JobError) -> (
    read: Int32, write: Int32
  ) {
    var ends: [Int32] = [-1, -1]
    #if canImport(Glibc)
      let result = unsafe Glibc.pipe(&ends)
    #else
      let result = unsafe Darwin.pipe(&ends)
    #endif
    guard result == 0 else { throw Files.failure(errno, step: step, path: place) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// Ends its standard input.
  package func closeInput() {
    if input >= 0 { close(input) }
    input = -1
  }

  /// Waits for the program to end and returns its exit status; 128 + n when signal n ended it.
  package func wait() -> Int32 {
    if let status { return status }
    var raw: Int32 = 0
    while unsafe waitpid(processID, &raw, 0) < 0, errno == EINTR {}
    let code = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
    status = code
    return code
  }

  /// Waits until the deadline; nil when the program still runs then.
  package func wait(until deadline: Deadline) -> Int32? {
    while status == nil {
      var raw: Int32 = 0
      let result = unsafe waitpid(processID, &raw, WNOHANG)
      if result == processID {
        status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
      } else if deadline.hasPassed {
        return nil
      } else {
        pause(.milliseconds(10))
      }
    }
    return status
  }

  /// Asks the program to end, and makes it after `patience`.
  package func terminate(patience: Duration = .seconds(5)) {
    guard status == nil else { return }
    kill(processID, SIGTERM)
    if wait(until: Deadline(after: patience)) == nil {
      kill(processID, SIGKILL)
      _ = wait()
    }
  }

  /// What it said on stderr, in one line; to be asked after it ended.
  package var complaint: String {
    let bytes = (try? complaints.value()) ?? []
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    return lines.suffix(3).joined(separator: " / ")
  }

  /// Waits and throws when the program failed.
  package func succeed(step: String, remedy: String) throws(JobError) {
    let code = wait()
    guard code == 0 else {
      let said = complaint
      throw JobError(
        .unavailable, step: step, place: program,
        "it ended with status \(code)\(said.isEmpty ? "" : ": \(said)")", remedy: remedy)
    }
  }

  /// Runs a program to its end and returns what it wrote; at most `limit` bytes.
  package static func output(
    of program: String, _ arguments: [String], environment: [String: String] = [:],
    limit: Int = 64 << 20,
    step: String, remedy: String
  ) throws(JobError) -> [UInt8] {
    let child = try ChildProcess(
      program, arguments, environment: environment, output: .pipe, step: step)
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = try Files.read(child.output, into: &buffer, step: step, path: program)
      if count == 0 { break }
      all += buffer[..<count]
      guard all.count <= limit else {
        throw JobError(
          .badData, step: step, place: program, "it wrote more than \(limit) bytes", remedy: remedy)
      }
    }
    try child.succeed(step: step, remedy: remedy)
    return all
  }
}

import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Runs programs to their end.
package enum Shell {
  /// What a program left.
  package struct Result: Sendable {
    /// The exit code; 128 + the signal when a signal ended it.
    package var status: Int32
    /// The signal that ended it, if one did.
    package var signal: Int32?
    /// All bytes it wrote to standard output.
    package var output: [UInt8]
    /// All bytes it wrote to standard error.
    package var error: [UInt8]
    /// The largest resident memory, in bytes. A child that grows less than this process had when it forked
    /// may be charged a few MB of it.
    package var maximumResidentBytes: Int
    /// CPU time, user and system, in seconds.
    package var cpuSeconds: Double

    /// Standard output as text.
    package var text: String { String(decoding: output, as: UTF8.self) }
    /// Standard error as text.
    package var errorText: String { String(decoding: error, as: UTF8.self) }
    /// The lines of standard output, without a last empty one.
    package var lines: [String] {
      var all = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      if all.last == "" { all.removeLast() }
      return all
    }
  }

  /// Runs a program with its arguments, feeds `stdin` through a pipe, and collects what it prints.
  ///
  /// - Parameters:
  ///   - stdin: nil stands for `/dev/null`.
  ///   - environment: added to, or replacing in, that of this process.
  ///   - directory: the folder in which it runs; nil is that of this process.
  ///   - limit: after so many seconds the program is killed and an error thrown.
  package static func run(
    _ program: String, _ arguments: [String] = [], stdin: [UInt8]? = nil,
    environment: [String: String] = [:], directory: String? = nil, limit seconds: Double = 120
  ) throws -> Result {
    let all = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    var path = try find(program, in: all["PATH"] ?? "")
    var arguments = arguments
    if let directory {
      // Not every system's posix_spawn can change the folder.
      arguments = ["-c", #"cd "$1" && shift && exec "$@""#, "sh", directory, path] + arguments
      path = "/bin/sh"
    }
    let output = Descriptor.pipe()
    let error = Descriptor.pipe()
    let input = stdin.map { _ in Descriptor.pipe() }
    let process: pid_t
    do {
      process = try Child.start(
        path, arguments, input: input?.read, output: output.write, error: error.write,
        environment: all)
    } catch let failure {
      for end in [output.read, output.write, error.read, error.write, input?.read, input?.write] {
        if let end { Descriptor.close(end) }
      }
      throw failure
    }
    Descriptor.close(output.write)
    Descriptor.close(error.write)
    if let input { Descriptor.close(input.read) }

    var conversation = Conversation(
      input: input?.write, output: output.read, error: error.read, toWrite: stdin ?? [])
    let inTime = conversation.finish(within: seconds)
    if !inTime { kill(process, SIGKILL) }
    guard let end = Child.wait(process) else { throw TestSupportError("\(program) was lost") }
    if !inTime {
      throw TestSupportError("\(program) \(arguments) did not end within \(seconds) s")
    }
    return Result(
      status: end.status, signal: end.signal, output: conversation.outputBytes,
      error: conversation.errorBytes, maximumResidentBytes: end.maximumResidentBytes,
      cpuSeconds: end.cpuSeconds)
  }

  /// Runs the built `redis-backup`.
  package static func redisBackup(
    _ arguments: String..., stdin: [UInt8]? = nil, environment: [String: String] = [:],
    directory: String? = nil, limit seconds: Double = 120
  ) throws -> Result {
    try run(
      PackageRoot.redisBackup, arguments, stdin: stdin, environment: environment,
      directory: directory, limit: seconds)
  }

  /// The path of a program; one without a slash is looked for in the folders of `PATH`.
  private static func find(_ program: String, in path: String) throws -> String {
    if program.contains("/") { return program }
    for folder in path.split(separator: ":") {
      let candidate = folder + "/" + program
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    throw TestSupportError("\(program) was not found in PATH")
  }
}

/// The three pipes of a running program.
private struct Conversation {
  var input: Int32?
  var output: Int32?
  var error: Int32?
  var toWrite: [UInt8]
  var written = 0
  var outputBytes: [UInt8] = []
  var errorBytes: [UInt8] = []

  init(input: Int32?, output: Int32, error: Int32, toWrite: [UInt8]) {
    self.input = input
    self.output = output
    self.error = error
    self.toWrite = toWrite
    if let input { _ = fcntl(input, F_SETFL, fcntl(input, F_GETFL) | O_NONBLOCK) }
    closeInputWhenDone()
  }

  /// Feeds and reads until the program has closed both outputs; false when that takes too long.
  mutating func finish(within seconds: Double) -> Bool {
    let end = Date().addingTimeInterval(seconds)
    defer {
      for descriptor in [input, output, error] {
        if let descriptor { Descriptor.close(descriptor) }
      }
    }
    while output != nil || error != nil {
      let left = end.timeIntervalSinceNow
      if left <= 0 { return false }
      var waiting = [
        pollfd(fd: input ?? -1, events: Int16(POLLOUT), revents: 0),
        pollfd(fd: output ?? -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: error ?? -1, events: Int16(POLLIN), revents: 0),
      ]
      // SAFETY: three entries are given, and the array has three.
      let ready = unsafe poll(&waiting, 3, Int32(min(left, 1) * 1000) + 1)
      if ready <= 0 { continue }
      if waiting[0].revents != 0 { feed() }
      if waiting[1].revents != 0 { Self.drain(&output, into: &outputBytes) }
      if waiting[2].revents != 0 { Self.drain(&error, into: &errorBytes) }
    }
    return true
  }

  private mutating func feed() {
    guard let descriptor = input else { return }
    let count = Descriptor.write(descriptor, toWrite[written...])
    if count >= 0 {
      written += count
    } else if errno != EAGAIN && errno != EINTR {
      written = toWrite.count
    }
    closeInputWhenDone()
  }

  private mutating func closeInputWhenDone() {
    guard written == toWrite.count, let descriptor = input else { return }
    Descriptor.close(descriptor)
    input = nil
  }

  private static func drain(_ descriptor: inout Int32?, into bytes: inout [UInt8]) {
    guard let open = descriptor else { return }
    let count = Descriptor.read(open, into: &bytes)
    if count > 0 || (count < 0 && errno == EINTR) { return }
    Descriptor.close(open)
    descriptor = nil
  }
}

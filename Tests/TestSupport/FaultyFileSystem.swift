// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

public import Bytes
import Synchronization

#if canImport(Glibc)
  public import Glibc
#else
  public import Darwin
#endif

/// The real file system, of which chosen calls fail.
///
/// Every call has a number, counted from 0 in the order of calls. A first run without faults tells
/// how many there are (``calls``); then each of them is made to fail in turn:
///
/// ```swift
/// for n in 0..<calls { let files = FaultyFileSystem(failing: [n], with: EIO) … }
/// ```
public final class FaultyFileSystem: FileSystem {
  /// What goes wrong.
  public struct Faults: Sendable {
    /// Numbers of calls that fail with ``code``, among all calls.
    public var failing: Set<Int> = []
    /// From this number on every call fails, as if the process had died there.
    public var deadFrom = Int.max
    /// For a kind of call: its first, second, … (0-based) call of that kind that fails, and how.
    public var nth: [SystemError.Call: [Int: Int32]] = [:]
    /// Kinds of calls that fail always, such as `link` where there are no hard links.
    public var always: [SystemError.Call: Int32] = [:]
    /// What ``failing`` and ``deadFrom`` fail with.
    public var code: Int32 = EIO
    /// The most bytes that one `read`, `pread`, `write` or `copyRange` transfers.
    public var mostBytes = Int.max
    /// With a seed: transfers of 1 to `mostBytes` bytes by chance.
    public var seed: UInt64?
    /// How often each call that can be interrupted fails with `EINTR` before it is done.
    public var interruptions = 0
    /// Bytes that can be written before the disk is full (`ENOSPC`).
    public var room = Int.max
    /// Whether writing past the page cache is refused at once.
    public var refusesDirect = false
    /// What every write past the page cache fails with.
    public var directCode: Int32?

    /// Nothing goes wrong.
    public init() {}
  }

  private struct State {
    var log: [SystemError.Call] = []
    var counts: [SystemError.Call: Int] = [:]
    var open: Set<Int32> = []
    var interrupted = 0
    var random: SplitMix64
    var written = 0
    var direct: Set<Int32> = []
    var directBytes = 0
  }

  private let faults: Faults
  private let state: Mutex<State>
  private let real = SystemFileSystem()

  /// A file system with these faults.
  public init(_ faults: Faults = Faults()) {
    self.faults = faults
    state = Mutex(State(random: SplitMix64(seed: faults.seed ?? 0)))
  }

  /// A file system of which the calls with these numbers fail.
  public convenience init(failing numbers: Set<Int>, with code: Int32) {
    var faults = Faults()
    faults.failing = numbers
    faults.code = code
    self.init(faults)
  }

  /// What was called, in order; interrupted calls are not counted.
  public var calls: [SystemError.Call] { state.withLock { $0.log } }
  /// Descriptors that were opened and not closed: none, when all is done.
  public var openDescriptors: Set<Int32> { state.withLock { $0.open } }
  /// How many bytes were written past the page cache.
  public var directBytes: Int { state.withLock { $0.directBytes } }

  private static let interruptible: Set<SystemError.Call> = [
    .open, .read, .pread, .write, .fsync, .copyRange,
  ]

  /// Counts a call, and fails it when its time has come.
  private func enter(_ call: SystemError.Call) throws(SystemError) {
    let code: Int32? = state.withLock { state in
      if FaultyFileSystem.interruptible.contains(call) {
        if state.interrupted < faults.interruptions {
          state.interrupted += 1
          return EINTR
        }
        state.interrupted = 0
      }
      let number = state.log.count
      state.log.append(call)
      let ofKind = state.counts[call, default: 0]
      state.counts[call] = ofKind + 1
      if faults.failing.contains(number) || number >= faults.deadFrom { return faults.code }
      return faults.nth[call]?[ofKind] ?? faults.always[call]
    }
    if let code { throw SystemError(call, code: code) }
  }

  private func most(_ count: Int) -> Int {
    let limit = min(count, faults.mostBytes)
    guard faults.seed != nil, limit > 1 else { return limit }
    return state.withLock { Int.random(in: 1...limit, using: &$0.random) }
  }

  public func open(_ path: String, _ flags: Int32, mode: mode_t) throws(SystemError) -> Int32 {
    try enter(.open)
    let descriptor = try real.open(path, flags, mode: mode)
    state.withLock { _ = $0.open.insert(descriptor) }
    return descriptor
  }

  public func close(_ descriptor: Int32) {
    state.withLock { _ = $0.open.remove(descriptor) }
    real.close(descriptor)
  }

  @unsafe public func read(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    try enter(.read)
    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<most(buffer.count)])
    return try unsafe real.read(descriptor, part)
  }

  @unsafe public func pread(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int {
    try enter(.pread)
    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<most(buffer.count)])
    return try unsafe real.pread(descriptor, part, at: offset)
  }

  @unsafe public func write(
    _ descriptor: Int32, _ buffer: UnsafeRawBufferPointer
  ) throws(SystemError) -> Int {
    try enter(.write)
    let isDirect = state.withLock { $0.direct.contains(descriptor) }
    if isDirect, let code = faults.directCode { throw SystemError(.write, code: code) }
    let part = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<most(buffer.count)])
    let allowed = state.withLock { state in
      let room = min(part.count, faults.room - state.written)
      state.written += room
      return room
    }
    if allowed == 0 && part.count > 0 { throw SystemError(.write, code: ENOSPC) }
    let put: Int
    do throws(SystemError) {
      put = try unsafe real.write(
        descriptor, UnsafeRawBufferPointer(rebasing: part[..<allowed]))
    } catch {
      state.withLock { $0.written -= allowed }
      throw error
    }
    if isDirect { state.withLock { $0.directBytes += put } }
    return put
  }

  public func setDirect(_ descriptor: Int32, _ isDirect: Bool) -> Bool {
    guard !faults.refusesDirect, real.setDirect(descriptor, isDirect) else { return false }
    state.withLock { state in
      if isDirect { state.direct.insert(descriptor) } else { state.direct.remove(descriptor) }
    }
    return true
  }

  public func copyRange(
    from source: Int32, at offset: Int, count: Int, to target: Int32
  ) throws(SystemError) -> Int {
    try enter(.copyRange)
    return try real.copyRange(from: source, at: offset, count: most(count), to: target)
  }

  public func sync(_ descriptor: Int32) throws(SystemError) {
    try enter(.fsync)
    try real.sync(descriptor)
  }

  public func rename(_ old: String, to new: String) throws(SystemError) {
    try enter(.rename)
    try real.rename(old, to: new)
  }

  public func link(_ old: String, to new: String) throws(SystemError) {
    try enter(.link)
    try real.link(old, to: new)
  }

  public func unlink(_ path: String) throws(SystemError) {
    try enter(.unlink)
    try real.unlink(path)
  }

  public func makeDirectory(_ path: String, mode: mode_t) throws(SystemError) {
    try enter(.mkdir)
    try real.makeDirectory(path, mode: mode)
  }

  public func removeDirectory(_ path: String) throws(SystemError) {
    try enter(.rmdir)
    try real.removeDirectory(path)
  }

  public func status(of path: String, followLinks: Bool) throws(SystemError) -> FileStatus {
    try enter(.stat)
    return try real.status(of: path, followLinks: followLinks)
  }

  public func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    try enter(.fstat)
    return try real.status(of: descriptor)
  }

  public func list(_ path: String) throws(SystemError) -> [String] {
    try enter(.opendir)
    return try real.list(path)
  }

  public func truncate(_ descriptor: Int32, to size: Int) throws(SystemError) {
    try enter(.ftruncate)
    try real.truncate(descriptor, to: size)
  }

  public func changeMode(_ descriptor: Int32, _ mode: mode_t) throws(SystemError) {
    try enter(.chmod)
    try real.changeMode(descriptor, mode)
  }

  public func changeOwner(
    _ descriptor: Int32, user: UInt32, group: UInt32
  ) throws(SystemError) {
    try enter(.chown)
    try real.changeOwner(descriptor, user: user, group: group)
  }

  public func realPath(_ path: String) throws(SystemError) -> String {
    try enter(.realpath)
    return try real.realPath(path)
  }
}

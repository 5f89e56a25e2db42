import CZlib
import CZstd
import TestSupport
import Testing

@testable import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// CRC-64/Jones bit by bit, as the definition says.
func slowCRC(_ bytes: some Sequence<UInt8>) -> UInt64 {
  var crc: UInt64 = 0
  for byte in bytes {
    crc ^= UInt64(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x95AC_9329_AC4B_C9B5 : crc >> 1 }
  }
  return crc
}

extension CRC64 {
  static func checksumOf(_ bytes: [UInt8]) -> UInt64 { bytes.withByteSlice { checksum($0) } }
}

/// Bytes that stay at their address as long as this object lives.
@safe final class OwnedBytes {
  private let memory: UnsafeMutableRawBufferPointer

  init(_ bytes: [UInt8]) {
    unsafe memory = .allocate(byteCount: max(bytes.count, 1), alignment: 1)
    unsafe memory.copyBytes(from: bytes)
    count = bytes.count
  }

  let count: Int
  var slice: ByteSlice {
    unsafe ByteSlice(
      unsafeStart: UnsafeRawPointer(memory.baseAddress.unsafelyUnwrapped), count: count)
  }

  deinit { unsafe memory.deallocate() }
}

/// What the process took so far.
enum Memory {
  /// The most bytes of memory that the process ever had, in bytes.
  static func peak() -> Int {
    var usage = rusage()
    #if canImport(Glibc)
      unsafe _ = getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss * 1024
    #else
      unsafe _ = getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #endif
  }
}

extension Memory {
  /// Bytes of the mapping of a file that are resident in this process now.
  static func now(ofFile path: String) -> Int {
    guard let maps = try? SystemFileSystem().contents(of: "/proc/self/smaps") else { return 0 }
    let lines = String(decoding: maps, as: UTF8.self).split(separator: "\n")
    guard let head = lines.firstIndex(where: { $0.hasSuffix(path) }) else { return 0 }
    let rss = lines[head...].first { $0.hasPrefix("Rss:") } ?? ""
    return (Int(rss.split(separator: " ").dropFirst().first ?? "0") ?? 0) * 1024
  }
}

/// gzip files made by zlib.
enum Gzip {
  static func compressed(_ bytes: [UInt8], level: Int32 = 6) -> [UInt8] {
    var stream = unsafe z_stream()
    let size = Int32(unsafe MemoryLayout<z_stream>.size)
    unsafe _ = deflateInit2_(
      &stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
    var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 100 + 1000)
    var input = bytes
    let count = unsafe input.withUnsafeMutableBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target in
        unsafe stream.next_in = source.baseAddress
        unsafe stream.avail_in = UInt32(source.count)
        unsafe stream.next_out = target.baseAddress
        unsafe stream.avail_out = UInt32(target.count)
        let result = unsafe deflate(&stream, Z_FINISH)
        precondition(result == Z_STREAM_END)
        return Int(unsafe stream.total_out)
      }
    }
    unsafe _ = deflateEnd(&stream)
    return Array(output[..<count])
  }
}

/// zstd files made by libzstd, with the checksum of their content.
enum Zstd {
  static func compressed(_ bytes: [UInt8]) -> [UInt8] {
    let context = unsafe ZSTD_createCCtx()
    defer { unsafe _ = ZSTD_freeCCtx(context) }
    unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let count = unsafe bytes.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        unsafe ZSTD_compress2(
          context, target.baseAddress, target.count, source.baseAddress, source.count)
      }
    }
    precondition(ZSTD_isError(count) == 0)
    return Array(output[..<count])
  }
}

/// A random sequence of cursor operations, each compared with what the bytes say.
struct Script {
  let bytes: [UInt8]
  var random: SplitMix64
  let stable: Bool
  var at = 0
  var held: Int?
  var checksumFrom: Int?
  var finished = false

  init(_ bytes: [UInt8], _ random: SplitMix64, stable: Bool) {
    self.bytes = bytes
    self.random = random
    self.stable = stable
  }

  var left: Int { bytes.count - at }

  mutating func length() -> Int {
    switch random.below(10) {
    case 0: 0
    case 1: random.below(5000)
    case 2: left
    case 3: left + 1 + random.below(100)
    default: random.below(90)
    }
  }

  mutating func step(_ cursor: inout ByteCursor, _ what: String) {
    func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
      let size = MemoryLayout<T>.size
      var wanted: T?
      if left >= size {
        wanted = bytes[at..<at + size].reversed().reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
      }
      #expect(cursor.load(as: type) == wanted, "\(what)")
    }
    switch random.below(16) {
    case 0:
      #expect(cursor.byte() == (left > 0 ? bytes[at] : nil), "\(what)")
      at += min(1, left)
    case 1:
      let ahead = random.below(100)
      #expect(cursor.peek(ahead) == (left > ahead ? bytes[at + ahead] : nil), "\(what)")
    case 2:
      integer(UInt16.self)
      at += left >= 2 ? 2 : 0
    case 3:
      integer(UInt32.self)
      at += left >= 4 ? 4 : 0
    case 4:
      integer(UInt64.self)
      at += left >= 8 ? 8 : 0
    case 5, 6, 7:
      let count = length()
      let slice = cursor.slice(count)?.bytes
      #expect(slice == (count <= left ? Array(bytes[at..<at + count]) : nil), "\(what)")
      if count <= left { at += count }
    case 8:
      let count = length()
      #expect(cursor.skip(count) == (count <= left), "\(what)")
      if count <= left { at += count } else if !stable { at = bytes.count }
    case 9:
      let count = length()
      #expect(cursor.ensure(count) == (count <= left), "\(what)")
      if count <= left { #expect(cursor.readable >= count) }
    case 10:
      if held == nil {
        held = at
        cursor.hold()
      } else if random.below(3) == 0 {
        held = nil
        cursor.release()
      }
    case 11:
      if let held {
        let from = held + random.below(at - held + 1)
        let count = random.below(at - from + 1)
        #expect(
          cursor.heldSlice(at: from, count: count).bytes == Array(bytes[from..<from + count]),
          "\(what)")
      }
    case 12:
      if let from = checksumFrom {
        #expect(cursor.finishChecksum() == slowCRC(bytes[from..<at]), "\(what) \(from) \(at)")
        checksumFrom = nil
      } else {
        checksumFrom = at
        cursor.startChecksum()
      }
    case 13:
      #expect(cursor.isAtEnd() == (left == 0), "\(what)")
    case 14:
      let count = min(cursor.readable, random.below(50))
      cursor.advance(count)
      at += count
    default: cursor.housekeep()
    }
    #expect(cursor.offset == at, "\(what)")
    if left == 0 && held == nil && checksumFrom == nil { finished = random.below(20) == 0 }
  }
}

/// Work on a thread of its own. (A task would wait for ever when tests block all threads of the
/// pool on pipes.)
@safe final class Background {
  private var thread = pthread_t()
  private let work: @Sendable () throws -> Void
  private var failure: (any Error)?

  init(_ work: @escaping @Sendable () throws -> Void) {
    self.work = work
    let argument = unsafe Unmanaged.passRetained(self).toOpaque()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        #if canImport(Glibc)
          let me = unsafe Unmanaged<Background>.fromOpaque(argument.unsafelyUnwrapped)
            .takeRetainedValue()
        #else
          let me = unsafe Unmanaged<Background>.fromOpaque(argument).takeRetainedValue()
        #endif
        do { try me.work() } catch { me.failure = error }
        return nil
      }, argument)
    precondition(result == 0)
  }

  /// Waits until the work is done, and throws what it threw.
  func finish() throws {
    _ = pthread_join(thread, nil)
    if let failure { throw failure }
  }
}

extension TemporaryDirectory {
  /// Writes `bytes` as the file `name`, and returns its path.
  @discardableResult func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try write(bytes, to: name)
  }

  /// The names in the folder, sorted.
  var files: [String] { (try? names()) ?? [] }
}

extension SplitMix64 {
  /// `count` bytes; `letters` small makes them compressible.
  mutating func bytes(_ count: Int, letters: Int = 256) -> [UInt8] {
    var all = [UInt8](repeating: 0, count: count)
    for index in all.indices { all[index] = UInt8(truncatingIfNeeded: Int(next() >> 33) % letters) }
    return all
  }
}

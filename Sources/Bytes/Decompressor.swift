#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The kinds of compression that are recognised and undone while reading.
enum Compression: Equatable {
  case gzip, zstd

  /// The first bytes of each (RFC 1952 2.3.1; RFC 8878 3.1.1, little-endian 0xFD2FB528).
  var magic: [UInt8] {
    switch self {
    case .gzip: [0x1F, 0x8B]
    case .zstd: [0x28, 0xB5, 0x2F, 0xFD]
    }
  }

  /// The most bytes of a file that decide.
  static let longestMagic = 4

  /// What a file with these first bytes is compressed with, if anything.
  static func recognise(_ head: ByteSlice) -> Compression? {
    for kind in [Compression.gzip, .zstd] where head.count >= kind.magic.count {
      if head.prefix(kind.magic.count).bytes == kind.magic { return kind }
    }
    return nil
  }
}

/// Decompresses a stream while it is read, one member (or frame) after another.
///
/// All that can be decompressed is delivered before damage or a cut is told. Zeros behind the last
/// member (what tapes and block devices add) are passed over, as gzip does; anything else that is
/// no further member is damage.
@safe
final class Decompressor {
  private enum Engine { case gzip(GzipEngine), zstd(ZstdEngine) }

  /// What one step did.
  struct Step {
    enum State { case going, memberEnded, failed(Int32) }
    /// Compressed bytes used, and bytes they gave.
    var used: Int
    var got: Int
    var state: State
  }

  private let engine: Engine
  /// Compressed bytes that were read and not yet used.
  // SAFETY: owned; `filled` of `Decompressor.capacity` bytes (or more) are initialised, the first
  // `used` consumed.
  private let input: UnsafeMutablePointer<UInt8>
  private var used = 0
  private var filled = 0
  private var inputEnded = false
  private var place = Place.inside
  private var failure: Int32?

  private enum Place { case inside, between, padding }

  private static let capacity = ByteWindow.firstCapacity

  /// A decompressor that begins with `head`, bytes already taken from the stream.
  init(_ kind: Compression, head: ByteSlice = ByteSlice()) throws(SystemError) {
    switch kind {
    case .gzip: engine = .gzip(try GzipEngine())
    case .zstd: engine = .zstd(try ZstdEngine())
    }
    unsafe input = .allocate(capacity: max(Decompressor.capacity, head.count))
    for index in 0..<head.count { unsafe input[index] = head[index] }
    filled = head.count
  }

  deinit { unsafe input.deallocate() }

  /// The next decompressed bytes; 0 at the end. Damaged or cut input fails with `EILSEQ`.
  @unsafe func read(
    _ descriptor: Int32, _ fileSystem: any FileSystem, into target: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    while true {
      if let failure { throw SystemError(.inflate, code: failure) }
      if used == filled && !inputEnded {
        let raw = unsafe UnsafeMutableRawBufferPointer(start: input, count: Decompressor.capacity)
        filled = try unsafe fileSystem.readSome(descriptor, raw)
        used = 0
        if filled == 0 { inputEnded = true }
      }
      if place != .inside {
        if used == filled { return 0 }
        guard beginsMember() else { continue }
      }
      let got = unsafe step(into: target)
      if got > 0 { return got }
    }
  }

  /// Decompresses what is at hand; sets ``failure`` when that can't go on.
  @unsafe private func step(into target: UnsafeMutableRawBufferPointer) -> Int {
    let source = unsafe UnsafeMutableBufferPointer(start: input + used, count: filled - used)
    let step: Step =
      switch engine {
      case .gzip(let engine): unsafe engine.step(source, target)
      case .zstd(let engine): unsafe engine.step(source, target)
      }
    used += step.used
    switch step.state {
    case .memberEnded: place = .between
    // The engine may hold bytes back; when nothing more comes in or out, the input was cut.
    case .going: if inputEnded && step.got == 0 { failure = EILSEQ }
    case .failed(let code): failure = code
    }
    return step.got
  }

  /// Looks at the bytes between members: true when one begins here; otherwise they were passed.
  private func beginsMember() -> Bool {
    if unsafe input[used] == 0 {
      place = .padding
      while used < filled, unsafe input[used] == 0 { used += 1 }
      return false
    }
    if place == .padding {
      failure = EILSEQ
      return false
    }
    switch engine {
    case .gzip(let engine): engine.restart()
    case .zstd(let engine): engine.restart()
    }
    place = .inside
    return true
  }
}

internal import CLZF

/// The compression of strings in RDB files.
///
/// ```text
/// 000lllll                        l+1 literal bytes follow (1...32)
/// LLLooooo oooooooo               copy L+2 bytes (L 1...6) from o+1 bytes back
/// 111ooooo LLLLLLLL oooooooo      copy L+9 bytes from o+1 bytes back
/// ```
///
/// Source and target of a copy may overlap (distance 1 repeats a byte). rdb-format.md 4.1.
/// Compression is liblzf's; decompression is our own, with wide copies, twice as fast.
public enum LZF {
  /// The most bytes that `count` compressed bytes can stand for: three bytes make at most 264.
  public static func mostBytes(from count: Int) -> Int {
    let (product, overflow) = count.multipliedReportingOverflow(by: 88)
    return overflow ? Int.max : product
  }

  /// Decompresses `source` into `target`, replacing its content. False when the bytes are no LZF
  /// or do not give exactly `length` bytes; never takes memory that honest input couldn't fill.
  public static func decompress(
    _ source: ByteSlice, length: Int, into target: inout ScratchBuffer
  ) -> Bool {
    target.clear()
    guard length >= 0, length <= mostBytes(from: source.count) else { return false }
    let start = unsafe target.unusedStart(length + slack)
    let ok = unsafe source.withUnsafeBytes { raw in
      unsafe expand(raw.baseAddress.unsafelyUnwrapped, raw.count, start, length)
    }
    if ok { target.grow(by: length) }
    return ok
  }

  /// How far behind the end of what is asked for ``expand`` may write.
  private static let slack = 384

  /// Whether ``decompress(_:length:into:)`` would take `source` and give `length` bytes; found out
  /// without producing them.
  public static func gives(_ length: Int, from source: ByteSlice) -> Bool {
    guard length >= 0, length <= mostBytes(from: source.count) else { return false }
    let end = source.count
    var at = 0
    var produced = 0
    while at < end {
      let control = Int(source[at])
      if control < 32 {
        at &+= control &+ 2
        produced &+= control &+ 1
        continue
      }
      let distance: Int
      let run: Int
      if control < 0xE0 {
        guard at &+ 2 <= end else { return false }
        distance = (control & 31) << 8 &+ Int(source[at &+ 1])
        run = control >> 5 &+ 2
        at &+= 2
      } else {
        guard at &+ 3 <= end else { return false }
        distance = (control & 31) << 8 &+ Int(source[at &+ 2])
        run = Int(source[at &+ 1]) &+ 9
        at &+= 3
      }
      guard distance < produced else { return false }
      produced &+= run
    }
    return at == end && produced == length
  }

  /// Decompresses the first `count` bytes of `source` into `target`, replacing its content; fewer
  /// when the source ends or makes no sense before. For looking at headers.
  public static func decompressHead(
    _ source: ByteSlice, count: Int, into target: inout ScratchBuffer
  ) {
    target.clear()
    var at = 0
    while at < source.count, target.count < count {
      let control = Int(source[at])
      at += 1
      if control < 32 {
        let run = min(control + 1, source.count - at)
        target.append(source.slice(at: at, count: run))
        at += run
        continue
      }
      var run = control >> 5
      if run == 7 {
        guard at < source.count else { return }
        run += Int(source[at])
        at += 1
      }
      guard at < source.count else { return }
      let distance = (control & 31) << 8 + Int(source[at]) + 1
      at += 1
      guard distance <= target.count else { return }
      for _ in 0..<run + 2 { target.append(target.slice[target.count - distance]) }
    }
    target.truncate(to: min(target.count, count))
  }

  // SAFETY of the whole function: reads stay below `end` (checked before each), writes below
  // `out + length + slack`, which the caller reserved: a piece that begins before `length` has at most
  // 32 + 264 bytes, and a wide copy may run up to 32 bytes past it; none begins behind.
  @unsafe private static func expand(
    _ source: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutableRawPointer, _ length: Int
  ) -> Bool {
    var input = unsafe source
    let end = unsafe source + count
    var output = unsafe out
    let outputEnd = unsafe out + length
    // One look at each end suffices for whatever comes next: at most 33 bytes of literals and 8 that hold
    // a copy, and 32 and 264 bytes of output in steps of 16. That short copies have a
    // branch of their own lets the processor go on with the next token before it has read this one.
    while unsafe end - input >= 41 && outputEnd > output {
      var head = unsafe input.loadUnaligned(as: UInt64.self)
      var control = Int(head & 0xFF)
      if control < 32 {
        unsafe copy16(output, input + 1)
        unsafe copy16(output + 16, input + 17)
        unsafe input += control &+ 2
        unsafe output += control &+ 1
        // A copy follows, unless the literals are more than 32.
        head = unsafe input.loadUnaligned(as: UInt64.self)
        control = Int(head & 0xFF)
        if control < 32 { continue }
      }
      if control < 0xE0 {
        let distance = (control & 31) << 8 &+ Int(head >> 8 & 0xFF) &+ 1
        unsafe input += 2
        guard unsafe output - out >= distance else { return false }
        let run = control >> 5 &+ 2
        if distance >= 8 {
          unsafe copy8(output, UnsafeRawPointer(output) - distance)
        } else {
          unsafe copy(output, distance, run)
        }
        unsafe output += run
      } else {
        let distance = (control & 31) << 8 &+ Int(head >> 16 & 0xFF) &+ 1
        unsafe input += 3
        guard unsafe output - out >= distance else { return false }
        let run = Int(head >> 8 & 0xFF) &+ 9
        unsafe copy(output, distance, run)
        unsafe output += run
      }
    }
    while unsafe input < end {
      let control = Int(unsafe input.load(as: UInt8.self))
      unsafe input += 1
      if control < 32 {
        let run = control + 1
        guard unsafe end - input >= run, unsafe outputEnd - output >= run else { return false }
        if unsafe end - input >= 32 {
          unsafe copy16(output, input)
          unsafe copy16(output + 16, input + 16)
        } else if unsafe run <= 16 && end - input >= 16 {
          unsafe copy16(output, input)
        } else {
          unsafe output.copyMemory(from: input, byteCount: run)
        }
        unsafe input += run
        unsafe output += run
      } else {
        var run = control >> 5
        if run == 7 {
          guard unsafe input < end else { return false }
          run += Int(unsafe input.load(as: UInt8.self))
          unsafe input += 1
        }
        guard unsafe input < end else { return false }
        let distance = (control & 31) << 8 + Int(unsafe input.load(as: UInt8.self)) + 1
        unsafe input += 1
        run += 2
        guard unsafe output - out >= distance, unsafe outputEnd - output >= run else {
          return false
        }
        unsafe copy(output, distance, run)
        unsafe output += run
      }
    }
    return unsafe output == outputEnd
  }

  /// Repeats `run` bytes from `distance` back; up to 31 bytes behind them are overwritten.
  @unsafe @inline(__always) private static func copy(
    _ target: UnsafeMutableRawPointer, _ distance: Int, _ run: Int
  ) {
    var output = unsafe target
    var from = unsafe UnsafeRawPointer(target) - distance
    let stop = unsafe target + run
    if distance >= 16 {
      // Most copies are short: two steps without a look at the length, which is hard to predict.
      unsafe copy16(output, from)
      unsafe copy16(output + 16, from + 16)
      unsafe output += 32
      unsafe from += 32
      while unsafe output < stop {
        unsafe copy16(output, from)
        unsafe output += 16
        unsafe from += 16
      }
    } else if distance >= 8 {
      while unsafe output < stop {
        unsafe copy8(output, from)
        unsafe output += 8
        unsafe from += 8
      }
    } else if distance == 1 {
      let byte = unsafe from.load(as: UInt8.self)
      let word = UInt64(byte) &* 0x0101_0101_0101_0101
      while unsafe output < stop {
        unsafe output.storeBytes(of: word, as: UInt64.self)
        unsafe output += 8
      }
    } else {
      while unsafe output < stop {
        unsafe output.storeBytes(of: from.load(as: UInt8.self), as: UInt8.self)
        unsafe output += 1
        unsafe from += 1
      }
    }
  }

  @unsafe @inline(__always) private static func copy16(
    _ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer
  ) {
    let word = unsafe source.loadUnaligned(as: SIMD2<UInt64>.self)
    unsafe target.storeBytes(of: word, as: SIMD2<UInt64>.self)
  }

  @unsafe @inline(__always) private static func copy8(
    _ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer
  ) {
    unsafe target.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
  }

  /// Compresses `source` into `target`, replacing its content, as the server does: false (and an
  /// empty target) unless the result is at least 4 bytes smaller.
  public static func compress(_ source: ByteSlice, into target: inout ScratchBuffer) -> Bool {
    target.clear()
    guard source.count > 4, source.count <= Int(UInt32.max), mayShrink(source, &target) else {
      return false
    }
    let room = source.count - 4
    // SAFETY: liblzf reads `source.count` bytes and writes at most `room`; the rest is a margin.
    let start = unsafe target.unusedStart(room + 16)
    let got = unsafe source.withUnsafeBytes { raw in
      unsafe lzf_compress(raw.baseAddress, UInt32(raw.count), start, UInt32(room))
    }
    if got == 0 { return false }
    target.grow(by: Int(got))
    return true
  }
}

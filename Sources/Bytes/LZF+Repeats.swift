/// Whether trying to compress is in vain, found out in a third of the time that trying takes.
///
/// A copy of L bytes stands for a run that was there before, so at L - 2 places of it three bytes begin
/// that were there before. It takes at least two bytes, and so saves at most L - 2; what is not copied takes
/// one byte more for each 32. Where n bytes have R such places, copies save at most R, and, being of three
/// bytes or more, leave at least n - 3R bytes as they are. The result has then at least
/// `n - R + (n - 3R) / 32` bytes, and is of use if those are at most n - 4: if `35 R >= n + 128`.
extension LZF {
  /// Longer texts are tried at once.
  private static let longest = 1024

  /// Whether liblzf may make `source` shorter by at least 4 bytes; where the answer is no, it can't.
  /// The content of `target` is lost.
  ///
  /// Places are counted by marks in a table, 32 for each byte: different bytes that share a mark count
  /// as the same, so there may be fewer places than were counted, but never more.
  static func mayShrink(_ source: ByteSlice, _ target: inout ScratchBuffer) -> Bool {
    let count = source.count
    guard count >= 16, count <= longest else { return true }
    let needed = (count &+ 128 &+ 34) / 35
    let bits = Int.bitWidth - (count - 1).leadingZeroBitCount + 5
    let shift = UInt64(64 - bits)
    // SAFETY: `marks` has room for 2^bits bits, which a product that is shifted right by 64 - bits can not
    // exceed; bytes are read at `at...at + 7`, and the loop ends when fewer than 8 are left.
    let words = 1 << (bits - 5)
    let marks = unsafe target.unusedStart(words * 4).initializeMemory(
      as: UInt32.self, repeating: 0, count: words)
    var found = 0
    @inline(__always) func mark(_ three: UInt64) {
      let place = (three &<< 40 &* 0x9E37_79B1) &>> shift
      let word = unsafe marks + Int(truncatingIfNeeded: place &>> 5)
      let bit = UInt32(truncatingIfNeeded: place & 31)
      let old = unsafe word.pointee
      found &+= Int(truncatingIfNeeded: old &>> bit & 1)
      unsafe word.pointee = old | 1 &<< bit
    }
    var at = 0
    let last = count &- 8
    while at <= last {
      let end = min(at &+ 30, last &+ 1)
      while at < end {
        let eight = source.word(at)
        mark(eight)
        mark(eight &>> 8)
        mark(eight &>> 16)
        mark(eight &>> 24)
        mark(eight &>> 32)
        mark(eight &>> 40)
        at &+= 6
      }
      // Where there is so much so early, trying is worth it.
      if found >= needed || found > 2 &+ at / 16 { return true }
    }
    while at &+ 3 <= count {
      mark(UInt64(source[at]) | UInt64(source[at &+ 1]) << 8 | UInt64(source[at &+ 2]) << 16)
      at &+= 1
    }
    return found >= needed
  }
}

internal import CShims

/// Sums as INCRBYFLOAT and HINCRBYFLOAT store them: of C's `long double`, printed as `%.17Lf`
/// without the zeros at its end (and without a point that then ends it; `-0` becomes `0`).
///
/// The result is that of servers where `long double` has 80 bits (x86-64). Servers elsewhere round
/// differently, and so does this there.
public enum LongDoubleText {
  /// Why there is no sum.
  public enum Failure: Error {
    /// One of the texts is no number: empty, blank in front, something behind it, NaN, out of
    /// range, or longer than 5119 bytes.
    case notANumber
    /// The sum is infinite or NaN.
    case overflow
  }

  /// No result is longer than this.
  private static let longest = 5 << 10

  /// The text of `first` + `second`, which replaces the content of `scratch`; both may lie in it.
  public static func sum(
    _ first: ByteSlice, _ second: ByteSlice, into scratch: inout ScratchBuffer
  ) throws(Failure) -> ByteSlice {
    let length = unsafe withUnsafeTemporaryAllocation(
      byteCount: longest, alignment: 16
    ) { text in
      let start = unsafe text.baseAddress.unsafelyUnwrapped
      let length = unsafe first.withUnsafeBytes { first in
        unsafe second.withUnsafeBytes { second in
          // SAFETY: both texts have their counts, and the target has room for `longest` bytes.
          unsafe redis_backup_add_long_doubles(
            first.baseAddress.unsafelyUnwrapped, first.count,
            second.baseAddress.unsafelyUnwrapped, second.count, start, longest)
        }
      }
      if length >= 0 {
        scratch.clear()
        unsafe scratch.append(ByteSlice(unsafeStart: start, count: Int(length)))
      }
      return length
    }
    if length == -1 { throw .notANumber }
    if length < 0 { throw .overflow }
    return scratch.slice
  }
}

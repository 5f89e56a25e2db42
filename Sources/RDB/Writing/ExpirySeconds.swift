/// The time to live of a key for a format or server that knows seconds only (Redis before 2.6).
///
/// It is rounded up: a key that stays some milliseconds longer does less harm than one that is gone before
/// its time.
package struct ExpirySeconds {
  /// In seconds since 1970.
  package let seconds: Int64
  /// Whether nothing was lost.
  package let isExact: Bool

  /// - Parameter milliseconds: since 1970.
  @inlinable package init(milliseconds: Int64) {
    let (whole, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
    seconds = rest > 0 ? whole + 1 : whole
    isExact = rest == 0
  }
}

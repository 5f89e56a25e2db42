public import Bytes

extension Moment {
  /// Writes ``text`` without making a string of it, for listings.
  ///
  /// ```text
  /// YYYY-MM- DDTHH:MM :SS.mmmZ     three words of 8 bytes; the last is `:SSZ` without milliseconds
  /// ```
  public func write(to output: inout OutputBuffer) {
    let rest = milliseconds % 1000
    let ms = rest < 0 ? rest + 1000 : rest
    let inDay = seconds % 86400
    let second = inDay < 0 ? inDay + 86400 : inDay
    let day = (seconds - second) / 86400
    let (year, month, dayOfMonth) = Moment.civil(day)
    guard 0...9999 ~= year else {
      output.write(text: text)
      return
    }
    let dash: UInt64 = 0x2D
    let colon: UInt64 = 0x3A
    let z: UInt64 = 0x5A
    output.write(
      littleEndian: Moment.pair(year / 100) | Moment.pair(year % 100) << 16 | dash << 32
        | Moment.pair(month) << 40 | dash << 56)
    output.write(
      littleEndian: Moment.pair(dayOfMonth) | 0x54 << 16 | Moment.pair(second / 3600) << 24
        | colon << 40 | Moment.pair(second / 60 % 60) << 48)
    let seconds = colon | Moment.pair(second % 60) << 8
    if ms == 0 {
      output.write(littleEndian: UInt32(truncatingIfNeeded: seconds | z << 24))
    } else {
      let hundreds = UInt64(0x30 + ms / 100)
      output.write(
        littleEndian: seconds | 0x2E << 24 | hundreds << 32 | Moment.pair(ms % 100) << 40 | z << 56)
    }
  }

  /// Two decimal digits, the first in the low byte.
  @inline(__always) private static func pair(_ number: Int64) -> UInt64 {
    UInt64(0x30 &+ number / 10) | UInt64(0x30 &+ number % 10) << 8
  }
}

public import Bytes

extension Moment {
  /// Writes ``text`` without making a string of it, for listings.
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
    Moment.write(year / 100, to: &output)
    Moment.write(year % 100, to: &output)
    output.write(0x2D)
    Moment.write(month, to: &output)
    output.write(0x2D)
    Moment.write(dayOfMonth, to: &output)
    output.write(0x54)
    Moment.write(second / 3600, to: &output)
    output.write(0x3A)
    Moment.write(second / 60 % 60, to: &output)
    output.write(0x3A)
    Moment.write(second % 60, to: &output)
    if ms != 0 {
      output.write(0x2E)
      output.write(0x30 + UInt8(truncatingIfNeeded: ms / 100))
      Moment.write(ms % 100, to: &output)
    }
    output.write(0x5A)
  }

  private static func write(_ twoDigits: Int64, to output: inout OutputBuffer) {
    output.write(0x30 + UInt8(truncatingIfNeeded: twoDigits / 10))
    output.write(0x30 + UInt8(truncatingIfNeeded: twoDigits % 10))
  }
}

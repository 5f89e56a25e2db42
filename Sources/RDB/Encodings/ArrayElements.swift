internal import Bytes

/// Arrays of Redis 8.8 (rdb-format.md 9.2; type 28).
///
/// ```text
/// len count, len has-cursor (0 or 1), [len cursor], [len index, len tag, payload]*count
///
/// tag 0  str                          1  i64le, stands for its decimal text
///     2  f64le, for its short text    3  str of at most 7 bytes
/// ```
///
/// The short text is that of servers from 7.2 on, with `.0` appended where it would be an integer.
extension RDBReader {
  mutating func beginArray() throws(RDBError) {
    value.left = try input.readLength()
    let hasCursor = try input.readLength()
    guard hasCursor <= 1 else { throw input.fail(.corrupt(.array, .cursor)) }
    value.arrayCursor = hasCursor == 1 ? try input.readLength() : nil
    value.phase = .arrayElements
  }

  mutating func stepArray(_ element: inout ValueElement) throws(RDBError) -> Bool {
    guard value.left > 0 else { return endElements() }
    value.left &-= 1
    input.cursor.housekeep()
    let at = input.cursor.offset
    element.index = try input.readLength()
    var isLegal = element.index != .max
    switch try input.readLength() {
    case 0: element.first = try input.readElement(into: &firstScratch, keeping: false)
    case 1:
      guard let integer = input.cursor.load(as: Int64.self) else { throw input.truncated() }
      firstScratch.clear()
      firstScratch.append(decimal: integer)
      element.first = firstScratch.slice
    case 2:
      guard let bits = input.cursor.load(as: UInt64.self) else { throw input.truncated() }
      element.first = arrayText(of: Double(bitPattern: bits))
    case 3:
      element.first = try input.readElement(into: &firstScratch, keeping: false)
      if element.first.count > 7 { isLegal = false }
    default: throw input.fail(.corrupt(.array, .encoding), at: at)
    }
    guard isLegal else { throw corrupt(.array, .range, at) }
    try throwFault()
    return true
  }

  private mutating func arrayText(of double: Double) -> ByteSlice {
    firstScratch.clear()
    firstScratch.append(double: double, .server)
    let text = firstScratch.slice
    var isPlain = true
    for index in 0..<text.count {
      isPlain = isPlain && (ASCII.isDigit(text[index]) || text[index] == 0x2D)
    }
    if isPlain { firstScratch.append(ByteSlice(".0")) }
    return firstScratch.slice
  }
}

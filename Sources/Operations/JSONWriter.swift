public import Bytes

/// Writes JSON, always valid: commas and escapes are its business.
///
/// It holds only where it stands (16 bytes); every call is given the output. At the top level
/// values follow each other without commas, so that JSON Lines are values and ``endLine(_:)``.
///
/// Byte strings become JSON strings; bytes that are no UTF-8 become `{"base64":"…"}`. Strings are
/// looked at eight bytes at a time in plain 64-bit arithmetic.
public struct JSONWriter: Sendable {
  /// One bit a level: whether something stands in it already. The innermost is the lowest.
  private var filled: UInt64 = 0
  private var depth = 0
  private var behindKey = false

  /// A writer at the top level.
  public init() {}

  // MARK: - Containers

  /// Writes `{`.
  public mutating func beginObject(_ output: inout OutputBuffer) { begin(0x7B, &output) }
  /// Writes `}`.
  public mutating func endObject(_ output: inout OutputBuffer) { end(0x7D, &output) }
  /// Writes `[`.
  public mutating func beginArray(_ output: inout OutputBuffer) { begin(0x5B, &output) }
  /// Writes `]`.
  public mutating func endArray(_ output: inout OutputBuffer) { end(0x5D, &output) }

  /// Writes the end of a line, between values at the top level.
  public mutating func endLine(_ output: inout OutputBuffer) {
    precondition(depth == 0 && !behindKey, "a JSON value is not finished")
    output.write(0x0A)
  }

  /// Writes a name of an object; its value follows.
  @inline(__always)
  public mutating func key(_ name: StaticString, _ output: inout OutputBuffer) {
    separate(&output)
    output.write(0x22)
    output.write(ByteSlice(name))
    output.write(0x22)
    output.write(0x3A)
    behindKey = true
  }

  /// Writes a name of an object that comes from data; bytes that are no UTF-8 are replaced.
  public mutating func key(text name: String, _ output: inout OutputBuffer) {
    separate(&output)
    // A String is UTF-8.
    _ = Array(name.utf8).withByteSlice { output.writeJSON(string: $0) }
    output.write(0x3A)
    behindKey = true
  }

  // MARK: - Values

  /// Writes a byte string: a JSON string, or `{"base64":"…"}` when it is no UTF-8.
  @inline(__always)
  public mutating func string(_ bytes: ByteSlice, _ output: inout OutputBuffer) {
    separate(&output)
    if !output.writeJSON(string: bytes) {
      output.write("{\"base64\":\"")
      output.write(base64: bytes)
      output.write("\"}")
    }
  }

  /// Writes a byte string as its base64 text, whatever is in it (`--base64`).
  public mutating func base64(_ bytes: ByteSlice, _ output: inout OutputBuffer) {
    separate(&output)
    output.write(0x22)
    output.write(base64: bytes)
    output.write(0x22)
  }

  /// Writes a text.
  public mutating func string(_ text: String, _ output: inout OutputBuffer) {
    Array(text.utf8).withByteSlice { string($0, &output) }
  }

  /// Writes a literal.
  public mutating func string(_ literal: StaticString, _ output: inout OutputBuffer) {
    string(ByteSlice(literal), &output)
  }

  /// Writes a number.
  @inline(__always)
  public mutating func number(_ value: Int, _ output: inout OutputBuffer) {
    separate(&output)
    output.write(decimal: Int64(value))
  }

  /// Writes a number.
  public mutating func number(_ value: Int64, _ output: inout OutputBuffer) {
    separate(&output)
    output.write(decimal: value)
  }

  /// Writes a number; above 2^53 other programs may round it.
  public mutating func number(_ value: UInt64, _ output: inout OutputBuffer) {
    separate(&output)
    output.write(decimal: value)
  }

  /// Writes a number with a fraction; not-a-number and infinities become null.
  public mutating func number(_ value: Double, _ output: inout OutputBuffer) {
    guard value.isFinite else { return null(&output) }
    separate(&output)
    output.write(
      text: value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)")
  }

  /// Writes `true` or `false`.
  public mutating func bool(_ value: Bool, _ output: inout OutputBuffer) {
    separate(&output)
    output.write(value ? "true" : "false")
  }

  /// Writes `null`.
  public mutating func null(_ output: inout OutputBuffer) {
    separate(&output)
    output.write("null")
  }

  // MARK: - Name and value

  /// Writes a name and a byte string.
  public mutating func field(
    _ name: StaticString, _ bytes: ByteSlice, _ output: inout OutputBuffer
  ) {
    key(name, &output)
    string(bytes, &output)
  }

  /// Writes a name and a text, or null.
  public mutating func field(_ name: StaticString, _ text: String?, _ output: inout OutputBuffer) {
    key(name, &output)
    if let text { string(text, &output) } else { null(&output) }
  }

  /// Writes a name and a number, or null.
  public mutating func field(_ name: StaticString, _ value: Int?, _ output: inout OutputBuffer) {
    key(name, &output)
    if let value { number(value, &output) } else { null(&output) }
  }

  /// Writes a name and a truth.
  public mutating func field(_ name: StaticString, _ value: Bool, _ output: inout OutputBuffer) {
    key(name, &output)
    bool(value, &output)
  }

  // MARK: - Where it stands

  @inline(__always) private mutating func separate(_ output: inout OutputBuffer) {
    if behindKey {
      behindKey = false
    } else if depth > 0 {
      if filled & 1 != 0 { output.write(0x2C) }
      filled |= 1
    }
  }

  private mutating func begin(_ byte: UInt8, _ output: inout OutputBuffer) {
    separate(&output)
    precondition(depth < 64, "JSON nested deeper than 64")
    output.write(byte)
    filled <<= 1
    depth += 1
  }

  private mutating func end(_ byte: UInt8, _ output: inout OutputBuffer) {
    precondition(depth > 0 && !behindKey, "the JSON container was not begun")
    output.write(byte)
    filled >>= 1
    depth -= 1
  }
}

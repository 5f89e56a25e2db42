package import Bytes

/// A string: bytes of the log, an integer, or bytes that were changed since.
package struct StringValue {
  private enum Form {
    case slice(ByteSlice)
    case integer(Int64)
    case owned(OwnedBytes)
  }
  private var form: Form

  /// Bytes that live as long as the keyspace.
  package init(_ slice: ByteSlice) { form = .slice(slice) }

  /// An integer, kept as such so that counters cost no text.
  package init(integer: Int64) { form = .integer(integer) }

  /// The length in bytes.
  package var count: Int {
    switch form {
    case .slice(let slice): slice.count
    case .integer(let value): DecimalText.digitCount(value.magnitude) + (value < 0 ? 1 : 0)
    case .owned(let owned): owned.buffer.count
    }
  }

  /// The bytes, valid until the string or `scratch` changes; `scratch` is used for integers only.
  package func bytes(_ scratch: inout ScratchBuffer) -> ByteSlice {
    switch form {
    case .slice(let slice): return slice
    case .integer(let value):
      scratch.clear()
      scratch.append(decimal: value)
      return scratch.slice
    case .owned(let owned): return owned.buffer.slice
    }
  }

  /// Calls `body` with the bytes, which are valid during the call.
  @inline(__always) func withBytes(_ body: (ByteSlice) -> Void) {
    if case .slice(let slice) = form { return body(slice) }
    var scratch = ScratchBuffer(capacity: 64)
    body(bytes(&scratch))
  }

  /// Whether both are the same, where that is told without making text of a number.
  func hasSameBytes(as other: StringValue) -> Bool? {
    switch (form, other.form) {
    case (.slice(let a), .slice(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    default: nil
    }
  }

  /// The hash of the bytes.
  package var fastHash: UInt64 {
    switch form {
    case .slice(let slice): return slice.fastHash
    case .integer:
      var scratch = ScratchBuffer(capacity: 32)
      return bytes(&scratch).fastHash
    case .owned(let owned): return owned.buffer.slice.fastHash
    }
  }

  /// Whether this string is kept as a number, so that ``bytes(_:)`` gives bytes of `scratch`.
  package var isNumber: Bool {
    if case .integer = form { return true }
    return false
  }

  /// Whether ``bytes(_:)`` gives bytes that live as long as the keyspace.
  package var isUnchanged: Bool {
    if case .slice = form { return true }
    return false
  }

  /// The integer this string is, as the server reads it for INCR; nil when it is none.
  package var integer: Int64? {
    switch form {
    case .slice(let slice): DecimalText.canonical(slice)
    case .integer(let value): value
    case .owned(let owned): DecimalText.canonical(owned.buffer.slice)
    }
  }

  /// The bytes as a buffer of their own, which stays part of this string: for APPEND, SETRANGE,
  /// SETBIT. The amortised cost of growing is constant.
  package mutating func owned() -> OwnedBytes {
    if case .owned(let owned) = form { return owned }
    let owned = OwnedBytes()
    switch form {
    case .slice(let slice): owned.buffer.append(slice)
    case .integer(let value): owned.buffer.append(decimal: value)
    case .owned: break
    }
    form = .owned(owned)
    return owned
  }

  /// A string that does not change with this one.
  package func copy() -> StringValue {
    guard case .owned(let owned) = form else { return self }
    let fresh = OwnedBytes()
    fresh.buffer.append(owned.buffer.slice)
    var copy = self
    copy.form = .owned(fresh)
    return copy
  }
}

/// Bytes that belong to one string and may change.
package final class OwnedBytes {
  /// The bytes.
  package var buffer = ScratchBuffer()

  package init() {}

  /// Makes the string at least `length` bytes long, padding with zero bytes.
  package func extend(to length: Int) {
    while buffer.count + 8 <= length { buffer.append(littleEndian: UInt64(0)) }
    while buffer.count < length { buffer.append(0) }
  }

  /// Overwrites the bytes from `offset` on with `bytes`; everything up to its end must exist.
  package func replace(at offset: Int, with bytes: ByteSlice) {
    for index in 0..<bytes.count { buffer.set(offset + index, to: bytes[index]) }
  }
}

internal import Bytes

/// One entry of a packed blob: bytes, or an integer that stands for its canonical decimal text.
struct PackedItem {
  /// The bytes; not set for integers.
  var text = ByteSlice()
  /// The number; not set for bytes.
  var integer: Int64 = 0
  /// Which of the two it is.
  var isInteger = false

  /// An empty string.
  init() {}

  @inline(__always) mutating func set(_ value: Int64) {
    integer = value
    isInteger = true
  }

  @inline(__always) mutating func set(_ bytes: ByteSlice) {
    text = bytes
    isInteger = false
  }

  /// The bytes, the decimal text of integers written into `scratch`.
  @inline(__always) func text(_ scratch: inout ScratchBuffer) -> ByteSlice {
    if !isInteger { return text }
    scratch.clear()
    scratch.append(decimal: integer)
    return scratch.slice
  }

  /// The number that the entry stands for as the score of a sorted set; nil when it is none.
  @inline(__always) var score: Double? {
    isInteger ? Double(integer) : DoubleText.parse(text, .file)
  }
}

/// Throws the error for a blob that breaks its rules; `origin` is the offset of its string.
@inline(never) func corrupt(
  _ blob: RDBError.Blob, _ problem: RDBError.Problem, _ origin: Int
) -> RDBError {
  RDBError(.corrupt(blob, problem), at: origin, while: .value)
}

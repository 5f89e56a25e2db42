internal import Bytes

/// Where the elements of the current value stand; reset by the first element asked for.
struct ValueState {
  /// Whether elements were asked for.
  var begun = false
  /// Whether all were given.
  var done = false
}

extension RDBReader {
  /// Passes what is left of a value whose elements were begun.
  mutating func finishElements() throws(RDBError) {}
}

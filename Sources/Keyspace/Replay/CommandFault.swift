package import AOF
internal import Bytes

/// Why a command changes nothing: the server's loader would answer it with an error and go on.
public enum CommandFault: UInt8, Error, Sendable, BitwiseCopyable {
  /// The key holds a value of another type (WRONGTYPE).
  case wrongType
  /// A word should be an integer and is not, or is out of its range.
  case notInteger
  /// A word should be a number and is not.
  case notFloat
  /// The result would not fit (increment overflows, string too long, NaN).
  case overflow
  /// An offset or index lies outside what is allowed.
  case outOfRange
  /// Options that do not exist or contradict each other.
  case syntax
  /// The key has to exist and does not.
  case noSuchKey
  /// The key or thing must not exist and does (BUSYKEY, BUSYGROUP).
  case exists
  /// A member, field, group, consumer, function or the like that the command needs is missing.
  case missing
  /// A time to live that the server refuses.
  case invalidExpiry
  /// A stream id that is malformed, or not higher than the last one.
  case invalidID
  /// A payload (RESTORE, FUNCTION RESTORE, HyperLogLog) that is damaged.
  case badPayload
  /// The number of a database that does not exist.
  case badDatabase
  /// The result depends on chance or the clock, so the log does not tell it (SPOP of Redis 1.x).
  case notReproducible
  /// A command that makes no sense here (EXEC without MULTI, nested MULTI).
  case misplaced
}

/// What a command did.
package enum Effect: UInt8 {
  /// Nothing changed.
  case unchanged
  /// Something changed.
  case changed
}

extension Arguments {
  /// Word `index` as the server reads integers.
  package func integer(at index: Int) throws(CommandFault) -> Int64 {
    guard index < count, let value = DecimalText.canonical(self[index]) else { throw .notInteger }
    return value
  }

  /// Whether word `index` is the option `literal`, whatever its case.
  package func isOption(_ index: Int, _ literal: StaticString) -> Bool {
    index < count && self[index].equalsIgnoringCase(literal)
  }
}

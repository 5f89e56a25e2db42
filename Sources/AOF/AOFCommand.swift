public import Bytes

/// The name of a command, folded to upper case and packed for comparison: two integer compares
/// instead of a string.
///
/// Letters fold exactly; other bytes lose the bit 0x20, so `first` and `second` equal those of a
/// name of letters only for that name. Whoever looks up names with `-` or `.` compares the bytes
/// as well (``CommandTable`` does).
public struct CommandWord: Sendable, Hashable, BitwiseCopyable {
  /// Bytes 0 to 7, folded, little-endian, zeros behind the end.
  public var first: UInt64
  /// Bytes 8 to 15.
  public var second: UInt64
  /// The length of the name in bytes.
  public var count: Int

  /// The folded name.
  @inlinable @inline(__always) public init(_ name: ByteSlice) {
    count = name.count
    first = name.firstWord & 0xDFDF_DFDF_DFDF_DFDF
    second = name.count > 8 ? name.dropFirst(8).firstWord & 0xDFDF_DFDF_DFDF_DFDF : 0
  }

  /// Whether it is MULTI.
  @inlinable public var isMulti: Bool { first == 0x49_544C_554D && count == 5 }
  /// Whether it is EXEC.
  @inlinable public var isExec: Bool { first == 0x4345_5845 && count == 4 }
  /// Whether it is SELECT.
  @inlinable public var isSelect: Bool { first == 0x5443_454C_4553 && count == 6 }
}

/// What is known of a command beside its words. A POD.
public struct AOFCommand: Sendable, BitwiseCopyable {
  /// Number in the whole log, from 1, over all its files.
  public var index = 0
  /// Number of the file in the log, from 0.
  public var file = 0
  /// Where it begins (its `*`) in that file.
  public var offset = 0
  /// How many bytes it has.
  public var length = 0
  /// The database it works on; for SELECT the one it selects.
  public var database = 0
  /// Unix time in seconds of the last `#TS:` annotation before it; -1 when there was none.
  public var time: Int64 = -1
  /// The number of the transaction it belongs to, from 1 over the whole log; 0 outside of one.
  /// MULTI and EXEC belong to theirs. An EXEC without MULTI has 0.
  public var transaction = 0
  /// Place in the transaction: 0 for MULTI and outside of one. A MULTI with another place is
  /// nested, which no server writes.
  public var position = 0
  /// Its name.
  public var word = CommandWord(ByteSlice())

  /// Where it ends.
  @inlinable public var end: Int { offset &+ length }

  /// What the first command of a log starts from.
  public init() {}
}

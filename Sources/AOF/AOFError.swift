public import Bytes

/// Why an AOF can't be read on, and how much of it is good.
///
/// A POD: no text, no allocation. Words for people are made from it elsewhere.
public struct AOFError: Error, Sendable, Equatable {
  /// What is wrong.
  public enum Kind: Sendable, Equatable {
    /// The file ends inside a command or a line.
    case truncated
    /// The file ends between MULTI and EXEC; a server drops the file from MULTI on.
    case truncatedInTransaction
    /// Another byte than the format wants; `found` is what stands there.
    case unexpected(wanted: UInt8, found: UInt8)
    /// `\n` alone, or anything else, where `\r\n` belongs. Servers load such files when only the
    /// line ends of numbers are concerned; `redis-check-aof` refuses them, and so does this reader.
    case lineEnd
    /// No number behind `*` or `$`.
    case number
    /// `*0`, a negative count, or one above 2^31 - 1.
    case argumentCount(Int64)
    /// A negative length, or one above 512 MiB that the file can't hold.
    case argumentLength(Int64)
    /// A line of a number or annotation longer than servers read (127 and 1023 bytes).
    case lineTooLong
    /// The RDB in front of the commands is damaged.
    case preamble
    /// Reading failed.
    case system(SystemError)
  }

  /// What was being read.
  public enum Activity: Sendable, Equatable {
    /// What begins with `*` or `#`.
    case commandStart
    /// The number behind `*`.
    case argumentCount
    /// `$` and the number behind it.
    case argumentHeader
    /// The bytes of an argument, and the line end behind them.
    case argument
    /// A line that begins with `#`.
    case annotation
    /// The RDB in front of the commands.
    case preamble
    /// Nothing: between commands.
    case boundary
  }

  /// What is wrong.
  public var kind: Kind
  /// What was being read.
  public var activity: Activity
  /// The byte that is wrong, counted from the start of the file.
  public var offset: Int
  /// Where the command began that could not be read.
  public var commandOffset: Int
  /// The number of that command in the whole log, from 1.
  public var command: Int
  /// How many bytes of the file are good: up to the end of the last whole command outside a
  /// transaction.
  public var goodBytes: Int

  /// An error with all it knows.
  public init(
    _ kind: Kind, activity: Activity, offset: Int, commandOffset: Int, command: Int,
    goodBytes: Int
  ) {
    self.kind = kind
    self.activity = activity
    self.offset = offset
    self.commandOffset = commandOffset
    self.command = command
    self.goodBytes = goodBytes
  }

  /// Whether the file merely ends too early: what a crash of the machine leaves, and what a server
  /// repairs by itself (`aof-load-truncated yes`) when it is the last file of a log.
  public var isTruncation: Bool { kind == .truncated || kind == .truncatedInTransaction }
}

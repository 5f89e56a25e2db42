public import Bytes
public import RDB

/// Why a walk through a log stopped.
public struct LogError: Error, Sendable {
  /// What is wrong.
  public enum Cause: Sendable {
    /// With the commands.
    case aof(AOFError)
    /// With the RDB in front of them.
    case rdb(RDBError)
    /// The file could not be opened.
    case system(SystemError)
  }
  /// What is wrong.
  public var cause: Cause
  /// The number of the file, from 0.
  public var part: Int
  /// The database, when the error is in an RDB.
  public var database: Int?
  /// The key, when the error is in the value of one in an RDB.
  public var key: [UInt8]?

  /// An error of the file number `part`.
  public init(cause: Cause, part: Int, database: Int? = nil, key: [UInt8]? = nil) {
    self.cause = cause
    self.part = part
    self.database = database
    self.key = key
  }

  /// Whether the file merely ends inside a command or a transaction.
  public var isTruncation: Bool {
    if case .aof(let error) = cause { return error.isTruncation }
    return false
  }
}

/// Goes through all commands of a log, file after file. The RDB of a file is passed; what it was
/// is kept in ``preambles``.
public struct LogWalker: ~Copyable {
  /// The log.
  public let log: AppendOnlyLog
  /// The number of the file being read, from 0; -1 before the first.
  public private(set) var part = -1
  /// Reads the file; ask it for ``AOFReader/command`` and ``AOFReader/arguments``.
  public var reader: AOFReader
  /// The RDBs passed so far; one place for each file begun.
  public private(set) var preambles: [Preamble.Summary?] = []
  private let fileSystem: any FileSystem
  private var passedBytes = 0

  /// Begins in front of the first file.
  public init(_ log: AppendOnlyLog, fileSystem: any FileSystem = .system) {
    self.log = log
    self.fileSystem = fileSystem
    reader = AOFReader(ByteCursor(ByteSlice()))
  }

  /// Begins in a log of one file that is open already, at its start: standard input, pipes.
  ///
  /// - Throws: ``LogError`` when its RDB is damaged.
  public init(_ log: AppendOnlyLog, opened cursor: consuming ByteCursor) throws(LogError) {
    self.log = log
    fileSystem = .system
    reader = AOFReader(ByteCursor(ByteSlice()))
    part = 0
    preambles = [nil]
    try enter(cursor, after: AOFCommand(), 0)
  }

  /// How many bytes of ``AppendOnlyLog/size`` lie behind.
  public var bytesRead: Int { passedBytes + reader.cursor.offset }

  /// Goes to the next command, in the next file when this one has no more.
  ///
  /// - Returns: false at the end of the last file.
  /// - Throws: ``LogError``. The walk stays at the place; ``skipFile()`` goes on behind it.
  public mutating func next() throws(LogError) -> Bool {
    while true {
      if part >= 0 {
        do throws(AOFError) { if try reader.next() { return true } } catch {
          throw LogError(cause: .aof(error), part: part)
        }
      }
      guard part + 1 < log.parts.count else { return false }
      try beginFile()
    }
  }

  /// Goes to the start of the next file, whatever is left of this one.
  ///
  /// - Returns: false when there is none.
  /// - Throws: ``LogError`` when it can't be opened or its RDB is damaged.
  public mutating func skipFile() throws(LogError) -> Bool {
    guard part + 1 < log.parts.count else { return false }
    try beginFile()
    return true
  }

  private mutating func beginFile() throws(LogError) {
    passedBytes += reader.cursor.offset
    part += 1
    preambles.append(nil)
    let last = reader.command
    let transactions = reader.transactionCount
    // Should opening fail, the walk stands in an empty file.
    reader = AOFReader(ByteCursor(ByteSlice()), file: part, after: last, transactions: transactions)
    let cursor: ByteCursor
    do throws(SystemError) { cursor = try log.open(part, fileSystem: fileSystem) } catch {
      throw LogError(cause: .system(error), part: part)
    }
    try enter(cursor, after: last, transactions)
  }

  private mutating func enter(
    _ input: consuming ByteCursor, after last: AOFCommand, _ transactions: Int
  ) throws(LogError) {
    var cursor = input
    guard Preamble.begins(at: &cursor) else {
      reader = AOFReader(cursor, file: part, after: last, transactions: transactions)
      return
    }
    var summary: Preamble.Summary?
    let rest: ByteCursor
    do throws(Preamble.Failure) { rest = try Preamble.skip(cursor, summary: &summary) } catch {
      throw LogError(
        cause: .rdb(error.error), part: part, database: error.database, key: error.key)
    }
    preambles[part] = summary
    reader = AOFReader(rest, file: part, after: last, transactions: transactions)
  }
}

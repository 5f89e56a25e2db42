public import Bytes

/// Reads the commands of one AOF file (behind its RDB, if it begins with one), one after another,
/// as slices of the input.
///
/// ```text
///     ( annotation | command )*        annotation = "#" any "\n", at most 1023 bytes
/// ```
///
/// Beside the words it keeps what a server would know at this place: the database (0 at the start
/// of every file), the transaction, and the time of the last `#TS:<seconds>\r\n` (written by
/// Redis 7.0 and later with `aof-timestamp-enabled yes`).
///
/// Over memory and mapped files the slices stay valid as long as the reader; over streams until
/// the next call of ``next()``. Nothing is allocated per command.
///
/// Rules of strictness are those of `redis-check-aof`; see ``AOFError`` for what is told apart.
/// A nested MULTI and an EXEC without MULTI do not stop the reader, since servers load them
/// (with a message); `check` reports them.
public struct AOFReader: ~Copyable {
  /// Where the commands come from.
  public var cursor: ByteCursor
  /// The words of the last command.
  public var table = ArgumentTable()
  /// What else is known of the last command.
  public private(set) var command: AOFCommand
  /// How many bytes are good: the end of the last whole command outside a transaction.
  public private(set) var goodBytes: Int
  /// The end of the last whole command, or where reading began.
  public private(set) var lastEnd: Int
  /// Annotations so far.
  public private(set) var annotations = 0
  /// The offset of the first annotation that is no time stamp, or -1.
  public private(set) var firstUnknownAnnotation = -1

  private var transactions: Int
  private var isInTransaction = false
  private var database = 0
  private var time: Int64

  /// Reads from where `cursor` is, which is the first byte behind the RDB if there is one.
  ///
  /// - Parameters:
  ///   - cursor: the bytes of the log.
  ///   - file: the number of the file in its log.
  ///   - previous: the last command of the files before this one, whose index and time are
  ///     carried on.
  ///   - transactions: how many transactions began in them.
  public init(
    _ cursor: consuming ByteCursor, file: Int = 0, after previous: AOFCommand? = nil,
    transactions: Int = 0
  ) {
    let start = cursor.offset
    self.cursor = cursor
    command = AOFCommand()
    command.file = file
    command.index = previous?.index ?? 0
    command.offset = start
    time = previous?.time ?? -1
    command.time = time
    self.transactions = transactions
    goodBytes = start
    lastEnd = start
  }

  /// The words of the last command; valid until the next call.
  @inlinable public var arguments: Arguments { table.arguments }

  /// Whether a MULTI is open.
  public var isOpenTransaction: Bool { isInTransaction }

  /// How many transactions began so far, over the whole log.
  public var transactionCount: Int { transactions }

  /// Reads on in the same file, opened anew because it has grown; `cursor` stands at ``lastEnd``.
  public mutating func goOn(with cursor: consuming ByteCursor) {
    precondition(cursor.offset == lastEnd)
    self.cursor = cursor
  }

  /// Reads on at `offset` of the same file, whatever stands before it; only over memory and mapped
  /// files. `database` is taken to be selected there, and no transaction to be open.
  package mutating func resume(at offset: Int, database: Int) {
    cursor.seek(to: offset)
    isInTransaction = false
    self.database = database
    command.database = database
    lastEnd = offset
    goodBytes = offset
  }

  /// Goes behind `count` commands that the caller has read itself, the last of which, called `word`,
  /// stands at `last`. There must be no transaction here, and none of them may be SELECT, MULTI or
  /// EXEC. ``arguments`` mean nothing then.
  package mutating func pass(_ count: Int, last: Int, end: Int, word: CommandWord) {
    precondition(!isInTransaction && last < end)
    cursor.advance(end - cursor.offset)
    command.index &+= count
    command.offset = last
    command.length = end - last
    command.time = time
    command.word = word
    command.database = database
    command.transaction = 0
    command.position = 0
    goodBytes = end
    lastEnd = end
  }

  /// Goes to the next command.
  ///
  /// - Returns: false at the end of the file.
  /// - Throws: ``AOFError``. The reader then stays where it is.
  public mutating func next() throws(AOFError) -> Bool {
    cursor.housekeep()
    var window = cursor.readableSlice
    if window.count < 8 || window[0] != 0x2A {
      guard try findCommand() else {
        // A stamp behind the last command counts for the next file.
        command.time = time
        return false
      }
      window = cursor.readableSlice
    }
    // Commands are about this far apart: what the next ones need is on its way while this is read.
    window.prefetch(at: 1024)
    window.prefetch(at: 1088)
    let length: Int
    do throws(TokenFailure) { length = try table.fill(from: window, at: 0) } catch {
      length = try refillAndRetry(error)
    }
    let offset = cursor.offset
    cursor.advance(length)
    let end = offset &+ length
    command.index &+= 1
    command.offset = offset
    command.length = length
    command.time = time
    lastEnd = end
    let word = CommandWord(table[0])
    command.word = word
    command.database = database
    if isInTransaction {
      command.position &+= 1
    } else {
      command.transaction = 0
      command.position = 0
      goodBytes = end
    }
    if word.count <= 6 { track(word, offset, end) }
    return true
  }

  /// What SELECT, MULTI and EXEC change.
  @inline(__always)
  private mutating func track(_ word: CommandWord, _ offset: Int, _ end: Int) {
    if word.isSelect {
      // A server keeps its database when the number is bad; the upper limit is its `databases`.
      if table.count > 1, let number = DecimalText.canonical(table[1]), number >= 0,
        number <= Int64(Int32.max)
      {
        database = Int(number)
      }
      command.database = database
    } else if word.isMulti {
      if !isInTransaction {
        isInTransaction = true
        transactions += 1
        command.transaction = transactions
        goodBytes = offset
      }
    } else if word.isExec && isInTransaction {
      isInTransaction = false
      goodBytes = end
    }
  }

  /// Passes annotations up to the next `*`; false at the end of the file.
  @inline(never)
  private mutating func findCommand() throws(AOFError) -> Bool {
    while true {
      guard let byte = cursor.peek() else {
        if let failure = cursor.failure {
          throw fail(.system(failure), .boundary, at: cursor.offset)
        }
        if isInTransaction { throw fail(.truncatedInTransaction, .boundary, at: cursor.offset) }
        return false
      }
      if byte == 0x2A { return true }
      guard byte == 0x23 else {
        throw fail(.unexpected(wanted: 0x2A, found: byte), .commandStart, at: cursor.offset)
      }
      try readAnnotation()
    }
  }

  /// Longest annotation, line end included.
  static let longestAnnotation = 1023

  private mutating func readAnnotation() throws(AOFError) {
    let start = cursor.offset
    var newline = 0
    while true {
      let window = cursor.readableSlice
      let part = window.prefix(min(window.count, AOFReader.longestAnnotation))
      if let hit = part.firstIndex(of: 0x0A) {
        newline = hit
        break
      }
      guard part.count < AOFReader.longestAnnotation else {
        throw fail(.lineTooLong, .annotation, at: start)
      }
      guard cursor.ensure(part.count + 1) else {
        if let failure = cursor.failure { throw fail(.system(failure), .annotation, at: start) }
        throw fail(.truncated, .annotation, at: start + part.count)
      }
    }
    let part = cursor.readableSlice
    annotations += 1
    let line = part.prefix(newline)
    let carriage = line.count > 4 && line[line.count - 1] == 0x0D
    if carriage && line.starts(with: "#TS:"),
      let seconds = DecimalText.unsigned(line.slice(at: 4, count: line.count - 5))
    {
      time = Int64(seconds)
    } else if firstUnknownAnnotation < 0 {
      firstUnknownAnnotation = start
    }
    cursor.advance(newline + 1)
    lastEnd = start + newline + 1
    if !isInTransaction { goodBytes = lastEnd }
  }

  /// Reads more of a stream until the command is whole.
  @inline(never)
  private mutating func refillAndRetry(_ first: TokenFailure) throws(AOFError) -> Int {
    var failure = first
    while failure.needed > 0 {
      let had = cursor.readable
      // Small commands ask for what they need, so that a live pipe does not wait; a large one
      // doubles, so that it is looked at a few times only.
      let wanted = had > 1 << 16 ? max(failure.needed, had * 2) : failure.needed
      _ = cursor.ensure(wanted)
      guard cursor.readable > had else { break }
      do throws(TokenFailure) {
        return try table.fill(from: cursor.readableSlice, at: 0)
      } catch { failure = error }
    }
    if failure.needed > 0, let system = cursor.failure {
      throw fail(.system(system), failure.activity, at: cursor.offset + failure.offset)
    }
    throw fail(failure.kind, failure.activity, at: cursor.offset + failure.offset)
  }

  @inline(never)
  private func fail(
    _ kind: AOFError.Kind, _ activity: AOFError.Activity, at offset: Int
  ) -> AOFError {
    AOFError(
      kind, activity: activity, offset: offset, commandOffset: cursor.offset,
      command: command.index + 1, goodBytes: goodBytes)
  }
}

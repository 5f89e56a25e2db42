public import Bytes
public import RDB

/// The RDB in front of the commands of a log: `aof-use-rdb-preamble yes` (Redis 4.0 and later), and
/// every base file `*.base.rdb`. Known by its magic, never by a name. Directly behind its checksum
/// the commands begin.
public enum Preamble {
  /// What was passed.
  public struct Summary: Sendable, Equatable {
    /// Where it begins and ends in the file.
    public var bytes: Range<Int>
    /// The RDB version.
    public var version: Int
    /// How many keys it holds.
    public var keys: Int
    /// When it was made, in unix seconds; nil when the file does not say.
    public var madeAt: Int64?
    /// What became of the checksum.
    public var checksum: RDBChecksum
  }

  /// Where an error in the RDB was met.
  public struct Failure: Error {
    /// What is wrong.
    public var error: RDBError
    /// The database being read.
    public var database: Int
    /// The key being read, when the error is in its value.
    public var key: [UInt8]?
  }

  /// Whether an RDB begins at the position of `cursor`. May read.
  public static func begins(at cursor: inout ByteCursor) -> Bool {
    _ = cursor.ensure(9)
    let window = cursor.readableSlice
    return RDBHeader.looksLikeRDB(window.prefix(min(window.count, 9)))
  }

  /// Passes the RDB at the position of `cursor`, and hands the cursor back behind it.
  ///
  /// - Parameters:
  ///   - cursor: the beginning of the log.
  ///   - summary: what was passed.
  /// - Throws: ``Failure``; servers never repair a damaged RDB.
  public static func skip(
    _ cursor: consuming ByteCursor, summary: inout Summary?
  ) throws(Failure) -> ByteCursor {
    let start = cursor.offset
    var reader: RDBReader
    do throws(RDBError) { reader = try RDBReader(cursor) } catch {
      throw Failure(error: error, database: 0, key: nil)
    }
    var keys = 0
    var madeAt: Int64?
    do throws(RDBError) {
      while true {
        keys += try reader.passKeys().keys
        switch try reader.next() {
        case .key: keys += 1
        case .aux(let name, let value):
          if name.equals("ctime") { madeAt = DecimalText.canonical(value) }
        case .end(let checksum):
          summary = Summary(
            bytes: start..<reader.offset, version: reader.header.version, keys: keys,
            madeAt: madeAt, checksum: checksum)
          return reader.finish()
        default: break
        }
      }
    } catch {
      let isValue = error.activity == .value
      throw Failure(
        error: error, database: reader.db, key: isValue ? reader.key.key.bytes : nil)
    }
  }
}

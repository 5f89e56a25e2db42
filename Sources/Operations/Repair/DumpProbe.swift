import Bytes
import RDB

/// Finds places in a damaged dump where a record begins.
///
/// Nothing marks a border in a dump, so a place counts when what stands there reads as records:
/// keys that look like the others, values that pass the deep checks, and so on to the end of the
/// dump, or for six records at least; for fewer when they are convincing enough. Each record adds
/// what speaks for it, about in bits.
struct DumpProbe: ~Copyable {
  /// Records that are enough.
  private static let enough = 6

  private let bytes: ByteSlice
  private var reader: RDBReader
  private var checker = ValueChecker()
  /// Whether commands may follow the dump.
  private let mayBeLog: Bool
  private var commands: CommandProbe
  private let dialect: RDBDialect
  /// Bytes that may still be read for places that lead nowhere, so that made-up files can't take for
  /// ever.
  private var budget: Int

  /// What was found at a place.
  enum Found {
    /// A record.
    case record
    /// A key that may have lost its attributes; the next record begins here.
    case doubtful(next: Int)
    /// The commands behind the dump; its end was lost.
    case commands
  }

  init(_ bytes: ByteSlice, _ header: RDBHeader, mayBeLog: Bool) {
    self.bytes = bytes
    self.mayBeLog = mayBeLog
    dialect = header.dialect
    budget = bytes.count * 32 + (64 << 20)
    reader = RDBReader(resuming: ByteCursor(bytes), header: header)
    commands = CommandProbe(size: bytes.count)
  }

  /// Takes over the templates of hashes.
  mutating func takeTemplates(of other: borrowing RDBReader) { reader.takeTemplates(of: other) }

  /// The first place at or behind `from` where a record begins; nil when there is none.
  mutating func next(
    from: Int, upTo limit: Int? = nil, db: Int, _ model: KeyModel, keysExpire: Bool
  ) -> (offset: Int, found: Found)? {
    var at = from
    while at < limit ?? bytes.count, budget > 0 {
      let byte = bytes[at]
      if byte == 0x2A {
        if mayBeLog, commands.holds(bytes, at: at) { return (at, .commands) }
      } else if mayBegin(byte), holds(at, db, model) {
        // What stands before it may be what is left of its expiry time.
        if isBare(byte), keysExpire || model.isEvicting, let next = end(of: at, db) {
          return (at, .doubtful(next: next))
        }
        return (at, .record)
      }
      at += 1
    }
    return nil
  }

  /// Whether a record may begin with `byte`.
  private func mayBegin(_ byte: UInt8) -> Bool {
    if byte >= Opcode.hashTemplate { return true }
    return ValueType(code: byte, dialect: dialect) != nil && byte < 64
  }

  /// Whether a key without attributes begins with `byte`.
  private func isBare(_ byte: UInt8) -> Bool { byte < Opcode.hashTemplate }

  /// Where the record at `at` ends.
  private mutating func end(of at: Int, _ db: Int) -> Int? {
    reader.resume(at: at, db: db)
    do throws(RDBError) {
      _ = try reader.next()
      try reader.skipValue()
      return reader.offset
    } catch { return nil }
  }

  /// Whether records begin at `start`.
  mutating func holds(_ start: Int, _ db: Int, _ model: KeyModel) -> Bool {
    reader.resume(at: start, db: db)
    var bits = 0
    var count = 0
    var end = start
    while count < DumpProbe.enough || bits < 30 {
      if count > 200 { return false }
      do throws(RDBError) {
        switch try reader.next() {
        case .key:
          let more = model.bits(of: reader.key)
          if more < 0 { return false }
          let from = reader.offset
          let type = reader.key.type
          try checker.check(&reader)
          bits += more + DumpProbe.bits(of: type, length: reader.offset - from)
        case .selectDB(let number):
          // More databases than that nobody has; and few records follow a selection but a size hint.
          guard number < 1024, reader.offset < bytes.count else { return false }
          let isSized = bytes[reader.offset] == Opcode.resizeDB
          if !isSized && number > 15 { return false }
          bits += isSized && number > db ? 6 : 0
        case .resizeDB(let keys, let expires):
          guard keys >= expires, keys <= UInt64(bytes.count), keys > 0 else { return false }
          bits += 6
        case .aux(let name, _):
          guard name.count >= 2, KeyModel.isPrintable(name) else { return false }
          bits += min(name.count, 16) * 7 / 5
        case .function(let code, let preRelease):
          guard DumpProbe.isFunction(code, preRelease) else { return false }
          bits += 24
        case .slotInfo(let slot, _, _):
          guard slot < 16384 else { return false }
          bits += 4
        case .moduleAux, .slotImport, .hashTemplate: bits += 8
        case .end:
          let end = reader.offset
          if end == bytes.count { return true }
          return mayBeLog && (bytes[end] == 0x2A || bytes[end] == 0x23)
            && (bytes[end] == 0x23 || commands.holds(bytes, at: end))
        }
        count += 1
        end = reader.offset
      } catch {
        // The next damage, or no records at all; a length that leads far away is none.
        if count >= 1 && bits >= 40 && end - start <= 4096 + 16 * count * model.average {
          return true
        }
        budget -= max(1, reader.offset - start)
        return false
      }
    }
    return true
  }

  /// Whether the commands of a log begin at `at`.
  mutating func holdsCommands(at: Int) -> Bool {
    mayBeLog && at < bytes.count && (bytes[at] == 0x23 || commands.holds(bytes, at: at))
  }

  /// Whether `code` may be that of functions. The first line of those of 7.0-rc was put together by the
  /// reader; of all engines there was only one then.
  static func isFunction(_ code: ByteSlice, _ preRelease: Bool) -> Bool {
    let line = code.prefix(min(code.count, 6))
    return preRelease
      ? line.equals("#!lua ") || line.equals("#!LUA ")
      : code.starts(with: "#!") && KeyModel.isPrintable(line)
  }

  /// Whether four records can be read from `start` on, whatever their keys look like.
  mutating func reads(_ start: Int, _ db: Int) -> Bool {
    reader.resume(at: start, db: db)
    for _ in 0..<4 {
      do throws(RDBError) {
        switch try reader.next() {
        case .key:
          // Zeros read as empty keys with empty values.
          if reader.key.key.isEmpty { return false }
          try checker.check(&reader)
        case .end: return reader.offset == bytes.count || mayBeLog
        default: break
        }
      } catch { return false }
    }
    return true
  }

  /// What a value that passed the deep checks speaks for it.
  private static func bits(of type: ValueType, length: Int) -> Int {
    switch type {
    case .hashListpack, .zsetListpack, .setListpack, .hashListpackEx, .hashZiplist, .zsetZiplist,
      .listZiplist, .setIntset, .quicklist, .quicklist2, .stream, .stream2, .stream3, .stream4,
      .stream5:
      min(length, 20)
    case .string: 2
    default: 4
    }
  }
}

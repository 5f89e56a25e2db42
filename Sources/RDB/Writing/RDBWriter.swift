// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

public import Bytes

/// Writes a dump for a target: header, records, keys from their elements or raw, end and checksum
/// (rdb-format.md 1, 5, 13).
///
/// ```swift
/// var file = try AtomicOutput("new.rdb", replacing: false)
/// var writer = RDBWriter(taking: &file.buffer, target: target)   // RDBTarget("redis:6.2")
/// writer.writeProducer(time: now, isBase: false)                 // AUX, where the target has it
/// reading: while true {
///   switch try reader.next() {
///   case .key:
///     try reader.drain(into: &writer)      // SELECTDB is written when the database changes
///     if !writer.loss.isEmpty { … }        // what the target can't hold of this key
///   case .function(let code, _): _ = writer.writeFunction(code)  // false: the target has none
///   case .end: break reading
///   default: break
///   }
/// }
/// writer.finish(returning: &file.buffer)                         // end and checksum
/// try file.commit(replacing: false)                              // synced, then named
/// ```
///
/// The order is that of a dump: facts, functions, then keys, database by database; what is not called
/// is not written. A key may also be told by hand (``begin(_:)``, ``element(_:)``, ``end()``), or copied
/// as it is with ``writeKey(_:rawValue:)``, which is fastest, where ``RDBTarget/copies(_:)`` allows.
///
/// The writer is a ``ValueSink``: what tells a key's elements (a dump, a keyspace) can be written.
/// Each value gets the encoding the target would choose, and after each key ``loss`` tells what the
/// target can't hold of it. Nothing throws: a target that fails keeps its error
/// (`OutputBuffer.failure`).
///
/// Memory: a sorted set, set, hash or array whose ``KeyDescription/count`` is known is written as it
/// comes; a list, stream or hash with field times is kept, as written, until its end.
public struct RDBWriter: ~Copyable, ValueSink {
  /// Where the bytes go.
  public var output: OutputBuffer
  /// For whom.
  public let target: RDBTarget
  /// What the key written last lost.
  public var loss: RDBLoss { recordLoss.union(encoder.loss) }
  /// How many keys were written, and of them how many expire.
  public private(set) var keys = 0
  public private(set) var expires = 0

  private var encoder: ValueEncoder
  private var recordLoss = RDBLoss()
  /// Whether the record of the current key has begun to be written.
  private var isBegun = false
  private var scratch = ScratchBuffer()
  private var packed = ScratchBuffer()
  private let compressing: Bool
  private var db = -1

  /// Writes the header. `output` is moved into the writer until ``finish(returning:)``, and stands
  /// for nothing meanwhile.
  ///
  /// - Parameters:
  ///   - output: where the dump goes.
  ///   - target: the release that is to load it.
  ///   - compressing: whether strings longer than 20 bytes are compressed with LZF where that
  ///     makes them shorter, as `rdbcompression yes` does.
  public init(taking output: inout OutputBuffer, target: RDBTarget, compressing: Bool = true) {
    var mine = OutputBuffer(NullTarget(), capacity: 1024)
    swap(&mine, &output)
    self.output = mine
    self.target = target
    self.compressing = compressing
    encoder = ValueEncoder(target: target, compressing: compressing)
    self.output.startChecksum()
    let header = target.header
    self.output.write(header.dialect == .redis ? "REDIS" : "VALKEY")
    let digits = header.dialect == .redis ? 4 : 3
    let text = String(header.version)
    self.output.write(text: String(repeating: "0", count: max(0, digits - text.count)) + text)
  }

  /// Writes end and checksum, and gives the output back.
  public consuming func finish(returning output: inout OutputBuffer) {
    self.output.write(Opcode.end)
    if target.header.hasChecksum {
      let checksum = self.output.finishChecksum()
      self.output.write(littleEndian: checksum)
    }
    swap(&self.output, &output)
  }

  // MARK: - Records

  private mutating func flushScratch() {
    output.write(scratch.slice)
    scratch.clear()
  }

  /// Writes a fact about the producer; nothing for targets before 3.2.
  public mutating func writeAux(_ name: ByteSlice, _ text: ByteSlice) {
    guard target.hasAux else { return }
    scratch.append(Opcode.aux)
    scratch.append(string: name, compressing: false, &packed)
    scratch.append(string: text, compressing: compressing, &packed)
    flushScratch()
  }

  /// Writes a fact about the producer; nothing for targets before 3.2.
  public mutating func writeAux(_ name: StaticString, _ text: String) {
    Array(text.utf8).withByteSlice { writeAux(ByteSlice(name), $0) }
  }

  /// Writes the facts that a server of the target writes of itself.
  ///
  /// - Parameters:
  ///   - time: when the data was as it is written, in seconds since 1970.
  ///   - isBase: whether commands follow: as preamble, or in other files of a multi-part AOF.
  public mutating func writeProducer(time: Int64, isBase: Bool) {
    writeAux(
      target.family == .redis ? "redis-ver" : "valkey-ver", "\(target.major).\(target.minor).0")
    writeAux("redis-bits", "64")
    writeAux("ctime", String(time))
    if target.header.version >= 10 {
      writeAux("aof-base", isBase ? "1" : "0")
    } else if target.header.version >= 8 && isBase {
      writeAux("aof-preamble", "1")
    }
  }

  /// Keys from here on belong to database `db`. ``begin(_:)`` does this itself.
  public mutating func selectDB(_ db: Int) {
    if self.db == db { return }
    self.db = db
    scratch.append(Opcode.selectDB)
    scratch.append(length: UInt64(db))
    flushScratch()
  }

  /// How many keys the current database will have, and of them how many that expire; nothing for
  /// targets before 3.2.
  public mutating func writeSizes(keys: UInt64, expires: UInt64) {
    guard target.hasAux else { return }
    scratch.append(Opcode.resizeDB)
    scratch.append(length: keys)
    scratch.append(length: expires)
    flushScratch()
  }

  /// Writes a library of functions, its whole source text.
  ///
  /// - Returns: false when the target has no functions; nothing is written then.
  public mutating func writeFunction(_ source: ByteSlice) -> Bool {
    guard target.hasFunctions else { return false }
    scratch.append(Opcode.function)
    scratch.append(string: source, compressing: compressing, &packed)
    flushScratch()
    return true
  }

  /// Writes data of a module that belongs to no key: the bytes from the id to the closing 0.
  ///
  /// - Returns: false when the target has no such records; nothing is written then.
  public mutating func writeModuleAux(raw: ByteSlice) -> Bool {
    guard target.hasEvictionHints else { return false }
    output.write(Opcode.moduleAux)
    output.write(raw)
    return true
  }

  // MARK: - Keys

  /// Writes a key with the exact bytes of its value, whose type must be one that
  /// ``RDBTarget/copies(_:)``.
  public mutating func writeKey(_ key: KeyHeader, rawValue: ByteSlice) {
    precondition(target.copies(key.type), "the target does not load this")
    encoder.loss = []
    var description = KeyDescription()
    description.db = key.db
    description.key = key.key
    description.expiresAt = key.expiresAt
    description.idle = key.idle
    description.frequency = key.frequency
    description.metadata = key.metadata
    writeRecord(description, key.type)
    output.write(rawValue)
  }

  /// Writes a key that holds a string and has no attributes but a time to live, in ms since 1970.
  ///
  /// - Returns: what it loses.
  @discardableResult
  public mutating func writeString(
    _ key: ByteSlice, db: Int, _ value: ByteSlice, expiresAt: Int64? = nil
  ) -> RDBLoss {
    selectDB(db)
    recordLoss = []
    encoder.loss = []
    keys += 1
    if let expiresAt {
      expires += 1
      writeExpiry(expiresAt)
    }
    scratch.append(ValueType.string.code)
    scratch.append(string: key, compressing: compressing, &packed)
    scratch.append(string: value, compressing: compressing, &packed)
    flushScratch()
    return recordLoss
  }

  /// Everything before the value.
  private mutating func writeRecord(_ key: KeyDescription, _ type: ValueType) {
    selectDB(key.db)
    recordLoss = []
    keys += 1
    if let time = key.expiresAt {
      expires += 1
      writeExpiry(time)
    }
    if target.hasEvictionHints {
      if let idle = key.idle {
        scratch.append(Opcode.idle)
        scratch.append(length: idle)
      }
      if let frequency = key.frequency {
        scratch.append(Opcode.frequency)
        scratch.append(frequency)
      }
    } else if key.idle != nil || key.frequency != nil {
      recordLoss.insert(.evictionHint)
    }
    if !key.metadata.isEmpty {
      if target.hasKeyMetadata {
        scratch.append(key.metadata)
      } else {
        recordLoss.insert(.keyMetadata)
      }
    }
    scratch.append(type.code)
    scratch.append(string: key.key, compressing: compressing, &packed)
    flushScratch()
  }

  private mutating func writeExpiry(_ time: Int64) {
    if target.hasMilliseconds {
      scratch.append(Opcode.expiry)
      scratch.append(littleEndian: time)
      return
    }
    let expiry = ExpirySeconds(milliseconds: time)
    if !expiry.isExact { recordLoss.insert(.milliseconds) }
    if expiry.seconds > Int64(Int32.max) { recordLoss.insert(.lateExpiry) }
    scratch.append(Opcode.expirySeconds)
    scratch.append(littleEndian: Int32(clamping: expiry.seconds))
  }

  // MARK: - ValueSink

  /// A key begins; its database is selected when it is another than before.
  public mutating func begin(_ key: KeyDescription) {
    recordLoss = []
    isBegun = false
    encoder.begin(key)
  }

  /// An element.
  public mutating func element(_ element: inout ValueElement) {
    encoder.element(&element)
    if encoder.isOpen && encoder.body.count > 1 << 16 { passOn() }
  }

  /// A part of a stream.
  public mutating func stream(_ event: StreamEvent) { encoder.stream(event) }

  /// A part of a module's value.
  public mutating func module(_ item: ModuleItem) { encoder.module(item) }

  /// The key is complete; ``loss`` tells what of it is lost.
  public mutating func end() {
    encoder.end()
    if encoder.mode == .skipped { return }
    passOn()
  }

  /// Forgets the current key, of which nothing more will come.
  ///
  /// - Returns: false when a part of it was written already: the dump can't be completed then.
  public mutating func abandon() -> Bool {
    encoder.mode = .skipped
    return !isBegun
  }

  /// Writes what there is of the current key.
  private mutating func passOn() {
    if !isBegun {
      isBegun = true
      writeRecord(encoder.description, encoder.type)
      output.write(encoder.head.slice)
    }
    output.write(encoder.body.slice)
    encoder.body.clear()
  }
}

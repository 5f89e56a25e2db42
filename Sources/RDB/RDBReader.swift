public import Bytes

/// What stands before, between and after the keys of a dump (rdb-format.md 5).
///
/// Slices are valid until the next call of the reader.
public enum RDBRecord {
  /// A key; its header is ``RDBReader/key``, its value not read yet.
  case key
  /// Keys from here on belong to the database of this number.
  case selectDB(Int)
  /// A hint: about so many keys, and of them so many that expire.
  case resizeDB(keys: UInt64, expires: UInt64)
  /// A fact about the producer.
  case aux(ByteSlice, ByteSlice)
  /// A library of functions: its whole source text. `preRelease` for the form of 7.0-rc, whose
  /// parts have been put together as 7.0 does.
  case function(ByteSlice, preRelease: Bool)
  /// Data of a module that belongs to no key: the 64-bit id, when it is loaded (1 before, 2
  /// after the keys), and the bytes from the id to the closing 0.
  case moduleAux(id: UInt64, when: UInt64, raw: ByteSlice)
  /// A hint of cluster mode: a slot and how many keys it has.
  case slotInfo(slot: UInt64, keys: UInt64, expires: UInt64)
  /// A running slot import of Valkey 9: job name, and the raw rest of the record.
  case slotImport(job: ByteSlice, raw: ByteSlice)
  /// The field names of template hashes; the reader keeps them. The raw record without opcode.
  case hashTemplate(id: UInt64, raw: ByteSlice)
  /// The end; the checksum has been compared.
  case end(RDBChecksum)
}

/// What the end of a dump said.
public enum RDBChecksum: Sendable, Equatable {
  /// Equal to that of the bytes.
  case verified(UInt64)
  /// Written without (`rdbchecksum no`).
  case notComputed
  /// Versions below 5 have none.
  case absent
}

/// The header of a key: everything before its value.
public struct KeyHeader {
  /// The number of its database.
  public var db = 0
  /// The name; valid until the next call of ``RDBReader/next()``.
  public var key = ByteSlice()
  /// How the value is written.
  public var type = ValueType.string
  /// When it expires, in ms since 1970.
  public var expiresAt: Int64?
  /// Seconds since the last use.
  public var idle: UInt64?
  /// The LFU counter.
  public var frequency: UInt8?
  /// Redis 8.6+: the raw metadata of modules for this key, opcode 243 included; else empty.
  public var metadata = ByteSlice()
  /// The offset of the first byte of the record: an attribute's opcode or the type.
  public var offset = 0
  /// The offset of the type byte.
  public var typeOffset = 0
  /// The offset of the first byte of the value.
  public var valueOffset = 0

  /// An empty header.
  public init() {}
}

/// Reads a dump, record by record, decoding only what is asked for.
///
/// ```swift
/// var reader = try RDBReader(InputFile.open("dump.rdb"))
/// reading: while true {
///   switch try reader.next() {
///   case .key: print(reader.key.key.text, reader.key.type)  // its value is skipped
///   case .end: break reading
///   default: break
///   }
/// }
/// ```
///
/// After ``RDBRecord/key`` the value may be taken in one of three ways: not at all (it is skipped
/// by the next call, allocation free), raw (``rawValue()``), or element by element
/// (``nextElement(_:)``, ``nextStreamEvent()``, ``nextModuleItem()``).
///
/// ```swift
/// case .key where reader.key.type.logical == .zset:
///   var element = ValueElement()
///   while try reader.nextElement(&element) { total += element.score }
/// case .key: try reader.drain(into: &writer)      // any type, into a ValueSink
/// ```
///
/// All slices, those of ``key`` too, belong to the reader, and are valid until its next call
/// (``isStable`` tells when they are valid longer): copy with `bytes` or `text` what is to be kept.
///
/// An error is final unless ``canSkipValue`` says otherwise. Any input, however broken, ends in an
/// error or in ``RDBRecord/end(_:)``; memory stays bounded by the longest string that is really
/// there. Works on every version and both dialects (rdb-format.md 2, 5, 7).
public struct RDBReader: ~Copyable {
  /// Version and dialect.
  public internal(set) var header: RDBHeader
  /// The header of the key read last.
  public internal(set) var key = KeyHeader()
  /// What is being done, for errors.
  @inlinable public var activity: RDBError.Activity { input.activity }
  /// The number of the current database.
  public internal(set) var db = 0

  // The accessors below are inlinable: a call of a method that only looks would copy this whole
  // struct (1 KB) first, for each key.
  @usableFromInline var input: RecordInput
  /// The offset of the magic; not 0 when the dump stands inside something else.
  public let start: Int
  /// Whether the value of ``key`` was not taken yet.
  var valuePending = false
  /// Whether the end was reached.
  var ended = false
  /// Field names of template hashes, by id.
  var templates: [UInt64: HashTemplate] = [:]
  /// Whether the record given last was a key.
  var keyGiven = false
  /// Whether attributes were read that wait for a key.
  var hasAttributes = false
  /// After an error inside a value: whether only its content was wrong. Then ``skipValue()`` and
  /// ``next()`` go on behind it; otherwise nothing can be read behind the error.
  public internal(set) var canSkipValue = false

  /// Whether a group of the stream that ``rawValue()`` gave, or that was passed, has pending entries; until
  /// the next stream.
  public internal(set) var passedPending = false
  /// Whether an AUX field of Dragonfly was seen.
  var isDragonfly = false
  /// Whether a checksum that does not match is an error (the default).
  public var verifiesChecksum = true

  /// Copies of what must outlive the window of a stream, and decompressed strings: key, element
  /// parts, metadata.
  var keyScratch = ScratchBuffer()
  var firstScratch = ScratchBuffer()
  var secondScratch = ScratchBuffer()
  var blobScratch = ScratchBuffer()
  /// The offset of the blob that was read last.
  var blobOrigin = 0
  var metadataScratch = ScratchBuffer(capacity: 64)
  /// Where the elements of the current value stand.
  var value = ValueState()

  /// Begins at the position of `input`, which the reader takes over until ``finish()``.
  ///
  /// - Throws: ``RDBError`` when no header of a known version is there.
  public init(_ input: consuming ByteCursor) throws(RDBError) {
    var cursor = input
    start = cursor.offset
    cursor.startChecksum()
    guard let bytes = cursor.slice(RDBHeader.length) else {
      let head = cursor.readableSlice
      let some = head.count >= 5 && RDBHeader.looksLikeRDB(head.prefix(min(head.count, 9)))
      let kind: RDBError.Kind =
        cursor.failure.map { .unreadable($0) } ?? (some ? .truncated : .notAnRDB)
      throw RDBError(kind, at: cursor.offset, while: .header)
    }
    do throws(RDBError) { header = try RDBHeader(bytes) } catch {
      throw RDBError(error.kind, at: start + error.offset, while: .header)
    }
    self.input = RecordInput(cursor)
  }

  /// Ends reading and hands the input back, at the first byte that was not read: what follows the
  /// dump (the commands behind a preamble), once ``RDBRecord/end(_:)`` was seen.
  public consuming func finish() -> ByteCursor { input.cursor }

  /// The absolute offset of the next byte.
  @inlinable public var offset: Int { input.cursor.offset }

  /// The size of the whole input, where it is known.
  public var inputSize: Int? { input.cursor.size }

  /// Whether slices stay valid as long as the reader (mapped files, memory); over streams they
  /// are valid until the next call.
  @inlinable public var isStable: Bool { input.cursor.isStable }

  /// Whether the input ended early since a piece of it needs a larger window than it may have.
  package var refusedGrowth: Bool { input.cursor.refusedGrowth }

  /// The next record. The value of the key before, if it was not taken, is skipped.
  ///
  /// - Throws: ``RDBError``. After ``RDBRecord/end(_:)`` it keeps answering that.
  public mutating func next() throws(RDBError) -> RDBRecord {
    canSkipValue = false
    if valuePending { try finishValue() }
    if ended { return .end(.absent) }
    input.cursor.housekeep()
    input.activity = .type
    if keyGiven {
      keyGiven = false
      if hasAttributes { clearAttributes() }
    }
    while true {
      guard let code = input.cursor.byte() else { throw input.truncated() }
      if code < Opcode.hashTemplate {
        if try passForeignOpcode(code) { continue }
        if !hasAttributes { key.offset = input.cursor.offset - 1 }
        try readKey(code)
        keyGiven = true
        return .key
      }
      switch code {
      case Opcode.expiry:
        noteAttribute(.expiry)
        guard let ms = input.cursor.load(as: Int64.self) else { throw input.truncated() }
        key.expiresAt = ms
      case Opcode.expirySeconds:
        noteAttribute(.expiry)
        guard let seconds = input.cursor.load(as: Int32.self) else { throw input.truncated() }
        key.expiresAt = Int64(seconds) * 1000
      case Opcode.idle:
        noteAttribute(.idle)
        key.idle = try input.readLength()
      case Opcode.frequency:
        noteAttribute(.frequency)
        guard let frequency = input.cursor.byte() else { throw input.truncated() }
        key.frequency = frequency
      case Opcode.keyMetadata where header.dialect == .redis:
        noteAttribute(.keyMetadata)
        try readKeyMetadata()
      default:
        // Attributes wait for the next key, whatever stands between (rdb-format.md 5).
        return try readRecord(code)
      }
      input.activity = .type
    }
  }

  /// The opcode of an attribute was read.
  private mutating func noteAttribute(_ activity: RDBError.Activity) {
    if !hasAttributes {
      hasAttributes = true
      key.offset = input.cursor.offset - 1
    }
    input.activity = activity
  }

  mutating func clearAttributes() {
    hasAttributes = false
    key.expiresAt = nil
    key.idle = nil
    key.frequency = nil
    key.metadata = ByteSlice()
  }

  private mutating func readKey(_ code: UInt8) throws(RDBError) {
    let at = input.cursor.offset - 1
    guard let type = ValueType(code: code, dialect: header.dialect) else {
      throw RDBError(
        isDragonfly ? .dragonfly(code) : .unknownType(code), at: at, while: .type)
    }
    if isDragonfly && code >= 30 { throw RDBError(.dragonfly(code), at: at, while: .type) }
    key.type = type
    key.db = db
    key.typeOffset = at
    input.activity = .key
    key.key = try input.readString(into: &keyScratch, keeping: true)
    key.valueOffset = input.cursor.offset
    valuePending = true
    value.begun = false
    canSkipValue = false
    input.activity = .value
  }

  /// Opcodes of Redis Enterprise, which lie among the types.
  private mutating func passForeignOpcode(_ code: UInt8) throws(RDBError) -> Bool {
    guard code == Opcode.enterpriseRAM || code == Opcode.enterpriseSlot else { return false }
    noteAttribute(.type)
    _ = try input.readLength()
    return true
  }

  /// Leaves the value of the current key, taken or not, so that the next record can be read.
  mutating func finishValue() throws(RDBError) {
    valuePending = false
    input.activity = .value
    if value.begun {
      try finishElements()
    } else {
      try skipBody()
      if input.hasFault {
        canSkipValue = true
        throw input.takeFault()
      }
    }
  }

  /// Skips the value of the current key.
  public mutating func skipValue() throws(RDBError) {
    canSkipValue = false
    if valuePending { try finishValue() }
  }

  /// The exact bytes of the value of the current key, which must not have been taken before.
  /// Valid until the next call; over streams all of them have to fit in memory.
  public mutating func rawValue() throws(RDBError) -> ByteSlice {
    precondition(valuePending && !value.begun, "the value was taken already")
    let from = input.cursor.offset
    input.cursor.hold()
    defer { input.cursor.release() }
    try finishValue()
    return input.cursor.heldSlice(at: from, count: input.cursor.offset - from)
  }
}

public import Bytes

/// Reads values that stand alone: the raw bytes of one key (``RDBReader/rawValue()``), or what
/// DUMP gave.
///
/// Made once and used for many values; nothing is allocated for each.
///
/// ```swift
/// var decoder = ValueDecoder(dialect: .redis)
/// decoder.begin(.hashListpack, raw)
/// var element = ValueElement()
/// while try decoder.reader.nextElement(&element) { … }
/// ```
public struct ValueDecoder: ~Copyable {
  /// Gives the elements, as for a key of a dump; offsets in errors count from the first byte of the
  /// value.
  public var reader: RDBReader

  /// A decoder without a value. Hashes that refer to templates of a file need ``templates``.
  public init(dialect: RDBDialect) {
    reader = RDBReader(dialect: dialect)
  }

  /// The templates of the dump that the values come from; empty at first.
  public var templates: HashTemplates {
    get { HashTemplates(byID: reader.templates) }
    set { reader.templates = newValue.byID }
  }

  /// The next value: `raw` is valid as long as it is read.
  public mutating func begin(
    _ type: ValueType, _ raw: ByteSlice, key: ByteSlice = ByteSlice(), db: Int = 0,
    expiresAt: Int64? = nil
  ) {
    reader.restart(raw)
    reader.key.type = type
    reader.key.key = key
    reader.key.db = db
    reader.key.expiresAt = expiresAt
  }

  /// The next value: that of a payload, whose bytes are valid as long as it is read.
  ///
  /// - Throws: ``RDBError`` for a type that the dialect does not have.
  public mutating func begin(
    _ payload: RestorePayload, key: ByteSlice = ByteSlice(), db: Int = 0
  ) throws(RDBError) {
    reader.header = RDBHeader(dialect: payload.dialect, version: payload.version)
    reader.restart(payload.body)
    reader.valuePending = false
    guard case .key = try reader.nextValueOfPayload() else { return }
    reader.key.key = key
    reader.key.db = db
  }
}

/// The templates of a dump (Redis 8.10), which its hashes refer to.
public struct HashTemplates: Sendable {
  let byID: [UInt64: HashTemplate]
  /// None.
  public init() { byID = [:] }
  init(byID: [UInt64: HashTemplate]) { self.byID = byID }
}

extension RDBReader {
  /// The templates met so far.
  public var hashTemplates: HashTemplates { HashTemplates(byID: templates) }

  /// A reader of values that stand alone.
  init(dialect: RDBDialect) {
    header = RDBHeader(dialect: dialect, version: dialect == .redis ? RDBHeader.newestRedis : 80)
    start = 0
    input = RecordInput(ByteCursor(ByteSlice()))
    input.activity = .value
  }

  /// Begins anew with the value `raw`.
  mutating func restart(_ raw: ByteSlice) {
    input.cursor.restart(over: raw)
    input.clearFault()
    input.activity = .value
    key = KeyHeader()
    valuePending = true
    value.begun = false
    value.phase = .done
    ended = false
    canSkipValue = false
  }

  /// `[243 metadata] type`, as a payload begins.
  mutating func nextValueOfPayload() throws(RDBError) -> RDBRecord {
    input.activity = .type
    guard var code = input.cursor.byte() else { throw input.truncated() }
    if code == Opcode.keyMetadata && header.dialect == .redis {
      try readKeyMetadata()
      guard let next = input.cursor.byte() else { throw input.truncated() }
      code = next
    }
    guard let type = ValueType(code: code, dialect: header.dialect) else {
      throw input.fail(.unknownType(code), at: input.cursor.offset - 1)
    }
    guard type != .templateListpackRef && type != .templateArrayRef else {
      throw input.fail(.corrupt(.template, .missing), at: input.cursor.offset - 1)
    }
    key.type = type
    key.typeOffset = input.cursor.offset - 1
    key.valueOffset = input.cursor.offset
    valuePending = true
    input.activity = .value
    return .key
  }
}

internal import Bytes

/// The records that are no keys (rdb-format.md 5, 9.5, 9.6, 10.3).
extension RDBReader {
  /// Reads the record that `code`, an opcode of 242 or more, begins.
  mutating func readRecord(_ code: UInt8) throws(RDBError) -> RDBRecord {
    switch code {
    case Opcode.end: return .end(try readEnd())
    case Opcode.selectDB:
      input.activity = .selectDB
      db = try input.readCount()
      return .selectDB(db)
    case Opcode.resizeDB:
      input.activity = .resizeDB
      return .resizeDB(keys: try input.readLength(), expires: try input.readLength())
    case Opcode.aux:
      input.activity = .aux
      let name = try input.readString(into: &firstScratch, keeping: true)
      let text = try input.readString(into: &secondScratch, keeping: false)
      if name.equals("df-ver") { isDragonfly = true }
      return .aux(name, text)
    case Opcode.moduleAux: return try readModuleAux()
    case Opcode.function:
      input.activity = .function
      return .function(try input.readString(into: &firstScratch, keeping: false), preRelease: false)
    case Opcode.functionPreRelease: return try readPreReleaseFunction()
    case Opcode.slotInfo:
      input.activity = .slotInfo
      return .slotInfo(
        slot: try input.readLength(), keys: try input.readLength(), expires: try input.readLength())
    case Opcode.slotImport where header.dialect == .valkey: return try readSlotImport()
    case Opcode.hashTemplate where header.dialect == .redis: return try readTemplate()
    default:
      throw input.fail(
        isDragonfly ? .dragonfly(code) : .unknownType(code), at: input.cursor.offset - 1)
    }
  }

  /// The EOF byte was read: the checksum follows, from version 5 on.
  private mutating func readEnd() throws(RDBError) -> RDBChecksum {
    input.activity = .checksum
    let computed = input.cursor.finishChecksum()
    ended = true
    guard header.hasChecksum else { return .absent }
    let at = input.cursor.offset
    guard let stored = input.cursor.load(as: UInt64.self) else { throw input.truncated() }
    if stored == 0 { return .notComputed }
    guard stored == computed || !verifiesChecksum else {
      throw input.fail(.checksumMismatch(stored: stored, computed: computed), at: at)
    }
    return .verified(stored)
  }

  private mutating func readModuleAux() throws(RDBError) -> RDBRecord {
    input.activity = .moduleAux
    let from = input.cursor.offset
    input.cursor.hold()
    defer { input.cursor.release() }
    let id = try input.readLength()
    let opcode = try input.readLength()
    guard opcode == 2 else { throw input.fail(.badModuleOpcode(opcode)) }
    let when = try input.readLength()
    guard when == 1 || when == 2 else { throw input.fail(.badRecord(.moduleWhen)) }
    try skipModuleOpcodes()
    return .moduleAux(
      id: id, when: when, raw: input.cursor.heldSlice(at: from, count: input.cursor.offset - from))
  }

  /// `str name, str engine, len has-description, [str description], str code`; 7.0 makes
  /// `#!engine name=NAME\n` and the code of it.
  private mutating func readPreReleaseFunction() throws(RDBError) -> RDBRecord {
    input.activity = .function
    var text = ScratchBuffer()
    let name = try input.readString(into: &secondScratch, keeping: false).bytes
    text.append(ByteSlice("#!"))
    text.append(try input.readString(into: &secondScratch, keeping: false))
    text.append(ByteSlice(" name="))
    name.withByteSlice { text.append($0) }
    text.append(0x0A)
    let described = try input.readLength()
    guard described <= 1 else { throw input.fail(.badRecord(.preReleaseFunction)) }
    if described == 1 { try input.skipString() }
    text.append(try input.readString(into: &secondScratch, keeping: false))
    return .function(firstScratch.copy(text.slice), preRelease: true)
  }

  private mutating func readSlotImport() throws(RDBError) -> RDBRecord {
    input.activity = .slotImport
    let job = try input.readString(into: &firstScratch, keeping: true)
    guard job.count == 40 else { throw input.fail(.badRecord(.jobName)) }
    let from = input.cursor.offset
    input.cursor.hold()
    defer { input.cursor.release() }
    let ranges = try input.readLength()
    var index: UInt64 = 0
    while index < ranges {
      let first = try input.readLength()
      let last = try input.readLength()
      guard first <= last, last < 16384 else { throw input.fail(.badRecord(.slots)) }
      index += 1
    }
    return .slotImport(
      job: job, raw: input.cursor.heldSlice(at: from, count: input.cursor.offset - from))
  }

  /// `len id, len n, [str field]*n`: names strictly sorted by length, then bytes.
  private mutating func readTemplate() throws(RDBError) -> RDBRecord {
    input.activity = .template
    let from = input.cursor.offset
    input.cursor.hold()
    defer { input.cursor.release() }
    let id = try input.readLength()
    let count = try input.readLength()
    guard count > 0 else { throw input.fail(.corrupt(.template, .empty)) }
    guard templates[id] == nil else { throw input.fail(.corrupt(.template, .duplicate)) }
    var names = HashTemplate()
    var index: UInt64 = 0
    while index < count {
      let name = try input.readString(into: &firstScratch, keeping: false)
      guard names.append(name) else { throw input.fail(.corrupt(.template, .unsorted)) }
      index += 1
    }
    templates[id] = names
    return .hashTemplate(
      id: id, raw: input.cursor.heldSlice(at: from, count: input.cursor.offset - from))
  }

  /// Opcode 243 of Redis: `len nclasses, [u32le class, module opcodes, 0]*nclasses`, directly
  /// before the type byte.
  mutating func readKeyMetadata() throws(RDBError) {
    input.activity = .keyMetadata
    let from = input.cursor.offset - 1
    guard key.metadata.isEmpty else { throw input.fail(.badRecord(.keyMetadata), at: from) }
    input.cursor.hold()
    defer { input.cursor.release() }
    let classes = try input.readLength()
    guard classes <= 7 else { throw input.fail(.badRecord(.keyMetadata)) }
    for _ in 0..<classes {
      guard input.cursor.skip(4) else { throw input.truncated() }
      try skipModuleOpcodes()
    }
    let end = input.cursor.offset
    if input.cursor.isStable {
      key.metadata = input.cursor.heldSlice(at: from, count: end - from)
    } else {
      // The opcode was read before the bytes were held.
      metadataScratch.clear()
      metadataScratch.append(Opcode.keyMetadata)
      metadataScratch.append(input.cursor.heldSlice(at: from + 1, count: end - from - 1))
      key.metadata = metadataScratch.slice
    }
    guard let next = input.cursor.peek() else { throw input.truncated() }
    guard ValueType(code: next, dialect: header.dialect) != nil else {
      throw input.fail(.badRecord(.keyMetadata))
    }
  }
}

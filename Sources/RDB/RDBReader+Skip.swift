internal import Bytes

/// Passing over values of every type without decoding anything (rdb-format.md 7, 9, 10.2).
extension RDBReader {
  /// Passes the value of the current key, from its first byte.
  mutating func skipBody() throws(RDBError) {
    switch key.type {
    case .string, .hashZipmap, .listZiplist, .setIntset, .zsetZiplist, .hashZiplist,
      .hashListpack, .zsetListpack, .setListpack, .hashListpackPreRelease, .templateListpackRef:
      try input.skipString()
    case .list, .set, .quicklist: try skipStrings(try input.readLength())
    case .hash: try skipPairs(try input.readLength(), tail: 0)
    case .zset: try skipTextScores(try input.readLength())
    case .zset2: try skipScores(try input.readLength())
    case .quicklist2: try skipQuicklist2(try input.readLength())
    case .hashMetadata:
      guard input.cursor.skip(8) else { throw input.truncated() }
      try skipTimedFields(try input.readLength())
    case .hashMetadataPreRelease: try skipTimedFields(try input.readLength())
    case .hashListpackEx:
      guard input.cursor.skip(8) else { throw input.truncated() }
      try input.skipString()
    case .valkeyHash: try skipPairs(try input.readLength(), tail: 8)
    case .stream, .stream2, .stream3, .stream4, .stream5: try skipStream()
    case .array: try skipArray()
    case .module:
      _ = try input.readLength()
      try skipModuleOpcodes()
    case .modulePreRelease: throw input.fail(.opaqueModule, at: key.typeOffset)
    case .templateListpack:
      try skipTemplateNames()
      try input.skipString()
    case .templateArray:
      try skipStrings(try skipTemplateNames())
    case .templateArrayRef:
      let id = try input.readLength()
      guard let names = templates[id] else { throw input.fail(.corrupt(.template, .missing)) }
      try skipStrings(UInt64(names.count))
    case .gcra: _ = try input.readLength()
    case .cron:
      try input.skipString()
      guard input.cursor.skip(16) else { throw input.truncated() }
      try skipStrings(try input.readLength())
      try skipStrings(try input.readLength())
    }
  }

  // A count from the file bounds no memory here, and time only with the bytes that are there: each
  // turn takes at least one byte or throws.
  mutating func skipStrings(_ count: UInt64) throws(RDBError) {
    var left = count
    while left > 0 {
      try input.skipString()
      input.cursor.housekeep()
      left &-= 1
    }
  }

  /// Pairs of strings, each with `tail` bytes behind it.
  mutating func skipPairs(_ count: UInt64, tail: Int) throws(RDBError) {
    var left = count
    while left > 0 {
      try input.skipString()
      try input.skipString()
      if tail > 0 { guard input.cursor.skip(tail) else { throw input.truncated() } }
      input.cursor.housekeep()
      left &-= 1
    }
  }

  /// Members, each with a binary double behind it.
  mutating func skipScores(_ count: UInt64) throws(RDBError) {
    var left = count
    while left > 0 {
      try input.skipString()
      guard input.cursor.skip(8) else { throw input.truncated() }
      input.cursor.housekeep()
      left &-= 1
    }
  }

  mutating func skipQuicklist2(_ count: UInt64) throws(RDBError) {
    var left = count
    while left > 0 {
      _ = try input.readLength()
      try input.skipString()
      input.cursor.housekeep()
      left &-= 1
    }
  }

  mutating func skipTimedFields(_ count: UInt64) throws(RDBError) {
    var left = count
    while left > 0 {
      _ = try input.readLength()
      try input.skipString()
      try input.skipString()
      input.cursor.housekeep()
      left &-= 1
    }
  }

  mutating func skipTextScores(_ count: UInt64) throws(RDBError) {
    var left = count
    while left > 0 {
      try input.skipString()
      guard let length = input.cursor.byte() else { throw input.truncated() }
      if length < 253 {
        guard input.cursor.skip(Int(length)) else { throw input.truncated() }
      }
      input.cursor.housekeep()
      left &-= 1
    }
  }

  /// Module opcodes up to and with the closing 0.
  mutating func skipModuleOpcodes() throws(RDBError) {
    while true {
      let opcode = try input.readLength()
      switch opcode {
      case 0: return
      case 1, 2: _ = try input.readLength()
      case 3: guard input.cursor.skip(4) else { throw input.truncated() }
      case 4: guard input.cursor.skip(8) else { throw input.truncated() }
      case 5: try input.skipString()
      default: throw input.fail(.badModuleOpcode(opcode))
      }
      input.cursor.housekeep()
    }
  }

  /// Field names of a self-contained template: `len fmt`, then a listpack of them (0) or a count
  /// and strings (1). Returns how many there are where the format tells it directly.
  @discardableResult private mutating func skipTemplateNames() throws(RDBError) -> UInt64 {
    switch try input.readLength() {
    case 0:
      // The count stands in the listpack: 16 bits at offset 4.
      let names = try input.readString(into: &firstScratch, keeping: false)
      guard names.count >= 7 else { throw input.fail(.corrupt(.listpack, .size)) }
      let count: UInt16 = names.load(at: 4)
      if count != 0xFFFF { return UInt64(count) }
      var list = try ListpackCursor(names, origin: input.cursor.offset)
      var item = PackedItem()
      while try list.next(&item) {}
      return UInt64(list.walked)
    case 1:
      let count = try input.readLength()
      try skipStrings(count)
      return count
    default: throw input.fail(.corrupt(.template, .encoding))
    }
  }

  private mutating func skipArray() throws(RDBError) {
    let count = try input.readLength()
    let cursor = try input.readLength()
    guard cursor <= 1 else { throw input.fail(.corrupt(.array, .cursor)) }
    if cursor == 1 { _ = try input.readLength() }
    try skipArrayElements(count)
  }

  mutating func skipArrayElements(_ count: UInt64) throws(RDBError) {
    var left = count
    while left > 0 {
      input.cursor.housekeep()
      _ = try input.readLength()
      switch try input.readLength() {
      case 0, 3: try input.skipString()
      case 1, 2: guard input.cursor.skip(8) else { throw input.truncated() }
      default: throw input.fail(.corrupt(.array, .encoding))
      }
      left &-= 1
    }
  }

  private mutating func skipStream() throws(RDBError) {
    var left = try input.readLength()
    while left > 0 {
      try input.skipString()
      try input.skipString()
      input.cursor.housekeep()
      left &-= 1
    }
    _ = try skipStreamTail()
  }

  /// Passes what stands behind the nodes of a stream; tells how many entries it has, and about how
  /// much memory its groups take.
  mutating func skipStreamTail() throws(RDBError) -> (length: UInt64, memory: Int) {
    let version = key.type.streamVersion
    let length = try input.readLength()
    for _ in 0..<(version >= 2 ? 7 : 2) { _ = try input.readLength() }
    var left = try input.readLength()
    var memory = left > 0 ? MemoryModel.tree(left) : 0
    passedPending = false
    while left > 0 {
      try input.skipString()
      for _ in 0..<(version >= 2 ? 3 : 2) { _ = try input.readLength() }
      let pending = try input.readLength()
      if pending > 0 { passedPending = true }
      var pendingLeft = pending
      while pendingLeft > 0 {
        guard input.cursor.skip(24) else { throw input.truncated() }
        _ = try input.readLength()
        pendingLeft &-= 1
      }
      memory &+= MemoryModel.group(pending)
      var consumers = try input.readLength()
      while consumers > 0 {
        try input.skipString()
        guard input.cursor.skip(version >= 3 ? 16 : 8) else { throw input.truncated() }
        let owned = try input.readLength()
        try skipIDs(owned)
        memory &+= MemoryModel.consumer(owned)
        consumers &-= 1
      }
      if version >= 5 { try skipIDs(try input.readLength()) }
      left &-= 1
    }
    guard version >= 4 else { return (length, memory) }
    _ = try input.readLength()
    _ = try input.readLength()
    left = try input.readLength()
    while left > 0 {
      try input.skipString()
      var ids = try input.readLength()
      while ids > 0 {
        try input.skipString()
        _ = try input.readLength()
        _ = try input.readLength()
        ids &-= 1
      }
      left &-= 1
    }
    _ = try input.readLength()
    _ = try input.readLength()
    return (length, memory)
  }

  private mutating func skipIDs(_ count: UInt64) throws(RDBError) {
    guard count <= UInt64(Int.max / 16) else { throw input.fail(.impossibleCount(count)) }
    guard input.cursor.skip(Int(count) * 16) else { throw input.truncated() }
  }
}

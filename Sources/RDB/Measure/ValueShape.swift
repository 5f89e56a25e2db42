internal import Bytes

/// What can be told of a value without decoding its elements.
public struct ValueShape: Sendable, Equatable {
  /// How many elements a client would count: of lists, sets, sorted sets (members), hashes
  /// (fields), arrays and streams (entries); 1 for strings and all else.
  public var elements: UInt64 = 0
  /// About how many bytes key and value take in the memory of a server, as `MEMORY USAGE key
  /// SAMPLES 0` of Redis 7 tells; 0 for modules, which only they know.
  public var memory = 0
  /// The length of the longest element that stands alone in the file, in bytes as a client sees it;
  /// of packed blobs, that of the blob.
  public var longest = 0

  /// Nothing yet.
  public init() {}
}

extension RDBReader {
  /// Passes the value of the current key and tells its shape. Compressed blobs are only looked
  /// into where their header says how many elements they have, so that this is hardly slower than
  /// skipping.
  ///
  /// - Throws: ``RDBError``, for what skipping would throw. Blobs that make no sense count as
  ///   empty.
  public mutating func measure() throws(RDBError) -> ValueShape {
    precondition(valuePending && !value.begun, "the value was taken already")
    input.activity = .value
    var shape = ValueShape()
    let name = key.key.count
    switch key.type {
    case .string:
      shape.elements = 1
      let isNumber = isIntegerText()
      let string = try measureString()
      shape.longest = string.length
      shape.memory =
        string.isInteger || isNumber ? MemoryModel.object : MemoryModel.stringValue(string.length)
    case .setIntset: try measureBlob(&shape, countAt: 4, wide: true, unit: 1)
    case .listZiplist: try measureBlob(&shape, countAt: 8, wide: false, unit: 1)
    case .zsetZiplist, .hashZiplist: try measureBlob(&shape, countAt: 8, wide: false, unit: 2)
    case .setListpack: try measureBlob(&shape, countAt: 4, wide: false, unit: 1)
    case .zsetListpack, .hashListpack: try measureBlob(&shape, countAt: 4, wide: false, unit: 2)
    case .hashListpackEx:
      guard input.cursor.skip(8) else { throw input.truncated() }
      try measureBlob(&shape, countAt: 4, wide: false, unit: 3)
    case .hashListpackPreRelease: try measureBlob(&shape, countAt: 4, wide: false, unit: 3)
    case .quicklist, .quicklist2: try measureQuicklist(&shape)
    case .list, .set, .hash, .zset, .zset2, .hashMetadata, .hashMetadataPreRelease, .valkeyHash:
      try measureStrings(&shape)
    case .stream, .stream2, .stream3, .stream4, .stream5: try measureStream(&shape)
    case .module, .modulePreRelease:
      shape.elements = 1
      try skipBody()
      valuePending = false
      return shape
    case .array, .hashZipmap, .gcra, .cron, .templateListpack, .templateListpackRef,
      .templateArray, .templateArrayRef:
      try measureElements(&shape)
    }
    input.clearFault()
    shape.memory += MemoryModel.string(name) + MemoryModel.entry
    valuePending = false
    return shape
  }

  /// Whether a short plain string follows that a server keeps as an integer.
  private mutating func isIntegerText() -> Bool {
    guard let first = input.cursor.peek(), first <= 20, input.cursor.ensure(Int(first) + 1) else {
      return false
    }
    let text = input.cursor.readableSlice.slice(at: 1, count: Int(first))
    return DecimalText.canonical(text) != nil
  }

  /// Passes a string: how long it is for a client, and whether it is written as an integer.
  @inline(__always) private mutating func measureString() throws(RDBError) -> (
    length: Int, isInteger: Bool
  ) {
    guard let first = input.cursor.peek() else { throw input.truncated() }
    if first < 0x40 {
      guard input.cursor.skip(Int(first) + 1) else { throw input.truncated() }
      return (Int(first), false)
    }
    return try measureLongString(first)
  }

  @inline(never) private mutating func measureLongString(_ first: UInt8) throws(RDBError) -> (
    length: Int, isInteger: Bool
  ) {
    switch first {
    case 0xC0, 0xC1, 0xC2:
      let text = try input.readElement(into: &blobScratch, keeping: false)
      return (text.count, true)
    case 0xC3:
      _ = input.cursor.byte()
      let packed = try input.readCount()
      let length = try input.readCount()
      guard input.cursor.skip(packed) else { throw input.truncated() }
      return (min(length, LZF.mostBytes(from: packed)), false)
    case 0xC4...0xFF: throw input.fail(.badString(first))
    default:
      let length = try input.readCount()
      guard input.cursor.skip(length) else { throw input.truncated() }
      return (length, false)
    }
  }

  /// Passes a blob: its length, and its first bytes in ``blobScratch``, at most 12.
  private mutating func measureBlobString() throws(RDBError) -> (length: Int, head: ByteSlice) {
    guard let first = input.cursor.peek() else { throw input.truncated() }
    switch first {
    case 0xC3:
      _ = input.cursor.byte()
      let packed = try input.readCount()
      let length = try input.readCount()
      guard let source = input.cursor.slice(packed) else { throw input.truncated() }
      LZF.decompressHead(source, count: 12, into: &blobScratch)
      return (min(length, LZF.mostBytes(from: packed)), blobScratch.slice)
    case 0xC0...0xFF:
      let text = try input.readElement(into: &blobScratch, keeping: false)
      return (text.count, text)
    default:
      let length = try input.readCount()
      let head = min(length, 12)
      guard let slice = input.cursor.slice(head) else { throw input.truncated() }
      let copy = blobScratch.copy(slice)
      guard input.cursor.skip(length - head) else { throw input.truncated() }
      return (length, copy)
    }
  }

  /// The number of elements that the head of a blob tells; nil where only walking tells.
  private func count(_ head: ByteSlice, at offset: Int, wide: Bool) -> UInt64? {
    if wide {
      return head.holds(4, at: offset) ? UInt64(head.load(at: offset, as: UInt32.self)) : 0
    }
    guard head.holds(2, at: offset) else { return 0 }
    let count: UInt16 = head.load(at: offset)
    return count == 0xFFFF ? nil : UInt64(count)
  }

  private mutating func measureBlob(
    _ shape: inout ValueShape, countAt: Int, wide: Bool, unit: UInt64
  ) throws(RDBError) {
    input.cursor.hold()
    defer { input.cursor.release() }
    let from = input.cursor.offset
    let (length, head) = try measureBlobString()
    shape.longest = length
    shape.memory = MemoryModel.object + MemoryModel.allocation(length)
    if let count = count(head, at: countAt, wide: wide) {
      shape.elements = count / unit
    } else {
      let raw = input.cursor.heldSlice(at: from, count: input.cursor.offset - from)
      shape.elements = try walkedCount(of: raw, isListpack: countAt == 4) / unit
    }
  }

  /// The number of entries of a blob that has more than its header can tell. `raw` is its string as
  /// it stands in the file.
  private mutating func walkedCount(
    of raw: ByteSlice, isListpack: Bool
  ) throws(RDBError) -> UInt64 {
    var source = RecordInput(ByteCursor(raw))
    let blob = try source.readElement(into: &blobScratch, keeping: false)
    var walked = 0
    do throws(RDBError) {
      var item = PackedItem()
      if isListpack {
        var list = try ListpackCursor(blob, origin: 0)
        while try list.next(&item) { walked += 1 }
      } else {
        var list = try ZiplistCursor(blob, origin: 0)
        while try list.next(&item) { walked += 1 }
      }
    } catch { return UInt64(walked) }
    return UInt64(walked)
  }

  private mutating func measureQuicklist(_ shape: inout ValueShape) throws(RDBError) {
    let isPacked = key.type == .quicklist2
    var left = try input.readLength()
    shape.memory = MemoryModel.object + MemoryModel.quicklist
    while left > 0 {
      left &-= 1
      let container = isPacked ? try input.readLength() : 2
      input.cursor.housekeep()
      input.cursor.hold()
      defer { input.cursor.release() }
      let from = input.cursor.offset
      let (length, head) = try measureBlobString()
      shape.longest = max(shape.longest, length)
      shape.memory += MemoryModel.quicklistNode + MemoryModel.allocation(length)
      if container == 1 {
        shape.elements += 1
      } else if let count = count(head, at: isPacked ? 4 : 8, wide: false) {
        shape.elements += count
      } else {
        let raw = input.cursor.heldSlice(at: from, count: input.cursor.offset - from)
        shape.elements += try walkedCount(of: raw, isListpack: isPacked)
      }
    }
  }

  /// Values of strings one by one, with numbers between them.
  private mutating func measureStrings(_ shape: inout ValueShape) throws(RDBError) {
    let type = key.type
    if type == .hashMetadata {
      guard input.cursor.skip(8) else { throw input.truncated() }
    }
    let count = try input.readLength()
    shape.elements = count
    let isTimed = type == .hashMetadata || type == .hashMetadataPreRelease
    let isPair = type.logical == .hash
    let tail = type == .zset2 || type == .valkeyHash ? 8 : 0
    var left = count
    while left > 0 {
      left &-= 1
      if isTimed { _ = try input.readLength() }
      let length = try measureString().length
      shape.memory &+= MemoryModel.string(length)
      shape.longest = max(shape.longest, length)
      if isPair {
        let length = try measureString().length
        shape.memory &+= MemoryModel.string(length)
        shape.longest = max(shape.longest, length)
      }
      if tail > 0 {
        guard input.cursor.skip(tail) else { throw input.truncated() }
      } else if type == .zset {
        guard let length = input.cursor.byte() else { throw input.truncated() }
        if length < 253 {
          guard input.cursor.skip(Int(length)) else { throw input.truncated() }
        }
      }
      input.cursor.housekeep()
    }
    // Only now is it known that so many elements are there.
    shape.memory &+= MemoryModel.object
    switch type.logical {
    case .list:
      // Since 3.2 these are packed when they are loaded; a few bytes more than the strings.
      shape.memory &+= MemoryModel.quicklist
    case .zset:
      shape.memory &+=
        MemoryModel.skiplist + MemoryModel.dictionary(count) + MemoryModel.skiplistNodes(count)
        + Int(clamping: count) * MemoryModel.entry
    default:
      shape.memory &+=
        MemoryModel.dictionary(count) + Int(clamping: count) * MemoryModel.entry
    }
  }

  private mutating func measureStream(_ shape: inout ValueShape) throws(RDBError) {
    let nodes = try input.readLength()
    var left = nodes
    shape.memory = MemoryModel.object + MemoryModel.stream
    while left > 0 {
      left &-= 1
      try input.skipString()
      let length = try measureString().length
      shape.longest = max(shape.longest, length)
      shape.memory &+= MemoryModel.allocation(length)
      input.cursor.housekeep()
    }
    shape.memory &+= MemoryModel.tree(nodes)
    let tail = try skipStreamTail()
    shape.elements = tail.length
    shape.memory &+= tail.memory
  }

  private mutating func measureElements(_ shape: inout ValueShape) throws(RDBError) {
    var element = ValueElement()
    shape.memory = MemoryModel.object
    while try nextElement(&element) {
      shape.elements += 1
      shape.longest = max(shape.longest, element.first.count, element.second.count)
      shape.memory &+= MemoryModel.string(element.first.count)
      if key.type.logical == .hash { shape.memory &+= element.second.count + 2 }
    }
    if key.type == .gcra || key.type == .cron { shape.elements = 1 }
  }
}

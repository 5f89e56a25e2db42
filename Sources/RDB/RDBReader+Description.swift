internal import Bytes

extension RDBReader {
  /// What is told of the current key before its elements. Reads ahead but takes nothing; the key's
  /// name is valid until ``next()``.
  public mutating func description() -> KeyDescription {
    var description = KeyDescription()
    description.db = key.db
    description.key = key.key
    description.type = key.type.logical
    description.expiresAt = key.expiresAt
    description.idle = key.idle
    description.frequency = key.frequency
    description.valueType = key.type
    description.encoding = key.type.encodingName
    description.metadata = key.metadata
    switch key.type {
    case .hashMetadata, .hashListpackEx, .hashMetadataPreRelease, .hashListpackPreRelease,
      .valkeyHash:
      description.fieldsMayExpire = true
    default: break
    }
    guard valuePending && !value.begun else { return description }
    switch key.type {
    case .string: description.encoding = stringEncoding()
    case .module: description.moduleID = peekLength(at: 0)?.value ?? 0
    case .list, .set, .hash, .zset, .zset2, .valkeyHash, .hashMetadataPreRelease:
      description.count = peekLength(at: 0)?.value
    case .hashMetadata: description.count = peekLength(at: 8)?.value
    case .array:
      guard let count = peekLength(at: 0), let has = peekLength(at: count.size) else { break }
      description.count = count.value
      if has.value == 1 {
        description.arrayCursor = peekLength(at: count.size + has.size)?.value
      }
    default: break
    }
    return description
  }

  /// The encoding that `OBJECT ENCODING` tells of a string once it is loaded.
  private mutating func stringEncoding() -> StaticString {
    guard let first = input.cursor.peek() else { return "raw" }
    if 0xC0...0xC2 ~= first { return "int" }
    if first == 0xC3 {
      guard let packed = peekLength(at: 1), let length = peekLength(at: 1 + packed.size) else {
        return "raw"
      }
      return length.value <= 44 ? "embstr" : "raw"
    }
    guard let length = peekLength(at: 0), length.value <= 44 else { return "raw" }
    let count = Int(length.value)
    guard count <= 20, input.cursor.ensure(length.size + count) else { return "embstr" }
    let text = input.cursor.readableSlice.slice(at: length.size, count: count)
    return DecimalText.canonical(text) != nil ? "int" : "embstr"
  }

  /// The length that begins `ahead` bytes from here, without taking it; nil when there is none.
  mutating func peekLength(at ahead: Int) -> (value: UInt64, size: Int)? {
    guard let first = input.cursor.peek(ahead) else { return nil }
    let size: Int
    switch first {
    case ..<0x40: return (UInt64(first), 1)
    case ..<0x80: size = 2
    case 0x80: size = 5
    case 0x81: size = 9
    default: return nil
    }
    guard input.cursor.ensure(ahead + size) else { return nil }
    let bytes = input.cursor.readableSlice.slice(at: ahead, count: size)
    switch size {
    case 2: return (UInt64(first & 0x3F) << 8 | UInt64(bytes[1]), 2)
    case 5: return (UInt64(bytes.load(at: 1, as: UInt32.self).byteSwapped), 5)
    default: return (bytes.load(at: 1, as: UInt64.self).byteSwapped, 9)
    }
  }

  /// Gives the current key, with all its elements, to `sink`.
  ///
  /// - Throws: ``RDBError``; the sink has then seen a beginning without an end.
  @inlinable public mutating func drain<Sink: ValueSink & ~Copyable>(
    into sink: inout Sink
  ) throws(RDBError) {
    let description = description()
    sink.begin(description)
    switch description.type {
    case .stream:
      while let event = try nextStreamEvent() { sink.stream(event) }
    case .module:
      while let item = try nextModuleItem() { sink.module(item) }
    default:
      var element = ValueElement()
      while try nextElement(&element) { sink.element(&element) }
    }
    sink.end()
  }
}

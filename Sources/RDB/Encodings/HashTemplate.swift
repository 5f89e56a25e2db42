internal import Bytes

/// Field names that hashes share (Redis 8.10; rdb-format.md 9.5), strictly sorted by length, then
/// bytes.
///
/// ```text
/// opcode 242         len id, len n, [str field]*n
/// 30 (files)         str listpack of: id, one value per field
/// 32 (files)         len id, one str per field
/// 29 (payloads)      names, str listpack of: any integer, one value per field
/// 31 (payloads)      names, one str per field
/// names              len 0, str listpack      or      len 1, len n, [str]*n
/// ```
struct HashTemplate {
  /// The names, one behind the other.
  private var bytes: [UInt8] = []
  /// Where each ends.
  private var ends: [Int] = []

  /// How many fields there are.
  var count: Int { ends.count }

  /// Adds a name, which sorts behind those before it.
  ///
  /// - Returns: false when it does not.
  mutating func append(_ name: ByteSlice) -> Bool {
    if let end = ends.last {
      let start = ends.count > 1 ? ends[ends.count - 2] : 0
      let sorted = bytes.withByteSlice { all in
        let before = all.slice(at: start, count: end - start)
        return before.count != name.count ? before.count < name.count : before.compare(name) < 0
      }
      guard sorted else { return false }
    }
    unsafe name.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    ends.append(bytes.count)
    return true
  }

  /// Copies the name of the field at `index` into `scratch`.
  func name(_ index: Int, _ scratch: inout ScratchBuffer) -> ByteSlice {
    let start = index > 0 ? ends[index - 1] : 0
    return bytes.withByteSlice { all in
      scratch.copy(all.slice(at: start, count: ends[index] - start))
    }
  }
}

extension RDBReader {
  mutating func beginTemplate() throws(RDBError) {
    let type = key.type
    value.templateIndex = 0
    if type == .templateListpack || type == .templateArray {
      value.template = try readTemplateNames()
    }
    if type == .templateArray || type == .templateArrayRef {
      if type == .templateArrayRef { value.template = try template(try input.readLength()) }
      value.left = UInt64(value.template.count)
      value.phase = .templateStrings
      return
    }
    try beginListpack(.templateListpack)
    let id = try value.listpack.demandInteger(.template)
    if type == .templateListpackRef {
      value.template = try template(UInt64(bitPattern: id))
    }
  }

  private func template(_ id: UInt64) throws(RDBError) -> HashTemplate {
    guard let template = templates[id] else { throw input.fail(.corrupt(.template, .missing)) }
    return template
  }

  private mutating func readTemplateNames() throws(RDBError) -> HashTemplate {
    var names = HashTemplate()
    switch try input.readLength() {
    case 0:
      var list = try ListpackCursor(try readBlob(), origin: blobOrigin)
      var item = PackedItem()
      while try list.next(&item) {
        guard names.append(item.text(&firstScratch)) else {
          throw corrupt(.template, .unsorted, blobOrigin)
        }
      }
    case 1:
      var left = try input.readLength()
      while left > 0 {
        left &-= 1
        let name = try input.readElement(into: &firstScratch, keeping: false)
        try throwFault()
        guard names.append(name) else { throw input.fail(.corrupt(.template, .unsorted)) }
      }
    default: throw input.fail(.corrupt(.template, .encoding))
    }
    guard names.count > 0 else { throw input.fail(.corrupt(.template, .empty)) }
    return names
  }

  mutating func stepTemplate(_ element: inout ValueElement) throws(RDBError) -> Bool {
    let index = value.templateIndex
    element.expiresAt = ValueElement.never
    if value.phase == .templateListpack {
      var item = PackedItem()
      guard try value.listpack.next(&item) else {
        guard index == value.template.count else { throw corrupt(.template, .count, blobOrigin) }
        return endElements()
      }
      guard index < value.template.count else { throw corrupt(.template, .count, blobOrigin) }
      element.second = item.text(&secondScratch)
    } else {
      guard value.left > 0 else { return endElements() }
      value.left &-= 1
      element.second = try input.readElement(into: &secondScratch, keeping: false)
    }
    element.first = value.template.name(index, &firstScratch)
    value.templateIndex += 1
    try throwFault()
    return true
  }
}

internal import Bytes

/// Elements of a collection that may become one blob.
struct GatheredElements: ~Copyable {
  struct Item {
    var start: Int
    var first: Int
    var second: Int
    var score: Double
    var expiresAt: Int64
  }

  private var bytes = ScratchBuffer()
  private(set) var items: [Item] = []
  /// The longest of all texts.
  private(set) var longest = 0
  /// Whether all elements are texts of integers.
  private(set) var areIntegers = true
  /// The earliest expiry of a field, where there is one.
  private(set) var earliest: Int64?
  private(set) var hasNaN = false

  init() {}

  mutating func clear() {
    bytes.clear()
    items.removeAll(keepingCapacity: true)
    longest = 0
    areIntegers = true
    earliest = nil
    hasNaN = false
  }

  mutating func append(_ element: ValueElement, hasSecond: Bool, isSet: Bool) {
    let start = bytes.count
    bytes.append(element.first)
    longest = max(longest, element.first.count)
    var second = 0
    if hasSecond {
      bytes.append(element.second)
      second = element.second.count
      longest = max(longest, second)
      let time = element.expiresAt
      if time != ValueElement.never { earliest = min(earliest ?? time, time) }
    }
    if isSet && areIntegers { areIntegers = DecimalText.canonical(element.first) != nil }
    if element.score.isNaN { hasNaN = true }
    items.append(
      Item(
        start: start, first: element.first.count, second: second, score: element.score,
        expiresAt: element.expiresAt))
  }

  func first(_ item: Item) -> ByteSlice { bytes.slice.slice(at: item.start, count: item.first) }
  func second(_ item: Item) -> ByteSlice {
    bytes.slice.slice(at: item.start + item.first, count: item.second)
  }

  /// The item as an element; valid until the next change.
  func element(_ item: Item) -> ValueElement {
    var element = ValueElement()
    element.first = first(item)
    element.second = second(item)
    element.score = item.score
    element.expiresAt = item.expiresAt
    return element
  }

  /// Sorts by score, then member.
  mutating func sortByScore() {
    let all = bytes.slice
    items.sort { a, b in
      if a.score != b.score { return a.score < b.score }
      return all.slice(at: a.start, count: a.first).compare(all.slice(at: b.start, count: b.first))
        < 0
    }
  }

  /// Makes the times such that Redis takes them: 1...2^48-1. What has passed long ago stays so; true
  /// when a time was later than that (the year 10889).
  mutating func limitTimes() -> Bool {
    var isLate = false
    for index in items.indices where items[index].expiresAt != ValueElement.never {
      if items[index].expiresAt > RDBReader.latestFieldExpiry { isLate = true }
      items[index].expiresAt = min(max(items[index].expiresAt, 1), RDBReader.latestFieldExpiry)
    }
    earliest = earliest.map { min(max($0, 1), RDBReader.latestFieldExpiry) }
    return isLate
  }

  /// Sorts by expiry, fields without one last, otherwise in the order they came.
  mutating func sortByExpiry() {
    items.sort { a, b in
      let first = a.expiresAt == ValueElement.never ? Int64.max : a.expiresAt
      let second = b.expiresAt == ValueElement.never ? Int64.max : b.expiresAt
      return first != second ? first < second : a.start < b.start
    }
  }
}

extension ValueEncoder {
  mutating func gather(_ element: ValueElement) {
    let kind = description.type
    gathered.append(element, hasSecond: kind == .hash, isSet: kind == .set)
    let count = gathered.items.count
    let isShort = gathered.longest <= target.compactLength
    let fits =
      switch kind {
      case .set:
        (gathered.areIntegers && count <= target.intsetMembers)
          || (isShort && count <= target.compactSetMembers)
      case .zset: isShort && count <= target.compactMembers
      case .hash:
        (isShort && count <= target.compactHashFields)
          || (target.hasFieldExpiry && (description.fieldsMayExpire || gathered.earliest != nil))
      default: isShort && count <= target.compactListElements
      }
    if !fits { spill() }
  }

  /// Writes what was gathered one by one, and what comes too.
  private mutating func spill() {
    beginSingle(description.count)
    for item in gathered.items { appendSingle(gathered.element(item)) }
    gathered.clear()
  }

  mutating func endGathering() {
    let count = gathered.items.count
    guard count > 0 else { return endEmpty() }
    let isShort = gathered.longest <= target.compactLength
    switch description.type {
    case .set: endSet()
    case .zset:
      if gathered.hasNaN { return endSingle() }
      gathered.sortByScore()
      type = target.usesListpacks ? .zsetListpack : .zsetZiplist
      beginBlob()
      for item in gathered.items {
        appendToBlob(gathered.first(item))
        appendToBlob(score: item.score)
      }
      endBlob()
    case .hash where gathered.earliest != nil && target.hasFieldExpiry: endTimedHash()
    case .hash:
      if gathered.earliest != nil { loss.insert(.fieldExpiry) }
      guard isShort, count <= target.compactHashFields else { return endSingle() }
      type = target.usesListpacks ? .hashListpack : .hashZiplist
      beginBlob()
      for item in gathered.items {
        appendToBlob(gathered.first(item))
        appendToBlob(gathered.second(item))
      }
      endBlob()
    default:
      type = .listZiplist
      beginBlob()
      for item in gathered.items { appendToBlob(gathered.first(item)) }
      endBlob()
    }
  }

  /// No elements: the form that has a count.
  private mutating func endEmpty() {
    beginSingle(0)
    description.count = 0
  }

  private mutating func endSingle() {
    description.count = UInt64(gathered.items.count)
    spill()
  }

  private mutating func endSet() {
    if gathered.areIntegers && gathered.items.count <= target.intsetMembers {
      var integers: [Int64] = []
      for item in gathered.items {
        if let integer = DecimalText.canonical(gathered.first(item)) { integers.append(integer) }
      }
      integers.sort()
      let isUnique = zip(integers, integers.dropFirst()).allSatisfy { $0 != $1 }
      if isUnique { return appendIntset(integers) }
    }
    guard gathered.longest <= target.compactLength,
      gathered.items.count <= target.compactSetMembers
    else { return endSingle() }
    type = .setListpack
    beginBlob()
    for item in gathered.items { appendToBlob(gathered.first(item)) }
    endBlob()
  }

  private mutating func appendIntset(_ integers: [Int64]) {
    type = .setIntset
    let low = integers.first ?? 0
    let high = integers.last ?? 0
    let width =
      Int16(exactly: low) != nil && Int16(exactly: high) != nil
      ? 2 : Int32(exactly: low) != nil && Int32(exactly: high) != nil ? 4 : 8
    var blob = ScratchBuffer(capacity: 8 + width * integers.count)
    blob.append(littleEndian: UInt32(width))
    blob.append(littleEndian: UInt32(integers.count))
    for integer in integers {
      switch width {
      case 2: blob.append(littleEndian: Int16(truncatingIfNeeded: integer))
      case 4: blob.append(littleEndian: Int32(truncatingIfNeeded: integer))
      default: blob.append(littleEndian: integer)
      }
    }
    body.append(blob: blob.slice, compressing: compressing, &packed)
  }

  /// A hash of which fields expire, for a target that has that.
  private mutating func endTimedHash() {
    let count = gathered.items.count
    if target.family == .valkey {
      type = .valkeyHash
      head.append(length: UInt64(count))
      for item in gathered.items {
        body.append(string: gathered.first(item), compressing: compressing, &packed)
        body.append(string: gathered.second(item), compressing: compressing, &packed)
        body.append(littleEndian: item.expiresAt)
      }
      return
    }
    if gathered.limitTimes() { loss.insert(.fieldExpiry) }
    let earliest = gathered.earliest ?? 0
    head.append(littleEndian: earliest)
    if gathered.longest <= target.compactLength && count <= target.compactHashFields {
      type = .hashListpackEx
      gathered.sortByExpiry()
      beginBlob()
      for item in gathered.items {
        appendToBlob(gathered.first(item))
        appendToBlob(gathered.second(item))
        listpack.append(item.expiresAt == ValueElement.never ? 0 : item.expiresAt)
      }
      endBlob()
      return
    }
    type = .hashMetadata
    head.append(length: UInt64(count))
    for item in gathered.items {
      let never = item.expiresAt == ValueElement.never
      body.append(length: never ? 0 : UInt64(bitPattern: item.expiresAt &- earliest &+ 1))
      body.append(string: gathered.first(item), compressing: compressing, &packed)
      body.append(string: gathered.second(item), compressing: compressing, &packed)
    }
  }

  // MARK: - Blobs of either kind

  private mutating func beginBlob() {
    listpack.clear()
    ziplist.clear()
  }

  private mutating func appendToBlob(_ text: ByteSlice) {
    if target.usesListpacks { listpack.append(text) } else { ziplist.append(text) }
  }

  /// Integral scores are integers, -0 excepted.
  private mutating func appendToBlob(score: Double) {
    let isIntegral = score.rounded() == score && score.magnitude < 0x1p53
    if isIntegral && !(score == 0 && score.sign == .minus) {
      if target.usesListpacks {
        listpack.append(Int64(score))
      } else {
        ziplist.append(Int64(score))
      }
      return
    }
    packed.clear()
    packed.append(double: score, target.hasShortScores ? .server : .printf)
    if target.usesListpacks {
      listpack.append(string: packed.slice)
    } else {
      ziplist.append(string: packed.slice)
    }
  }

  private mutating func endBlob() {
    if target.usesListpacks {
      body.append(blob: listpack.finish(), compressing: compressing, &packed)
    } else {
      body.append(blob: ziplist.finish(), compressing: compressing, &packed)
    }
  }
}

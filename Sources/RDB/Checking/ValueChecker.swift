package import Bytes

/// Checks values to the last byte (rdb-format.md 8, 9, 14): everything that reading them checks,
/// and what a server with `sanitize-dump-payload yes` refuses: elements twice, integers and scores
/// out of order, NaN, field times out of order, streams that contradict themselves.
///
/// Nothing is formatted or allocated for an element; a set, sorted set or hash takes up to 22 bytes of
/// memory for each of its elements, but no more than 24 MB where it can be read a second time
/// (`WideDuplicates`): over memory and mappings, or where the whole file is mapped as well.
public struct ValueChecker: ~Copyable {
  /// What is legal but unusual about a value.
  public struct Oddities: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// Of bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// No elements. Servers from 7.0 on drop such a key, older ones load it.
    public static let empty = Oddities(rawValue: 1)
    /// A group has read more entries than were ever added; Redis 8.8 refuses that.
    public static let readBeyondAdded = Oddities(rawValue: 2)
    /// An entry lies behind the last id of its stream.
    public static let lastIDTooLow = Oddities(rawValue: 4)
  }

  /// Of the value that was checked last.
  public internal(set) var oddities = Oddities()
  /// How many elements, pairs or live entries the value has that was checked last.
  public internal(set) var elements = 0

  /// The file whose dump is read in pieces, all of it: there values are read a second time. Valid as long as
  /// the checker is used.
  package var whole: ByteSlice?

  var filter = DuplicateFilter()
  var stream = StreamChecker()
  /// Names of groups and of producers of the current stream.
  var groups = DuplicateFilter()
  var producers = DuplicateFilter()
  /// Hashes that were there twice in values that are no blobs.
  private var suspects: [UInt64] = []
  private var decoder: ValueDecoder?
  private var left = ScratchBuffer()
  private var right = ScratchBuffer()

  /// A checker, to be used for many values.
  public init() {}

  /// Reads and checks the value of the current key, none of which must have been taken.
  ///
  /// - Throws: ``RDBError``; ``RDBReader/canSkipValue`` tells whether the reader can go on.
  public mutating func check(_ reader: inout RDBReader) throws(RDBError) {
    oddities = []
    elements = 0
    do throws(RDBError) {
      try reader.beginElements()
      try checkBegun(&reader)
    } catch {
      reader.noteFailure(error)
      throw error
    }
    reader.value.phase = .done
    reader.valuePending = false
    if elements == 0 {
      switch reader.key.type.logical {
      case .list, .set, .zset, .hash, .array: oddities.insert(.empty)
      default: break
      }
    }
  }

  private mutating func checkBegun(_ reader: inout RDBReader) throws(RDBError) {
    switch reader.value.phase {
    case .listpack: try checkListpack(reader.value.listpack, stride: 1)
    case .listpackPairs: try checkListpack(reader.value.listpack, stride: 2)
    case .listpackTriples: try checkListpack(reader.value.listpack, stride: 3)
    case .listpackScores: try checkScores(&reader.value.listpack, reader.blobOrigin)
    case .ziplist: try checkZiplist(&reader.value.ziplist)
    case .ziplistPairs: try checkZiplistPairs(&reader.value.ziplist)
    case .ziplistScores: try checkScores(&reader.value.ziplist, reader.blobOrigin)
    case .intset: try checkIntset(&reader.value.intset, reader.blobOrigin)
    case .zipmap: try checkZipmap(&reader)
    case .quicklist: try checkQuicklist(&reader)
    case .quicklist2: try checkQuicklist2(&reader)
    case .stream: try checkStream(&reader)
    case .module:
      while try reader.nextModuleItem() != nil { elements += 1 }
    default: try checkElements(&reader)
    }
  }

  // MARK: - Blobs

  /// Whether `blob` as the value of a key whose type has this code (11, 16, 17 or 20), or as a node of a list
  /// (18), is right to the last byte and not empty; what is wrong is not told.
  mutating func passes(_ code: UInt8, _ blob: ByteSlice) -> Bool {
    elements = 0
    do throws(RDBError) {
      switch code {
      case 11:
        var intset = try IntsetCursor(blob, origin: 0)
        try checkIntset(&intset, 0)
      case 16: try checkListpack(try ListpackCursor(blob, origin: 0), stride: 2)
      case 17:
        var list = try ListpackCursor(blob, origin: 0)
        try checkScores(&list, 0)
      case 18:
        var list = try ListpackCursor(blob, origin: 0)
        var item = PackedItem()
        while try list.next(&item) { elements &+= 1 }
      case 20: try checkListpack(try ListpackCursor(blob, origin: 0), stride: 1)
      default: return false
      }
    } catch { return false }
    return elements > 0
  }

  private mutating func checkListpack(
    _ start: ListpackCursor, stride: Int
  ) throws(RDBError) {
    filter.clear()
    var list = start
    var item = PackedItem()
    var lastExpiry: Int64 = 0
    var timesEnded = false
    while try list.next(&item) {
      if !filter.insert(contentHash(item)) {
        try confirm(start, list.walked - 1, item, stride, stride == 1 ? .set : .hash)
      }
      if stride >= 2 { try list.demand(&item, .hash, .pairs) }
      if stride == 3 {
        try list.demand(&item, .hash, .pairs)
        guard item.isInteger else { throw corrupt(.hash, .notANumber, list.origin) }
        let time = item.integer
        guard 0...RDBReader.latestFieldExpiry ~= time else {
          throw corrupt(.hash, .range, list.origin)
        }
        // Fields with a time come first, the earliest at the front.
        guard time == 0 || (!timesEnded && time >= lastExpiry) else {
          throw corrupt(.hash, .order, list.origin)
        }
        if time == 0 { timesEnded = true } else { lastExpiry = time }
      }
      elements += 1
    }
  }

  /// Throws when the item is really one of the first elements of groups of `stride` before it.
  @inline(never) private mutating func confirm(
    _ start: ListpackCursor, _ before: Int, _ item: PackedItem, _ stride: Int,
    _ blob: RDBError.Blob
  ) throws(RDBError) {
    var list = start
    var other = PackedItem()
    var index = 0
    while index < before, try list.next(&other) {
      if index % stride == 0 && compare(other, item) == 0 {
        throw corrupt(blob, .duplicate, start.origin)
      }
      index += 1
    }
  }

  @inline(never) private mutating func confirm(
    _ start: ZiplistCursor, _ before: Int, _ item: PackedItem, _ stride: Int,
    _ blob: RDBError.Blob
  ) throws(RDBError) {
    var list = start
    var other = PackedItem()
    var index = 0
    while index < before, try list.next(&other) {
      if index % stride == 0 && compare(other, item) == 0 {
        throw corrupt(blob, .duplicate, start.origin)
      }
      index += 1
    }
  }

  /// How the texts of two items sort.
  private mutating func compare(_ a: PackedItem, _ b: PackedItem) -> Int {
    if !a.isInteger && !b.isInteger { return a.text.compare(b.text) }
    return a.text(&left).compare(b.text(&right))
  }

  private mutating func checkZiplist(_ list: inout ZiplistCursor) throws(RDBError) {
    var item = PackedItem()
    while try list.next(&item) { elements += 1 }
  }

  private mutating func checkZiplistPairs(_ list: inout ZiplistCursor) throws(RDBError) {
    filter.clear()
    let start = list
    var item = PackedItem()
    while try list.next(&item) {
      if !filter.insert(contentHash(item)) {
        try confirm(start, list.walked - 1, item, 2, .hash)
      }
      try list.demand(&item, .hash, .pairs)
      elements += 1
    }
  }

  private mutating func checkScores(
    _ list: inout ListpackCursor, _ origin: Int
  ) throws(RDBError) {
    filter.clear()
    let start = list
    var member = PackedItem()
    var last = PackedItem()
    var item = PackedItem()
    var lastScore = -Double.infinity
    while try list.next(&member) {
      if !filter.insert(contentHash(member)) {
        try confirm(start, list.walked - 1, member, 2, .zset)
      }
      try list.demand(&item, .zset, .pairs)
      lastScore = try checkOrder(item, member, after: last, lastScore, origin)
      last = member
      elements += 1
    }
  }

  private mutating func checkScores(
    _ list: inout ZiplistCursor, _ origin: Int
  ) throws(RDBError) {
    filter.clear()
    let start = list
    var member = PackedItem()
    var last = PackedItem()
    var item = PackedItem()
    var lastScore = -Double.infinity
    while try list.next(&member) {
      if !filter.insert(contentHash(member)) {
        try confirm(start, list.walked - 1, member, 2, .zset)
      }
      try list.demand(&item, .zset, .pairs)
      lastScore = try checkOrder(item, member, after: last, lastScore, origin)
      last = member
      elements += 1
    }
  }

  /// The score that `item` stands for, which together with `member` must not sort before the last.
  private mutating func checkOrder(
    _ item: PackedItem, _ member: PackedItem, after last: PackedItem, _ lastScore: Double,
    _ origin: Int
  ) throws(RDBError) -> Double {
    guard let score = item.score else { throw corrupt(.zset, .notANumber, origin) }
    guard !score.isNaN else { throw corrupt(.zset, .nan, origin) }
    guard score >= lastScore else { throw corrupt(.zset, .order, origin) }
    if score == lastScore && elements > 0 && compare(last, member) > 0 {
      throw corrupt(.zset, .order, origin)
    }
    return score
  }

  private mutating func checkIntset(
    _ intset: inout IntsetCursor, _ origin: Int
  ) throws(RDBError) {
    var last = Int64.min
    while let integer = intset.next() {
      guard elements == 0 || integer > last else {
        throw corrupt(.intset, integer == last ? .duplicate : .order, origin)
      }
      last = integer
      elements += 1
    }
  }

  private mutating func checkZipmap(_ reader: inout RDBReader) throws(RDBError) {
    filter.clear()
    let start = reader.value.zipmap
    var field = ByteSlice()
    var item = ByteSlice()
    while try reader.value.zipmap.next(&field, &item) {
      if !filter.insert(field.fastHash) {
        var again = start
        var other = ByteSlice()
        for _ in 0..<elements {
          _ = try again.next(&other, &item)
          if other == field { throw corrupt(.hash, .duplicate, start.origin) }
        }
      }
      elements += 1
    }
  }

  private mutating func checkQuicklist(_ reader: inout RDBReader) throws(RDBError) {
    var item = PackedItem()
    while reader.value.left > 0 {
      reader.value.left &-= 1
      reader.input.cursor.housekeep()
      let node = try reader.readBlob()
      guard !node.isEmpty else { throw corrupt(.quicklist, .empty, reader.blobOrigin) }
      var list = try ZiplistCursor(node, origin: reader.blobOrigin)
      while try list.next(&item) { elements += 1 }
    }
  }

  private mutating func checkQuicklist2(_ reader: inout RDBReader) throws(RDBError) {
    var item = PackedItem()
    while reader.value.left > 0 {
      reader.value.left &-= 1
      reader.input.cursor.housekeep()
      let container = try reader.input.readLength()
      let node = try reader.readBlob()
      guard !node.isEmpty else { throw corrupt(.quicklist, .empty, reader.blobOrigin) }
      switch container {
      case 1: elements += 1
      case 2:
        var list = try ListpackCursor(node, origin: reader.blobOrigin)
        while try list.next(&item) { elements += 1 }
      default: throw corrupt(.quicklist, .encoding, reader.blobOrigin)
      }
    }
  }

  // MARK: - Element by element

  private mutating func checkElements(_ reader: inout RDBReader) throws(RDBError) {
    let type = reader.key.type.logical
    var element = ValueElement()
    if type == .string {
      while try reader.step(&element) { elements += 1 }
      return
    }
    filter.clear()
    suspects.removeAll(keepingCapacity: true)
    let unique = type == .set || type == .zset || type == .hash
    if unique, reader.value.left > WideDuplicates.fewest, reader.isStable || whole != nil {
      return try checkMany(&reader, type)
    }
    filter.expect(reader.value.left)
    while try reader.step(&element) {
      elements += 1
      if unique {
        let hash = contentHash(element.first)
        if !filter.insert(hash) { suspects.append(hash) }
      }
      if type == .array && !filter.insert(contentHash(Int64(bitPattern: element.index))) {
        throw corrupt(.array, .duplicate, reader.key.valueOffset)
      }
      if type == .zset && element.score.isNaN {
        throw corrupt(.zset, .nan, reader.key.valueOffset)
      }
    }
    if !suspects.isEmpty { try confirmSuspects(&reader, type) }
  }

  /// Checks elements that are so many that their hashes are not kept.
  @inline(never) private mutating func checkMany(
    _ reader: inout RDBReader, _ type: LogicalType
  ) throws(RDBError) {
    var wide = WideDuplicates(elements: reader.value.left)
    elements = try ValueChecker.noteAll(&reader, type, &wide)
    while wide.endPass() {
      var again = try beginAgain(reader)
      _ = try ValueChecker.noteAll(&again.reader, type, &wide)
      decoder = consume again
    }
    suspects = wide.found
    if !suspects.isEmpty { try confirmSuspects(&reader, type) }
    if wide.isIncomplete { try checkManyMade(&reader, type) }
  }

  /// Hands the hashes of all elements to `wide`, and returns how many there are.
  private static func noteAll(
    _ reader: inout RDBReader, _ type: LogicalType, _ wide: inout WideDuplicates
  ) throws(RDBError) -> Int {
    var element = ValueElement()
    var count = 0
    while try reader.step(&element) {
      count &+= 1
      wide.note(contentHash(element.first))
      if type == .zset && element.score.isNaN {
        throw corrupt(.zset, .nan, reader.key.valueOffset)
      }
    }
    return count
  }

  /// For elements that were made to have more equal hashes than ``WideDuplicates`` keeps, while none of them
  /// are equal: keeps all hashes.
  @inline(never) private mutating func checkManyMade(
    _ reader: inout RDBReader, _ type: LogicalType
  ) throws(RDBError) {
    suspects.removeAll()
    var element = ValueElement()
    var again = try beginAgain(reader)
    while try again.reader.nextElement(&element) {
      let hash = contentHash(element.first)
      if !filter.insert(hash) { suspects.append(hash) }
    }
    decoder = consume again
    if !suspects.isEmpty { try confirmSuspects(&reader, type) }
  }

  /// Something that reads the value once more that `reader` stands behind; a stream that is not mapped as well
  /// has no such thing.
  private mutating func beginAgain(
    _ reader: borrowing RDBReader
  ) throws(RDBError) -> ValueDecoder {
    let from = reader.key.valueOffset
    let count = reader.offset - from
    var raw = ByteSlice()
    if reader.isStable {
      raw = reader.input.cursor.heldSlice(at: from, count: count)
    } else if let whole, whole.holds(count, at: from) {
      raw = whole.slice(at: from, count: count)
    }
    var again = decoder.take() ?? ValueDecoder(dialect: reader.header.dialect)
    again.templates = reader.hashTemplates
    again.begin(reader.key.type, raw)
    try again.reader.beginElements()
    return again
  }

  /// Reads the value again, where that can be, and throws when elements of one hash are equal.
  @inline(never) private mutating func confirmSuspects(
    _ reader: inout RDBReader, _ type: LogicalType
  ) throws(RDBError) {
    let blob: RDBError.Blob = type == .set ? .set : type == .zset ? .zset : .hash
    let from = reader.key.valueOffset
    let found = corrupt(blob, .duplicate, from)
    // The bytes of a stream are gone: 64 bits of hash have to do.
    guard reader.isStable || whole != nil else { throw found }
    let wanted = Set(suspects)
    var seen: [UInt64: [[UInt8]]] = [:]
    var again = try beginAgain(reader)
    var element = ValueElement()
    while try again.reader.nextElement(&element) {
      let hash = contentHash(element.first)
      guard wanted.contains(hash) else { continue }
      let bytes = element.first.bytes
      // More than a few different elements of one hash were made to be so.
      if seen[hash, default: []].contains(bytes) || seen[hash, default: []].count > 64 {
        throw found
      }
      seen[hash, default: []].append(bytes)
    }
    decoder = consume again
  }
}

public import Bytes
internal import Keyspace
public import RDB

/// One key, as `keys` lists it.
public struct KeyRow {
  /// The number of its database.
  public var db = 0
  /// The name; valid during the call that hands out the row.
  public var key = ByteSlice()
  /// What a client sees.
  public var type = LogicalType.string
  /// The name of the encoding.
  public var encoding: StaticString = "raw"
  /// How many elements; 1 for strings.
  public var elements: UInt64 = 0
  /// Bytes in the file, from the key's attributes to the end of its value.
  public var bytes = 0
  /// About how many bytes it takes in the memory of a server; 0 for modules, where nobody knows.
  public var memory = 0
  /// When it expires, in ms since 1970; nil for never.
  public var expiresAt: Int64?
}

/// Lists keys without decoding their values.
public enum KeyListing {
  /// In which order.
  public enum Order: String, Sendable, CaseIterable {
    /// Most bytes in the file first.
    case size
    /// Most memory in a server first.
    case memory
    /// Most elements first.
    case elements
    /// Those that expire soonest first, those that never do last.
    case ttl
    /// By database and name.
    case key
  }

  /// Calls `body` with every key that passes.
  ///
  /// - Parameters:
  ///   - reader: a reader that has read nothing yet.
  ///   - selection: which keys pass.
  ///   - expiredBefore: keys whose time lies before this moment, in ms since 1970, do not; nil for none.
  ///   - order: nil for that of the file, in which nothing is kept in memory.
  ///   - top: at most so many of the first; with an order only these are kept in memory.
  ///   - file: the name of what is read, for errors.
  ///   - body: gets each row; its slices are valid until it returns.
  /// - Returns: how many keys passed, also those beyond `top`.
  /// - Throws: ``ToolError``, or what `body` throws.
  public static func list(
    _ reader: inout RDBReader, selection: KeySelection = KeySelection(),
    expiredBefore: Int64? = nil, order: Order? = nil, top: Int? = nil, file: String,
    _ body: (KeyRow) throws(ToolError) -> Void
  ) throws(ToolError) -> Int {
    let feed = KeyFeed(selection, expiredBefore: expiredBefore)
    var kept = KeptRows(order ?? .key, limit: order == nil ? 0 : top)
    var passed = 0
    var row = KeyRow()
    while true {
      do throws(RDBError) {
        let record = try reader.next()
        if case .end = record { break }
        guard case .key = record, feed.passes(reader.key) else { continue }
        row = try measure(&reader)
        guard selection.matches(size: reader.offset - reader.key.valueOffset) else { continue }
      } catch {
        throw ToolError(error, file: file, database: reader.key.db, key: reader.key.key)
      }
      passed += 1
      if order != nil {
        kept.add(row)
      } else if passed <= top ?? .max {
        try body(row)
      }
    }
    if order != nil {
      kept.sort()
      for index in 0..<kept.count { try body(kept[index]) }
    }
    return passed
  }

  /// Lists the keys of whatever `input` is. Of a log ``KeyRow/bytes`` are those of the elements.
  ///
  /// - Throws: ``ToolError``, or what `body` throws.
  public static func list(
    _ input: consuming DataInput, selection: KeySelection = KeySelection(),
    expiredBefore: Int64? = nil, order: Order? = nil, top: Int? = nil,
    _ body: (KeyRow) throws(ToolError) -> Void
  ) throws(ToolError) -> Int {
    let file = input.facts.file
    if var reader = input.takeDump() {
      let passed = try list(
        &reader, selection: selection, expiredBefore: expiredBefore, order: order, top: top,
        file: file, body)
      try DataInput.checkEnd(reader, file)
      return passed
    }
    guard let log = input.log else { preconditionFailure("an input is a dump or a log") }
    guard let order else {
      // Row by row, so that they need no memory.
      let (passed, failure) = withoutActuallyEscaping(body) { body in
        var sink = SelectingSink(RowMaker(RowPasser(limit: top, body)), selection)
        log.keyspace.feed(&sink, expiredBefore: expiredBefore)
        return (sink.inner.taker.passed, sink.inner.taker.failure)
      }
      if let failure { throw failure }
      try log.checkDamage()
      return passed
    }
    var sink = SelectingSink(RowMaker(RowCollector(order, limit: top)), selection)
    log.keyspace.feed(&sink, expiredBefore: expiredBefore)
    try log.checkDamage()
    sink.inner.taker.rows.sort()
    for index in 0..<sink.inner.taker.rows.count { try body(sink.inner.taker.rows[index]) }
    return sink.inner.taker.passed
  }

  /// Gives the keys of whatever `input` is to `taker`, in the order in which they are found; none of
  /// them is kept. Of a log ``KeyRow/bytes`` are those of the elements.
  static func give<Taker: RowTaker & ~Copyable>(
    _ input: consuming DataInput, selection: KeySelection, expiredBefore: Int64?,
    to taker: consuming Taker
  ) throws(ToolError) -> Taker {
    let file = input.facts.file
    if var reader = input.takeDump() {
      var taker = consume taker
      _ = try list(&reader, selection: selection, expiredBefore: expiredBefore, file: file) {
        row throws(ToolError) in taker.take(row)
      }
      try DataInput.checkEnd(reader, file)
      return taker
    }
    guard let log = input.log else { preconditionFailure("an input is a dump or a log") }
    var sink = SelectingSink(RowMaker(taker), selection)
    log.keyspace.feed(&sink, expiredBefore: expiredBefore)
    try log.checkDamage()
    return sink.finish().taker
  }

  private static func measure(_ reader: inout RDBReader) throws(RDBError) -> KeyRow {
    let description = reader.description()
    let from = reader.key.offset
    let shape = try reader.measure()
    var row = KeyRow()
    row.db = description.db
    row.key = reader.key.key
    row.type = description.type
    row.encoding = description.encoding
    row.elements = shape.elements
    row.bytes = reader.offset - from
    row.memory = shape.memory
    row.expiresAt = description.expiresAt
    return row
  }
}

/// Rows that wait to be sorted: all, or the first so many of the order seen so far.
struct KeptRows: ~Copyable {
  private struct Entry {
    var row: KeyRow
    /// The place of the name in ``names``.
    var offset: Int
    var length: Int
  }

  private let order: KeyListing.Order
  private let limit: Int
  private var entries: [Entry] = []
  private var names = ScratchBuffer(capacity: 1 << 16)
  /// The last row that is among the first so many, once there are so many.
  private var floor: KeyRow?

  /// Rows in `order`; with `limit`, only the first so many.
  init(_ order: KeyListing.Order, limit: Int?) {
    self.order = order
    self.limit = limit ?? .max
  }

  /// How many rows are kept.
  var count: Int { entries.count }

  /// The row at `index`; its name is valid as long as nothing is added.
  subscript(index: Int) -> KeyRow {
    let entry = entries[index]
    var row = entry.row
    row.key = names.slice.slice(at: entry.offset, count: entry.length)
    return row
  }

  /// Adds a row, whose name is copied.
  mutating func add(_ row: KeyRow) {
    guard limit > 0 else { return }
    if let floor, comparison(floor, row) < 0 { return }
    if limit < .max / 2, entries.count >= 2 * limit + 1024 { prune() }
    entries.append(Entry(row: row, offset: names.count, length: row.key.count))
    names.append(row.key)
  }

  /// Brings the rows into order and drops those beyond the limit.
  mutating func sort() {
    var sorted: [Entry] = []
    swap(&sorted, &entries)
    sorted.sort { precedes($0, $1) }
    if sorted.count > limit { sorted.removeSubrange(limit...) }
    swap(&sorted, &entries)
  }

  /// Drops what can't be among the first any more.
  private mutating func prune() {
    sort()
    var fresh = ScratchBuffer(capacity: 1 << 16)
    for index in entries.indices {
      let name = names.slice.slice(at: entries[index].offset, count: entries[index].length)
      entries[index].offset = fresh.count
      fresh.append(name)
    }
    swap(&fresh, &names)
    if entries.count == limit { floor = entries[limit - 1].row }
  }

  /// Equal rows go by database and name, so that the listing is the same for the same data.
  private func precedes(_ a: Entry, _ b: Entry) -> Bool {
    let first = comparison(a.row, b.row)
    if first != 0 { return first < 0 }
    if a.row.db != b.row.db { return a.row.db < b.row.db }
    let all = names.slice
    return all.slice(at: a.offset, count: a.length)
      .compare(all.slice(at: b.offset, count: b.length)) < 0
  }

  /// Negative, zero or positive as `a` goes before, with or behind `b` by what the order is about;
  /// names are not looked at.
  @inline(__always) private func comparison(_ a: KeyRow, _ b: KeyRow) -> Int {
    switch order {
    case .size: return compare(b.bytes, a.bytes)
    case .memory: return compare(b.memory, a.memory)
    case .elements: return compare(b.elements, a.elements)
    case .ttl:
      let times = compare(a.expiresAt ?? .max, b.expiresAt ?? .max)
      return times != 0 ? times : compare(a.expiresAt == nil ? 1 : 0, b.expiresAt == nil ? 1 : 0)
    case .key: return 0
    }
  }

  @inline(__always) private func compare<T: Comparable>(_ a: T, _ b: T) -> Int {
    a < b ? -1 : a == b ? 0 : 1
  }
}

/// What is given rows one by one.
protocol RowTaker: ~Copyable {
  /// A row; its name is valid during the call.
  mutating func take(_ row: KeyRow)
}

/// Keeps rows: all, or the first so many of an order.
struct RowCollector: RowTaker, ~Copyable {
  var rows: KeptRows
  private(set) var passed = 0

  init(_ order: KeyListing.Order, limit: Int?) { rows = KeptRows(order, limit: limit) }

  mutating func take(_ row: KeyRow) {
    passed += 1
    rows.add(row)
  }
}

/// Gives rows on as they come, at most so many.
struct RowPasser: RowTaker, ~Copyable {
  private(set) var passed = 0
  /// What the taker of rows threw; it is given none afterwards.
  private(set) var failure: ToolError?
  private let limit: Int
  private let body: (KeyRow) throws(ToolError) -> Void

  init(limit: Int?, _ body: @escaping (KeyRow) throws(ToolError) -> Void) {
    self.limit = limit ?? .max
    self.body = body
  }

  mutating func take(_ row: KeyRow) {
    passed += 1
    guard passed <= limit, failure == nil else { return }
    do throws(ToolError) { try body(row) } catch { failure = error }
  }
}

/// Makes rows of the keys of a log.
struct RowMaker<Taker: RowTaker & ~Copyable>: ValueSink, ~Copyable {
  var taker: Taker
  private var row = KeyRow()
  private var meter = MemoryMeter()

  init(_ taker: consuming Taker) { self.taker = taker }

  mutating func begin(_ key: KeyDescription) {
    row.db = key.db
    row.key = key.key
    row.type = key.type
    row.encoding = key.encoding
    row.elements = key.count ?? 1
    row.bytes = key.bytes ?? 0
    row.expiresAt = key.expiresAt
    meter.begin(key)
  }
  mutating func element(_ element: inout ValueElement) { meter.element(&element) }
  mutating func stream(_ event: StreamEvent) { meter.stream(event) }
  mutating func module(_ item: ModuleItem) {}
  mutating func end() {
    row.memory = meter.memory
    taker.take(row)
  }
}

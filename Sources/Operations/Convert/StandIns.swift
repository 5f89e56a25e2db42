internal import Bytes
internal import RDB

/// Messages that are added to a stream for a while, so that pending entries whose message is gone
/// can be claimed: since Redis 7.0 nothing claims a message that is not there, and a server's own
/// rewrite loses such entries.
///
/// They are added in the order of their ids among the live ones, and go again behind the groups: those
/// lower than every live one by XTRIM, which is not noted as a deletion, the others by XDEL.
struct StandIns {
  /// Their ids, in order.
  private(set) var ids: [StreamID] = []
  /// How many of them are lower than every live one.
  private(set) var trimmed = 0
  /// How many live entries there are.
  private(set) var live = 0

  /// None.
  init() {}

  /// For `pending` ids, in any order and more than once, of a stream whose live ids are `entries`, in
  /// order.
  init(pending: [StreamID], entries: [StreamID], lastID: StreamID) {
    live = entries.count
    var last: StreamID?
    var at = 0
    for id in pending.sorted() where id != last {
      last = id
      // An id above the last one was never given, and 0-0 is none: no message can stand for it.
      if id == .zero || id > lastID { continue }
      while at < entries.count, entries[at] < id { at += 1 }
      if at < entries.count, entries[at] == id { continue }
      if at == 0 { trimmed += 1 }
      ids.append(id)
    }
  }

  /// The highest one that goes by XDEL.
  var lastDeleted: StreamID? { ids.count > trimmed ? ids.last : nil }

  /// Whether there is one of this id.
  func contains(_ id: StreamID) -> Bool {
    var low = 0
    var high = ids.count
    while low < high {
      let middle = (low + high) / 2
      if ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low < ids.count && ids[low] == id
  }
}

/// Reads a stream to see which of its pending entries need a message. Memory: its ids.
struct StandInFinder: ValueSink, ~Copyable {
  private var entries: [StreamID] = []
  private var pending: [StreamID] = []
  private var lastID = StreamID.zero

  mutating func begin(_ key: KeyDescription) {
    entries.removeAll(keepingCapacity: true)
    pending.removeAll(keepingCapacity: true)
    lastID = .zero
  }
  mutating func element(_ element: inout ValueElement) {}
  mutating func stream(_ event: StreamEvent) {
    switch event {
    case .entry(let id, _): entries.append(id)
    case .metadata(let metadata): lastID = metadata.lastID
    case .pending(let id, _, _): pending.append(id)
    default: break
    }
  }
  mutating func module(_ item: ModuleItem) {}
  mutating func end() {}

  /// What the stream that was read last needs.
  var found: StandIns {
    pending.isEmpty
      ? StandIns() : StandIns(pending: pending, entries: entries, lastID: lastID)
  }
}

/// Leads the streams of a dump to an output; those with pending entries twice past, the first time to see
/// what they need.
struct StreamFeed: ~Copyable {
  private var decoder: ValueDecoder?
  private var finder = StandInFinder()

  /// Gives the current key of `reader`, a stream that was not taken yet and passes `feed`, to `output`.
  ///
  /// - Returns: whether it passed what is asked of its size.
  /// - Throws: ``RDBError``; the output has then seen nothing, or a beginning without an end.
  mutating func feed<Output: ConvertOutput & ~Copyable>(
    _ reader: inout RDBReader, _ selection: KeySelection, into output: inout Output
  ) throws(RDBError) -> Bool {
    let key = reader.key
    let raw = try reader.rawValue()
    guard selection.matches(size: raw.count) else { return false }
    var inner = decoder.take() ?? ValueDecoder(dialect: reader.header.dialect)
    do throws(RDBError) {
      if reader.passedPending {
        inner.begin(key, raw)
        try inner.reader.drain(into: &finder)
        output.prepare(finder.found)
      } else {
        output.prepare(StandIns())
      }
      inner.begin(key, raw)
      try inner.reader.drain(into: &output)
    } catch {
      // Offsets inside the value become offsets in the file.
      throw RDBError(error.kind, at: key.valueOffset + error.offset, while: error.activity)
    }
    decoder = consume inner
    return true
  }
}

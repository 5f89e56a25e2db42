internal import Bytes
internal import RDB

// Arrays, modules and streams: values that are objects.
extension ExportParser {
  /// `{"items":[[index,S],…],"len","count","next"}`; indexes ascend.
  mutating func array<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink, _ key: KeyDescription
  ) throws(JSONError) {
    let places = try fields(["items", "len", "count", "next"])
    var key = key
    if go(to: places[3]), try !json.takesNull() {
      let next = try unsigned()
      if next > 0 { key.arrayCursor = next - 1 }
    }
    var count: UInt64 = 0
    if go(to: places[0]) {
      var ahead = json
      try ahead.take(0x5B)
      var isFirst = true
      while try ahead.nextElement(&isFirst) {
        try ahead.skipValue(&raw)
        count += 1
      }
    }
    key.count = count
    sink.begin(key)
    guard go(to: places[0]) else { return }
    try json.take(0x5B)
    var isFirst = true
    var last: UInt64?
    var element = ValueElement()
    while try json.nextElement(&isFirst) {
      let at = json.at
      try json.take(0x5B)
      element.index = try unsigned()
      if let last, element.index <= last { throw json.fail(.order, at: at) }
      // The highest index that exists is 2^64 - 2.
      guard element.index < .max else { throw json.fail(.badInteger, at: at) }
      last = element.index
      try json.take(0x2C)
      element.first = try ExportParser.text(&json, &raw, &first, base64)
      try json.take(0x5D)
      sink.element(&element)
    }
  }

  /// `{"module":NAME,"version":N,"items":[[kind,X],…]}`
  mutating func module<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink, _ key: KeyDescription
  ) throws(JSONError) {
    let places = try fields(["module", "version", "items"])
    guard go(to: places[0]) else { throw json.fail(.missing(.module)) }
    let at = json.at
    let name = try json.string(&raw).bytes
    var version: UInt64 = 0
    if go(to: places[1]) { version = try unsigned() }
    guard let id = ModuleTypeID.id(name, version) else { throw json.fail(.unknownType, at: at) }
    var key = key
    key.moduleID = id
    guard go(to: places[2]) else { throw json.fail(.missing(.items)) }
    sink.begin(key)
    try json.take(0x5B)
    var isFirst = true
    while try json.nextElement(&isFirst) {
      try json.take(0x5B)
      let at = json.at
      let kind = try json.string(&raw).bytes
      try json.take(0x2C)
      switch String(decoding: kind, as: UTF8.self) {
      case "signed": sink.module(.signed(try integer()))
      case "unsigned": sink.module(.unsigned(try unsigned()))
      case "float": sink.module(.float(Float(try double())))
      case "double": sink.module(.double(try double()))
      case "string": sink.module(.string(try ExportParser.text(&json, &raw, &first, base64)))
      default: throw json.fail(.wrongShape, at: at)
      }
      try json.take(0x5D)
    }
  }

  /// Goes to a place that ``fields(_:)`` told; false when there is none.
  private mutating func go(to place: Int) -> Bool {
    guard place >= 0 else { return false }
    json = JSONCursor(json.bytes, from: place, origin: json.origin)
    return true
  }

  // MARK: - Streams

  /// `{"entries":[[id,[f,v,…]],…],"length","last-generated-id","max-deleted-entry-id",
  /// "recorded-first-entry-id","entries-added","groups":[…],"idmp":{…}}`. What is missing is what a
  /// new stream of these entries has.
  mutating func stream<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink, _ key: KeyDescription
  ) throws(JSONError) {
    let places = try fields([
      "entries", "length", "last-generated-id", "max-deleted-entry-id",
      "recorded-first-entry-id", "entries-added", "groups", "idmp",
    ])
    sink.begin(key)
    var metadata = StreamMetadata()
    if go(to: places[0]) { try entries(&sink, &metadata) }
    if go(to: places[2]), try !json.takesNull() {
      let at = json.at
      let last = try id()
      guard last >= metadata.lastID else { throw json.fail(.order, at: at) }
      metadata.lastID = last
    }
    if go(to: places[3]), try !json.takesNull() { metadata.maxDeletedID = try id() }
    if go(to: places[4]), try !json.takesNull() { metadata.firstID = try id() }
    metadata.entriesAdded = metadata.length
    if go(to: places[5]), try !json.takesNull() { metadata.entriesAdded = try unsigned() }
    sink.stream(.metadata(metadata))
    if go(to: places[6]), try !json.takesNull() { try groups(&sink) }
    if go(to: places[7]), try !json.takesNull() { try idempotency(&sink) }
  }

  private mutating func entries<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink, _ metadata: inout StreamMetadata
  ) throws(JSONError) {
    try json.take(0x5B)
    var isFirst = true
    while try json.nextElement(&isFirst) {
      let at = json.at
      try json.take(0x5B)
      let id = try id()
      guard id > metadata.lastID else { throw json.fail(.order, at: at) }
      if metadata.length == 0 { metadata.firstID = id }
      metadata.lastID = id
      metadata.length += 1
      try json.take(0x2C)
      var ahead = json
      try ahead.take(0x5B)
      var words = 0
      var isFirstWord = true
      while try ahead.nextElement(&isFirstWord) {
        try ahead.skipValue(&raw)
        words += 1
      }
      guard words % 2 == 0 else { throw json.fail(.wrongShape) }
      sink.stream(.entry(id, fields: words / 2))
      try json.take(0x5B)
      isFirstWord = true
      while try json.nextElement(&isFirstWord) {
        let name = try ExportParser.text(&json, &raw, &first, base64)
        try json.take(0x2C)
        sink.stream(.field(name, try ExportParser.text(&json, &raw, &second, base64)))
      }
      try json.take(0x5D)
    }
  }

  private struct Pending {
    var id: StreamID
    var consumer: [UInt8]
    var deliveredAt: Int64
    var count: UInt64
  }

  private mutating func groups<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink
  ) throws(JSONError) {
    try json.take(0x5B)
    var isFirst = true
    var names: Set<[UInt8]> = []
    while try json.nextElement(&isFirst) {
      let from = json.at
      let places = try fields([
        "name", "last-delivered-id", "entries-read", "pel", "consumers",
      ])
      let behind = json
      guard go(to: places[0]) else { throw json.fail(.missing(.name), at: from) }
      let name = try ExportParser.text(&json, &raw, &first, base64).bytes
      guard names.insert(name).inserted else { throw json.fail(.duplicate, at: from) }
      var last = StreamID.zero
      if go(to: places[1]), try !json.takesNull() { last = try id() }
      var read: Int64 = -1
      if go(to: places[2]), try !json.takesNull() { read = try integer() }
      var pending: [Pending] = []
      if go(to: places[3]), try !json.takesNull() { pending = try self.pending() }
      name.withByteSlice {
        sink.stream(.group($0, lastDelivered: last, entriesRead: read))
      }
      for entry in pending {
        sink.stream(.pending(entry.id, deliveredAt: entry.deliveredAt, count: entry.count))
      }
      try consumers(&sink, go(to: places[4]), pending)
      json = behind
    }
  }

  /// `[[id,consumer,time,count],…]`, in the order of the ids.
  private mutating func pending() throws(JSONError) -> [Pending] {
    var all: [Pending] = []
    try json.take(0x5B)
    let from = json.at
    var isFirst = true
    while try json.nextElement(&isFirst) {
      try json.take(0x5B)
      let id = try id()
      try json.take(0x2C)
      let consumer = try ExportParser.text(&json, &raw, &first, base64).bytes
      try json.take(0x2C)
      let time = try integer()
      try json.take(0x2C)
      all.append(
        Pending(id: id, consumer: consumer, deliveredAt: time, count: try unsigned()))
      try json.take(0x5D)
    }
    all.sort { $0.id < $1.id }
    for index in all.indices.dropFirst() where all[index].id == all[index - 1].id {
      throw json.fail(.duplicate, at: from)
    }
    return all
  }

  /// `[{"name","seen-time","active-time"},…]`; owners of pending entries that are missing come into
  /// being, except the one without a name, which is nobody.
  private mutating func consumers<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink, _ isThere: Bool, _ pending: [Pending]
  ) throws(JSONError) {
    var owned: [[UInt8]: [StreamID]] = [:]
    for entry in pending { owned[entry.consumer, default: []].append(entry.id) }
    var told: Set<[UInt8]> = []
    func tell(_ name: [UInt8], _ seen: Int64, _ active: Int64, _ sink: inout Sink) {
      name.withByteSlice { sink.stream(.consumer($0, seenAt: seen, activeAt: active)) }
      for id in owned.removeValue(forKey: name) ?? [] { sink.stream(.owned(id)) }
    }
    if isThere, try !json.takesNull() {
      try json.take(0x5B)
      var isFirst = true
      while try json.nextElement(&isFirst) {
        let from = json.at
        let places = try fields(["name", "seen-time", "active-time"])
        let behind = json
        guard go(to: places[0]) else { throw json.fail(.missing(.name), at: from) }
        let name = try ExportParser.text(&json, &raw, &first, base64).bytes
        guard told.insert(name).inserted else { throw json.fail(.duplicate, at: from) }
        let latest = pending.filter { $0.consumer == name }.map(\.deliveredAt).max() ?? 0
        var seen = latest
        if go(to: places[1]), try !json.takesNull() { seen = try integer() }
        var active = seen
        if go(to: places[2]), try !json.takesNull() { active = try integer() }
        json = behind
        tell(name, seen, active, &sink)
      }
    }
    for name in owned.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) where !name.isEmpty {
      let latest = pending.filter { $0.consumer == name }.map(\.deliveredAt).max() ?? 0
      tell(name, latest, latest, &sink)
    }
    for id in owned[[]] ?? [] { sink.stream(.unowned(id)) }
  }

  /// `{"duration","maxsize","producers":[{"name","ids":[[S,id],…]},…],"ids-added","duplicates"}`
  private mutating func idempotency<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink
  ) throws(JSONError) {
    let places = try fields(["duration", "maxsize", "producers", "ids-added", "duplicates"])
    var numbers: [UInt64] = []
    for (place, usual) in [(places[0], 100), (places[1], 100), (places[3], 0), (places[4], 0)] {
      numbers.append(go(to: place) ? try unsigned() : UInt64(usual))
    }
    sink.stream(.idempotency(seconds: numbers[0], most: numbers[1]))
    if go(to: places[2]) {
      try json.take(0x5B)
      var isFirst = true
      while try json.nextElement(&isFirst) {
        let from = json.at
        let inner = try fields(["name", "ids"])
        let behind = json
        guard go(to: inner[0]) else { throw json.fail(.missing(.name), at: from) }
        sink.stream(.producer(try ExportParser.text(&json, &raw, &first, base64)))
        if go(to: inner[1]) { try producedIDs(&sink) }
        json = behind
      }
    }
    sink.stream(.idempotencyCounts(added: numbers[2], duplicates: numbers[3]))
  }

  private mutating func producedIDs<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink
  ) throws(JSONError) {
    try json.take(0x5B)
    var isFirst = true
    while try json.nextElement(&isFirst) {
      try json.take(0x5B)
      let name = try ExportParser.text(&json, &raw, &first, base64)
      try json.take(0x2C)
      let entry = try id()
      sink.stream(.producedID(name, entry))
      try json.take(0x5D)
    }
  }
}

internal import Bytes
internal import RDB

/// Takes an object of an export apart (the shape is in the contract of the command line: `export`).
///
/// ```text
/// {"db":0,"key":K,"type":T,"encoding":E,"pexpireat":MS|null,"idle":S,"freq":N,"rdb-type":N,
///  "metadata":base64,"value":V}
/// {"aux":S,"value":S}                 {"function":S}
/// {"module-aux":NAME,"version":N,"when":1|2,"raw":base64}
/// {"slot":N,"keys":N,"expires":N}     {"slot-import":S,"raw":base64}
/// ```
///
/// Names come in any order. `db` is 0 where it is missing, `type` may be missing for strings, all
/// else but `key` and `value` is optional; `encoding` and `rdb-type` have no meaning here. S is a
/// string, `{"base64":"…"}`, or a bare integer that stands for its text. A name that is not known is
/// an error: it may be a misspelt one.
struct ExportParser: ~Copyable {
  /// Whether every string is bare base64 text.
  let base64: Bool
  /// Where it stands.
  var json = JSONCursor(ByteSlice())
  private var places: [Int] = []
  private var description = KeyDescription()
  private var keyScratch = ScratchBuffer()
  private var metadataScratch = ScratchBuffer(capacity: 64)
  var first = ScratchBuffer()
  var second = ScratchBuffer()
  var raw = ScratchBuffer()
  var seen: Set<UInt64> = []

  private static let names: [StaticString] = [
    "db", "key", "type", "encoding", "pexpireat", "idle", "freq", "rdb-type", "metadata", "value",
    "aux", "function", "module-aux", "version", "when", "raw", "slot", "keys", "expires",
    "slot-import",
  ]
  private enum Name: Int {
    case db, key, type, encoding, pexpireat, idle, freq, rdbType, metadata, value
    case aux, function, moduleAux, version, when, raw, slot, keys, expires, slotImport
  }

  init(base64: Bool) { self.base64 = base64 }

  /// Reads an object but for the value of a key. `object` must stay valid until the value was read.
  mutating func begin(_ object: ByteSlice, _ origin: Int) throws(JSONError) -> ExportRecord {
    json = JSONCursor(object, origin: origin)
    places = try fields(ExportParser.names)
    guard json.at == object.count else { throw json.fail(.wrongShape) }
    if try go(.function) { return .function(try ExportParser.text(&json, &raw, &first, base64)) }
    if try go(.aux) {
      let name = try ExportParser.text(&json, &raw, &first, base64)
      guard try go(.value) else { throw json.fail(.missing(.value), at: 0) }
      return .aux(name, try ExportParser.text(&json, &raw, &second, base64))
    }
    if places[Name.moduleAux.rawValue] >= 0 { return try moduleData() }
    if places[Name.slot.rawValue] >= 0 || places[Name.slotImport.rawValue] >= 0 { return .hint }
    return .key(try head())
  }

  /// Goes to the value of a name; false when the object does not have it.
  private mutating func go(_ name: Name) throws(JSONError) -> Bool {
    let place = places[name.rawValue]
    guard place >= 0 else { return false }
    json = JSONCursor(json.bytes, from: place, origin: json.origin)
    return true
  }

  /// Goes to the value of a name, unless that is null.
  private mutating func goToValue(_ name: Name) throws(JSONError) -> Bool {
    guard try go(name) else { return false }
    return try !json.takesNull()
  }

  private mutating func head() throws(JSONError) -> KeyHead {
    description = KeyDescription()
    if try goToValue(.db) {
      let db = try integer()
      guard 0...Int64(Int32.max) ~= db else { throw json.fail(.badInteger) }
      description.db = Int(db)
    }
    guard try go(.key) else { throw json.fail(.missing(.key), at: 0) }
    description.key = try ExportParser.text(&json, &raw, &keyScratch, base64)
    if try goToValue(.pexpireat) { description.expiresAt = try integer() }
    if try goToValue(.idle) { description.idle = try unsigned() }
    if try goToValue(.freq) {
      guard let frequency = UInt8(exactly: try unsigned()) else { throw json.fail(.badInteger) }
      description.frequency = frequency
    }
    if try goToValue(.metadata) {
      description.metadata = try ExportParser.decoded(&json, &raw, &metadataScratch)
    }
    let place = json.at
    guard places[Name.value.rawValue] >= 0 else {
      throw json.fail(.missing(.value), at: 0)
    }
    if try go(.type) {
      let name = try json.string(&raw)
      guard let type = LogicalType.allCases.first(where: { name == ByteSlice($0.name) }) else {
        throw json.fail(.unknownType, at: place)
      }
      description.type = type
    } else {
      _ = try go(.value)
      // Only a string can be told by its looks.
      guard try json.peek() != 0x5B else { throw json.fail(.missing(.type), at: 0) }
      description.type = .string
    }
    return KeyHead(
      db: description.db, key: description.key, type: description.type,
      expiresAt: description.expiresAt)
  }

  private mutating func moduleData() throws(JSONError) -> ExportRecord {
    _ = try go(.moduleAux)
    let at = json.at
    let name = try json.string(&raw).bytes
    var version: UInt64 = 0
    if try goToValue(.version) { version = try unsigned() }
    guard let id = ModuleTypeID.id(name, version) else { throw json.fail(.badRecord, at: at) }
    var when: UInt64 = 2
    if try goToValue(.when) { when = try unsigned() }
    guard 1...2 ~= when else { throw json.fail(.badInteger) }
    guard try go(.raw) else { throw json.fail(.missing(.raw), at: 0) }
    return .moduleData(id: id, when: when, raw: try ExportParser.decoded(&json, &raw, &first))
  }

  /// Gives the key to `sink`.
  mutating func drain<Sink: ValueSink & ~Copyable>(into sink: inout Sink) throws(JSONError) {
    _ = try go(.value)
    switch description.type {
    case .string, .gcra:
      sink.begin(description)
      var element = ValueElement()
      element.first = try ExportParser.text(&json, &raw, &first, base64)
      sink.element(&element)
    case .list, .set, .zset, .hash, .cron:
      description.count = UInt64(try count())
      description.fieldsMayExpire = description.type == .hash
      sink.begin(description)
      try elements(&sink)
    case .array: try array(&sink, description)
    case .stream: try stream(&sink, description)
    case .module: try module(&sink, description)
    }
    sink.end()
  }

  /// How many elements the array at the position has, without moving.
  private mutating func count() throws(JSONError) -> Int {
    var ahead = json
    try ahead.take(0x5B)
    var count = 0
    var isFirst = true
    while try ahead.nextElement(&isFirst) {
      try ahead.skipValue(&raw)
      count += 1
    }
    return count
  }

  private mutating func elements<Sink: ValueSink & ~Copyable>(
    _ sink: inout Sink
  ) throws(JSONError) {
    let type = description.type
    seen.removeAll(keepingCapacity: true)
    try json.take(0x5B)
    var isFirst = true
    var element = ValueElement()
    while try json.nextElement(&isFirst) {
      let at = json.at
      let isPair = type == .zset || type == .hash
      if isPair { try json.take(0x5B) }
      element.first = try ExportParser.text(&json, &raw, &first, base64)
      if type != .list && type != .cron {
        guard seen.insert(element.first.fastHash).inserted else {
          throw json.fail(.duplicate, at: at)
        }
      }
      if type == .zset {
        try json.take(0x2C)
        element.score = try double()
      } else if type == .hash {
        try json.take(0x2C)
        element.second = try ExportParser.text(&json, &raw, &second, base64)
        element.expiresAt = ValueElement.never
        if try json.takes(0x2C), try !json.takesNull() {
          element.expiresAt = try integer()
          // -1 is how nothing is written inside; no server takes it.
          guard element.expiresAt >= 0 else { throw json.fail(.badInteger) }
        }
      }
      if isPair { try json.take(0x5D) }
      sink.element(&element)
    }
  }

  // MARK: - Parts of values

  /// Where the values of `names` stand in the object at the position, -1 for what is missing; the
  /// position is behind the object then.
  mutating func fields(_ names: [StaticString]) throws(JSONError) -> [Int] {
    var places = [Int](repeating: -1, count: names.count)
    try json.take(0x7B)
    var isFirst = true
    while true {
      let at = json.at
      guard let name = try json.nextName(&isFirst, &raw) else { return places }
      guard let index = names.firstIndex(where: { name == ByteSlice($0) }) else {
        throw json.fail(.unknownName, at: at)
      }
      guard places[index] < 0 else { throw json.fail(.repeatedName, at: at) }
      json.skipBlanks()
      places[index] = json.at
      try json.skipValue(&raw)
    }
  }

  /// An S, put into `target` unless it can stay where it is; valid until that is written to.
  static func text(
    _ json: inout JSONCursor, _ raw: inout ScratchBuffer, _ target: inout ScratchBuffer,
    _ base64: Bool
  ) throws(JSONError) -> ByteSlice {
    switch try json.peek() {
    case 0x22:
      guard base64 else { return try json.string(&target) }
      return try decoded(&json, &raw, &target)
    case 0x7B:
      try json.take(0x7B)
      guard try json.string(&raw).equals("base64") else { throw json.fail(.wrongShape) }
      try json.take(0x3A)
      let bytes = try decoded(&json, &raw, &target)
      try json.take(0x7D)
      return bytes
    case 0x2D, 0x30...0x39:
      let number = try json.number()
      guard DecimalText.canonical(number) != nil else { throw json.fail(.badInteger) }
      return number
    default: throw json.fail(.wrongShape)
    }
  }

  /// Bytes that are always base64.
  static func decoded(
    _ json: inout JSONCursor, _ raw: inout ScratchBuffer, _ target: inout ScratchBuffer
  ) throws(JSONError) -> ByteSlice {
    let at = json.at
    let text = try json.string(&raw)
    target.clear()
    guard Base64Text.decode(text, into: &target) else { throw json.fail(.badBase64, at: at) }
    return target.slice
  }

  /// A signed integer of 64 bits.
  mutating func integer() throws(JSONError) -> Int64 {
    let at = json.at
    let text = try json.number()
    guard let value = DecimalText.canonical(text) else { throw json.fail(.badInteger, at: at) }
    return value
  }

  /// An unsigned integer of 64 bits.
  mutating func unsigned() throws(JSONError) -> UInt64 {
    let at = json.at
    guard let value = ExportParser.unsigned(try json.number()) else {
      throw json.fail(.badInteger, at: at)
    }
    return value
  }

  static func unsigned(_ text: ByteSlice) -> UInt64? {
    guard text.count > 0, text.count <= 20 else { return nil }
    var value: UInt64 = 0
    for index in 0..<text.count {
      guard ASCII.isDigit(text[index]) else { return nil }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(UInt64(text[index] - 0x30))
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }

  /// A double, as text or bare.
  mutating func double() throws(JSONError) -> Double {
    let at = json.at
    let text = try json.peek() == 0x22 ? json.string(&raw) : json.number()
    if text.equals("nan") { return .nan }
    guard let value = DoubleText.parse(text, .command) else { throw json.fail(.badNumber, at: at) }
    return value
  }

  /// The id of a stream entry.
  mutating func id() throws(JSONError) -> StreamID {
    let at = json.at
    let text = try json.string(&raw)
    guard let dash = text.firstIndex(of: 0x2D), let ms = ExportParser.unsigned(text.prefix(dash)),
      let seq = ExportParser.unsigned(text.dropFirst(dash + 1))
    else { throw json.fail(.badID, at: at) }
    return StreamID(ms: ms, seq: seq)
  }
}

extension ModuleTypeID {
  /// The id of 64 bits for a name of nine characters and a version; nil when there is none.
  static func id(_ name: [UInt8], _ version: UInt64) -> UInt64? {
    guard name.count == 9, version < 1024 else { return nil }
    var id: UInt64 = 0
    for byte in name {
      let digit: UInt64
      switch byte {
      case 0x41...0x5A: digit = UInt64(byte) - 0x41
      case 0x61...0x7A: digit = UInt64(byte) - 0x61 + 26
      case 0x30...0x39: digit = UInt64(byte) - 0x30 + 52
      case 0x2D: digit = 62
      case 0x5F: digit = 63
      default: return nil
      }
      id = id << 6 | digit
    }
    return id << 10 | version
  }
}

// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

public import Bytes
public import RDB

/// Writes keys as JSON, one object each (the shape is in the contract of the command line:
/// `export`).
///
/// ```text
/// {"db":0,"key":K,"type":T,"encoding":E,"pexpireat":MS|null,"value":V}
///
/// string   S                                      list, set   [S,…]
/// zset     [[S,"score"],…] by score, then member  hash        [[field,value,expiry|null],…]
/// array    {"items":[[index,S],…],"len","count","next"}
/// stream   {"entries":[[id,[f,v,…]],…],"length",…,"groups":[…]}
/// module   {"module":NAME,"version":N,"items":[["signed"|"unsigned"|"float"|"double"|"string",X],…]}
/// gcra     "number"
/// ```
///
/// S is a JSON string; bytes that are no UTF-8 become `{"base64":"…"}`. With `base64`, every S, the
/// key included, is the bare base64 text. Elements go straight to the output; only sorted sets
/// and the pending entries of a group are collected first, since they come in another order.
public struct JSONExporter: ValueSink, ~Copyable {
  /// How objects are put together.
  public enum Form: Sendable {
    /// One object a line (JSON Lines).
    case lines
    /// One array of objects.
    case array
    /// One object and nothing else: for a single key.
    case single
  }

  /// Where the text goes.
  public var output: OutputBuffer
  /// How many keys were written.
  public private(set) var keys = 0

  let form: Form
  let base64: Bool
  let writesAll: Bool

  private var type = LogicalType.string
  private var arrayCursor: UInt64?
  /// Whether a comma goes before the next item.
  var needsComma = false
  private var objects = 0
  private var elements: UInt64 = 0
  private var lastIndex: UInt64 = 0
  private var members = SortedMembers()
  var pending = PendingEntries()
  var streamPart = StreamPart.entries
  var entryIsOpen = false
  var groupIsOpen = false

  /// An exporter that writes to `output`. `all` adds what only some programs want: idle time,
  /// frequency, the type in the file.
  public init(_ output: consuming OutputBuffer, form: Form, base64: Bool, all: Bool) {
    self.output = output
    self.form = form
    self.base64 = base64
    writesAll = all
  }

  /// Ends the text; flushing is left to the owner of ``output``.
  public mutating func finish() {
    switch form {
    case .array: output.write(objects == 0 ? "[]\n" : "\n]\n")
    case .single: if objects > 0 { output.write(0x0A) }
    case .lines: break
    }
  }

  /// Begins an object that stands on a line of its own.
  mutating func beginObject() {
    if form == .array { output.write(objects == 0 ? "[\n" : ",\n") }
    objects += 1
  }

  /// Ends an object.
  mutating func endObject() {
    if form == .lines { output.write("}\n") } else { output.write(0x7D) }
  }

  /// Writes an S: a JSON string, or how bytes are written that can't be one.
  @inline(__always) mutating func write(string bytes: ByteSlice) {
    if !base64 && output.writeJSON(string: bytes) { return }
    writeBase64(bytes)
  }

  @inline(never) private mutating func writeBase64(_ bytes: ByteSlice) {
    if base64 { output.write(0x22) } else { output.write("{\"base64\":\"") }
    output.write(base64: bytes)
    if base64 { output.write(0x22) } else { output.write("\"}") }
  }

  @inline(__always) private mutating func separate() {
    if needsComma { output.write(0x2C) } else { needsComma = true }
  }

  public mutating func begin(_ key: KeyDescription) {
    beginObject()
    type = key.type
    arrayCursor = key.arrayCursor
    needsComma = false
    elements = 0
    lastIndex = 0
    output.write("{\"db\":")
    output.write(decimal: Int64(key.db))
    output.write(",\"key\":")
    write(string: key.key)
    output.write(",\"type\":\"")
    output.write(key.type.name)
    output.write("\",\"encoding\":\"")
    output.write(key.encoding)
    if let time = key.expiresAt {
      output.write("\",\"pexpireat\":")
      output.write(decimal: time)
    } else {
      output.write("\",\"pexpireat\":null")
    }
    if writesAll { writeAttributes(key) }
    output.write(",\"value\":")
    switch type {
    case .string, .gcra: break
    case .zset: members.clear()
    case .list, .set, .hash, .cron: output.write(0x5B)
    case .array: output.write("{\"items\":[")
    case .stream: beginStream()
    case .module: beginModule(key)
    }
  }

  private mutating func writeAttributes(_ key: KeyDescription) {
    if let idle = key.idle {
      output.write(",\"idle\":")
      output.write(decimal: idle)
    }
    if let frequency = key.frequency {
      output.write(",\"freq\":")
      output.write(decimal: UInt64(frequency))
    }
    if let type = key.valueType {
      output.write(",\"rdb-type\":")
      output.write(decimal: UInt64(type.code))
    }
    if !key.metadata.isEmpty {
      output.write(",\"metadata\":\"")
      output.write(base64: key.metadata)
      output.write(0x22)
    }
  }

  public mutating func element(_ element: inout ValueElement) {
    switch type {
    case .string, .gcra: write(string: element.first)
    case .list, .set, .cron:
      separate()
      write(string: element.first)
    case .hash:
      if needsComma { output.write(",[") } else { output.write(0x5B) }
      needsComma = true
      write(string: element.first)
      output.write(0x2C)
      write(string: element.second)
      if element.expiresAt == ValueElement.never {
        output.write(",null]")
      } else {
        output.write(0x2C)
        output.write(decimal: element.expiresAt)
        output.write(0x5D)
      }
    case .zset: members.append(element.first, element.score)
    case .array:
      separate()
      output.write(0x5B)
      output.write(decimal: element.index)
      output.write(0x2C)
      write(string: element.first)
      output.write(0x5D)
      elements += 1
      lastIndex = element.index
    case .stream, .module: break
    }
  }

  public mutating func end() {
    switch type {
    case .string, .gcra: break
    case .list, .set, .hash, .cron: output.write(0x5D)
    case .zset: writeMembers()
    case .array:
      output.write("],\"len\":")
      // The highest index that exists is 2^64 - 2.
      output.write(decimal: elements == 0 ? 0 : lastIndex &+ 1)
      output.write(",\"count\":")
      output.write(decimal: elements)
      output.write(",\"next\":")
      output.write(decimal: arrayCursor.map { $0 &+ 1 } ?? 0)
      output.write(0x7D)
    case .stream: endStream()
    case .module: output.write("]}")
    }
    endObject()
    keys += 1
  }

  private mutating func writeMembers() {
    members.sort()
    output.write(0x5B)
    for index in 0..<members.count {
      let (member, score) = members[index]
      if index > 0 { output.write(",[") } else { output.write(0x5B) }
      write(string: member)
      output.write(",\"")
      output.write(double: score, .shortest)
      output.write("\"]")
    }
    output.write(0x5D)
  }

  private mutating func beginModule(_ key: KeyDescription) {
    let id = ModuleTypeID(key.moduleID)
    output.write("{\"module\":\"")
    output.write(text: id.name)
    output.write("\",\"version\":")
    output.write(decimal: Int64(id.version))
    output.write(",\"items\":[")
  }

  public mutating func module(_ item: ModuleItem) {
    separate()
    switch item {
    case .signed(let value):
      output.write("[\"signed\",")
      output.write(decimal: value)
    case .unsigned(let value):
      output.write("[\"unsigned\",")
      output.write(decimal: value)
    case .float(let value):
      output.write("[\"float\",\"")
      output.write(double: Double(value), .shortest)
      output.write(0x22)
    case .double(let value):
      output.write("[\"double\",\"")
      output.write(double: value, .shortest)
      output.write(0x22)
    case .string(let bytes):
      output.write("[\"string\",")
      write(string: bytes)
    }
    output.write(0x5D)
  }
}

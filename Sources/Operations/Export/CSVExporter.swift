// What a protocol asks for is documented there.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

public import Bytes
public import RDB

/// Writes keys as CSV (RFC 4180, `\n` at the end of lines), one line an element.
///
/// ```text
/// db,key,type,encoding,pexpireat,index,field,value,score,field-pexpireat
///
/// string                  value
/// list                    index, value
/// set                     value
/// zset                    value, score
/// hash                    field, value, field-pexpireat
/// array                   index, value
/// stream                  index = id of the entry, field, value; one line a pair
/// ```
///
/// What has no lines in this form is counted in ``left``: modules, and the groups of streams. A key
/// without elements gets one line with nothing behind `pexpireat`. Cells with bytes that are no
/// UTF-8 are `base64:` and their base64, and so are cells that begin with `base64:` themselves; with
/// `base64`, all cells of data are the bare base64 text.
public struct CSVExporter: ValueSink, ~Copyable {
  /// What the form can't carry.
  public struct Left: Sendable, Equatable {
    /// Values of modules.
    public var modules = 0
    /// Groups of streams, with their consumers and pending entries.
    public var groups = 0
  }

  /// Where the text goes.
  public var output: OutputBuffer
  /// How many keys were written.
  public private(set) var keys = 0
  /// What was left out.
  public private(set) var left = Left()

  private let base64: Bool
  private var type = LogicalType.string
  /// The cells that all lines of a key share, comma behind each.
  private var shared = ScratchBuffer()
  private var lines = 0
  private var index: UInt64 = 0
  private var entry: StreamID?

  /// The names of the columns.
  public static let header: StaticString =
    "db,key,type,encoding,pexpireat,index,field,value,score,field-pexpireat\n"

  /// An exporter that writes to `output`.
  public init(_ output: consuming OutputBuffer, base64: Bool) {
    self.output = output
    self.base64 = base64
  }

  /// Writes the line with the names.
  public mutating func writeHeader() { output.write(CSVExporter.header) }

  public mutating func begin(_ key: KeyDescription) {
    type = key.type
    lines = 0
    index = 0
    entry = nil
    shared.clear()
    shared.append(decimal: Int64(key.db))
    shared.append(0x2C)
    appendCell(key.key)
    shared.append(0x2C)
    shared.append(ByteSlice(key.type.name))
    shared.append(0x2C)
    shared.append(ByteSlice(key.encoding))
    shared.append(0x2C)
    if let time = key.expiresAt { shared.append(decimal: time) }
    shared.append(0x2C)
  }

  private mutating func beginLine() {
    output.write(shared.slice)
    lines += 1
  }

  public mutating func element(_ element: inout ValueElement) {
    beginLine()
    switch type {
    case .string, .set, .gcra:
      output.write(",,")
      writeCell(element.first)
      output.write(",,\n")
    case .list, .cron:
      output.write(decimal: index)
      index += 1
      output.write(",,")
      writeCell(element.first)
      output.write(",,\n")
    case .array:
      output.write(decimal: element.index)
      output.write(",,")
      writeCell(element.first)
      output.write(",,\n")
    case .zset:
      output.write(",,")
      writeCell(element.first)
      output.write(0x2C)
      output.write(double: element.score, .shortest)
      output.write(",\n")
    case .hash:
      output.write(0x2C)
      writeCell(element.first)
      output.write(0x2C)
      writeCell(element.second)
      output.write(",,")
      if element.expiresAt != ValueElement.never { output.write(decimal: element.expiresAt) }
      output.write(0x0A)
    case .stream, .module: output.write(",,,,\n")
    }
  }

  public mutating func stream(_ event: StreamEvent) {
    switch event {
    case .entry(let id, _): entry = id
    case .deletedEntry: entry = nil
    case .field(let name, let value):
      guard let entry else { return }
      beginLine()
      output.write(decimal: entry.ms)
      output.write(0x2D)
      output.write(decimal: entry.seq)
      output.write(0x2C)
      writeCell(name)
      output.write(0x2C)
      writeCell(value)
      output.write(",,\n")
    case .group: left.groups += 1
    default: break
    }
  }

  public mutating func module(_ item: ModuleItem) {}

  public mutating func end() {
    if type == .module { left.modules += 1 }
    if lines == 0 {
      beginLine()
      output.write(",,,,\n")
    }
    keys += 1
  }

  private mutating func writeCell(_ bytes: ByteSlice) {
    if !base64 && CSVExporter.isBare(bytes) {
      output.write(bytes)
      return
    }
    var cell = ScratchBuffer()
    swap(&cell, &shared)
    shared.clear()
    appendCell(bytes)
    output.write(shared.slice)
    swap(&cell, &shared)
  }

  /// Whether a cell needs neither quotes nor base64.
  private static func isBare(_ bytes: ByteSlice) -> Bool {
    for index in 0..<bytes.count {
      let byte = bytes[index]
      if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x2C { return false }
    }
    return !bytes.starts(with: "base64:")
  }

  private mutating func appendCell(_ bytes: ByteSlice) {
    if base64 {
      shared.append(base64: bytes)
    } else if CSVExporter.isBare(bytes) {
      shared.append(bytes)
    } else if !bytes.isUTF8 || bytes.starts(with: "base64:") {
      shared.append(ByteSlice("base64:"))
      shared.append(base64: bytes)
    } else {
      shared.append(0x22)
      for index in 0..<bytes.count {
        if bytes[index] == 0x22 { shared.append(0x22) }
        shared.append(bytes[index])
      }
      shared.append(0x22)
    }
  }
}

internal import Bytes
internal import RDB

/// Writes the bytes of one value and nothing else: of a string just these, of everything else one
/// element a line, as `redis-cli --raw` does (field, value; member, score; id, field, value).
struct RawWriter: ValueSink, ~Copyable {
  var output: OutputBuffer
  private var type = LogicalType.string
  private var members = SortedMembers()
  private var skipsFields = false

  init(_ output: consuming OutputBuffer) { self.output = output }

  mutating func begin(_ key: KeyDescription) { type = key.type }

  private mutating func line(_ bytes: ByteSlice) {
    output.write(bytes)
    output.write(0x0A)
  }

  mutating func element(_ element: inout ValueElement) {
    switch type {
    case .string, .gcra: output.write(element.first)
    case .zset: members.append(element.first, element.score)
    case .hash:
      line(element.first)
      line(element.second)
    default: line(element.first)
    }
  }

  mutating func stream(_ event: StreamEvent) {
    switch event {
    case .entry(let id, _):
      skipsFields = false
      output.write(decimal: id.ms)
      output.write(0x2D)
      output.write(decimal: id.seq)
      output.write(0x0A)
    case .deletedEntry: skipsFields = true
    case .field(let name, let value):
      if skipsFields { return }
      line(name)
      line(value)
    default: break
    }
  }

  mutating func module(_ item: ModuleItem) { if case .string(let bytes) = item { line(bytes) } }

  mutating func end() {
    guard type == .zset else { return }
    members.sort()
    for index in 0..<members.count {
      let (member, score) = members[index]
      line(member)
      output.write(double: score, .shortest)
      output.write(0x0A)
    }
  }
}

internal import Bytes
internal import RDB

/// Writes one value for people, as `redis-cli` shows values: strings quoted, elements numbered.
///
/// ```text
/// hash (listpack), db 0, expires 2026-12-05T06:47:19Z
/// 1) "field" "value"
/// 2) "other" "value" (expires 2026-12-05T06:47:19Z)
/// ```
struct ReadableWriter: ValueSink, ~Copyable {
  var output: OutputBuffer
  private var type = LogicalType.string
  private var count: UInt64 = 0
  private var members = SortedMembers()
  private var entryIsOpen = false
  private var skipsFields = false

  init(_ output: consuming OutputBuffer) { self.output = output }

  mutating func begin(_ key: KeyDescription) {
    type = key.type
    output.write(key.type.name)
    output.write(" (")
    output.write(key.encoding)
    output.write("), db ")
    output.write(decimal: Int64(key.db))
    if let time = key.expiresAt {
      output.write(", expires ")
      Moment(milliseconds: time).write(to: &output)
    }
    output.write(0x0A)
    if type == .module {
      let id = ModuleTypeID(key.moduleID)
      output.write(text: "module type \(id.name), version \(id.version)\n")
    }
  }

  private mutating func number() {
    count += 1
    output.write(decimal: count)
    output.write(") ")
  }

  mutating func element(_ element: inout ValueElement) {
    switch type {
    case .string, .gcra: KeyText.write(element.first, to: &output)
    case .zset:
      members.append(element.first, element.score)
      return
    case .array:
      output.write(0x5B)
      output.write(decimal: element.index)
      output.write("] ")
      KeyText.write(element.first, to: &output)
    case .hash:
      number()
      KeyText.write(element.first, to: &output)
      output.write(0x20)
      KeyText.write(element.second, to: &output)
      if element.expiresAt != ValueElement.never {
        output.write(" (expires ")
        Moment(milliseconds: element.expiresAt).write(to: &output)
        output.write(0x29)
      }
    default:
      number()
      KeyText.write(element.first, to: &output)
    }
    output.write(0x0A)
  }

  mutating func end() {
    closeEntry()
    if type == .zset {
      members.sort()
      for index in 0..<members.count {
        let (member, score) = members[index]
        number()
        KeyText.write(member, to: &output)
        output.write(0x20)
        output.write(double: score, .shortest)
        output.write(0x0A)
      }
    } else if count == 0, [.list, .set, .hash].contains(type) {
      output.write("(empty)\n")
    }
  }

  private mutating func closeEntry() {
    if entryIsOpen { output.write(0x0A) }
    entryIsOpen = false
  }

  private mutating func write(_ id: StreamID) {
    output.write(decimal: id.ms)
    output.write(0x2D)
    output.write(decimal: id.seq)
  }

  mutating func stream(_ event: StreamEvent) {
    switch event {
    case .entry(let id, _):
      closeEntry()
      skipsFields = false
      entryIsOpen = true
      number()
      write(id)
    case .deletedEntry:
      closeEntry()
      skipsFields = true
    case .field(let name, let value):
      if skipsFields { return }
      output.write(0x20)
      KeyText.write(name, to: &output)
      output.write(0x20)
      KeyText.write(value, to: &output)
    case .metadata(let metadata):
      closeEntry()
      output.write(text: "length \(metadata.length), last id ")
      write(metadata.lastID)
      output.write(text: ", entries added \(metadata.entriesAdded), highest deleted id ")
      write(metadata.maxDeletedID)
      output.write(0x0A)
    case .group(let name, let last, let read):
      output.write("group ")
      KeyText.write(name, to: &output)
      output.write(", last delivered ")
      write(last)
      output.write(text: read < 0 ? "\n" : ", entries read \(read)\n")
    case .pending(let id, let time, let count):
      output.write("  pending ")
      write(id)
      output.write(text: ", delivered \(count) times, last ")
      Moment(milliseconds: time).write(to: &output)
      output.write(0x0A)
    case .consumer(let name, let seen, _):
      output.write("  consumer ")
      KeyText.write(name, to: &output)
      output.write(", seen ")
      Moment(milliseconds: seen).write(to: &output)
      output.write(0x0A)
    case .owned(let id):
      output.write("    owns ")
      write(id)
      output.write(0x0A)
    case .unowned(let id):
      output.write("  nobody owns ")
      write(id)
      output.write(0x0A)
    case .idempotency(let seconds, let most):
      output.write(text: "remembers \(most) ids of each producer for \(seconds) s\n")
    case .producer(let name):
      output.write("  producer ")
      KeyText.write(name, to: &output)
      output.write(0x0A)
    case .producedID(let iid, let id):
      output.write("    ")
      KeyText.write(iid, to: &output)
      output.write(" made ")
      write(id)
      output.write(0x0A)
    case .idempotencyCounts: break
    }
  }

  mutating func module(_ item: ModuleItem) {
    number()
    switch item {
    case .signed(let value): output.write(decimal: value)
    case .unsigned(let value): output.write(decimal: value)
    case .float(let value): output.write(double: Double(value), .shortest)
    case .double(let value): output.write(double: value, .shortest)
    case .string(let bytes): KeyText.write(bytes, to: &output)
    }
    output.write(0x0A)
  }
}

internal import Bytes
internal import RDB

/// Writes the commands that turn one state into another, in the form that `redis-cli --pipe` takes.
///
/// | what differs | commands |
/// |---|---|
/// | a key only in A | `DEL` |
/// | a key only in B, another type, streams, arrays, values of modules | `DEL` if it is there, and the commands that make it |
/// | string | `SET` |
/// | list | `RPUSH` where elements were added behind; otherwise as above |
/// | set, sorted set, hash | `SADD`, `ZADD`, `HSET`, then `SREM`, `ZREM`, `HDEL`: it never is empty in between |
/// | fields' times to live | `HPEXPIREAT`, `HPERSIST` |
/// | times to live | `PEXPIREAT`, `PERSIST` |
/// | functions | `FUNCTION LOAD REPLACE`, `FUNCTION DELETE` |
struct PatchWriter: ~Copyable {
  private var commands: CommandOutput
  /// What no command brings about.
  private(set) var impossible: [String] = []
  private static let most = 64

  init(target: RDBTarget, taking output: inout OutputBuffer) {
    commands = CommandOutput(taking: &output, target: target, restores: false)
  }

  /// Hands the output back.
  consuming func finish(returning output: inout OutputBuffer) { swap(&commands.buffer, &output) }

  private mutating func command(_ words: ByteSlice...) {
    commands.begin(words.count)
    for word in words { commands.buffer.write(bulk: word) }
  }

  /// A key is to go.
  mutating func remove(_ head: KeyHead) {
    switch head.db {
    case KeyHead.functions: command(ByteSlice("FUNCTION"), ByteSlice("DELETE"), head.key)
    case KeyHead.moduleData: impossible.append("data of modules that belongs to no key")
    default:
      commands.select(head.db)
      command(ByteSlice("DEL"), head.key)
    }
  }

  /// A key is to come.
  mutating func add(_ value: FlatValue) {
    switch value.db {
    case KeyHead.functions: load(value)
    case KeyHead.moduleData: impossible.append("data of modules that belongs to no key")
    default:
      value.feed(&commands)
      if commands.lost.contains(.key) {
        impossible.append("\(KeyText.quoted(value.key, 80)): no command makes it")
      } else if !commands.lost.isEmpty {
        impossible.append("\(KeyText.quoted(value.key, 80)): \(commands.lost.words)")
      }
    }
  }

  private mutating func load(_ value: FlatValue) {
    guard let item = value.items.first else { return }
    command(
      ByteSlice("FUNCTION"), ByteSlice("LOAD"), ByteSlice("REPLACE"), value.first(item))
  }

  /// A key is to become another.
  mutating func change(_ a: FlatValue, to b: FlatValue) {
    if b.db < 0 { return add(b) }
    commands.select(b.db)
    b.key.withByteSlice { key in
      if a.type == b.type {
        switch b.type {
        case .string:
          if a.first(a.items[0]) != b.first(b.items[0]) {
            command(ByteSlice("SET"), key, b.first(b.items[0]))
            // SET has removed the time to live.
            if b.expiresAt != nil { expire(key, b.expiresAt) }
          } else if a.expiresAt != b.expiresAt {
            expire(key, b.expiresAt)
          }
          return
        case .list where grows(a, b):
          push(a, b, key)
          if a.expiresAt != b.expiresAt { expire(key, b.expiresAt) }
          return
        case .set, .zset, .hash:
          changeTable(a, b, key)
          if a.expiresAt != b.expiresAt { expire(key, b.expiresAt) }
          return
        default: break
        }
      }
      command(ByteSlice("DEL"), key)
      add(b)
    }
  }

  private mutating func expire(_ key: ByteSlice, _ time: Int64?) {
    guard let time else { return command(ByteSlice("PERSIST"), key) }
    commands.begin(3)
    commands.buffer.write(bulk: "PEXPIREAT")
    commands.buffer.write(bulk: key)
    commands.buffer.write(bulkDecimal: time)
  }

  /// Whether a list only got more elements at its end.
  private func grows(_ a: FlatValue, _ b: FlatValue) -> Bool {
    a.items.count <= b.items.count
      && a.items.indices.allSatisfy { a.first(a.items[$0]) == b.first(b.items[$0]) }
  }

  private mutating func push(_ a: FlatValue, _ b: FlatValue, _ key: ByteSlice) {
    write("RPUSH", key, b.items[a.items.count...].map { [b.first($0)] })
  }

  /// Commands of at most 64 elements each.
  private mutating func write(_ name: StaticString, _ key: ByteSlice, _ elements: [[ByteSlice]]) {
    var index = 0
    while index < elements.count {
      let some = elements[index..<min(index + PatchWriter.most, elements.count)]
      commands.begin(2 + some.reduce(0) { $0 + $1.count })
      commands.buffer.write(bulk: name)
      commands.buffer.write(bulk: key)
      for element in some { for word in element { commands.buffer.write(bulk: word) } }
      index += some.count
    }
  }

  private mutating func changeTable(_ a: FlatValue, _ b: FlatValue, _ key: ByteSlice) {
    var old: [ByteSlice: FlatValue.Item] = [:]
    for item in a.items { old[a.first(item)] = item }
    var added: [[ByteSlice]] = []
    var times: [(ByteSlice, Int64)] = []
    // The texts of scores must stay where they are.
    var texts: [ScoreText] = []
    for item in b.items {
      let name = b.first(item)
      let before = old.removeValue(forKey: name)
      switch b.type {
      case .zset:
        if before?.number == item.number { continue }
        texts.append(ScoreText(score: item.number))
        added.append([texts[texts.count - 1].slice, name])
      case .hash:
        let isNew = before.map { a.second($0) != b.second(item) } ?? true
        if isNew { added.append([name, b.second(item)]) }
        let never = ValueElement.never
        if item.expiresAt != never, isNew || before?.expiresAt != item.expiresAt {
          times.append((name, item.expiresAt))
        } else if item.expiresAt == never, !isNew, before?.expiresAt != never {
          times.append((name, never))
        }
      default: if before == nil { added.append([name]) }
      }
    }
    let gone = old.keys.sorted { $0.compare($1) < 0 }.map { [$0] }
    switch b.type {
    case .zset:
      write("ZADD", key, added)
      write("ZREM", key, gone)
    case .hash:
      write("HSET", key, added)
      for (field, time) in times { expire(key, field: field, time) }
      write("HDEL", key, gone)
    default:
      write("SADD", key, added)
      write("SREM", key, gone)
    }
    withExtendedLifetime(texts) {}
  }

  private mutating func expire(_ key: ByteSlice, field: ByteSlice, _ time: Int64) {
    let persists = time == ValueElement.never
    commands.begin(persists ? 5 : 6)
    commands.buffer.write(bulk: persists ? "HPERSIST" : "HPEXPIREAT")
    commands.buffer.write(bulk: key)
    if !persists { commands.buffer.write(bulkDecimal: time) }
    commands.buffer.write(bulk: "FIELDS")
    commands.buffer.write(bulk: "1")
    commands.buffer.write(bulk: field)
  }
}

/// The text of a score, kept.
private final class ScoreText {
  private var text = ScratchBuffer(capacity: 64)
  init(score bits: UInt64) { text.append(double: Double(bitPattern: bits), .server) }
  var slice: ByteSlice { text.slice }
}

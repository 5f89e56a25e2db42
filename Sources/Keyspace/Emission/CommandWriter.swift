package import Bytes
internal import RDB

/// Writes values as the commands that make them, as the server's own rewrite does (aof-format.md
/// 6): at most 64 elements a command; `SET`, `RPUSH`, `SADD`, `ZADD`, `HMSET`, …, then `PEXPIREAT`.
///
/// What the target can't hold is left out and counted in ``losses``; whoever asked decides whether
/// that is an error.
package struct CommandWriter: ~Copyable {
  /// Where the commands go.
  package var output: OutputBuffer
  /// The server that is to load them.
  package let target: ServerTarget
  /// What the target can't hold.
  package var losses = EmissionLosses()
  /// How many commands were written.
  package private(set) var commandCount = 0
  private var database = -1
  var scratch = ScratchBuffer()
  /// At most so many elements in a command.
  static let batch = 64

  package init(_ output: consuming OutputBuffer, target: ServerTarget) {
    self.output = output
    self.target = target
  }

  /// Ends writing, and hands the output back.
  package consuming func finish() -> OutputBuffer { output }

  /// Begins a command of `count` words.
  @inline(__always)
  mutating func begin(_ count: Int) {
    output.write(commandOf: count)
    commandCount &+= 1
  }

  /// Writes a library of functions.
  package mutating func function(_ code: ByteSlice) {
    guard target.loadsFunctions else {
      losses.functions += 1
      return
    }
    begin(3)
    output.write(bulk: "FUNCTION")
    output.write(bulk: "LOAD")
    output.write(bulk: code)
  }

  /// The commands that follow are for this database.
  package mutating func select(_ database: Int) {
    guard database != self.database else { return }
    self.database = database
    begin(2)
    output.write(bulk: "SELECT")
    output.write(bulkDecimal: UInt64(database))
  }

  /// Writes a command as it stands in the log.
  package mutating func verbatim(_ raw: ByteSlice) {
    output.write(raw)
    commandCount &+= 1
  }

  /// Writes several commands as they stand in the log. Whether they change the database is up to the
  /// caller.
  package mutating func verbatim(_ raw: ByteSlice, commands: Int) {
    output.write(raw)
    commandCount &+= commands
  }

  /// The database that is selected is not known any more: the next one is selected anew.
  package mutating func forgetDatabase() { database = -1 }

  /// Writes the key and what it holds.
  package mutating func key(_ key: ByteSlice, _ state: borrowing KeyState) {
    guard let value = state.value else { return }
    switch value {
    case .string(let string):
      begin(3)
      output.write(bulk: "SET")
      output.write(bulk: key)
      output.write(bulk: string.bytes(&scratch))
    case .list(let list): self.list(key, list)
    case .set(let set): self.set(key, set)
    case .sortedSet(let set): sortedSet(key, set)
    case .hash(let hash): self.hash(key, hash)
    case .stream(let stream):
      guard target.hasStreams else {
        losses.streams += 1
        return
      }
      self.stream(key, stream)
    case .array(let array):
      guard target.hasArrays else {
        losses.arrays += 1
        return
      }
      self.array(key, array)
    case .module(let module):
      guard restore(key, module) else {
        losses.modules += 1
        return
      }
    }
    if let expiresAt = state.expiresAt { expire(key, expiresAt) }
  }

  /// Values of modules are carried by a payload; false when the target has no such type.
  private mutating func restore(_ key: ByteSlice, _ module: ModuleValue) -> Bool {
    guard let target = RDBTarget(target.dialect, target.version / 100, target.version % 100),
      target.copies(module.type)
    else { return false }
    var payloads = RestoreWriter(target: target)
    payloads.take(module.type, rawValue: module.bytes)
    begin(4)
    output.write(bulk: "RESTORE")
    output.write(bulk: key)
    output.write(bulk: "0")
    output.write(bulk: payloads.payload)
    return true
  }

  private mutating func expire(_ key: ByteSlice, _ expiresAt: Int64) {
    begin(3)
    if target.takesMilliseconds {
      output.write(bulk: "PEXPIREAT")
      output.write(bulk: key)
      output.write(bulkDecimal: expiresAt)
    } else {
      let expiry = ExpirySeconds(milliseconds: expiresAt)
      if !expiry.isExact { losses.milliseconds += 1 }
      output.write(bulk: "EXPIREAT")
      output.write(bulk: key)
      output.write(bulkDecimal: expiry.seconds)
    }
  }

  private mutating func list(_ key: ByteSlice, _ list: ListValue) {
    var index = 0
    let count = list.count
    while index < count {
      let end = min(index &+ step, count)
      begin(2 &+ end &- index)
      output.write(bulk: "RPUSH")
      output.write(bulk: key)
      while index < end {
        output.write(bulk: list[index])
        index &+= 1
      }
    }
  }

  /// How many elements a command may have.
  private var step: Int { target.takesMany ? CommandWriter.batch : 1 }

  private mutating func set(_ key: ByteSlice, _ set: SetValue) {
    var index = 0
    let count = set.count
    while index < count {
      let end = min(index &+ step, count)
      begin(2 &+ end &- index)
      output.write(bulk: "SADD")
      output.write(bulk: key)
      while index < end {
        output.write(bulk: set.member(index))
        index &+= 1
      }
    }
  }

  private mutating func sortedSet(_ key: ByteSlice, _ set: SortedSetValue) {
    var index = 0
    let count = set.count
    while index < count {
      let end = min(index &+ step, count)
      begin(2 &+ (end &- index) &* 2)
      output.write(bulk: "ZADD")
      output.write(bulk: key)
      while index < end {
        let item = set.table.items[index]
        output.write(bulkDouble: item.payload)
        output.write(bulk: item.key)
        index &+= 1
      }
    }
  }

  private mutating func hash(_ key: ByteSlice, _ hash: HashValue) {
    let plain = hash.count - hash.expiringCount
    var left = plain
    var room = 0
    for item in hash.table.items where item.payload.expiresAt == ValueElement.never {
      if room == 0 {
        room = min(left, step)
        left -= room
        begin(2 + room * 2)
        output.write(bulk: "HMSET")
        output.write(bulk: key)
      }
      output.write(bulk: item.key)
      output.write(bulk: item.payload.value)
      room -= 1
    }
    guard hash.expiringCount > 0 else { return }
    for item in hash.table.items where item.payload.expiresAt != ValueElement.never {
      expiringField(key, item.key, item.payload)
    }
  }

  private mutating func expiringField(
    _ key: ByteSlice, _ field: ByteSlice, _ cell: HashValue.Cell
  ) {
    if target.dialect == .valkey && target.version >= 900 {
      begin(8)
      output.write(bulk: "HSETEX")
      output.write(bulk: key)
      output.write(bulk: "PXAT")
      output.write(bulkDecimal: cell.expiresAt)
      output.write(bulk: "FIELDS")
      output.write(bulk: "1")
      output.write(bulk: field)
      output.write(bulk: cell.value)
      return
    }
    begin(4)
    output.write(bulk: "HMSET")
    output.write(bulk: key)
    output.write(bulk: field)
    output.write(bulk: cell.value)
    guard target.expiresFields else {
      losses.fieldExpiries += 1
      return
    }
    begin(6)
    output.write(bulk: "HPEXPIREAT")
    output.write(bulk: key)
    output.write(bulkDecimal: cell.expiresAt)
    output.write(bulk: "FIELDS")
    output.write(bulk: "1")
    output.write(bulk: field)
  }

  private mutating func array(_ key: ByteSlice, _ array: ArrayValue) {
    var left = array.count
    var room = 0
    array.items.forEach { item in
      if room == 0 {
        room = min(left, 32)
        left -= room
        begin(2 + room * 2)
        output.write(bulk: "ARMSET")
        output.write(bulk: key)
      }
      output.write(bulkDecimal: item.index)
      output.write(bulk: item.element)
      room -= 1
    }
    if let cursor = array.cursor {
      begin(3)
      output.write(bulk: "ARSEEK")
      output.write(bulk: key)
      output.write(bulkDecimal: cursor &+ 1)
    }
  }
}

/// What a target can't hold, by kind.
package struct EmissionLosses: Sendable, Equatable {
  /// Libraries of functions.
  package var functions = 0
  /// Values of modules.
  package var modules = 0
  /// Times to live of hash fields.
  package var fieldExpiries = 0
  /// Times to live of keys that are rounded up to seconds.
  package var milliseconds = 0
  /// Streams.
  package var streams = 0
  /// Arrays.
  package var arrays = 0
  /// Consumers without pending entries.
  package var consumers = 0
  /// Pending entries that nobody owns.
  package var unowned = 0
  /// Streams whose ids of idempotent messages are left out.
  package var idempotency = 0

  /// Nothing lost.
  package init() {}

  /// Whether anything was lost.
  package var isEmpty: Bool { self == EmissionLosses() }
}

internal import Bytes
internal import RDB

/// Writes keys as the commands that make them, as the target's own BGREWRITEAOF does (aof-format.md
/// 6), element by element: `SET`; `RPUSH`, `SADD`, `ZADD`, `HMSET` with at most 64 elements; `XADD`,
/// `XSETID`, `XGROUP`, `XCLAIM`; `ARMSET`; times to live of hash fields; then `PEXPIREAT`. Values of
/// modules, and with ``restores`` all of them, become `RESTORE`.
///
/// Memory: one batch, which ends early at 1 MB; of a stream the ids of its entries and the pending
/// entries of one group; with `RESTORE` one payload.
struct CommandOutput: ConvertOutput, ~Copyable {
  var buffer: OutputBuffer
  let target: RDBTarget
  /// Whether values are written as payloads.
  let restores: Bool
  var lost = RDBLoss()
  /// Whether the target takes one element in a command: releases before 2.4.
  private let takesOne: Bool
  /// How many commands were written.
  private(set) var commands = 0

  /// How many pending entries no command can bring back, since no message can have their id.
  var unclaimed = 0
  /// How many keys had an idle time or a use counter that no command carries.
  private(set) var unusedHints = 0
  private var idle: UInt64?
  private var frequency: UInt8?

  /// What becomes of the elements of the current key.
  enum Mode { case skipped, string, list, set, sortedSet, hash, array, stream, payload }
  private var mode = Mode.skipped
  private var payloads: RestoreWriter
  private var db = -1
  private var keyDB = 0
  var key = ByteSlice()
  private var expiresAt: Int64?
  /// Words of the command being gathered.
  private var batch = ScratchBuffer(capacity: 4096)
  private var batchElements = 0
  private var batchWords = 0
  private var cursor: UInt64?
  var scratch = ScratchBuffer()
  var group = PendingGroup()
  /// What the next stream needs.
  var nextStandIns = StandIns()

  /// At most so many elements in a command.
  static let most = 64
  /// A batch of so many bytes is written though more elements would fit.
  static let mostBytes = 1 << 20

  /// `output` is moved in until it is swapped out again.
  init(taking output: inout OutputBuffer, target: RDBTarget, restores: Bool) {
    var mine = OutputBuffer(NullTarget(), capacity: 1024)
    swap(&mine, &output)
    buffer = mine
    self.target = target
    self.restores = restores
    takesOne = target.family == .redis && (target.major, target.minor) < (2, 4)
    payloads = RestoreWriter(target: target)
  }

  /// Whether the target is at least this release of Redis, or any Valkey, which began as 7.2.
  @inline(__always) func has(_ major: Int, _ minor: Int) -> Bool {
    target.family == .redis
      ? (target.major, target.minor) >= (major, minor) : (major, minor) <= (7, 2)
  }

  func copies(_ type: ValueType) -> Bool {
    (restores || type == .module) && target.copies(type) && has(2, 6)
  }

  /// Begins a command of `count` words.
  mutating func begin(_ count: Int) {
    buffer.write(commandOf: count)
    commands &+= 1
  }

  // MARK: - Records

  mutating func beginLog() {}
  mutating func select(_ db: Int) {
    if self.db == db { return }
    self.db = db
    begin(2)
    buffer.write(bulk: "SELECT")
    buffer.write(bulkDecimal: UInt64(db))
  }
  mutating func sizes(keys: UInt64, expires: UInt64) {}
  mutating func aux(_ name: ByteSlice, _ text: ByteSlice) {}

  mutating func function(_ code: ByteSlice) -> Bool {
    guard has(7, 0) else { return false }
    begin(3)
    buffer.write(bulk: "FUNCTION")
    buffer.write(bulk: "LOAD")
    buffer.write(bulk: code)
    return true
  }

  mutating func moduleAux(_ raw: ByteSlice) -> Bool { false }

  // MARK: - Keys

  mutating func write(_ key: KeyHeader, raw: ByteSlice) {
    lost = key.metadata.isEmpty ? [] : .keyMetadata
    select(key.db)
    payloads.take(key.type, rawValue: raw)
    self.key = key.key
    expiresAt = key.expiresAt
    idle = key.idle
    frequency = key.frequency
    restore()
    expire()
  }

  /// The payload, with the idle time or the use counter, which servers know since 5.0. A server takes
  /// one of the two.
  private mutating func restore() {
    let hasHint = (idle != nil || frequency != nil) && has(5, 0)
    begin(hasHint ? 6 : 4)
    buffer.write(bulk: "RESTORE")
    buffer.write(bulk: key)
    buffer.write(bulk: "0")
    buffer.write(bulk: payloads.payload)
    if hasHint {
      buffer.write(bulk: frequency == nil ? "IDLETIME" : "FREQ")
      buffer.write(bulkDecimal: frequency.map { UInt64($0) } ?? idle ?? 0)
    } else if idle != nil || frequency != nil {
      unusedHints += 1
    }
  }

  private mutating func expire() {
    guard let time = expiresAt else { return }
    begin(3)
    if has(2, 6) {
      buffer.write(bulk: "PEXPIREAT")
      buffer.write(bulk: key)
      buffer.write(bulkDecimal: time)
    } else {
      let expiry = ExpirySeconds(milliseconds: time)
      if !expiry.isExact { lost.insert(.milliseconds) }
      buffer.write(bulk: "EXPIREAT")
      buffer.write(bulk: key)
      buffer.write(bulkDecimal: expiry.seconds)
    }
  }

  var takesStrings: Bool { !restores }

  mutating func string(_ string: PlainString, in db: Int) {
    lost = []
    select(db)
    key = string.key
    expiresAt = string.expiresAt
    begin(3)
    buffer.write(bulk: "SET")
    buffer.write(bulk: key)
    buffer.write(bulk: string.value)
    expire()
  }

  mutating func begin(_ description: KeyDescription) {
    lost = description.metadata.isEmpty ? [] : .keyMetadata
    key = description.key
    keyDB = description.db
    expiresAt = description.expiresAt
    idle = description.idle
    frequency = description.frequency
    batch.clear()
    batchElements = 0
    batchWords = 0
    mode = .skipped
    if (restores || description.type == .module) && has(2, 6) {
      mode = .payload
      payloads.begin(description)
      return
    }
    switch description.type {
    case .string: mode = .string
    case .list: mode = .list
    case .set: mode = .set
    case .zset: mode = .sortedSet
    case .hash: mode = .hash
    case .array where target.loads(.array):
      mode = .array
      cursor = description.arrayCursor
    case .stream where has(5, 0):
      mode = .stream
      group.clear()
      swap(&group.standIns, &nextStandIns)
    case .array, .stream, .module, .gcra, .cron:
      lost.insert(.key)
      return
    }
    if idle != nil || frequency != nil { unusedHints += 1 }
    select(keyDB)
  }

  mutating func element(_ element: inout ValueElement) {
    switch mode {
    case .string:
      begin(3)
      buffer.write(bulk: "SET")
      buffer.write(bulk: key)
      buffer.write(bulk: element.first)
    case .list:
      append(word: element.first)
      complete("RPUSH", CommandOutput.most)
    case .set:
      append(word: element.first)
      complete("SADD", CommandOutput.most)
    case .sortedSet:
      if element.scoreText.isEmpty {
        if element.score.isNaN {
          lost.insert(.nanScore)
          return
        }
        scratch.clear()
        scratch.append(double: element.score, .server)
        append(word: scratch.slice)
      } else {
        append(word: element.scoreText)
      }
      append(word: element.first)
      complete("ZADD", CommandOutput.most)
    case .hash:
      if element.expiresAt != ValueElement.never {
        expiringField(&element)
        return
      }
      append(word: element.first)
      append(word: element.second)
      complete("HMSET", CommandOutput.most)
    case .array:
      scratch.clear()
      scratch.append(decimal: element.index)
      append(word: scratch.slice)
      append(word: element.first)
      complete("ARMSET", 32)
    case .payload: payloads.element(&element)
    case .skipped, .stream: break
    }
  }

  mutating func stream(_ event: StreamEvent) {
    switch mode {
    case .stream: write(event)
    case .payload: payloads.stream(event)
    default: break
    }
  }

  mutating func module(_ item: ModuleItem) { if case .payload = mode { payloads.module(item) } }

  mutating func end() {
    switch mode {
    case .skipped: return
    case .payload:
      payloads.end()
      lost.formUnion(payloads.loss)
      if payloads.loss.contains(.key) { return }
      select(keyDB)
      restore()
    case .list: flush("RPUSH")
    case .set: flush("SADD")
    case .sortedSet: flush("ZADD")
    case .hash: flush("HMSET")
    case .array:
      flush("ARMSET")
      if let cursor {
        begin(3)
        buffer.write(bulk: "ARSEEK")
        buffer.write(bulk: key)
        buffer.write(bulkDecimal: cursor &+ 1)
      }
    case .stream: endStream()
    case .string: break
    }
    expire()
  }

  // MARK: - Batches

  private mutating func append(word: ByteSlice) {
    batchWords &+= 1
    batch.append(bulk: word)
  }

  /// An element is complete.
  private mutating func complete(_ name: StaticString, _ most: Int) {
    batchElements &+= 1
    if batchElements == most || batch.count > CommandOutput.mostBytes || takesOne { flush(name) }
  }

  private mutating func flush(_ name: StaticString) {
    guard batchElements > 0 else { return }
    begin(2 &+ batchWords)
    buffer.write(bulk: name)
    buffer.write(bulk: key)
    buffer.write(batch.slice)
    batch.clear()
    batchElements = 0
    batchWords = 0
  }

  private mutating func expiringField(_ element: inout ValueElement) {
    if target.family == .valkey && target.hasFieldExpiry && target.header.dialect == .valkey {
      begin(8)
      buffer.write(bulk: "HSETEX")
      buffer.write(bulk: key)
      buffer.write(bulk: "PXAT")
      buffer.write(bulkDecimal: element.expiresAt)
      buffer.write(bulk: "FIELDS")
      buffer.write(bulk: "1")
      buffer.write(bulk: element.first)
      buffer.write(bulk: element.second)
      return
    }
    begin(4)
    buffer.write(bulk: "HMSET")
    buffer.write(bulk: key)
    buffer.write(bulk: element.first)
    buffer.write(bulk: element.second)
    guard target.hasFieldExpiry else {
      lost.insert(.fieldExpiry)
      return
    }
    begin(6)
    buffer.write(bulk: "HPEXPIREAT")
    buffer.write(bulk: key)
    buffer.write(bulkDecimal: element.expiresAt)
    buffer.write(bulk: "FIELDS")
    buffer.write(bulk: "1")
    buffer.write(bulk: element.first)
  }
}

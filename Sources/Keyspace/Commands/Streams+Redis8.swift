internal import AOF
internal import Bytes
internal import RDB

/// What Redis 8.2 to 8.8 added: deletion that minds references, negative acknowledgement, and
/// messages that are added once only.
extension StreamCommands {
  /// `XDELEX key [KEEPREF|DELREF|ACKED] IDS n id …`
  @Sendable
  static func xdelex(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let (references, ids) = try idList(a, from: 2)
    guard let stream = try state.stream() else { return .unchanged }
    var effect = Effect.unchanged
    for id in ids where delete(id, references, from: stream) { effect = .changed }
    return effect
  }

  /// `XACKDEL key group [KEEPREF|DELREF|ACKED] IDS n id …`: an entry that is not pending in the
  /// group stays.
  @Sendable
  static func xackdel(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let (references, ids) = try idList(a, from: 3)
    guard let stream = try state.stream(), let index = stream.group(a[2]) else {
      return .unchanged
    }
    var effect = Effect.unchanged
    for id in ids where removePending(id, from: &stream.groups[index]) {
      effect = .changed
      _ = delete(id, references, from: stream)
    }
    return effect
  }

  private static func delete(
    _ id: StreamID, _ references: References, from stream: StreamValue
  ) -> Bool {
    switch references {
    case .keep: return delete(id, from: stream)
    case .delete:
      // References of entries that are gone already are removed too.
      removeReferences(to: id, in: stream)
      return delete(id, from: stream)
    case .onlyAcknowledged:
      return isReferenced(id, in: stream) ? false : delete(id, from: stream)
    }
  }

  /// `[KEEPREF|DELREF|ACKED] IDS n id …` from word `start` to the end.
  private static func idList(
    _ a: Arguments, from start: Int
  ) throws(CommandFault) -> (References, [StreamID]) {
    var references = References.keep
    var at = start
    while at < a.count {
      if a.isOption(at, "KEEPREF") {
        references = .keep
      } else if a.isOption(at, "DELREF") {
        references = .delete
      } else if a.isOption(at, "ACKED") {
        references = .onlyAcknowledged
      } else {
        break
      }
      at += 1
    }
    let (ids, end) = try idsBehindCount(a, at)
    guard end == a.count else { throw .syntax }
    return (references, ids)
  }

  /// `IDS n id …` at word `at`, and the first word behind.
  private static func idsBehindCount(
    _ a: Arguments, _ at: Int
  ) throws(CommandFault) -> ([StreamID], Int) {
    guard a.isOption(at, "IDS") else { throw .syntax }
    let count = try a.integer(at: at + 1)
    guard count > 0, count <= Int64(a.count - at - 2) else { throw .syntax }
    var ids: [StreamID] = []
    for index in at + 2..<at + 2 + Int(count) {
      ids.append(try streamID(a[index], missing: 0))
    }
    return (ids, at + 2 + Int(count))
  }

  /// `XNACK key group SILENT|FAIL|FATAL IDS n id … [RETRYCOUNT n] [FORCE]`: the entries stay
  /// pending and belong to nobody. SILENT takes the last delivery back, FATAL counts as the most
  /// deliveries there can be; RETRYCOUNT gives the number itself. FORCE makes entries pending that
  /// are not.
  @Sendable
  static func xnack(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let stream = try state.stream(), let index = stream.group(a[2]) else { throw .missing }
    let silent = a.isOption(3, "SILENT")
    let fatal = a.isOption(3, "FATAL")
    guard silent || fatal || a.isOption(3, "FAIL") else { throw .syntax }
    var (ids, at) = try idsBehindCount(a, 4)
    var count: Int64?
    var forced = false
    while at < a.count {
      if a.isOption(at, "FORCE") {
        forced = true
      } else if a.isOption(at, "RETRYCOUNT"), at + 1 < a.count {
        let given = try a.integer(at: at + 1)
        guard given >= 0 else { throw .outOfRange }
        count = given
        at += 1
      } else {
        throw .syntax
      }
      at += 1
    }
    var effect = Effect.unchanged
    for id in ids {
      let found = pending(id, in: stream.groups[index])
      guard found != nil || forced && stream.entry(id) != nil else { continue }
      var entry =
        found?.1 ?? PendingEntry(id: id, consumer: -1, deliveredAt: 0, deliveries: 0)
      if entry.consumer >= 0 {
        stream.groups[index].consumers[entry.consumer].pendingCount -= 1
      }
      entry.consumer = -1
      entry.deliveredAt = 0
      if let count {
        entry.deliveries = UInt64(count)
      } else if fatal {
        entry.deliveries = UInt64(Int64.max)
      } else if silent && entry.deliveries > 0 {
        entry.deliveries -= 1
      }
      if let (place, _) = found {
        stream.groups[index].pending[place] = entry
      } else {
        stream.groups[index].pending.insert(entry)
      }
      effect = .changed
    }
    return effect
  }

  // MARK: - Messages that are added once

  /// `XCFGSET key [IDMP-DURATION seconds] [IDMP-MAXSIZE n]`: a value that changes makes the stream
  /// forget all ids.
  @Sendable
  static func xcfgset(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    var seconds: UInt64?
    var most: UInt64?
    var at = 2
    while at + 1 < a.count {
      let value = try a.integer(at: at + 1)
      if a.isOption(at, "IDMP-DURATION") {
        guard 1...86400 ~= value else { throw .outOfRange }
        seconds = UInt64(value)
      } else if a.isOption(at, "IDMP-MAXSIZE") {
        guard 1...10000 ~= value else { throw .outOfRange }
        most = UInt64(value)
      } else {
        throw .syntax
      }
      at += 2
    }
    guard at == a.count, at > 2 else { throw .syntax }
    guard let stream = try state.stream() else { throw .noSuchKey }
    let newSeconds = seconds ?? stream.idempotencySeconds
    let newMost = most ?? stream.idempotencyMost
    guard newSeconds != stream.idempotencySeconds || newMost != stream.idempotencyMost else {
      return .unchanged
    }
    stream.idempotencySeconds = newSeconds
    stream.idempotencyMost = newMost
    stream.producers = []
    return .changed
  }

  /// `XIDMPRECORD key producer id entry`: as rewrites of 8.6.2 and later keep what is remembered.
  @Sendable
  static func xidmprecord(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let id = try streamID(a[4], missing: 0)
    guard let stream = try state.stream() else { throw .noSuchKey }
    remember(a[3], of: a[2], made: id, in: stream, context)
    return .changed
  }

  /// Remembers that the message `id` of `producer` made the entry `entry`; the oldest go when
  /// there are too many. Without an id (IDMPAUTO) the server remembers a hash of the fields, which
  /// the log does not hold.
  static func remember(
    _ id: ByteSlice?, of producer: ByteSlice, made entry: StreamID, in stream: StreamValue,
    _ context: Context
  ) {
    guard let id else {
      stream.idempotencyAdded += 1
      return
    }
    let index: Int
    if let known = stream.producers.firstIndex(where: { $0.name == producer }) {
      index = known
    } else {
      stream.producers.append(StreamProducer(name: producer))
      index = stream.producers.count - 1
    }
    guard !stream.producers[index].ids.contains(where: { $0.id == id }) else { return }
    stream.producers[index].ids.append((id, entry))
    stream.idempotencyAdded += 1
    let most = stream.idempotencyMost == 0 ? 100 : Int(stream.idempotencyMost)
    if stream.producers[index].ids.count > most { stream.producers[index].ids.removeFirst() }
  }
}

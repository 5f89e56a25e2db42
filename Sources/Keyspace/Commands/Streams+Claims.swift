internal import AOF
internal import Bytes
internal import RDB

/// Pending entries that change their owner. Servers log a delivery (XREADGROUP) as such a claim.
extension StreamCommands {
  /// `XCLAIM key group consumer min-idle id … [IDLE ms|TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID]
  /// [LASTID id]`
  ///
  /// From 7.0 on a claimed entry that is no longer in the stream stops being pending.
  @Sendable
  static func xclaim(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let stream = try state.stream(), let index = stream.group(a[2]) else { throw .missing }
    let idle = max(0, try a.integer(at: 4))
    var ids: [StreamID] = []
    var at = 5
    while at < a.count, let id = try? streamID(a[at], missing: 0) {
      ids.append(id)
      at += 1
    }
    guard !ids.isEmpty else { throw .invalidID }
    var deliveredAt = context.now
    var count: Int64 = -1
    var forced = false
    var justID = false
    var lastID: StreamID?
    while at < a.count {
      if a.isOption(at, "FORCE") {
        forced = true
      } else if a.isOption(at, "JUSTID") {
        justID = true
      } else if at + 1 < a.count {
        if a.isOption(at, "IDLE") {
          deliveredAt = context.now &- (try a.integer(at: at + 1))
        } else if a.isOption(at, "TIME") {
          deliveredAt = try a.integer(at: at + 1)
        } else if a.isOption(at, "RETRYCOUNT") {
          count = try a.integer(at: at + 1)
          guard count >= 0 else { throw .outOfRange }
        } else if a.isOption(at, "LASTID") {
          lastID = try streamID(a[at + 1], missing: 0)
        } else {
          throw .syntax
        }
        at += 1
      } else {
        throw .syntax
      }
      at += 1
    }
    if let lastID, lastID > stream.groups[index].lastDelivered {
      stream.groups[index].lastDelivered = lastID
    }
    // From 7.2 on the consumer comes into being even when there is nothing to claim.
    if context.generation == .from7 || context.generation == .from8 {
      _ = consumer(a[3], in: &stream.groups[index], context)
    }
    for id in ids {
      claim(
        id, by: a[3], idle: idle, deliveredAt: deliveredAt, count: count, forced: forced,
        justID: justID, stream, index, context)
    }
    return .changed
  }

  private static func claim(
    _ id: StreamID, by name: ByteSlice, idle: Int64, deliveredAt: Int64, count: Int64,
    forced: Bool, justID: Bool, _ stream: StreamValue, _ index: Int, _ context: Context
  ) {
    let found = pending(id, in: stream.groups[index])
    let isGone = stream.entry(id) == nil
    guard !isGone || context.generation == .upTo6 && found != nil else {
      if found != nil { removePending(id, from: &stream.groups[index]) }
      return
    }
    guard found != nil || forced else { return }
    if let (_, old) = found, old.consumer >= 0, idle > 0, context.now - old.deliveredAt < idle {
      return
    }
    let owner = consumer(name, in: &stream.groups[index], context)
    var entry =
      found?.1
      ?? PendingEntry(id: id, consumer: owner, deliveredAt: deliveredAt, deliveries: 0)
    let oldOwner = found == nil ? -1 : entry.consumer
    entry.deliveredAt = deliveredAt
    if count >= 0 {
      entry.deliveries = UInt64(count)
    } else if !justID {
      entry.deliveries += 1
    }
    entry.consumer = owner
    if oldOwner >= 0 { stream.groups[index].consumers[oldOwner].pendingCount -= 1 }
    stream.groups[index].consumers[owner].pendingCount += 1
    stream.groups[index].consumers[owner].activeAt = context.now
    if let (place, _) = found {
      stream.groups[index].pending[place] = entry
    } else {
      stream.groups[index].pending.insert(entry)
    }
  }

  /// `XAUTOCLAIM key group consumer min-idle start [COUNT n] [JUSTID]`; servers log XCLAIM.
  @Sendable
  static func xautoclaim(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let stream = try state.stream(), let index = stream.group(a[2]) else { throw .missing }
    let idle = max(0, try a.integer(at: 4))
    let start = try rangeStart(a[5])
    var left: Int64 = 100
    var justID = false
    var at = 6
    while at < a.count {
      if a.isOption(at, "JUSTID") {
        justID = true
      } else if a.isOption(at, "COUNT"), at + 1 < a.count {
        left = try a.integer(at: at + 1)
        guard left > 0 else { throw .outOfRange }
        at += 1
      } else {
        throw .syntax
      }
      at += 1
    }
    var ids: [StreamID] = []
    stream.groups[index].pending.forEach { entry in
      if entry.id >= start, left > 0, context.now - entry.deliveredAt >= idle {
        ids.append(entry.id)
        left -= 1
      }
    }
    for id in ids {
      claim(
        id, by: a[3], idle: 0, deliveredAt: context.now, count: -1, forced: false,
        justID: justID, stream, index, context)
    }
    return ids.isEmpty ? .unchanged : .changed
  }
}

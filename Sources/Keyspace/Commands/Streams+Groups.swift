internal import AOF
internal import Bytes
internal import RDB

/// Groups of consumers: making, changing, acknowledging.
extension StreamCommands {
  /// `XGROUP CREATE|SETID|DESTROY|CREATECONSUMER|DELCONSUMER key group …`
  ///
  /// The key stands behind the subcommand, so this can't be postponed like commands on one key.
  @Sendable
  static func xgroup(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    guard a.count >= 4 else { throw .syntax }
    var state = keyspace.state(of: a[2])
    let effect = try xgroup(a, &state, keyspace.context)
    if effect == .changed { keyspace.setState(state, of: a[2]) }
    return effect
  }

  private static func xgroup(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    if a.isOption(1, "CREATE") { return try create(a, &state, context) }
    guard let stream = try state.stream() else { throw .noSuchKey }
    if a.isOption(1, "DESTROY") {
      guard a.count == 4 else { throw .syntax }
      guard let index = stream.group(a[3]) else { return .unchanged }
      stream.groups.remove(at: index)
      return .changed
    }
    guard let index = stream.group(a[3]) else { throw .missing }
    if a.isOption(1, "SETID") {
      guard a.count == 5 || a.count == 7 else { throw .syntax }
      let id = a[4].equals("$") ? stream.lastID : try groupID(a[4], knowsEnds: true)
      let read = known(try entriesRead(a, 5), stream, context)
      stream.groups[index].lastDelivered = id
      stream.groups[index].entriesRead = read
      return .changed
    }
    guard a.count == 5 else { throw .syntax }
    if a.isOption(1, "CREATECONSUMER") {
      guard stream.groups[index].consumer(a[4]) == nil else { return .unchanged }
      _ = consumer(a[4], in: &stream.groups[index], context)
      return .changed
    }
    guard a.isOption(1, "DELCONSUMER") else { throw .syntax }
    guard let number = stream.groups[index].consumer(a[4]) else { return .unchanged }
    removeConsumer(number, from: &stream.groups[index])
    return .changed
  }

  private static func create(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard a.count >= 5 else { throw .syntax }
    var makes = false
    var read: Int64 = -1
    var at = 5
    while at < a.count {
      if a.isOption(at, "MKSTREAM") {
        makes = true
        at += 1
      } else if a.isOption(at, "ENTRIESREAD"), at + 1 < a.count {
        read = try entriesRead(a, at)
        at += 2
      } else {
        throw .syntax
      }
    }
    let present = try state.stream()
    guard makes || present != nil else { throw .noSuchKey }
    let id =
      a[4].equals("$")
      ? present?.lastID ?? .zero : try groupID(a[4], knowsEnds: context.generation == .upTo6)
    if let present, present.group(a[3]) != nil { throw .exists }
    guard let stream = try state.stream(creating: true) else { return .unchanged }
    stream.groups.append(
      StreamGroup(
        name: a[3], lastDelivered: id, entriesRead: known(read, stream, context)))
    return .changed
  }

  /// The id a group begins at. SETID takes `-` and `+`, too; CREATE did up to 6.2.
  private static func groupID(
    _ text: ByteSlice, knowsEnds: Bool
  ) throws(CommandFault) -> StreamID {
    if knowsEnds {
      if text.equals("-") { return .zero }
      if text.equals("+") { return .max }
    }
    return try streamID(text, missing: 0)
  }

  /// Redis 8 does not believe that more entries were read than were added (seen on 8.8; Redis 7
  /// and Valkey 9.1 keep the number).
  private static func known(
    _ read: Int64, _ stream: StreamValue, _ context: Context
  ) -> Int64 {
    context.generation == .from8 ? min(read, Int64(clamping: stream.entriesAdded)) : read
  }

  private static func entriesRead(_ a: Arguments, _ at: Int) throws(CommandFault) -> Int64 {
    guard at < a.count else { return -1 }
    guard a.isOption(at, "ENTRIESREAD") else { throw .syntax }
    let read = try a.integer(at: at + 1)
    guard read >= -1 else { throw .outOfRange }
    return read
  }

  /// The number of the consumer called `name`, made when it is not there.
  static func consumer(
    _ name: ByteSlice, in group: inout StreamGroup, _ context: Context
  ) -> Int {
    if let number = group.consumer(name) { return number }
    group.consumers.append(StreamConsumer(name: name, seenAt: context.now, activeAt: -1))
    return group.consumers.count - 1
  }

  /// Removes a consumer with its pending entries; the numbers of later ones move down.
  private static func removeConsumer(_ number: Int, from group: inout StreamGroup) {
    var kept: [PendingEntry] = []
    kept.reserveCapacity(group.pending.count)
    group.pending.forEach { entry in
      guard entry.consumer != number else { return }
      var entry = entry
      if entry.consumer > number { entry.consumer -= 1 }
      kept.append(entry)
    }
    group.pending = SortedChunks(sorted: kept)
    group.consumers.remove(at: number)
  }

  /// `XACK key group id …`
  @Sendable
  static func xack(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let stream = try state.stream(), let index = stream.group(a[2]) else {
      return .unchanged
    }
    for word in 3..<a.count { _ = try streamID(a[word], missing: 0) }
    var effect = Effect.unchanged
    for word in 3..<a.count {
      if removePending(try streamID(a[word], missing: 0), from: &stream.groups[index]) {
        effect = .changed
      }
    }
    return effect
  }

  /// The pending entry `id` of a group and its place.
  static func pending(
    _ id: StreamID, in group: StreamGroup
  ) -> (SortedChunks<PendingEntry>.Place, PendingEntry)? {
    let place = group.pending.firstPlace { !($0.id < id) }
    guard !group.pending.isEnd(place), group.pending[place].id == id else { return nil }
    return (place, group.pending[place])
  }

  /// Removes the pending entry `id`; true when it was there.
  @discardableResult
  static func removePending(_ id: StreamID, from group: inout StreamGroup) -> Bool {
    guard let (place, entry) = pending(id, in: group) else { return false }
    _ = group.pending.remove(at: place)
    if entry.consumer >= 0 { group.consumers[entry.consumer].pendingCount -= 1 }
    return true
  }

  /// Removes the entry `id` from the pending entries of every group.
  static func removeReferences(to id: StreamID, in stream: StreamValue) {
    for index in stream.groups.indices { removePending(id, from: &stream.groups[index]) }
  }

  /// Whether a group has not been given `id` yet, or waits for its acknowledgement.
  static func isReferenced(_ id: StreamID, in stream: StreamValue) -> Bool {
    stream.groups.contains { $0.lastDelivered < id || pending(id, in: $0) != nil }
  }
}

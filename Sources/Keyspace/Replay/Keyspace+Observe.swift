internal import AOF
internal import Bytes
internal import RDB

// An observer in a lazy replay. What can't destroy anything (pushes, new members, counters, times in
// the future) is postponed as usual, and the observer is told that it passed. SET and DEL look at what
// their key held; that is known without executing anything when it was made by one SET. All else is
// executed at once.

/// Which commands destroy nothing, so that an observer need not see what they do.
enum Quietness: UInt8 {
  /// It may destroy something.
  case never
  /// It adds or changes in place.
  case always
  /// XADD: unless it trims.
  case unlessTrimming
  /// EXPIRE and the like: unless the time has passed already.
  case unlessPast
  /// The same with a time from now on.
  case unlessNegative

  /// That of every command of the registry.
  static func table(_ registry: CommandRegistry) -> [Quietness] {
    registry.entries.map { entry in
      let name = ByteSlice(entry.name)
      func isOne(of names: StaticString...) -> Bool { names.contains { name.equals($0) } }
      if isOne(
        of: "RPUSH", "LPUSH", "RPUSHX", "LPUSHX", "LINSERT", "SADD", "ZADD", "ZINCRBY", "HSET",
        "HMSET",
        "HSETNX", "HINCRBY", "HINCRBYFLOAT", "INCR", "DECR", "INCRBY", "DECRBY", "INCRBYFLOAT",
        "APPEND",
        "SETBIT", "SETRANGE", "SETNX", "PFADD", "GEOADD", "XACK", "XCLAIM", "XSETID", "PERSIST",
        "LSET")
      {
        return .always
      }
      if isOne(of: "XADD") { return .unlessTrimming }
      if isOne(of: "EXPIREAT", "PEXPIREAT") { return .unlessPast }
      if isOne(of: "EXPIRE", "PEXPIRE") { return .unlessNegative }
      return .never
    }
  }
}

extension Keyspace {
  /// How a command is queued for an observer; nil when it has to be executed at once.
  func observedKind(
    _ arguments: Arguments, _ number: Int, _ command: AOFCommand
  ) -> QueuedCommand.Kind? {
    switch plans[number] {
    case .postpone: return isQuiet(arguments, number, command) ? .postpone : nil
    case .overwrite:
      let kind = Keyspace.kindOfSet(arguments)
      return kind == .postpone ? nil : kind
    case .delete: return arguments.count == 2 ? .delete : nil
    case .now: return nil
    }
  }

  private func isQuiet(_ arguments: Arguments, _ number: Int, _ command: AOFCommand) -> Bool {
    switch quietness[number] {
    case .never: return false
    case .always: return true
    case .unlessTrimming:
      // `XADD key id …`: what begins with a digit or a star is no option.
      return arguments.count > 2 && arguments[2].count > 0 && arguments[2][0] < 0x3A
    case .unlessPast:
      guard let time = DecimalText.canonical(arguments[2]) else { return false }
      let isSeconds = ASCII.uppercased(arguments.name[0]) == 0x45
      return (isSeconds ? time : time / 1000) > max(command.time, Keyspace.firstServer)
    case .unlessNegative:
      return DecimalText.canonical(arguments[2]).map { $0 > 0 } ?? false
    }
  }

  /// No server set a time to live before this moment, in unix seconds.
  package static let firstServer: Int64 = 1_200_000_000

  /// Puts a queued command on the chain of its key, and tells the observer.
  func applyObserved(_ queued: QueuedCommand, _ command: AOFCommand, _ table: KeyTable) {
    guard let observer else { return }
    guard queued.kind != .postpone,
      let index = table.find(queued.key, hash: queued.hash, candidate: queued.candidate),
      !table[index].isVacant
    else {
      observer.passes(command)
      apply(queued, table)
      return
    }
    var before = KeySummary()
    let entry = table[index]
    if entry.base.kind == .setCommand, entry.lastOperation == 0,
      let set = plainSet(entry.base.payload)
    {
      before.type = .string
      before.elements = 1
      before.bytes = set.value.count
    } else {
      before = KeySummary(settledState(table, index))
    }
    var after = KeySummary()
    let (bytes, offset) = log.locate(queued.position)
    // It was read before, so reading it again can't fail.
    guard (try? foldWords.fill(from: bytes, at: offset)) != nil else { return }
    let words = foldWords.arguments
    observer.begins(command, words)
    if queued.kind != .delete {
      after.type = .string
      after.elements = 1
      after.bytes = words[2].count
      if queued.kind == .cut { after.expiresAt = DecimalText.canonical(words[4]) }
    }
    if before.exists { observer.changed(queued.key, table.database, from: before, to: after) }
    apply(queued, table)
  }
}

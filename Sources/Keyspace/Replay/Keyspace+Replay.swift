package import AOF
package import Bytes

// Reading a log. Commands on one key are not executed but queued; every 32 of them their slots,
// entries and keys are prefetched, and then they are put on the chains of their keys. Everything
// else empties the queue first and is executed at once, in order.

/// A command on its way to the chain of its key; POD.
struct QueuedCommand: BitwiseCopyable {
  enum Kind: UInt8 {
    /// `SET key value`
    case set
    /// SET with a time to live: what the key held before is irrelevant.
    case cut
    /// DEL, UNLINK of one key.
    case delete
    /// Everything else with one key.
    case postpone
  }
  let key: ByteSlice
  let position: Int
  let index: UInt32
  let hash: UInt32
  let number: UInt16
  let kind: Kind
  /// The entry it probably is for.
  var candidate = Int.max
}

/// A command of a transaction that waits for its EXEC; POD.
struct HeldCommand: BitwiseCopyable {
  let offset: Int
  let index: Int
  let database: Int
  let number: Int
}

/// One file while it is read.
private final class LogFile {
  @safe @exclusivity(unchecked) var reader: AOFReader
  init(_ reader: consuming AOFReader) { self.reader = reader }
}

extension Keyspace {
  /// Reads a file of a log: the dump at its head if it begins with one, then all commands. `cursor`
  /// is over a mapped file or memory (see ``ByteCursor/isStable``) and stands at its start. A
  /// transaction that has no EXEC is not executed.
  ///
  /// - Parameter previous: the last command of the files before; nil for the first.
  /// - Returns: the last command.
  /// - Throws: ``ReplayError``. When a file that ends early is what is expected, what came before
  ///   has been read, and the keyspace may be used.
  package func replay(
    _ input: consuming ByteCursor, file: Int = 0, after previous: AOFCommand? = nil
  ) throws(ReplayError) -> AOFCommand {
    var cursor = input
    precondition(cursor.isStable, "slices have to stay valid")
    cursor.releasesPages = false
    let bytes = cursor.heldSlice(at: 0, count: cursor.size ?? 0)
    if Preamble.begins(at: &cursor) {
      cursor = try load(cursor, bytes, file: file)
    }
    let holder = LogFile(AOFReader(cursor, file: file, after: previous))
    let start = log.add(bytes, file: file, owner: holder)
    held.truncate(to: 0)
    defer { flushQueue() }
    while try next(holder) {
      let command = holder.reader.command
      if command.index > lastIndex || command.time > lastTime {
        isStopped = true
        if command.position > 0 { openTransaction = findEnd(holder) }
        break
      }
      let arguments = holder.reader.arguments
      guard let number = registry.find(command.word, arguments.name) else {
        try takeUnknown(command, arguments, start)
        continue
      }
      guard registry.entries[number].accepts(arguments.count) else {
        throw ReplayError(.wrongArity, command, arguments)
      }
      commandCount += 1
      let words = UInt8(clamping: arguments.count)
      if mostWords[number] < words { mostWords[number] = words }
      if command.transaction != 0 {
        try takePart(command, number, bytes, start)
      } else if let verbatim, verbatim.takes(arguments, number, command, start &+ command.offset) {
        continue
      } else if command.index < nextOmission || !omit(command, number) {
        try dispatch(arguments, number, command, bytes, start)
      }
    }
    annotationCount += holder.reader.annotations
    return holder.reader.command
  }

  @inline(__always)
  private func next(_ holder: LogFile) throws(ReplayError) -> Bool {
    do throws(AOFError) { return try holder.reader.next() } catch {
      throw ReplayError(.log(error), holder.reader.command)
    }
  }

  /// Where the transaction of the current command begins and ends.
  @inline(never)
  private func findEnd(_ holder: LogFile) -> (multi: Int, exec: Int?) {
    let inside = holder.reader.command
    let multi = inside.index - inside.position
    var command = inside
    while command.transaction == inside.transaction {
      if command.word.isExec { return (multi, command.index) }
      guard (try? holder.reader.next()) == true else { break }
      command = holder.reader.command
    }
    return (multi, nil)
  }

  /// A command that is not in the registry: it goes into the verbatim part, if there is one.
  @inline(never)
  private func takeUnknown(
    _ command: AOFCommand, _ arguments: Arguments, _ start: Int
  ) throws(ReplayError) {
    // Nobody executes it when its transaction has no EXEC.
    let mayWait = keepsUnknown && command.transaction != 0
    guard verbatim != nil || mayWait else {
      throw ReplayError(.unknownCommand, command, arguments)
    }
    commandCount += 1
    guard command.transaction == 0 else {
      held.append(
        HeldCommand(
          offset: command.offset, index: command.index, database: command.database,
          number: Keyspace.unknownNumber))
      return
    }
    _ = verbatim?.takes(arguments, Keyspace.unknownNumber, command, start + command.offset)
  }

  /// Stands for the number of a command that is not in the registry.
  static let unknownNumber = -1

  /// Reads the words of a command of the transaction that ends with `exec` into ``heldWords``.
  func readHeld(
    _ place: Int, _ exec: AOFCommand, _ bytes: ByteSlice
  ) -> (command: AOFCommand, number: Int) {
    let part = held[place]
    // It was read before, so reading it again can't fail.
    let end = (try? heldWords.fill(from: bytes, at: part.offset)) ?? part.offset
    var inner = exec
    inner.offset = part.offset
    inner.length = end - part.offset
    inner.index = part.index
    inner.database = part.database
    inner.word = CommandWord(heldWords.arguments.name)
    return (inner, part.number)
  }

  /// A command inside a transaction, MULTI and EXEC included.
  private func takePart(
    _ command: AOFCommand, _ number: Int, _ bytes: ByteSlice, _ start: Int
  ) throws(ReplayError) {
    if command.word.isMulti {
      if command.position != 0 {
        note(.misplaced, start + command.offset, command.index, command.database)
      } else {
        held.truncate(to: 0)
        verbatim?.multi = command
      }
      return
    }
    guard command.word.isExec else {
      held.append(
        HeldCommand(
          offset: command.offset, index: command.index, database: command.database, number: number))
      return
    }
    if let verbatim, try verbatimTakes(verbatim, command, bytes, start) {
      held.truncate(to: 0)
      return
    }
    for place in 0..<held.count {
      let (inner, number) = readHeld(place, command, bytes)
      if number < 0 { throw ReplayError(.unknownCommand, inner, heldWords.arguments) }
      if inner.index >= nextOmission, omit(inner, number) { continue }
      try dispatch(heldWords.arguments, number, inner, bytes, start)
    }
    held.truncate(to: 0)
  }

  /// Queues or executes one command.
  @inline(__always)
  func dispatch(
    _ arguments: Arguments, _ number: Int, _ command: AOFCommand, _ bytes: ByteSlice, _ start: Int
  ) throws(ReplayError) {
    if command.database != currentDatabase {
      flushQueue()
      currentDatabase = command.database
      context.database = command.database
      current = table(command.database)
    }
    let kind: QueuedCommand.Kind
    if command.index >= twinFrom, let both = twinKind(arguments, number, command) {
      kind = both
      noteMoment(command)
      if pairs == nil { queuedCommands.append(command) }
    } else if command.index >= twinFrom,
      takenByTwin(arguments, number, command, bytes, start)
    {
      return
    } else if isEager || twinIsDivided {
      try executeNow(arguments, number, command, bytes, start)
      return
    } else if observer != nil {
      guard let observed = observedKind(arguments, number, command) else {
        try executeNow(arguments, number, command, bytes, start)
        return
      }
      kind = observed
      queuedCommands.append(command)
    } else {
      switch plans[number] {
      case .postpone: kind = .postpone
      case .overwrite: kind = Keyspace.kindOfSet(arguments)
      case .delete where arguments.count == 2: kind = .delete
      default:
        try executeNow(arguments, number, command, bytes, start)
        return
      }
    }
    let key = arguments[1]
    let hash = KeyTable.hash(key)
    current.prefetchSlot(hash)
    queue.append(
      QueuedCommand(
        key: key, position: start &+ command.offset,
        index: UInt32(truncatingIfNeeded: command.index), hash: hash,
        number: UInt16(truncatingIfNeeded: number), kind: kind))
    if queue.count == 32 { flushQueue() }
  }

  /// Whether the twin has executed the command.
  @inline(never)
  private func takenByTwin(
    _ arguments: Arguments, _ number: Int, _ command: AOFCommand, _ bytes: ByteSlice, _ start: Int
  ) -> Bool {
    guard let twin else { return false }
    noteMoment(command)
    if twinIsDivided { flushQueue() }
    let raw = bytes.slice(at: command.offset, count: command.length)
    guard twin.takes(arguments, number, command, raw, position: start + command.offset) else {
      return false
    }
    current = table(currentDatabase)
    return true
  }

  /// What SET does to the chain of its key.
  @inline(__always)
  static func kindOfSet(_ arguments: Arguments) -> QueuedCommand.Kind {
    if arguments.count == 3 { return .set }
    if arguments.count == 5, arguments.isOption(3, "PXAT"),
      let time = DecimalText.canonical(arguments[4]), time > 0
    {
      return .cut
    }
    return .postpone
  }

  /// Puts the queued commands on the chains of their keys.
  func flushQueue() {
    let count = queue.count
    guard count > 0, !isFlushing else { return }
    let table = current
    for index in 0..<count { queue[index].candidate = table.candidate(queue[index].hash) }
    for index in 0..<count { table.prefetchKey(queue[index].candidate) }
    if twinIsDivided, let twin {
      flushTwin(twin, table)
      queuedCommands.truncate(to: 0)
    } else if observer != nil {
      for index in 0..<count { applyObserved(queue[index], queuedCommands[index], table) }
      queuedCommands.truncate(to: 0)
    } else {
      for index in 0..<count { apply(queue[index], table) }
    }
    queue.truncate(to: 0)
  }

  @inline(__always)
  func apply(_ command: QueuedCommand, _ table: KeyTable) {
    if command.kind == .delete {
      if let index = table.find(
        command.key, hash: command.hash, candidate: command.candidate)
      {
        clear(table, index)
      }
      return
    }
    let index = table.findOrAdd(
      command.key, hash: command.hash, candidate: command.candidate)
    var entry = table[index]
    if command.kind != .postpone {
      if command.kind == .cut, entry.operationCount == 1, entry.base.kind == .absent {
        // As in a log that sets the same key again and again: its place in the chains stays.
        chains.replace(
          entry.lastOperation, position: command.position, number: Int(command.number),
          index: Int(command.index))
        return
      }
      if entry.lastOperation != 0 || entry.base.kind == .state {
        clear(table, index)
        entry = table[index]
      }
      entry.base =
        command.kind == .set ? EntryBase(.setCommand, command.position) : .absent
      if command.kind == .set {
        table[index] = entry
        return
      }
    }
    postpone(command, table, index, &entry)
    if entry.operationCount >= Keyspace.longestChain { _ = settledState(table, index) }
  }

  /// Puts a command on the chain of entry `index`, which is `entry`.
  @inline(__always)
  func postpone(
    _ command: QueuedCommand, _ table: KeyTable, _ index: Int, _ entry: inout KeyEntry
  ) {
    let place = chains.push(
      position: command.position, number: Int(command.number), previous: entry.lastOperation,
      index: Int(command.index))
    if entry.lastOperation == 0 { entry.firstOperation = place }
    entry.lastOperation = place
    entry.operationCount &+= 1
    table[index] = entry
  }

  /// Executes a command at once.
  @inline(never)
  private func executeNow(
    _ arguments: Arguments, _ number: Int, _ command: AOFCommand, _ bytes: ByteSlice, _ start: Int
  ) throws(ReplayError) {
    flushQueue()
    switch registry.entries[number].action {
    case .nothing: return
    case .select:
      guard let number = DecimalText.canonical(arguments[1]), number >= 0 else {
        note(.notInteger, start + command.offset, command.index, command.database)
        return
      }
    case .multi: return
    case .exec: note(.misplaced, start + command.offset, command.index, command.database)
    case .script: throw ReplayError(.script, command, arguments)
    case .unsupported(let reason): throw ReplayError(.unsupported(reason), command, arguments)
    case .key, .overwrite, .delete, .keyspace:
      let raw = bytes.slice(at: command.offset, count: command.length)
      observer?.begins(command, arguments)
      if case .fault(let fault) = execute(arguments, number: number, raw: raw) {
        note(fault, start + command.offset, command.index, command.database)
      }
      current = table(currentDatabase)
    }
  }
}

extension ReplayError {
  init(_ kind: Kind, _ command: AOFCommand) {
    self.kind = kind
    file = command.file
    offset = command.offset
    index = command.index
    database = command.database
    word = command.word
  }

  /// An error of a command of these words, whose name may have other bytes than letters.
  init(_ kind: Kind, _ command: AOFCommand, _ arguments: Arguments) {
    self.init(kind, command)
    var name = ScratchBuffer(capacity: 16)
    for index in 0..<min(arguments.name.count, 16) {
      name.append(ASCII.uppercased(arguments.name[index]))
    }
    word.first = name.slice.firstWord
    word.second = name.slice.count > 8 ? name.slice.dropFirst(8).firstWord : 0
  }
}

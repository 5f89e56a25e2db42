internal import AOF
package import Bytes
package import RDB

// Reading back what was written, in little memory: the commands of each key stand together, so a
// key can be forgotten once the next begins.

extension Keyspace {
  /// Reads commands in which those of each key stand together, and lets each key enter `hash`. For an
  /// empty keyspace; afterwards it is empty again. Commands that fail are counted.
  ///
  /// Keys whose commands have the usual form enter by their commands (``CommandHash``); the rest are
  /// executed. `cursor` is over a mapped file or memory.
  ///
  /// - Throws: ``ReplayError``.
  package func pass(
    _ cursor: consuming ByteCursor, into hash: inout StateHash
  ) throws(ReplayError) {
    let bytes = cursor.heldSlice(at: 0, count: cursor.size ?? 0)
    var reader = AOFReader(cursor)
    var key = ByteSlice()
    var hasKey = false
    var usual = CommandHash()
    // Where the commands of the key begin, and whether they are executed.
    var start = 0
    var isExecuted = false
    while true {
      do throws(AOFError) { guard try reader.next() else { break } } catch {
        throw ReplayError(.log(error), reader.command)
      }
      let command = reader.command
      let arguments = reader.arguments
      guard arguments.count > 1 else { throw ReplayError(.wrongArity, command) }
      let isGroup = command.word == Keyspace.groupWord && arguments.count > 2
      let next = arguments[isGroup ? 2 : 1]
      if command.database != context.database || !hasKey || next != key {
        if hasKey {
          if isExecuted { forget(key, &hash) } else { usual.add(key, context.database, to: &hash) }
        }
        key = next
        hasKey = !command.word.isSelect
        context.database = command.database
        start = command.offset
        isExecuted = false
        usual.clear()
      }
      if command.word.isSelect { continue }
      if !isExecuted {
        if usual.take(command.word, arguments) { continue }
        isExecuted = true
        if !usual.isEmpty { try executeAgain(bytes, from: start, command) }
      }
      guard let number = registry.find(command.word, arguments.name) else {
        throw ReplayError(.unknownCommand, command)
      }
      guard registry.entries[number].accepts(arguments.count) else {
        throw ReplayError(.wrongArity, command)
      }
      let raw = bytes.slice(at: command.offset, count: command.length)
      if case .fault = execute(arguments, number: number, raw: raw) { faultCount += 1 }
    }
    if hasKey {
      if isExecuted { forget(key, &hash) } else { usual.add(key, context.database, to: &hash) }
    }
    for library in functions { hash.add(function: library.code) }
  }

  /// Executes the commands of a key from its first one at `start` up to the current one, which has not
  /// the usual form.
  @inline(never)
  private func executeAgain(
    _ bytes: ByteSlice, from start: Int, _ current: AOFCommand
  ) throws(ReplayError) {
    var offset = start
    while offset < current.offset {
      // It was read before, so reading it again can't fail.
      guard let end = try? heldWords.fill(from: bytes, at: offset) else { break }
      let raw = bytes.slice(at: offset, count: end - offset)
      switch execute(heldWords.arguments, raw: raw) {
      case .fault: faultCount += 1
      case .done: break
      case .unknown, .wrongArity, .control: throw ReplayError(.unknownCommand, current)
      }
      offset = end
    }
  }

  private static let groupWord = CommandWord(ByteSlice("XGROUP"))

  private func forget(_ key: ByteSlice, _ hash: inout StateHash) {
    guard let table = tables[context.database],
      let index = table.find(key, hash: KeyTable.hash(key))
    else { return }
    hash.add(key, context.database, settledState(table, index))
    clear(table, index)
  }

  /// Reads every key of a dump and lets it enter `hash`. The elements of strings, lists, sets, sorted sets and
  /// hashes enter as they come: one that is there twice gives another number than the value does.
  ///
  /// - Throws: ``RDBError``.
  package static func pass(
    dump cursor: consuming ByteCursor, into hash: inout StateHash
  ) throws(RDBError) {
    var reader = try RDBReader(cursor)
    let kept = KeptBytes()
    let context = Context(now: 0, kept: kept)
    var decoder = ValueDecoder(dialect: reader.header.dialect)
    while true {
      while let string = try reader.nextString() {
        hash.add(string.key, reader.db, string: string.value, expiresAt: string.expiresAt)
      }
      switch try reader.next() {
      case .key:
        let header = reader.key
        if let type = header.type.logical.hashedByElements {
          let content = try content(type, &reader)
          hash.add(
            header.key, header.db, type: type.rawValue, content: content,
            expiresAt: header.expiresAt)
          break
        }
        let raw = try reader.rawValue()
        decoder.begin(header.type, raw)
        if header.type.logical == .stream,
          let content = try streamContent(&decoder, context, hash)
        {
          hash.add(
            header.key, header.db, type: StateHash.streamType, content: content,
            expiresAt: header.expiresAt)
          break
        }
        decoder.begin(header.type, raw)
        let value = try context.value(from: &decoder, raw: raw)
        hash.add(header.key, header.db, KeyState(value: value, expiresAt: header.expiresAt))
        kept.reset()
      case .function(let code, _): hash.add(function: code)
      case .end: return
      default: break
      }
    }
  }

  /// What the elements of the current key make of its hash, as ``StateHash`` has it.
  private static func content(
    _ type: StateHash.Elements, _ reader: inout RDBReader
  ) throws(RDBError) -> UInt64 {
    var content: UInt64 = 0
    var element = ValueElement()
    while try reader.nextElement(&element) {
      let first = element.first.fastHash
      switch type {
      case .string: content = first
      case .list: content = StateHash.mix(content, first)
      case .set: content &+= StateHash.mix(1, first)
      case .sortedSet:
        content &+= StateHash.mix(first, element.score == 0 ? 0 : element.score.bitPattern)
      case .hash:
        content &+= StateHash.mix(
          StateHash.mix(first, element.second.fastHash), UInt64(bitPattern: element.expiresAt))
      }
    }
    return content
  }

  /// What the stream that `decoder` is about to give is in `hash`, made of its entries as they come; nil
  /// where there are groups or producers, which take more than that.
  private static func streamContent(
    _ decoder: inout ValueDecoder, _ context: Context, _ hash: borrowing StateHash
  ) throws(RDBError) -> UInt64? {
    var entries: UInt64 = 0
    var entry: StreamID?
    var metadata = StreamMetadata()
    func finishEntry() {
      if let id = entry { entries &+= StateHash.entry(id, context.scratch.slice) }
      entry = nil
      context.scratch.clear()
    }
    while let event = try decoder.reader.nextStreamEvent() {
      switch event {
      case .entry(let id, _):
        finishEntry()
        entry = id
      case .deletedEntry: finishEntry()
      case .field(let name, let value):
        guard entry != nil else { continue }
        context.appendPacked(name)
        context.appendPacked(value)
      case .metadata(let numbers):
        finishEntry()
        metadata = numbers
      case .idempotency, .idempotencyCounts: break
      default: return nil
      }
    }
    finishEntry()
    return hash.stream(
      entries: entries, lastID: metadata.lastID, entriesAdded: metadata.entriesAdded,
      maxDeletedID: metadata.maxDeletedID)
  }

  /// Writes every key, and the functions, as a dump; every key enters `hash`.
  ///
  /// - Returns: how many keys were written, and what of them was lost.
  package func write(
    dump writer: inout RDBWriter, hash: inout StateHash, expiredBefore moment: Int64? = nil
  ) -> (keys: Int, loss: RDBLoss, functions: Int) {
    var loss = RDBLoss()
    var lost = 0
    for library in functions {
      if writer.writeFunction(library.code) {
        hash.add(function: library.code)
      } else {
        lost += 1
      }
    }
    var keys = 0
    for database in databases {
      guard let table = tables[database] else { continue }
      for index in 0..<table.count {
        lookAhead(table, index)
        let entry = table[index]
        if entry.isVacant { continue }
        if let set = onlySet(entry) {
          if let moment, let expiresAt = set.expiresAt, expiresAt <= moment { continue }
          loss.formUnion(
            writer.writeString(set.key, db: database, set.value, expiresAt: set.expiresAt))
          hash.add(set.key, database, string: set.value, expiresAt: set.expiresAt)
          keys += 1
          continue
        }
        var state = passingState(table, index)
        guard state.exists else { continue }
        if let moment, !state.dropExpired(at: moment) { continue }
        let key = passingKey
        if case .module(let module)? = state.value {
          var header = KeyHeader()
          header.db = database
          header.key = key
          header.type = module.type
          header.expiresAt = state.expiresAt
          writer.writeKey(header, rawValue: module.bytes)
        } else {
          state.feed(&writer, key: key, database: database, describing: false)
        }
        loss.formUnion(writer.loss)
        hash.add(key, database, state)
        keys += 1
      }
    }
    return (keys, loss, lost)
  }
}

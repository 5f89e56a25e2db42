internal import AOF
package import Bytes
package import RDB

// Reading back what was written, in little memory: the commands of each key stand together, so a
// key can be forgotten once the next begins.

extension Keyspace {
  /// Executes commands in which those of each key stand together, and lets each key enter `hash`.
  /// For an empty keyspace; afterwards it is empty again. Commands that fail are counted.
  ///
  /// - Throws: ``ReplayError``.
  package func pass(
    _ cursor: consuming ByteCursor, into hash: inout StateHash
  ) throws(ReplayError) {
    var reader = AOFReader(cursor)
    var key = ByteSlice()
    var hasKey = false
    while true {
      do throws(AOFError) { guard try reader.next() else { break } } catch {
        throw ReplayError(.log(error), reader.command)
      }
      let command = reader.command
      let arguments = reader.arguments
      guard let number = registry.find(command.word, arguments.name) else {
        throw ReplayError(.unknownCommand, command)
      }
      guard registry.entries[number].accepts(arguments.count), arguments.count > 1 else {
        throw ReplayError(.wrongArity, command)
      }
      let isGroup = command.word == Keyspace.groupWord && arguments.count > 2
      let next = arguments[isGroup ? 2 : 1]
      if command.database != context.database || !hasKey || next != key {
        if hasKey { forget(key, &hash) }
        key = next
        hasKey = !command.word.isSelect
        context.database = command.database
      }
      if command.word.isSelect { continue }
      let raw = reader.cursor.heldSlice(at: command.offset, count: command.length)
      if case .fault = execute(arguments, number: number, raw: raw) { faultCount += 1 }
    }
    if hasKey { forget(key, &hash) }
    for library in functions { hash.add(function: library.code) }
  }

  private static let groupWord = CommandWord(ByteSlice("XGROUP"))

  private func forget(_ key: ByteSlice, _ hash: inout StateHash) {
    guard let table = tables[context.database],
      let index = table.find(key, hash: KeyTable.hash(key))
    else { return }
    hash.add(key, context.database, settledState(table, index))
    clear(table, index)
  }

  /// Decodes every key of a dump and lets it enter `hash`.
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
      switch try reader.next() {
      case .key:
        let header = reader.key
        let raw = try reader.rawValue()
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
        guard !table[index].isVacant else { continue }
        var state = passingState(table, index)
        guard state.exists else { continue }
        if let moment, !state.dropExpired(at: moment) { continue }
        let key = table[index].key
        if case .module(let module)? = state.value {
          var header = KeyHeader()
          header.db = database
          header.key = key
          header.type = module.type
          header.expiresAt = state.expiresAt
          writer.writeKey(header, rawValue: module.bytes)
        } else {
          state.feed(&writer, key: key, database: database)
        }
        loss.formUnion(writer.loss)
        hash.add(key, database, state)
        keys += 1
      }
    }
    return (keys, loss, lost)
  }
}

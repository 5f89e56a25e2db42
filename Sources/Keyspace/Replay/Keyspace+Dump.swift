internal import AOF
package import Bytes
package import RDB

/// A value of a dump that was not decoded yet; POD.
struct DumpValue: BitwiseCopyable {
  /// The bytes of the value.
  let raw: ByteSlice
  /// When the key expires; `Int64.min` for never.
  let expiresAt: Int64
  private let typeNumber: UInt8
  /// How it is written.
  var type: ValueType { ValueType(rawValue: typeNumber) ?? .string }
  /// The number of the dump.
  let dump: UInt32

  init(raw: ByteSlice, expiresAt: Int64?, type: ValueType, dump: UInt32) {
    self.raw = raw
    self.expiresAt = expiresAt ?? .min
    typeNumber = type.rawValue
    self.dump = dump
  }
}

/// Decodes the values of one dump.
final class DumpDecoder {
  var decoder: ValueDecoder
  init(_ reader: borrowing RDBReader) {
    decoder = ValueDecoder(dialect: reader.header.dialect)
    decoder.templates = reader.hashTemplates
  }
  func takeTemplates(_ reader: borrowing RDBReader) { decoder.templates = reader.hashTemplates }
}

/// A value of a dump that can't be decoded.
package struct DumpDamage: Sendable {
  /// What is wrong; its offset counts from the first byte of the value.
  package var error: RDBError
  /// Number of the file, from 0.
  package var file: Int
  /// The database of the key.
  package var database: Int
  /// The key.
  package var key: [UInt8]
}

/// What dumps say of their makers.
package struct DumpProducer: Sendable {
  /// Whose dialect; nil when there was no dump.
  package var dialect: RDBDialect?
  /// The version of the dump that was read last.
  package var dumpVersion = 0
  /// The server's version as `major * 100 + minor`; 0 when unknown.
  package var serverVersion = 0
  /// Data of modules that belongs to no key, which no command can make.
  package var moduleData = 0
  /// When the dump was written, in unix seconds; nil when it does not say.
  package var madeAt: Int64?
  /// How many keys of dumps had metadata of modules (Redis 8.6+), which replay does not keep.
  package var keyMetadata = 0
}

extension Keyspace {
  /// Takes the keys of the dump at the position of `cursor`, undecoded; hands the cursor back behind
  /// it.
  func load(
    _ cursor: consuming ByteCursor, _ bytes: ByteSlice, file: Int
  ) throws(ReplayError) -> ByteCursor {
    do throws(RDBError) {
      var reader = try RDBReader(cursor)
      producer.dialect = reader.header.dialect
      producer.dumpVersion = reader.header.version
      let decoder = DumpDecoder(reader)
      dumps.append(decoder)
      let aside = verbatim?.beginBase(decoder)
      let number = UInt32(dumps.count - 1)
      reading: while true {
        switch try reader.next() {
        case .key:
          let key = keepLong(reader.key.key, within: bytes)
          let header = reader.key
          if !header.metadata.isEmpty { producer.keyMetadata += 1 }
          let raw = try reader.rawValue()
          let isAside = verbatim?.holds(key, header.db) ?? false
          let value = DumpValue(
            raw: raw, expiresAt: header.expiresAt, type: header.type, dump: isAside ? 0 : number)
          if isAside { aside?.add(key, value, header.db) } else { add(key, value, header.db) }
        case .function(let code, _):
          (aside ?? self).addFunction(keepLong(code, within: bytes))
        case .aux(let name, let value): noteProducer(name, value)
        case .moduleAux: producer.moduleData += 1
        case .end: break reading
        default: break
        }
      }
      if generation == .from7, producer.dialect == .redis, 700...701 ~= producer.serverVersion {
        generation = .redis7_0
      }
      decoder.takeTemplates(reader)
      return reader.finish()
    } catch {
      var command = AOFCommand()
      command.file = file
      command.offset = error.offset
      throw ReplayError(.dump(error), command)
    }
  }

  private func keepLong(_ slice: ByteSlice, within bytes: ByteSlice) -> ByteSlice {
    bytes.offset(ofPart: slice) != nil ? slice : context.keep(slice)
  }

  private func add(_ key: ByteSlice, _ value: DumpValue, _ database: Int) {
    if database != currentDatabase {
      currentDatabase = database
      context.database = database
      current = table(database)
    }
    dumpValues.append(value)
    let index = current.findOrAdd(key, hash: KeyTable.hash(key))
    clear(current, index)
    current[index].base = EntryBase(.dump, dumpValues.count - 1)
  }

  /// Adds a library whose name stands in the first line of its code, `#!lua name=NAME`.
  package func addFunction(_ code: ByteSlice) {
    let line = code.prefix(code.firstIndex(of: 0x0A) ?? code.count)
    var name = ByteSlice()
    var at = 0
    while at < line.count {
      let end = line.firstIndex(of: 0x20, from: at) ?? line.count
      let word = line.slice(at: at, count: end - at)
      if word.starts(with: "name=") { name = word.dropFirst(5) }
      at = end + 1
    }
    if name.count > 0, name[name.count - 1] == 0x0D { name = name.prefix(name.count - 1) }
    functions.removeAll { $0.name == name }
    functions.append(FunctionLibrary(name: name, code: code))
  }

  private func noteProducer(_ name: ByteSlice, _ value: ByteSlice) {
    if name.equals("ctime") { producer.madeAt = DecimalText.canonical(value) }
    guard name.equalsIgnoringCase("redis-ver") || name.equalsIgnoringCase("valkey-ver") else {
      return
    }
    var numbers: [Int] = [0]
    for index in 0..<value.count {
      if value[index] == 0x2E {
        numbers.append(0)
      } else if ASCII.isDigit(value[index]), numbers[numbers.count - 1] < 10_000 {
        numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int(value[index] & 15)
      } else {
        break
      }
    }
    if numbers.count >= 2 { producer.serverVersion = numbers[0] * 100 + min(numbers[1], 99) }
    if name.equalsIgnoringCase("valkey-ver") { producer.dialect = .valkey }
  }

  /// The value of a dump; nothing when it is damaged, which ``damage`` then tells.
  func decode(_ value: DumpValue) -> KeyState {
    let dump = dumps[Int(value.dump)]
    dump.decoder.begin(value.type, value.raw)
    do throws(RDBError) {
      let content = try foldContext.value(from: &dump.decoder, raw: value.raw)
      return KeyState(
        value: content, expiresAt: value.expiresAt == .min ? nil : value.expiresAt)
    } catch {
      if damage == nil {
        damage = DumpDamage(error: error, file: 0, database: foldContext.database, key: [])
      }
      return KeyState()
    }
  }
}

internal import AOF
package import Bytes
internal import RDB

/// Libraries of functions. Their code is kept, never run.
package enum FunctionCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("FUNCTION", arity: -2, .keyspace(function))
  ]

  /// `FUNCTION LOAD [REPLACE] code`, `DELETE name`, `FLUSH [ASYNC | SYNC]`,
  /// `RESTORE payload [FLUSH | APPEND | REPLACE]`; the rest changes nothing.
  @Sendable
  static func function(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    if a.isOption(1, "LOAD") { return try load(a, keyspace) }
    if a.isOption(1, "DELETE") { return try delete(a, keyspace) }
    if a.isOption(1, "FLUSH") { return try flush(a, keyspace) }
    if a.isOption(1, "RESTORE") { return try restore(a, keyspace) }
    return .unchanged
  }

  private static func load(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    var replaces = false
    for index in 2..<max(2, a.count - 1) {
      guard a.isOption(index, "REPLACE") else { throw .syntax }
      replaces = true
    }
    guard a.count > 2 else { throw .syntax }
    let code = a[a.count - 1]
    guard let name = FunctionLibrary.name(in: code) else { throw .syntax }
    try keyspace.add(FunctionLibrary(name: name, code: code), replacing: replaces)
    return .changed
  }

  private static func delete(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    guard a.count == 3 else { throw .syntax }
    guard let index = keyspace.functions.firstIndex(where: { $0.name == a[2] }) else {
      throw .missing
    }
    keyspace.functions.remove(at: index)
    return .changed
  }

  private static func flush(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    guard a.count == 2 || a.count == 3 && DatabaseCommands.isFlushMode(a, 2) else { throw .syntax }
    keyspace.functions.removeAll()
    return .changed
  }

  private static func restore(
    _ a: Arguments, _ keyspace: Keyspace
  ) throws(CommandFault) -> Effect {
    guard a.count == 3 || a.count == 4 else { throw .syntax }
    let flushes = a.isOption(3, "FLUSH")
    let replaces = a.isOption(3, "REPLACE")
    guard a.count == 3 || flushes || replaces || a.isOption(3, "APPEND") else { throw .syntax }
    let before = keyspace.functions
    let libraries = try libraries(a[2], keyspace.context)
    if flushes { keyspace.functions.removeAll() }
    do throws(CommandFault) {
      for library in libraries { try keyspace.add(library, replacing: replaces) }
    } catch {
      keyspace.functions = before
      throw error
    }
    return .changed
  }

  /// The libraries in what FUNCTION DUMP gave: `245 code` for each, then version and checksum as
  /// behind every payload. All that stands before those is a dump without its head and its end.
  private static func libraries(
    _ payload: ByteSlice, _ context: Context
  ) throws(CommandFault) -> [FunctionLibrary] {
    let footer = RestorePayload.footerLength
    if payload.count == footer {
      let checksum = CRC64.checksum(payload.prefix(2))
      guard payload.load(at: 2, as: UInt64.self) == checksum else { throw .badPayload }
      return []
    }
    guard let codes = try? codes(payload, context) else { throw .badPayload }
    var libraries: [FunctionLibrary] = []
    for code in codes {
      guard let name = FunctionLibrary.name(in: code),
        !libraries.contains(where: { $0.name == name })
      else { throw .badPayload }
      libraries.append(FunctionLibrary(name: name, code: code))
    }
    return libraries
  }

  private static func codes(
    _ payload: ByteSlice, _ context: Context
  ) throws(RDBError) -> [ByteSlice] {
    let checked = try RestorePayload(payload)
    context.scratch.clear()
    context.scratch.append(ByteSlice("REDIS0011"))
    context.scratch.append(checked.body)
    context.scratch.append(0xFF)
    context.scratch.append(littleEndian: UInt64(0))
    let bytes = context.keep(context.scratch.slice)
    var reader = try RDBReader(ByteCursor(bytes))
    var codes: [ByteSlice] = []
    while true {
      switch try reader.next() {
      case .function(let code, _):
        codes.append(bytes.offset(ofPart: code) != nil ? code : context.keep(code))
      case .end: return codes
      default: throw RDBError(.unknownType(bytes[9]), at: 9, while: .function)
      }
    }
  }
}

extension FunctionLibrary {
  /// The name that the first line of `code`, `#!engine name=NAME`, gives; nil when there is none
  /// that a server would take.
  package static func name(in code: ByteSlice) -> ByteSlice? {
    guard code.starts(with: "#!"), let end = code.firstIndex(of: 0x0A) else { return nil }
    let line = code.prefix(end)
    var name: ByteSlice?
    var at = 2
    var isEngine = true
    while at < line.count {
      let isBlank = line[at] == 0x20 || line[at] &- 9 < 5
      if isBlank {
        at += 1
        continue
      }
      var stop = at
      while stop < line.count, line[stop] != 0x20, line[stop] &- 9 >= 5 { stop += 1 }
      var word = line.slice(at: at, count: stop - at)
      at = stop
      if isEngine {
        isEngine = false
        continue
      }
      guard name == nil, word.count > 5, word.prefix(5).equalsIgnoringCase("name=") else {
        return nil
      }
      word = word.dropFirst(5)
      if word.count > 2, word[0] == 0x22, word[word.count - 1] == 0x22 {
        word = word.slice(at: 1, count: word.count - 2)
      }
      for index in 0..<word.count {
        let byte = ASCII.lowercased(word[index])
        guard byte &- 0x61 < 26 || ASCII.isDigit(byte) || byte == 0x5F else { return nil }
      }
      name = word
    }
    return name
  }
}

extension Keyspace {
  /// Adds a library, or puts it where the one of its name was.
  func add(_ library: FunctionLibrary, replacing: Bool) throws(CommandFault) {
    guard let index = functions.firstIndex(where: { $0.name == library.name }) else {
      functions.append(library)
      return
    }
    guard replacing else { throw .exists }
    functions[index] = library
  }
}

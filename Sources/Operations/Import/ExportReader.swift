internal import Bytes
internal import RDB

/// One object of an export.
enum ExportRecord {
  /// A key; its value is not read yet.
  case key(KeyHead)
  /// A fact about the producer.
  case aux(ByteSlice, ByteSlice)
  /// A library of functions.
  case function(ByteSlice)
  /// Data of a module that belongs to no key: the bytes from the id to the closing 0.
  case moduleData(id: UInt64, when: UInt64, raw: ByteSlice)
  /// A hint that has no meaning here: of cluster slots, of a slot import.
  case hint
  /// Nothing follows.
  case end
}

/// Reads what `export` writes (JSON Lines, or one array of the same objects), object by object, and
/// what people and scripts made of it: names in any order, blanks and line ends anywhere, what is
/// optional left out.
///
/// An object at a time is in memory, as it stands in the text. Errors name the line.
///
/// ```swift
/// var reader = try ExportReader("data.jsonl")
/// while true {
///   switch try reader.next() {
///   case .key: try reader.drain(into: &writer)
///   case .end: return
///   default: break
///   }
/// }
/// ```
struct ExportReader: ~Copyable {
  private var cursor: ByteCursor
  private let file: String
  private var parser: ExportParser
  /// The number of the line on which the current object begins, from 1.
  private var line = 1
  /// Line ends inside the current object.
  private var linesInside = 0
  private var object = ByteSlice()
  private var origin = 0
  private var begun = false
  private var isArray = false
  private var isFirst = true
  private var ended = false

  /// Whether the file at `path` begins as an export does; `orEmpty`, also whether there is nothing
  /// in it.
  ///
  /// - Throws: ``ToolError`` when it can't be read.
  static func recognises(
    _ path: String, _ fileSystem: any FileSystem, orEmpty: Bool = false
  ) throws(ToolError) -> Bool {
    let status = try ToolError.wrap(path) { () throws(SystemError) in
      try fileSystem.status(of: path, followLinks: true)
    }
    guard status.kind == .regular else { return false }
    var cursor = try ToolError.wrap(path) { () throws(SystemError) in
      try InputFile.open(path, fileSystem: fileSystem)
    }
    passMark(&cursor)
    while let byte = cursor.peek() {
      switch byte {
      case 0x20, 0x0A, 0x0D, 0x09: cursor.advance(1)
      case 0x7B, 0x5B: return true
      default: return false
      }
    }
    return orEmpty && cursor.failure == nil
  }

  /// The three bytes that some editors put before UTF-8.
  private static func passMark(_ cursor: inout ByteCursor) {
    guard cursor.ensure(3) else { return }
    let head = cursor.readableSlice
    if head[0] == 0xEF && head[1] == 0xBB && head[2] == 0xBF { cursor.advance(3) }
  }

  /// Opens the export at `path`.
  ///
  /// - Parameters:
  ///   - base64: whether every string is bare base64 text, as `export --base64` writes it.
  ///   - name: the name of the file in errors.
  /// - Throws: ``ToolError``.
  init(
    _ path: String, base64: Bool, named name: String? = nil,
    fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    let cursor = try ToolError.wrap(path) { () throws(SystemError) in
      try InputFile.open(path, fileSystem: fileSystem)
    }
    self.init(cursor, base64: base64, named: name ?? path)
  }

  /// Reads from `cursor`.
  init(_ cursor: consuming ByteCursor, base64: Bool, named name: String) {
    self.cursor = cursor
    file = name
    parser = ExportParser(base64: base64)
  }

  /// The next object. Its slices are valid until the next call.
  ///
  /// - Throws: ``ToolError``, with the number of the line.
  mutating func next() throws(ToolError) -> ExportRecord {
    do throws(JSONError) {
      guard try findObject() else { return .end }
      return try parser.begin(object, origin)
    } catch { throw words(error) }
  }

  /// Gives the key that ``next()`` told of to `sink`.
  ///
  /// - Throws: ``ToolError``; the sink has seen a beginning without an end then.
  mutating func drain<Sink: ValueSink & ~Copyable>(into sink: inout Sink) throws(ToolError) {
    do throws(JSONError) { try parser.drain(into: &sink) } catch { throw words(error) }
  }

  /// Gives the next object to `receiver`, if it wants it; false at the end.
  mutating func next<Receiver: KeyReceiver & ~Copyable>(
    into receiver: inout Receiver
  ) throws(ToolError) -> Bool {
    switch try next() {
    case .key(let head): if receiver.wants(head) { try drain(into: &receiver) }
    case .function(let code): receiver.take(function: code)
    case .moduleData(let id, let when, let raw):
      receiver.take(moduleData: raw, id: id, when: when)
    case .aux, .hint: break
    case .end: return false
    }
    return true
  }

  /// The error for something that is wrong with the current object as a whole.
  func refuse(_ kind: JSONError.Kind) -> ToolError { words(JSONError(kind, at: origin)) }

  private func words(_ error: JSONError) -> ToolError {
    if let failure = cursor.failure { return ToolError(failure, file: file) }
    var number = line
    let inside = min(max(error.offset - origin, 0), object.count)
    for index in 0..<inside where object[index] == 0x0A { number += 1 }
    return .refused(
      .badData, "line \(number): \(error.what)", file: file, offset: error.offset,
      remedy: "The form is that of: redis-backup export --to jsonl")
  }

  // MARK: - Objects

  private func fail(_ kind: JSONError.Kind) -> JSONError {
    JSONError(kind, at: cursor.offset)
  }

  private mutating func skipBlanks() {
    while let byte = cursor.peek() {
      switch byte {
      case 0x0A: line += 1
      case 0x20, 0x0D, 0x09: break
      default: return
      }
      cursor.advance(1)
    }
  }

  /// Finds the next object and where it ends; false when there is none.
  private mutating func findObject() throws(JSONError) -> Bool {
    if ended { return false }
    cursor.release()
    line += linesInside
    linesInside = 0
    object = ByteSlice()
    if !begun {
      begun = true
      ExportReader.passMark(&cursor)
      skipBlanks()
      if cursor.peek() == 0x5B {
        cursor.advance(1)
        isArray = true
      }
    }
    cursor.housekeep()
    skipBlanks()
    origin = cursor.offset
    if isArray, try !passSeparator() {
      ended = true
      skipBlanks()
      origin = cursor.offset
      guard cursor.isAtEnd() else { throw fail(.wrongShape) }
      return false
    }
    isFirst = false
    guard let byte = cursor.peek() else {
      if isArray { throw fail(.truncated) }
      ended = true
      if cursor.failure != nil { throw fail(.truncated) }
      return false
    }
    origin = cursor.offset
    guard byte == 0x7B else { throw fail(.expected(0x7B)) }
    cursor.hold()
    let length = try measure()
    object = cursor.heldSlice(at: origin, count: length)
    cursor.advance(length)
    return true
  }

  /// Passes what stands between the elements of an array; false at its end.
  private mutating func passSeparator() throws(JSONError) -> Bool {
    guard let byte = cursor.peek() else { throw fail(.truncated) }
    if byte == 0x5D {
      cursor.advance(1)
      return false
    }
    if isFirst { return true }
    guard byte == 0x2C else { throw fail(.expected(0x2C)) }
    cursor.advance(1)
    skipBlanks()
    return true
  }

  /// How many bytes the object at the position has: up to the brace that closes it.
  private mutating func measure() throws(JSONError) -> Int {
    var depth = 0
    var inString = false
    var isEscaped = false
    var scanned = 0
    while true {
      guard cursor.ensure(scanned + 1) else {
        object = cursor.readableSlice
        throw JSONError(.truncated, at: origin + scanned)
      }
      let bytes = cursor.readableSlice
      while scanned < bytes.count {
        let byte = bytes[scanned]
        scanned &+= 1
        if inString {
          if isEscaped {
            isEscaped = false
          } else if byte == 0x5C {
            isEscaped = true
          } else if byte == 0x22 {
            inString = false
          } else if byte == 0x0A {
            object = bytes.prefix(scanned)
            throw JSONError(.badString, at: origin + scanned - 1)
          }
          continue
        }
        switch byte {
        case 0x22: inString = true
        case 0x7B, 0x5B: depth &+= 1
        case 0x7D, 0x5D:
          depth &-= 1
          if depth == 0 { return scanned }
        case 0x0A: linesInside &+= 1
        default: break
        }
      }
    }
  }
}

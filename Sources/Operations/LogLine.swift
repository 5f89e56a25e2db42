public import AOF
public import Bytes

/// How a command of a log is shown.
public enum LogLine {
  /// One JSON object and a newline: `index`, `file`, `offset`, `length`, `time` (unix seconds or
  /// null), `db`, `command`, `arguments` (those behind the name).
  public static func writeJSON(
    _ command: AOFCommand, _ arguments: Arguments, file: ByteSlice, to output: inout OutputBuffer
  ) {
    var json = JSONWriter()
    writeObject(command, arguments, file: file, &json, &output)
    json.endLine(&output)
  }

  /// The object of ``writeJSON(_:_:file:to:)`` as a value in a larger document.
  static func writeObject(
    _ command: AOFCommand, _ arguments: Arguments, file: ByteSlice, keys places: [Int]? = nil,
    _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    json.beginObject(&output)
    json.field("index", command.index, &output)
    json.field("file", file, &output)
    json.field("offset", command.offset, &output)
    json.field("length", command.length, &output)
    json.field("time", command.time < 0 ? nil : Int(command.time), &output)
    json.field("db", command.database, &output)
    json.field("command", arguments.name, &output)
    json.key("arguments", &output)
    json.beginArray(&output)
    for index in 1..<max(arguments.count, 1) { json.string(arguments[index], &output) }
    json.endArray(&output)
    if let places {
      json.key("keysRemoved", &output)
      json.beginArray(&output)
      for place in places { json.string(arguments[place], &output) }
      json.endArray(&output)
    }
    json.endObject(&output)
  }

  /// One line for people: number, place, time, database and the command as `redis-cli` would take
  /// it. Words longer than `limit` bytes are cut.
  public static func writeText(
    _ command: AOFCommand, _ arguments: Arguments, file: ByteSlice?, limit: Int = 100,
    to output: inout OutputBuffer
  ) {
    writePadded(command.index, 8, &output)
    output.write("  ")
    if let file {
      output.write(file)
      output.write(0x3A)
      output.write(decimal: Int64(command.offset))
    } else {
      writePadded(command.offset, 10, &output)
    }
    output.write("  ")
    if command.time >= 0 {
      output.write(text: Moment(milliseconds: command.time &* 1000).text)
      output.write("  ")
    }
    output.write("db")
    output.write(decimal: Int64(command.database))
    output.write("  ")
    if command.position > 0 || command.transaction > 0 && command.position == 0 {
      output.write(command.word.isMulti || command.word.isExec ? "" : "  ")
    }
    writeWords(arguments, limit: limit, to: &output)
    output.write(0x0A)
  }

  /// The words: the name bare, the others quoted.
  static func writeWords(_ arguments: Arguments, limit: Int, to output: inout OutputBuffer) {
    if isPlain(arguments.name) {
      output.write(arguments.name)
    } else {
      KeyText.write(arguments.name, to: &output)
    }
    // A command of a thousand words says nothing more than its first few.
    let shown = limit == Int.max ? arguments.count : min(arguments.count, 24)
    for index in 1..<max(shown, 1) {
      output.write(0x20)
      let word = arguments[index]
      if word.count <= limit {
        KeyText.write(word, to: &output)
      } else {
        KeyText.write(word.prefix(limit), to: &output)
        output.write("… (")
        output.write(decimal: Int64(word.count))
        output.write(" bytes)")
      }
    }
    if shown < arguments.count {
      output.write(" … (")
      output.write(decimal: Int64(arguments.count - shown))
      output.write(" more)")
    }
  }

  private static func isPlain(_ name: ByteSlice) -> Bool {
    if name.isEmpty || name.count > 64 { return false }
    for index in 0..<name.count where !(0x21...0x7E ~= name[index]) { return false }
    return true
  }

  private static func writePadded(_ value: Int, _ width: Int, _ output: inout OutputBuffer) {
    let digits = DecimalText.digitCount(UInt64(value))
    for _ in 0..<max(0, width - digits) { output.write(0x20) }
    output.write(decimal: Int64(value))
  }
}

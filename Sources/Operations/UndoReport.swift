import AOF
public import Bytes

/// Reads commands of a log again, by their places: to show what a plan removes.
struct CommandReader: ~Copyable {
  private let log: AppendOnlyLog
  private let fileSystem: any FileSystem
  private var part = -1
  private var cursor = ByteCursor(ByteSlice())
  /// The words of the command read last.
  private(set) var table = ArgumentTable()

  init(_ log: AppendOnlyLog, _ fileSystem: any FileSystem) {
    self.log = log
    self.fileSystem = fileSystem
  }

  /// Reads `command` into ``table``.
  mutating func read(_ command: AOFCommand) throws(ToolError) {
    if command.file != part {
      do throws(SystemError) {
        cursor = try log.open(command.file, fileSystem: fileSystem)
      } catch { throw ToolError(error, file: log.parts[command.file].path) }
      part = command.file
    }
    let path = log.parts[part].path
    guard let size = cursor.size, command.end <= size else { throw LogRewrite.changed(path) }
    let bytes = cursor.heldSlice(at: command.offset, count: command.length)
    do throws(TokenFailure) { _ = try table.fill(from: bytes, at: 0) } catch {
      throw LogRewrite.changed(path)
    }
  }
}

extension UndoPlan {
  /// Writes the members `removed` and `partlyRemoved` of a JSON object: what `log --json` prints of
  /// each command, and for those that lose keys which keys, as `keysRemoved`.
  public func writeJSON(
    _ json: inout JSONWriter, _ output: inout OutputBuffer, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var reader = CommandReader(log, fileSystem)
    json.key("removed", &output)
    json.beginArray(&output)
    for removal in removed { try UndoPlan.write(removal, log, &reader, &json, &output) }
    json.endArray(&output)
    json.key("partlyRemoved", &output)
    json.beginArray(&output)
    for removal in partlyRemoved { try UndoPlan.write(removal, log, &reader, &json, &output) }
    json.endArray(&output)
    json.key("dropped", &output)
    json.beginArray(&output)
    for removal in dropped { try UndoPlan.write(removal, log, &reader, &json, &output) }
    json.endArray(&output)
    json.field("transactionsRemoved", emptiedTransactions, &output)
    json.field("commandsBefore", commands, &output)
    json.field("unfinishedBytes", unfinishedBytes, &output)
  }

  static func write(
    _ removal: Removal, _ log: AppendOnlyLog, _ reader: inout CommandReader,
    _ json: inout JSONWriter,
    _ output: inout OutputBuffer
  ) throws(ToolError) {
    try reader.read(removal.command)
    Array(log.parts[removal.command.file].name.utf8).withByteSlice { name in
      LogLine.writeObject(
        removal.command, reader.table.arguments, file: name,
        keys: removal.places.isEmpty ? nil : removal.places, &json, &output)
    }
  }

  /// Writes a line for each command that goes or loses keys, at most `limit` of each.
  public func writeText(
    limit: Int, to output: inout OutputBuffer, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var reader = CommandReader(log, fileSystem)
    try UndoPlan.list(removed, log, limit, &reader, &output)
    if !partlyRemoved.isEmpty {
      output.write("commands that lose some of their keys:\n")
      try UndoPlan.list(partlyRemoved, log, limit, &reader, &output)
    }
    if !dropped.isEmpty {
      output.write("later commands that go with them:\n")
      try UndoPlan.list(dropped, log, limit, &reader, &output)
    }
    for (command, bytes) in preceded.prefix(limit) {
      output.write(
        text:
          "\(bytes) bytes of commands in front of command \(command.index) keep the later value\n")
    }
    if preceded.count > limit { output.write(text: "… and \(preceded.count - limit) more\n") }
  }

  static func list(
    _ removals: [Removal], _ log: AppendOnlyLog, _ limit: Int, _ reader: inout CommandReader,
    _ output: inout OutputBuffer
  ) throws(ToolError) {
    for removal in removals.prefix(limit) {
      try reader.read(removal.command)
      let arguments = reader.table.arguments
      if log.parts.count > 1 {
        Array(log.parts[removal.command.file].name.utf8).withByteSlice {
          LogLine.writeText(removal.command, arguments, file: $0, to: &output)
        }
      } else {
        LogLine.writeText(removal.command, arguments, file: nil, to: &output)
      }
      guard !removal.places.isEmpty else { continue }
      output.write("          without ")
      for (number, place) in removal.places.prefix(limit).enumerated() {
        if number > 0 { output.write(0x20) }
        KeyText.write(arguments[place], to: &output)
      }
      if removal.places.count > limit {
        output.write(text: " and \(removal.places.count - limit) more")
      }
      output.write(0x0A)
    }
    if removals.count > limit {
      output.write(text: "          … and \(removals.count - limit) more\n")
    }
  }
}

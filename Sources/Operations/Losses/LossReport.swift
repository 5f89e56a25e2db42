import AOF
public import Bytes

extension Losses {
  /// Writes one JSON document: `losses[]` and the sums over the whole log.
  ///
  /// - Throws: ``ToolError`` when the log is no longer what it was.
  public func writeJSON(
    _ json: inout JSONWriter, _ output: inout OutputBuffer, path: String, keys: String = "",
    fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var reader = CommandReader(log, fileSystem)
    json.beginObject(&output)
    json.key("losses", &output)
    json.beginArray(&output)
    for loss in losses {
      let command = loss.command
      try reader.read(command)
      let arguments = reader.table.arguments
      json.beginObject(&output)
      json.field("index", command.index, &output)
      json.field("file", log.parts[command.file].name, &output)
      json.field("offset", command.offset, &output)
      json.field("time", command.time < 0 ? nil : Int(command.time), &output)
      json.field("db", command.database, &output)
      json.field("command", arguments.name, &output)
      json.key("arguments", &output)
      json.beginArray(&output)
      for index in 1..<max(min(arguments.count, 24), 1) { json.string(arguments[index], &output) }
      json.endArray(&output)
      json.field("commands", loss.commands, &output)
      json.field("lastIndex", loss.lastIndex, &output)
      json.field("transaction", command.transaction > 0, &output)
      json.field("cause", loss.cause.rawValue, &output)
      json.field("keysLost", loss.keysLost, &output)
      json.field("elementsLost", loss.elementsLost, &output)
      json.field("bytesLost", loss.bytesLost, &output)
      json.key("keys", &output)
      json.beginArray(&output)
      for sample in loss.samples { json.string(sample.key, &output) }
      json.endArray(&output)
      json.field("undo", undoLine(of: loss, path: path, keys: keys), &output)
      json.endObject(&output)
    }
    json.endArray(&output)
    json.field("found", found, &output)
    json.field("commands", commands, &output)
    json.field("keysLost", keysLost, &output)
    json.field("elementsLost", elementsLost, &output)
    json.field("bytesLost", bytesLost, &output)
    json.field("expiredKeys", expiredKeys, &output)
    json.field("commandsRead", commandsRead, &output)
    json.endObject(&output)
  }

  /// The rows of a table for people: keys, elements, bytes, time, number and place, and what was
  /// done; each with the line that undoes it.
  ///
  /// - Throws: ``ToolError`` when the log is no longer what it was.
  public func rows(
    path: String, keys: String = "", width: Int = 60, fileSystem: any FileSystem = .system
  ) throws(ToolError) -> [(cells: [String], undo: String)] {
    var reader = CommandReader(log, fileSystem)
    var rows: [(cells: [String], undo: String)] = []
    for loss in losses {
      let command = loss.command
      try reader.read(command)
      var place = "\(command.index)"
      if loss.commands > 1 { place += " (+\(loss.commands - 1))" }
      place +=
        log.parts.count > 1
        ? "  \(log.parts[command.file].name):\(command.offset)" : "  \(command.offset)"
      rows.append(
        (
          [
            "\(loss.keysLost)", "\(loss.elementsLost)", ByteCount.text(loss.bytesLost),
            command.time < 0 ? "-" : Moment(milliseconds: command.time * 1000).text,
            "db\(command.database)", place, words(reader.table.arguments, width) + note(loss),
          ], undoLine(of: loss, path: path, keys: keys)
        ))
    }
    return rows
  }

  private func note(_ loss: Loss) -> String {
    switch loss.cause {
    case .expiry:
      loss.expirySetters.isEmpty
        ? "  (its time had passed)"
        : "  (its time had passed, set by command \(loss.expirySetters.map(String.init).joined(separator: ", ")))"
    case .pastExpiry: "  (a time in the past)"
    case .command: loss.command.transaction > 0 ? "  (in MULTI)" : ""
    }
  }

  private func words(_ arguments: Arguments, _ width: Int) -> String {
    let memory = MemoryTarget()
    var output = OutputBuffer(memory, capacity: 1 << 12)
    LogLine.writeWords(arguments, limit: 40, to: &output)
    // Memory never refuses.
    try? output.flush()
    let text = String(decoding: memory.bytes, as: UTF8.self)
    return text.count > width ? text.prefix(width - 1) + "…" : text
  }
}

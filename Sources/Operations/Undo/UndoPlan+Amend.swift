import AOF
public import Bytes
import Keyspace

extension UndoPlan {
  /// Takes over what has to become of later commands so that no conflict is left.
  ///
  /// - Throws: ``ToolError`` when the log is no longer what it was.
  public mutating func resolve(
    _ impact: UndoImpact, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    let amendments = impact.twin.amendments
    guard !amendments.isEmpty else { return }
    var reader = CommandReader(log, fileSystem)
    for amendment in amendments {
      let command = amendment.command
      let range = command.offset..<command.end
      switch amendment.action {
      case .insert(let bytes):
        rewrite.insert(bytes, at: command.offset, in: command.file)
        preceded.append((command, bytes.count))
      case .drop(let places):
        try reader.read(command)
        let arguments = reader.table.arguments
        let id = CommandTable.shared.find(command.word, arguments)?.id
        if places.isEmpty {
          rewrite.parts[command.file].edits.append(
            LogRewrite.Edit(start: range.lowerBound, end: range.upperBound, replacement: nil))
        } else {
          rewrite.replace(range, in: command.file, arguments, id ?? .del, without: places)
        }
        dropped.append(Removal(command: command, places: places, id: id))
      }
    }
    rewrite.sort()
  }
}

extension LogRewrite {
  /// Puts whole commands in front of the one at `offset`.
  mutating func insert(_ bytes: [UInt8], at offset: Int, in part: Int) {
    let start = replacements.count
    replacements += bytes
    parts[part].edits.append(
      Edit(start: offset, end: offset, replacement: start..<replacements.count))
  }

  /// Brings edits that were added behind others into their order, and joins neighbours.
  mutating func sort() {
    for index in parts.indices {
      parts[index].edits.sort { ($0.start, $0.end) < ($1.start, $1.end) }
    }
    finishParts(before: parts.count)
  }
}

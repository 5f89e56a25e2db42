import AOF
import Bytes

/// A log written anew with parts left out or replaced; everything else is copied as byte ranges.
public struct LogRewrite: Sendable {
  /// A range of a file that is not copied.
  struct Edit: Sendable, Equatable {
    var start: Int
    var end: Int
    /// What stands there instead: a range of ``LogRewrite/replacements``.
    var replacement: Range<Int>?
  }

  /// What becomes of one file.
  struct Part: Sendable {
    /// Rising, not overlapping.
    var edits: [Edit] = []
    /// How many of its bytes are kept at most; nil for all.
    var end: Int?
    /// Whether it is left out of the log.
    var isDropped = false

    var isChanged: Bool { !edits.isEmpty || end != nil || isDropped }
  }

  /// The log that is read.
  let log: AppendOnlyLog
  /// One for each file.
  var parts: [Part]
  /// The commands that replace others, one behind the other.
  var replacements: [UInt8] = []

  init(_ log: AppendOnlyLog) {
    self.log = log
    parts = [Part](repeating: Part(), count: log.parts.count)
  }

  // MARK: - Deciding

  /// Leaves out a range behind all others of the file, or before the edit number `index`.
  mutating func remove(_ range: Range<Int>, in part: Int, at index: Int? = nil) {
    let edit = Edit(start: range.lowerBound, end: range.upperBound, replacement: nil)
    let place = index ?? parts[part].edits.count
    if place == parts[part].edits.count, let last = parts[part].edits.last,
      last.end == edit.start, last.replacement == nil
    {
      parts[part].edits[place - 1].end = edit.end
    } else {
      parts[part].edits.insert(edit, at: place)
    }
  }

  /// Replaces a command by itself without some of its keys.
  mutating func replace(
    _ range: Range<Int>, in part: Int, _ arguments: Arguments, _ id: CommandID,
    without places: [Int]
  ) {
    let memory = MemoryTarget()
    var output = OutputBuffer(memory, capacity: 1 << 12)
    PartialCommand.write(arguments, id, without: places, to: &output)
    // Memory never refuses.
    try? output.flush()
    let start = replacements.count
    replacements += memory.bytes
    parts[part].edits.append(
      Edit(
        start: range.lowerBound, end: range.upperBound, replacement: start..<replacements.count))
  }

  /// Keeps only the first `bytes` of a file.
  mutating func end(part: Int, at bytes: Int) { parts[part].end = bytes }

  /// Leaves a file out.
  mutating func drop(part: Int) { parts[part].isDropped = true }

  /// Forgets the edits at or behind `offset`.
  mutating func forget(from offset: Int, in part: Int) {
    parts[part].edits.removeAll { $0.start >= offset }
    if let last = parts[part].edits.last, last.end > offset {
      parts[part].edits[parts[part].edits.count - 1].end = offset
    }
  }

  /// Joins neighbours in the files before `part`, which are complete.
  mutating func finishParts(before part: Int) {
    for index in 0..<min(part, parts.count) where parts[index].edits.count > 1 {
      var joined: [Edit] = []
      for edit in parts[index].edits {
        if let last = joined.last, last.end == edit.start, last.replacement == nil,
          edit.replacement == nil
        {
          joined[joined.count - 1].end = edit.end
        } else {
          joined.append(edit)
        }
      }
      parts[index].edits = joined
    }
  }

  // MARK: - Writing

  /// The size of a file when it is written.
  func size(of index: Int) -> Int {
    let part = parts[index]
    if part.isDropped { return 0 }
    var size = part.end ?? log.parts[index].status?.size ?? 0
    for edit in part.edits { size += (edit.replacement?.count ?? 0) - (edit.end - edit.start) }
    return size
  }

  /// All bytes of the new log.
  public var bytesAfter: Int { parts.indices.reduce(0) { $0 + size(of: $1) } }

  /// Ranges from this length on are copied by the kernel.
  private static let kernelCopy = 1 << 16
  /// Pages are given back in steps of so many bytes.
  private static let releaseStep = 2 << 20

  /// Writes the file number `index`.
  func write(
    _ index: Int, to output: inout OutputBuffer, fileSystem: any FileSystem
  ) throws(ToolError) {
    let path = log.parts[index].path
    let part = parts[index]
    let source = try ToolError.wrap(path) { () throws(SystemError) in
      try RangeSource(path, fileSystem: fileSystem)
    }
    var cursor = try ToolError.wrap(path) { () throws(SystemError) in
      try InputFile.open(path, decompressing: false, fileSystem: fileSystem)
    }
    guard source.size == log.parts[index].status?.size, cursor.size ?? 0 == source.size else {
      throw LogRewrite.changed(path)
    }
    func copy(_ start: Int, _ end: Int, _ output: inout OutputBuffer) {
      if end - start >= LogRewrite.kernelCopy {
        output.copyRange(of: source, at: start, count: end - start)
      } else if end > start {
        output.write(cursor.heldSlice(at: start, count: end - start))
      }
    }
    var at = 0
    var released = 0
    for edit in part.edits {
      copy(at, edit.start, &output)
      if let replacement = edit.replacement {
        output.write(Array(replacements[replacement]))
      }
      at = edit.end
      if output.failure != nil { break }
      if at - released > LogRewrite.releaseStep {
        // Gives back the pages behind.
        cursor.seek(to: at)
        cursor.housekeep()
        released = at
      }
    }
    copy(at, max(at, part.end ?? source.size), &output)
  }

  static func changed(_ path: String) -> ToolError {
    .refused(
      .tryAgain, "changed while it was read", file: path,
      remedy: "Try: stop the server, or work on a copy")
  }

  static func damageRemedy(_ log: AppendOnlyLog) -> String {
    "Try: redis-backup repair \(KeyText.shellWord(log.path)) -o OUT first"
  }

  /// Files are read several times and copied by ranges, which streams and gzip do not allow.
  static func refuseStreams(
    _ log: AppendOnlyLog, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    for part in log.parts {
      guard let status = part.status else {
        if part.path == "-" {
          throw .usage(
            "standard input can't be read twice", remedy: "Try: put it into a file first")
        }
        continue
      }
      guard status.kind == .regular else {
        throw .usage("\(part.name) is no regular file", remedy: "Try: put it into a file first")
      }
      let cursor = try ToolError.wrap(part.path) { () throws(SystemError) in
        try InputFile.open(part.path, fileSystem: fileSystem)
      }
      if !cursor.isStable {
        let word = KeyText.shellWord(part.path)
        throw .usage(
          "\(part.name) is compressed, and this needs the file itself",
          remedy: "Try: gzip -dc \(word) > appendonly.aof")
      }
    }
  }
}

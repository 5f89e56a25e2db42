public import AOF
public import Bytes

/// Where a log can be cut: file by file, which commands and bytes it has, and what is known of their
/// times. For whoever asked for a time that the log does not answer.
public struct CutChoices: Sendable {
  /// One file.
  public struct Part: Sendable {
    /// Its name.
    public var name: String
    /// The numbers of its commands; nil when it has none.
    public var commands: ClosedRange<Int>?
    /// The bytes in which they stand; what is before is an RDB.
    public var bytes: Range<Int>
    /// How many keys the RDB at its head holds; nil without one.
    public var keysInDump: Int?
    /// When that RDB was made, in unix seconds: the earliest moment to which this log leads back.
    public var madeAt: Int64?
    /// The times of its first and its last `#TS:`, in unix seconds.
    public var stamps: ClosedRange<Int64>?
    /// When the file was last written to, in unix seconds, as far as the system knows: a copy may
    /// have lost it.
    public var changedAt: Int64?
  }

  /// The files in the order in which they are loaded.
  public private(set) var parts: [Part] = []

  /// Reads `log`. Behind damage nothing is known.
  public init(_ log: AppendOnlyLog, fileSystem: any FileSystem = .system) {
    for part in log.parts {
      parts.append(
        Part(
          name: part.name, bytes: 0..<0,
          changedAt: part.status.map { $0.modified / 1_000_000_000 }))
    }
    var walker = LogWalker(log, fileSystem: fileSystem)
    var last: Int64 = -1
    while (try? walker.next()) == true {
      let command = walker.reader.command
      let index = walker.part
      let first = parts[index].commands?.lowerBound ?? command.index
      parts[index].commands = first...command.index
      let start = parts[index].bytes.isEmpty ? command.offset : parts[index].bytes.lowerBound
      parts[index].bytes = start..<command.end
      if command.time >= 0, command.time != last || parts[index].stamps == nil {
        let earliest = min(parts[index].stamps?.lowerBound ?? command.time, command.time)
        let latest = max(parts[index].stamps?.upperBound ?? command.time, command.time)
        parts[index].stamps = earliest...latest
      }
      last = command.time
    }
    for (index, preamble) in walker.preambles.enumerated() {
      parts[index].keysInDump = preamble?.keys
      parts[index].madeAt = preamble?.madeAt
    }
  }

  /// Whether some commands have times.
  public var hasStamps: Bool { parts.contains { $0.stamps != nil } }

  /// Writes the member `choices` of a JSON object.
  public func writeJSON(_ json: inout JSONWriter, _ output: inout OutputBuffer) {
    json.key("choices", &output)
    json.beginArray(&output)
    for part in parts {
      json.beginObject(&output)
      json.field("file", part.name, &output)
      json.field("firstIndex", part.commands?.lowerBound, &output)
      json.field("lastIndex", part.commands?.upperBound, &output)
      json.field("firstOffset", part.bytes.lowerBound, &output)
      json.field("endOffset", part.bytes.upperBound, &output)
      json.field("keysInDump", part.keysInDump, &output)
      json.field("madeAt", part.madeAt.map { Int($0) }, &output)
      json.field("firstTime", part.stamps.map { Int($0.lowerBound) }, &output)
      json.field("lastTime", part.stamps.map { Int($0.upperBound) }, &output)
      json.field("changedAt", part.changedAt.map { Int($0) }, &output)
      json.endObject(&output)
    }
    json.endArray(&output)
  }
}

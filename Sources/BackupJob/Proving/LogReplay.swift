internal import AOF
internal import Bytes
internal import Keyspace
internal import Operations
internal import RDB

/// Replays a whole log, as a server does when it starts, and tells the state it ends in.
enum LogReplay {
  /// One file of a log, in the order of the log.
  struct File {
    var path: String
    /// How many of its bytes belong to the log.
    var size: Int
  }

  /// Keeps a mapping alive while a part of it is read.
  private final class Mapping {
    let cursor: ByteCursor
    init(_ cursor: consuming ByteCursor) { self.cursor = cursor }
  }

  /// The state after all files, which are those of `part`. `style` is whose digest is computed; nil for
  /// that of the producer of the base.
  static func run(
    _ files: [File], of part: BackupRecord.Part, place: String, style: DigestStyle?
  ) throws(JobError) -> FileFacts {
    let keyspace = Keyspace(now: UTCTime.now.milliseconds)
    keyspace.generation = generation(of: part)
    var last: AOFCommand?
    var chosen = style
    for (number, file) in files.enumerated() {
      let mapping: Mapping
      do throws(SystemError) {
        mapping = Mapping(try InputFile.open(file.path, decompressing: false))
      } catch {
        throw JobError(
          .inputOutput, step: "replay", place: place, "\(error)", remedy: "Check the disk.")
      }
      let bytes = mapping.cursor.heldSlice(at: 0, count: min(mapping.cursor.size ?? 0, file.size))
      if chosen == nil { chosen = producer(bytes) }
      do throws(ReplayError) {
        last = try keyspace.replay(ByteCursor(bytes, owner: mapping), file: number, after: last)
      } catch {
        throw damaged(error, file, place)
      }
    }
    var sink = StateSink(style: chosen ?? .redis74)
    keyspace.feed(&sink)
    var facts = FileFacts()
    let found = sink.facts()
    facts.databases = found.databases
    facts.digest = found.digest
    facts.digestStyle = found.style
    return facts
  }

  /// Whose log it is: by what the server said of itself, else by the form of the log.
  static func generation(of part: BackupRecord.Part) -> ServerGeneration {
    let numbers = (part.source.version ?? "").split(separator: ".").prefix(2).compactMap { Int($0) }
    guard let major = numbers.first else {
      return part.files.contains { $0.kind == "manifest" } ? .from7 : .upTo6
    }
    if part.source.product == "valkey" { return .from7 }
    return switch major {
    case ..<7: .upTo6
    case 7: numbers.last == 0 && numbers.count == 2 ? .redis7_0 : .from7
    default: .from8
    }
  }

  private static func damaged(_ error: ReplayError, _ file: File, _ place: String) -> JobError {
    let what =
      switch error.kind {
      case .log(let inner): inner.what
      case .dump(let inner): inner.what
      case .unknownCommand: "the command is not known to this program, so the state can not be told"
      case .wrongArity: "a command with too few or too many words"
      case .script: "a script whose effects are not in the log"
      case .unsupported(let why): "the command can not be replayed: \(why.text)"
      }
    return JobError(
      .badData, step: "replay", place: "\(place) \(Files.name(of: file.path))",
      "command \(error.index) at byte \(error.offset): \(what)",
      remedy: "Look at it with `redis-backup check`; for modules use verify.level structure.")
  }

  /// The style of the server that wrote the dump at the head of a log.
  private static func producer(_ bytes: ByteSlice) -> DigestStyle? {
    var cursor = ByteCursor(bytes)
    guard Preamble.begins(at: &cursor), var reader = try? RDBReader(cursor) else { return nil }
    var style = DigestStyle(header: reader.header)
    while case .aux(let name, let value)? = try? reader.next() {
      if let told = DigestStyle(auxiliary: name, value) { style = told }
    }
    return style
  }
}

public import AOF
public import Bytes
internal import RDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What stands at a PATH, told by its content and never by its name.
public enum InputKind: Sendable {
  /// One stream that begins with an RDB: a dump, or an AOF with a preamble. Which of the two shows
  /// behind the end of the dump.
  case rdb
  /// One stream of commands.
  case aof
  /// A manifest, and the files that it names beside it.
  case multiPart(Manifest)
  /// A file without any byte. A server takes it for an AOF without commands; no RDB is empty.
  case empty
}

/// What is known of a PATH that was looked at.
public struct InputFacts: Sendable {
  /// What was asked for.
  public var path: String
  /// The file that is read: ``path`` itself, or in a data directory what a server would load; of a
  /// multi-part AOF the manifest.
  public var file: String
  /// What it is.
  public var kind = InputKind.empty
  /// Whether it is decompressed while it is read.
  public var isCompressed = false
  /// Bytes of the file on disk; nil for streams.
  public var bytesOnDisk: Int?
  /// When the file was last changed, in ns since 1970; nil for streams.
  public var modified: Int64?
  /// The directory that ``path`` is, when it is one of a server.
  public var directory: DataDirectory?
  /// Sentences for the user about what was chosen.
  public var notes: [String] = []

  /// What else lies in ``directory`` that a server could load.
  public var others: [String] {
    guard let directory else { return [] }
    return directory.entries.filter { entry in
      let inner = FilePath.join(directory.path, entry.name)
      return file != inner && !file.hasPrefix(inner + "/")
        && [.rdb, .aof, .logDirectory].contains(entry.role)
    }.map { FilePath.join(directory.path, $0.name) }
  }

  /// The directory in which the files of a multi-part AOF lie; empty for the current one.
  public var logDirectory: String { FilePath.directory(of: file) }
}

/// A PATH that was looked at: what it is, and its bytes, opened once.
///
/// Pipes and standard input can be read only once, so the cursor with which the first bytes were
/// looked at is the one that ``takeCursor()`` hands out.
public struct Input: ~Copyable {
  /// What is known.
  public let facts: InputFacts
  private var cursor: ByteCursor?

  /// What it is.
  public var kind: InputKind { facts.kind }
  /// The file that is read.
  public var file: String { facts.file }

  /// Looks at `path`; `-` is standard input.
  ///
  /// - Throws: ``ToolError``: nothing there, nothing that this toolkit reads, no permission.
  public init(_ path: String, fileSystem: any FileSystem = .system) throws(ToolError) {
    var facts = InputFacts(path: path, file: path)
    let cursor = try Input.look(&facts, fileSystem)
    self.facts = facts
    self.cursor = cursor
  }

  private static func look(
    _ facts: inout InputFacts, _ fileSystem: any FileSystem
  ) throws(ToolError) -> ByteCursor? {
    let path = facts.path
    var isStream = path == "-"
    if isStream {
      try refuseTerminal()
    } else {
      let status = try ToolError.wrap(path) { () throws(SystemError) in
        try fileSystem.status(of: path, followLinks: true)
      }
      if status.kind == .directory {
        let choice = try DirectoryChoice(path, fileSystem)
        facts.directory = choice.directory
        facts.notes = choice.notes
        facts.file = choice.file
        facts.bytesOnDisk = choice.status?.size
        facts.modified = choice.status?.modified
        if let manifest = choice.manifest {
          facts.kind = .multiPart(manifest)
          return nil
        }
      } else if status.kind == .regular {
        facts.bytesOnDisk = status.size
        facts.modified = status.modified
      } else {
        isStream = true
      }
    }
    let opened = try OpenedFile(facts.file, fileSystem)
    facts.kind = opened.kind
    facts.isCompressed = opened.isCompressed
    if case .multiPart = opened.kind {
      if isStream {
        throw .refused(
          .badData, "is a manifest; the files it names can't be found from a stream", file: path,
          remedy: "Try: the path of the manifest or of its directory")
      }
      return nil
    }
    return opened.takeCursor()
  }

  /// The cursor at the first byte of ``file``. For once; not for a multi-part AOF, whose files are
  /// opened by their names.
  public mutating func takeCursor() -> ByteCursor {
    guard let taken = cursor.take() else { preconditionFailure("the input was taken already") }
    return taken
  }

  /// Calls `body` with the first bytes, at most `count`, which stay to be read.
  mutating func peek<R>(_ count: Int, _ body: (ByteSlice) -> R) -> R {
    var taken = takeCursor()
    _ = taken.ensure(count)
    let result = body(taken.readableSlice.prefix(min(count, taken.readable)))
    cursor = consume taken
    return result
  }

  private static func refuseTerminal() throws(ToolError) {
    if isatty(0) == 1 {
      throw .usage(
        "standard input is the terminal", remedy: "Try: … | redis-backup COMMAND -, or a PATH")
    }
  }
}

/// A file whose first bytes were looked at.
struct OpenedFile: ~Copyable {
  let kind: InputKind
  let isCompressed: Bool
  private var cursor: ByteCursor

  /// How many bytes are looked at.
  static let headLength = 4096

  init(_ path: String, _ fileSystem: any FileSystem) throws(ToolError) {
    var opened = try OpenedFile.open(path, fileSystem)
    kind = try OpenedFile.recognise(&opened, path)
    isCompressed = opened.isDecompressing
    cursor = opened
  }

  private static func recognise(
    _ cursor: inout ByteCursor, _ path: String
  ) throws(ToolError) -> InputKind {
    // The first byte decides most; more is only needed to tell a manifest from a log.
    guard let first = cursor.peek() else {
      if let failure = cursor.failure { throw ToolError(failure, file: path) }
      return .empty
    }
    if first == 0x2A { return .aof }
    if (first == 0x52 || first == 0x56) && beginsRDB(&cursor) { return .rdb }
    _ = cursor.ensure(headLength)
    let head = cursor.readableSlice.prefix(min(cursor.readable, headLength))
    if Manifest.isLikely(head) { return .multiPart(try manifest(&cursor, path)) }
    if first == 0x23 { return .aof }
    throw ForeignContent(head).error(path)
  }

  consuming func takeCursor() -> ByteCursor { cursor }

  private static func open(
    _ path: String, _ fileSystem: any FileSystem
  ) throws(ToolError) -> ByteCursor {
    do throws(SystemError) {
      return try InputFile.open(path, fileSystem: fileSystem)
    } catch {
      if error.code == ENXIO && error.call == .open {
        throw .refused(
          .noInput, "is a pipe or socket into which nobody writes", file: path,
          remedy: "Try: start the writer first, or … | redis-backup COMMAND -")
      }
      throw ToolError(error, file: path)
    }
  }

  private static func beginsRDB(_ cursor: inout ByteCursor) -> Bool {
    _ = cursor.ensure(6)
    return RDBHeader.looksLikeRDB(cursor.readableSlice.prefix(min(cursor.readable, 6)))
  }

  /// Largest manifest that is read; servers have a few lines.
  static let largestManifest = 1 << 24

  private static func manifest(
    _ cursor: inout ByteCursor, _ path: String
  ) throws(ToolError) -> Manifest {
    // Asks for one byte more than is allowed, which brings in all that is there.
    if cursor.ensure(largestManifest + 1) {
      throw .refused(.badData, "is too large for a manifest", file: path)
    }
    do throws(ManifestError) {
      return try Manifest(parsing: cursor.readableSlice)
    } catch {
      throw ToolError(error, file: path)
    }
  }
}

public import Bytes
public import RDB

/// The data at a PATH, ready to be read key by key.
public struct DataInput: ~Copyable {
  /// What was found at the path.
  public let facts: InputFacts
  /// The dump; ``moreFollows(_:)`` tells whether it is all there is.
  public var reader: RDBReader

  /// Opens what a PATH means.
  ///
  /// - Throws: ``ToolError``.
  public init(_ path: String, fileSystem: any FileSystem = .system) throws(ToolError) {
    var input = try Input(path, fileSystem: fileSystem)
    let opened = try DataInput.open(&input)
    facts = input.facts
    reader = opened
  }

  private static func open(_ input: inout Input) throws(ToolError) -> RDBReader {
    switch input.kind {
    case .rdb:
      let cursor = input.takeCursor()
      do throws(RDBError) { return try RDBReader(cursor) } catch {
        throw ToolError(error, file: input.file)
      }
    case .empty: throw .refused(.badData, "is empty", file: input.file)
    case .aof, .multiPart:
      throw .refused(.badData, "is a log, which this command does not read yet", file: input.file)
    }
  }

  /// Refuses a dump behind which something stands; for the end, when all keys were read.
  public consuming func finish() throws(ToolError) {
    let file = facts.file
    var cursor = reader.finish()
    guard cursor.isAtEnd() else {
      throw .refused(
        .badData, "more follows behind the dump, which this command does not read yet", file: file,
        offset: cursor.offset)
    }
  }
}

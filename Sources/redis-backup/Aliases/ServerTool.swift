import Bytes
import Operations

/// The programs that come with servers and whose names fingers know. When this program is called by
/// one of those names (`make install WITH_ALIASES=1` makes the links), it takes the same arguments,
/// gives the same exit codes and ends with the same lines.
enum ServerTool: String {
  case checkAOF = "redis-check-aof"
  case checkRDB = "redis-check-rdb"

  /// The tool that `path`, the name by which the program was called, stands for.
  init?(calledBy path: String) {
    self.init(rawValue: FilePath.name(of: path))
  }

  /// Does its work, and returns its exit code.
  ///
  /// - Throws: ``ToolError`` of writing to standard output.
  func run(_ arguments: [String]) throws -> Int32 {
    let paper = Paper()
    if arguments.count == 1, !SystemFileSystem().exists(arguments[0]) {
      switch arguments[0] {
      case "-v", "--version":
        paper.line("\(rawValue) (redis-backup \(RedisBackupCommand.version))")
        try paper.flush()
        return 0
      case "-h", "--help":
        paper.line(usage)
        try paper.flush()
        return 0
      default: break
      }
    }
    do {
      let isGood =
        switch self {
        case .checkAOF: try CheckAOFTool(paper).run(arguments, usage)
        case .checkRDB: try CheckRDBTool(paper).run(arguments, usage)
        }
      try paper.flush()
      return isGood ? 0 : 1
    } catch let error as ToolError where error.role == .input {
      try paper.flush()
      Terminal.writeError("\(rawValue): \(error.line)\n")
      return 1
    }
  }

  private var usage: String {
    let called = Terminal.arguments.first ?? rawValue
    return switch self {
    case .checkAOF:
      "Usage: \(called) [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>"
    case .checkRDB: "Usage: \(called) <rdb-file-name>"
    }
  }

  /// Standard output, line by line.
  final class Paper {
    private var output = OutputBuffer(StandardOutput())

    /// Writes `text` without the end of a line.
    func write(_ text: String) { output.write(text: text) }

    /// Writes a line.
    func line(_ text: String) { output.write(text: text + "\n") }

    /// Sends what was written on its way.
    func flush() throws {
      try ToolError.wrap("standard output", .output) { () throws(SystemError) in
        try output.flush()
      }
    }
  }
}

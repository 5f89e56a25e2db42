internal import AOF
public import Bytes
public import RDB

/// Converts a state through every pair of formats, there and back, and compares each result with
/// the first.
///
/// ```text
/// PATH -> rdb, aof, multi-part, jsonl          each of these -> each of the others
/// PATH's log and both logs -> compact (aof, rdb, multi-part)
/// ```
///
/// With servers: PATH is converted for each of them, the result compared, and loaded by the server,
/// which then tells what it holds. What a server of that version can't hold is told, and not
/// failed.
public enum RoundTrip {
  /// One step.
  public struct Step: Sendable {
    /// What was converted.
    public var from: String
    /// Into what.
    public var to: String
    /// Whether it is the same as the first.
    public var isEqual = false
    /// Whether nothing was done, for a reason that is in ``notes``.
    public var isSkipped = false
    /// The number of the state that came out (of a server: its DEBUG DIGEST).
    public var digest = ""
    /// How long converting and comparing took.
    public var seconds = 0.0
    /// How many keys came out.
    public var keys = 0
    /// What differs: the first keys, or why the step failed.
    public var differences: [ContentDifference] = []
    /// How many keys differ.
    public var differing = 0
    /// What could not be done.
    public var failure: String?
    /// What the format between does not hold, and other things to know.
    public var notes: [String] = []
  }

  /// How.
  public struct Options: Sendable {
    /// What does not count.
    public var ignored: StateAspects = .usage
    /// Servers that load the results.
    public var servers: [any LoadingServer] = []
    /// Strings of an export are bare base64 text.
    public var base64 = false
    /// Where the files lie meanwhile; a folder of ours is made in it.
    public var folder = "/tmp"

    /// Without servers.
    public init() {}
  }

  /// What was found.
  public struct Report: Sendable {
    /// All steps.
    public var steps: [Step] = []
    /// The number of the first state.
    public var digest = ""
    /// Keys of the first state.
    public var keys = 0
    /// Sentences for the user.
    public var notes: [String] = []

    /// Whether every step is equal.
    public var isEqual: Bool { steps.allSatisfy(\.isEqual) }
  }

  /// Does it; `tell` hears of each step when it is done.
  ///
  /// - Throws: ``ToolError``: PATH can't be read, or files can't be made. A step that fails is a
  ///   step that is not equal.
  public static func run(
    _ path: String, _ options: Options = Options(), fileSystem: any FileSystem = .system,
    tell: (Step) -> Void = { _ in }
  ) throws(ToolError) -> Report {
    let folder = try ScratchFolder(in: options.folder, fileSystem)
    defer { withExtendedLifetime(folder) {} }
    var report = Report()
    let original = try ComparedState(path, base64: options.base64, fileSystem: fileSystem)
    var trip = Trip(original, options, folder.path, fileSystem)
    report.notes = original.notes
    try trip.walk { step in
      report.steps.append(step)
      tell(step)
    }
    report.digest = trip.digest
    report.keys = trip.keys
    return report
  }

  /// The forms that are gone through.
  enum Form: String, CaseIterable {
    case rdb, aof
    case multiPart = "multi-part"
    case jsonl

    var convert: Convert.Form? {
      switch self {
      case .rdb: .rdb
      case .aof: .aof
      case .multiPart: .multiPart
      case .jsonl: nil
      }
    }
  }
}

/// A server that can load a file and tell what it then holds.
public protocol LoadingServer: Sendable {
  /// Its name and version, for people.
  var name: String { get }
  /// What it can load.
  var target: RDBTarget { get }
  /// Loads what lies at `path` (a dump, a log, or the folder of a multi-part log), and compares
  /// all that the server tells with `state`, which was read from there. What is `allowed` to
  /// differ is what the way to the file has lost.
  ///
  /// - Returns: the digest the server gave, keys that differ, what was compared.
  /// - Throws: ``ToolError`` when the server does not load it.
  func load(
    _ path: String, as form: Convert.Form, comparedWith state: ComparedState,
    allowing allowed: StateAspects
  ) throws(ToolError) -> LoadedState
}

/// What a server told of the file that it loaded.
public struct LoadedState: Sendable {
  /// What DEBUG DIGEST answered.
  public var digest = ""
  /// How many keys it has.
  public var keys = 0
  /// Keys that differ: the first of them.
  public var differences: [ContentDifference] = []
  /// How many keys differ.
  public var differing = 0
  /// What was compared, and what could not be, in words.
  public var compared: [String] = []
  /// Why the server can not be asked: it lacks a module.
  public var obstacle: String?
  /// What differs as a whole, such as the digest.
  public var contradictions: [String] = []

  /// Nothing yet.
  public init() {}
}

/// A folder for files in between; it goes with the object.
final class ScratchFolder {
  let path: String
  private let fileSystem: any FileSystem

  init(in parent: String, _ fileSystem: any FileSystem) throws(ToolError) {
    self.fileSystem = fileSystem
    var directory = try ToolError.wrap(parent, .output) { () throws(SystemError) in
      try AtomicDirectory(
        FilePath.join(parent, "redis-backup-\(UInt64.random(in: 0 ... .max))"),
        fileSystem: fileSystem)
    }
    path = directory.path
    try ToolError.wrap(parent, .output) { () throws(SystemError) in try directory.commit() }
  }

  deinit { ScratchFolder.remove(path, fileSystem) }

  /// Removes a file, or a folder with what is in it.
  static func remove(_ path: String, _ fileSystem: any FileSystem) {
    let status = try? fileSystem.status(of: path, followLinks: false)
    guard status?.kind == .directory else {
      try? fileSystem.unlink(path)
      return
    }
    for name in (try? fileSystem.list(path)) ?? [] {
      remove(FilePath.join(path, name), fileSystem)
    }
    try? fileSystem.removeDirectory(path)
  }
}

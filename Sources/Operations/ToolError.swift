public import AOF
public import Bytes
public import RDB

/// How the program ends; the numbers are those of `sysexits.h` where it has one.
public enum ToolStatus: Int32, Sendable, CaseIterable {
  /// Done; the answer is yes.
  case done = 0
  /// Done; the answer is no: damage found, files differ, nothing matched.
  case no = 1
  /// Wrong use: unknown flag, bad value.
  case usage = 64
  /// The input can't be read as what it claims to be, and the command can't go on.
  case badData = 65
  /// The input is missing.
  case noInput = 66
  /// A server can't be reached, or refused.
  case unavailable = 69
  /// The output exists or can't be created.
  case cannotCreate = 73
  /// Reading or writing failed.
  case ioError = 74
  /// Another run holds the lock, a rewrite is running.
  case tryAgain = 75
  /// No permission.
  case noPermission = 77
}

/// Why an operation stopped: what happened, in which file, at which byte, command and key.
///
/// The one error type of Operations. It keeps the cause as it was thrown; words for people are
/// made by ``ToolError/line`` (`ErrorText.swift`), the exit code by ``ToolError/status``.
public struct ToolError: Error, Sendable {
  /// What happened.
  public enum Cause: Sendable {
    /// A call of the system failed.
    case system(SystemError)
    /// A dump could not be read on.
    case rdb(RDBError)
    /// An AOF could not be read on.
    case aof(AOFError)
    /// A manifest breaks its grammar.
    case manifest(ManifestError)
    /// The operation itself refuses, with a status and a sentence that says why.
    case refused(ToolStatus, String)
  }

  /// Which side of the work the file is on.
  public enum Role: Sendable {
    /// It is read.
    case input
    /// It is made.
    case output
  }

  /// What happened.
  public var cause: Cause
  /// The file, as the user would name it.
  public var file: String?
  /// Whether it was read or written.
  public var role: Role
  /// The byte in that file; for causes that carry an offset, theirs.
  public var offset: Int?
  /// The number of the command in the whole AOF, from 1.
  public var command: Int?
  /// The number of the database.
  public var database: Int?
  /// The key, as its bytes.
  public var key: [UInt8]?
  /// What else was seen there, for behind a semicolon.
  public var detail: String?
  /// What to do, when it is more than what follows from the cause: a command line to copy, or a
  /// sentence.
  public var remedy: String?

  /// An error with all that is known of its place.
  public init(
    _ cause: Cause, file: String? = nil, role: Role = .input, offset: Int? = nil,
    command: Int? = nil, database: Int? = nil, key: [UInt8]? = nil, remedy: String? = nil
  ) {
    self.cause = cause
    self.file = file
    self.role = role
    self.offset = offset
    self.command = command
    self.database = database
    self.key = key
    self.remedy = remedy
  }

  /// A system call failed on `file`.
  public init(_ error: SystemError, file: String?, role: Role = .input) {
    self.init(.system(error), file: file, role: role)
  }

  /// The dump in `file` can't be read on. `key` is that of the reader, when it was at one.
  public init(
    _ error: RDBError, file: String?, database: Int? = nil, key: ByteSlice? = nil
  ) {
    let atKey = error.activity == .value
    self.init(
      .rdb(error), file: file, offset: error.offset, database: atKey ? database : nil,
      key: atKey ? key?.bytes : nil)
  }

  /// The AOF in `file` can't be read on.
  public init(_ error: AOFError, file: String?) {
    self.init(.aof(error), file: file, offset: error.offset, command: error.command)
  }

  /// The manifest `file` can't be read.
  public init(_ error: ManifestError, file: String?) {
    self.init(.manifest(error), file: file, offset: error.offset)
  }

  /// The operation refuses with `status`, because of `reason`.
  public static func refused(
    _ status: ToolStatus, _ reason: String, file: String? = nil, role: Role = .input,
    offset: Int? = nil, remedy: String? = nil
  ) -> ToolError {
    ToolError(.refused(status, reason), file: file, role: role, offset: offset, remedy: remedy)
  }

  /// Wrong use of the program: a value that means nothing.
  public static func usage(_ reason: String, remedy: String? = nil) -> ToolError {
    ToolError(.refused(.usage, reason), remedy: remedy)
  }

  /// With the remedy `remedy`, unless there is one already.
  public func advising(_ remedy: String) -> ToolError {
    var copy = self
    if copy.remedy == nil { copy.remedy = remedy }
    return copy
  }
}

extension ToolError {
  /// Runs `body`; what the system refuses becomes an error of `file`.
  public static func wrap<R: ~Copyable>(
    _ file: String, _ role: Role = .input, _ body: () throws(SystemError) -> R
  ) throws(ToolError) -> R {
    do throws(SystemError) { return try body() } catch {
      throw ToolError(error, file: file, role: role)
    }
  }

  /// Runs `body`; what is wrong with the dump becomes an error of `file`.
  public static func wrapRDB<R: ~Copyable>(
    _ file: String, _ body: () throws(RDBError) -> R
  ) throws(ToolError) -> R {
    do throws(RDBError) { return try body() } catch { throw ToolError(error, file: file) }
  }
}

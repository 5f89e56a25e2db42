import AOF
import Bytes
import RDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The words for a ``ToolError``: what, where, and what to do, on one line.
///
/// ```text
/// FILE: byte OFFSET (command N, db D, key "K"): WHAT. Try: REMEDY
/// ```
extension ToolError: CustomStringConvertible {
  /// The whole line, without the name of the program.
  public var line: String {
    var text = place
    if !text.isEmpty { text += ": " }
    text += message
    if let advice = remedy ?? commonRemedy {
      text += text.hasSuffix(".") || text.hasSuffix("?") ? " " : ". "
      text += advice
    }
    return text
  }

  /// See ``line``.
  public var description: String { line }

  /// Where it happened: `dump.rdb: byte 17 (db 0, key "a")`.
  public var place: String {
    var parts: [String] = []
    if let file { parts.append(file == "-" ? "standard input" : KeyText.fileName(file)) }
    var details: [String] = []
    if let command { details.append("command \(command)") }
    if let database { details.append("db \(database)") }
    if let key {
      details.append("key " + key.withByteSlice { KeyText.quoted($0, limit: 200) })
    }
    let inBrackets = details.joined(separator: ", ")
    if let offset {
      parts.append("byte \(offset)" + (inBrackets.isEmpty ? "" : " (\(inBrackets))"))
    } else if !inBrackets.isEmpty {
      parts.append(inBrackets)
    }
    return parts.joined(separator: ": ")
  }

  /// What happened, and what else was seen.
  public var message: String { detail.map { "\(what); \($0)" } ?? what }

  /// What happened.
  public var what: String {
    switch cause {
    case .system(let error): ToolError.what(error, role)
    case .rdb(let error): error.what
    case .aof(let error): error.what
    case .manifest(let error): error.what
    case .refused(_, let reason): reason
    }
  }

  /// What helps in most cases of this cause, where something does.
  private var commonRemedy: String? {
    switch cause {
    case .system(let error): return ToolError.remedy(error, role)
    case .rdb(let error):
      if case .unreadable(let system) = error.kind { return ToolError.remedy(system, .input) }
      return error.remedy
    case .aof(let error):
      if case .system(let system) = error.kind { return ToolError.remedy(system, .input) }
      return nil
    case .manifest, .refused: return nil
    }
  }

  /// What the system answered, in a sentence.
  static func what(_ error: SystemError, _ role: Role) -> String {
    switch (error.call, error.code, role) {
    case (.inflate, EILSEQ, _), (.inflate, EFBIG, _): error.text
    case (_, ENOENT, .input): "no such file or directory"
    case (_, ENOENT, .output): "can't be created: its directory does not exist"
    case (_, EISDIR, .input): "is a directory, a file is wanted"
    case (_, EEXIST, .output): "is there already"
    case (_, ENOSPC, _): "no space left on the device; nothing was put in place"
    case (_, EDQUOT, _): "the disk quota is used up; nothing was put in place"
    case (_, EACCES, .input), (_, EPERM, .input): "no permission to read it"
    case (_, EACCES, .output), (_, EPERM, .output): "no permission to write there"
    case (.pread, EIO, _): "became shorter while it was read, or the disk failed"
    case (_, EIO, _): "the disk failed (\(error.call.rawValue): \(error.text))"
    default: "\(error.text) (\(error.call.rawValue))"
    }
  }

  private static func remedy(_ error: SystemError, _ role: Role) -> String? {
    switch (error.code, role) {
    case (EEXIST, .output): "Try: another name, or --force to replace it"
    case (ENOENT, .output): "Try: mkdir -p first"
    case (ENOSPC, _), (EDQUOT, _): "Try: free some space, or write to another disk with -o"
    case (EACCES, .input), (EPERM, .input), (EACCES, .output), (EPERM, .output):
      "Try: sudo -u redis, or the user who owns it"
    case (EILSEQ, _) where error.call == .inflate:
      "Try: gzip -t or zstd -t to see how far it is good"
    case (EFBIG, _) where error.call == .inflate:
      "Try: zstd -d --long=31 first"
    default: nil
    }
  }
}

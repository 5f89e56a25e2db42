public import AOF
import Bytes

/// The words for what is wrong with an AOF.
extension AOFError {
  /// What is wrong, and while what was read.
  public var what: String {
    switch kind {
    case .truncated: "the file ends inside \(activity.text)"
    case .truncatedInTransaction: "the file ends between MULTI and EXEC"
    case .unexpected(let wanted, let found):
      "expected \(AOFError.shown(wanted)) but found \(AOFError.shown(found))"
    case .lineEnd: "\(activity.text) does not end with \\r\\n"
    case .number: "no number where \(activity.text) has one"
    case .argumentCount(let count): "a command of \(count) words can not be"
    case .argumentLength(let length): "an argument of \(length) bytes can not be"
    case .lineTooLong: "\(activity.text) is longer than servers read"
    case .preamble: "the RDB in front of the commands is damaged"
    case .system(let error): ToolError.what(error, .input)
    }
  }

  private static func shown(_ byte: UInt8) -> String {
    if byte > 0x20 && byte < 0x7F { return "'\(Character(UnicodeScalar(byte)))'" }
    let digits = String(byte, radix: 16)
    return "0x" + (digits.count < 2 ? "0" : "") + digits
  }
}

extension AOFError.Activity {
  /// What was being read, in words.
  var text: String {
    switch self {
    case .commandStart: "the start of a command"
    case .argumentCount: "the number of words"
    case .argumentHeader: "the length of an argument"
    case .argument: "an argument"
    case .annotation: "an annotation"
    case .preamble: "the RDB in front of the commands"
    case .boundary: "the space between commands"
    }
  }
}

extension ManifestError {
  /// What is wrong.
  public var what: String {
    let reason =
      switch kind {
      case .empty: "an empty manifest"
      case .emptyLine: "an empty line"
      case .noNewline: "the last line has no newline: the file was cut"
      case .lineTooLong: "a line of more than 1024 bytes, its newline included"
      case .quotes: "an open quote, or text right behind a closing one"
      case .pairs: "an odd number of words, or fewer than three pairs"
      case .missingKey: "one of file, seq and type is missing"
      case .fileName: "a file name with a slash, or one that is no text"
      case .sequence: "seq is no number above 0"
      case .type: "type is none of b, h, i"
      case .replicationOffset: "startoffset or endoffset is no number"
      case .secondBase: "a second base"
      case .sequenceOrder: "an increment whose seq is not above that of the one before"
      }
    return "line \(line) of the manifest: \(reason); servers refuse to start with it"
  }
}

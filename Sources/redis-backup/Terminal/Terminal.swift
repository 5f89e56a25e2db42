import CShims

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What is known of where the output goes.
struct Terminal {
  /// Whether standard output is a terminal.
  let outputIsTerminal = isatty(1) == 1
  /// Whether standard error is a terminal.
  let errorIsTerminal = isatty(2) == 1
  /// Whether a line of standard error can be drawn over: it is a terminal, and no dumb one.
  var errorDrawsOver: Bool { errorIsTerminal && Terminal.environment("TERM") != "dumb" }
  /// Whether standard output is coloured.
  let colors: Bool

  init(_ choice: GlobalOptions.Choice) {
    switch choice {
    case .always: colors = true
    case .never: colors = false
    case .auto:
      let refused = Terminal.environment("NO_COLOR").map { !$0.isEmpty } ?? false
      colors = isatty(1) == 1 && !refused && Terminal.environment("TERM") != "dumb"
    }
  }

  /// What a piece of text means, for its colour.
  enum Meaning: String {
    case good = "32"
    case bad = "31"
    case warning = "33"
    case strong = "1"
    case faint = "2"
  }

  /// `text` in the colour of its meaning.
  func paint(_ text: String, _ meaning: Meaning) -> String {
    colors ? "\u{1B}[\(meaning.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// How many columns standard error has.
  static var errorColumns: Int {
    var size = winsize()
    // SAFETY: the call fills the struct of that type.
    guard unsafe ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// The words of the command line, the program's name first; also where /proc is not mounted, which
  /// is where Swift has them from.
  static let arguments: [String] = {
    let count = redis_backup_argument_count()
    guard count > 0 else { return CommandLine.arguments }
    // SAFETY: the words stay as long as the program runs, and end with a zero.
    return (0..<count).map {
      unsafe redis_backup_argument($0).map { unsafe String(cString: $0) } ?? ""
    }
  }()

  /// A variable of the environment.
  static func environment(_ name: String) -> String? {
    // SAFETY: nothing in this program changes the environment.
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  /// Writes `text` to standard error, whole; what can't be written is nobody's concern.
  static func writeError(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return }
      rest = rest.dropFirst(count)
    }
  }
}

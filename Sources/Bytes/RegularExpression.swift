#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A POSIX extended regular expression over bytes.
///
/// `regcomp(3)`/`regexec(3)` of the system: bytes go in as they are (no text is made of them, NUL
/// bytes and broken UTF-8 included), which Swift's own `Regex` can't do without a `String` per
/// match at many times the cost. Beyond POSIX, `\d` and `\D` outside of brackets mean digits, and
/// the system's library understands `\w`, `\s` and `\b`. In glibc `.` matches any byte but
/// NUL; `[^x]` matches NUL too.
@safe
public final class RegularExpression: Sendable {
  /// The expression as it was given.
  public let pattern: String
  // SAFETY: set once in `init`, freed in `deinit`; POSIX allows regexec from several threads.
  private nonisolated(unsafe) let compiled: UnsafeMutablePointer<regex_t>

  /// An expression that can't be compiled, with the words of the system's library.
  public struct Invalid: Error {
    /// Why.
    public var reason: String
  }

  /// Compiles `pattern`.
  public init(_ pattern: String, ignoringCase: Bool = false) throws(Invalid) {
    let memory = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
    unsafe memory.initialize(to: regex_t())
    let flags = REG_EXTENDED | REG_NOSUB | (ignoringCase ? REG_ICASE : 0)
    let code = unsafe regcomp(memory, RegularExpression.expandingDigits(pattern), flags)
    guard code == 0 else {
      var text = [CChar](repeating: 0, count: 256)
      unsafe _ = regerror(code, memory, &text, text.count)
      let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      unsafe memory.deallocate()
      throw Invalid(reason: String(decoding: bytes, as: UTF8.self))
    }
    self.pattern = pattern
    unsafe compiled = unsafe memory
  }

  deinit {
    unsafe regfree(compiled)
    unsafe compiled.deallocate()
  }

  /// Whether the expression matches somewhere in `bytes`.
  public func matches(_ bytes: ByteSlice) -> Bool {
    unsafe bytes.withUnsafeBytes { raw in
      var range = regmatch_t()
      range.rm_so = 0
      range.rm_eo = regoff_t(truncatingIfNeeded: raw.count)
      guard raw.count <= Int(regoff_t.max) else { return false }
      let text = unsafe raw.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self)
      return unsafe regexec(compiled, text, 1, &range, REG_STARTEND) == 0
    }
  }

  /// `\d` and `\D` in POSIX words; inside of brackets a backslash means itself.
  private static func expandingDigits(_ pattern: String) -> String {
    var text = ""
    var inBrackets = false
    var first = false
    var escaped = false
    for character in pattern.unicodeScalars {
      if escaped {
        escaped = false
        switch character {
        case "d": text += "[0-9]"
        case "D": text += "[^0-9]"
        default: text += "\\" + String(character)
        }
        continue
      }
      if inBrackets {
        if character == "]" && !first { inBrackets = false }
        first = first && character == "^"
      } else if character == "\\" {
        escaped = true
        continue
      } else if character == "[" {
        inBrackets = true
        first = true
      }
      text.unicodeScalars.append(character)
    }
    return escaped ? text + "\\" : text
  }
}

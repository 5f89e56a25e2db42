import AOF
import Bytes

/// Finds places in damaged bytes where commands of a log begin.
///
/// A `*` with a number behind it may also stand inside a value. A place is taken for a true border
/// between commands when a command of a known name with a number of words that it may have begins
/// there, and what follows confirms it: eight more such commands, or commands up to the end of the
/// file. Between two damages less has to do; then the chain must break inside a command, as a
/// true one does where the next damage is, and not at a border. What is embedded in a value breaks
/// at a border: behind it comes the rest of the value, or the `\r\n` that ends it.
struct CommandProbe: ~Copyable {
  /// Commands that confirm a place.
  static let enough = 8

  private var words = ArgumentTable()
  private let table = CommandTable.shared
  /// Names that no server knows, but that the log is known to use: of modules.
  var foreign: Set<CommandWord> = []
  /// What may still be spent on words of candidates that lead nowhere, so that made-up files can't
  /// take for ever.
  private var budget: Int

  init(size: Int) { budget = size / 2 + (1 << 20) }

  /// What follows a place.
  private enum End {
    /// The end of the file, at a border or inside a command.
    case file
    /// A command that breaks off inside.
    case inside
    /// This byte, where a command should begin.
    case border(UInt8)
    /// More than enough commands.
    case none
  }

  /// The first border at or behind `from`; nil when there is none.
  mutating func next(in bytes: ByteSlice, from: Int) -> Int? {
    var at = from
    while at < bytes.count, let star = bytes.firstIndex(of: 0x2A, from: at) {
      if holds(bytes, at: star) { return CommandProbe.stamp(bytes, before: star, from) ?? star }
      at = star + 1
    }
    return nil
  }

  /// Where the `#TS:` annotation begins that ends right before `border`.
  private static func stamp(_ bytes: ByteSlice, before border: Int, _ from: Int) -> Int? {
    guard border - from >= 7, bytes.isLineEnd(at: border - 2) else { return nil }
    var at = border - 3
    while at >= from, border - at < 32, ASCII.isDigit(bytes[at]) { at -= 1 }
    guard at - 3 >= from, bytes.slice(at: at - 3, count: 4).equals("#TS:") else { return nil }
    return at - 3
  }

  /// Whether commands begin at `start`.
  mutating func holds(_ bytes: ByteSlice, at start: Int) -> Bool {
    var at = start
    var count = 0
    var end = End.none
    while count < CommandProbe.enough {
      if at == bytes.count {
        end = .file
        break
      }
      if bytes[at] == 0x23, count > 0, let next = annotation(bytes, at) {
        at = next
        continue
      }
      guard bytes[at] == 0x2A else {
        end = .border(bytes[at])
        break
      }
      guard begins(bytes, at) else {
        end = count == 0 || bytes.count - at > 64 ? .inside : .file
        break
      }
      do throws(TokenFailure) {
        at = try words.fill(from: bytes, at: at)
      } catch {
        end = error.kind == .truncated ? .file : .inside
        break
      }
      let arity = table.arity(CommandWord(words[0]), words.arguments)
      budget -= words.count
      if arity == CommandTable.unknownArity {
        guard foreign.contains(CommandWord(words[0])) else {
          end = .inside
          break
        }
        count += 1
        continue
      }
      guard arity >= 0 ? words.count == arity : words.count >= -arity else {
        end = .inside
        break
      }
      count += 1
    }
    if count == 0 { return false }
    let behindLine = start >= 2 && bytes.isLineEnd(at: start - 2) || start == 0
    switch end {
    case .none, .file: return true
    case .inside: return behindLine || count >= 2
    case .border(0): return behindLine
    case .border(0x0D), .border(0x0A): return false
    case .border(0x24): return count >= 2
    case .border: return behindLine && count >= 2
    }
  }

  /// Whether the first word at `at` is the name of a command; looked at before the other words are.
  private func begins(_ bytes: ByteSlice, _ at: Int) -> Bool {
    let count = bytes.shortHeader(0x2A, at: at)
    var behind = at
    if count >= 16 {
      behind += count & 7
    } else {
      // More than 999 words: digits, then a line end.
      behind += 1
      while behind < bytes.count, behind - at < 12, ASCII.isDigit(bytes[behind]) { behind += 1 }
      guard behind - at > 4, bytes.isLineEnd(at: behind), budget > 0 else { return false }
      behind += 2
    }
    let name = bytes.shortHeader(0x24, at: behind)
    guard name >= 16 else { return false }
    return knows(bytes, behind + (name & 7), name >> 3)
  }

  private func knows(_ bytes: ByteSlice, _ start: Int, _ length: Int) -> Bool {
    guard length > 0, length <= 64, bytes.holds(length + 2, at: start),
      bytes.isLineEnd(at: start + length)
    else { return false }
    let word = CommandWord(bytes.slice(at: start, count: length))
    return table.knows(word) || foreign.contains(word)
  }

  /// The end of the annotation at `at`, when it is a time stamp.
  private func annotation(_ bytes: ByteSlice, _ at: Int) -> Int? {
    let line = bytes.slice(at: at, count: min(32, bytes.count - at))
    guard line.starts(with: "#TS:"), let end = line.firstIndex(of: 0x0A) else { return nil }
    return at + end + 1
  }
}

import Bytes
import RDB

/// The values of the options of a selection, as they are written on a command line.
extension KeySelection {
  /// Adds `--db N[,N]`.
  public mutating func addDatabases(_ text: String) throws(ToolError) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let number = Int(part), number >= 0, part.allSatisfy(\.isNumber) else {
        throw .usage("--db \(text): '\(part)' is no number of a database", remedy: "Try: --db 0,1")
      }
      databases.append(number)
    }
  }

  /// Adds `--key-regex RE`.
  public mutating func addExpression(_ text: String) throws(ToolError) {
    do throws(RegularExpression.Invalid) {
      expressions.append(try RegularExpression(text))
    } catch {
      throw .usage(
        "--key-regex '\(text)': \(error.reason)", remedy: "It is a POSIX extended expression")
    }
  }

  /// Adds `--type string,list,…`.
  public mutating func addTypes(_ text: String) throws(ToolError) {
    if types == .all { types = [] }
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let type = LogicalType.allCases.first(where: { "\($0.name)" == part.lowercased() })
      else {
        throw .usage(
          "--type \(text): '\(part)' is no type",
          remedy: "Try: string, list, set, zset, hash, stream, array, module")
      }
      types.insert(TypeSet(type))
    }
  }

  /// Sets `--min-size BYTES`; `k`, `m`, `g` (powers of 1000) and `kb`, `mb`, `gb` (powers of
  /// 1024) as in redis.conf.
  public mutating func setMinimumSize(_ text: String) throws(ToolError) {
    guard let bytes = ByteCount.parse(text) else {
      throw .usage("--min-size \(text) is no number of bytes", remedy: "Try: 1000, 64kb or 1mb")
    }
    minimumSize = bytes
  }

  /// Sets `--expires none|before:TIME|after:TIME`.
  public mutating func setExpiry(_ text: String, now: Moment) throws(ToolError) {
    if text == "none" {
      expiry = .never
    } else if text.hasPrefix("before:") {
      expiry = .before(try Moment(String(text.dropFirst(7)), now: now).milliseconds)
    } else if text.hasPrefix("after:") {
      expiry = .after(try Moment(String(text.dropFirst(6)), now: now).milliseconds)
    } else {
      throw .usage(
        "--expires \(text) is not understood", remedy: "Try: none, before:TIME or after:TIME")
    }
  }

  /// Adds `--slot A[-B]`.
  public mutating func addSlots(_ text: String) throws(ToolError) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let range = NumberRange.parse(part), range.upperBound < HashSlot.count else {
        throw .usage("--slot \(text): slots are 0 to 16383", remedy: "Try: --slot 0-5460")
      }
      slots.append(range)
    }
  }
}

extension CommandSelection {
  /// Adds `--index N[-M][,…]`; `N-` reaches to the end.
  public mutating func addIndexes(_ text: String) throws(ToolError) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let range = NumberRange.parse(part, openEnd: true), range.lowerBound >= 1 else {
        throw .usage(
          "--index \(text): '\(part)' is no number of a command; they count from 1",
          remedy: "Try: --index 17 or --index 17-20")
      }
      indexes.append(range)
    }
  }

  /// Adds `--offset A-B`; `A-` reaches to the end.
  public mutating func addOffsets(_ text: String) throws(ToolError) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let range = NumberRange.parse(part, openEnd: true) else {
        throw .usage("--offset \(text): '\(part)' is no range of bytes", remedy: "Try: 1024-4095")
      }
      offsets.append(range)
    }
  }

  /// Adds `--command NAME[,NAME]`; the group `destructive` means every command that can remove
  /// data.
  public mutating func addNames(_ text: String) throws(ToolError) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      if part.lowercased() == "destructive" {
        for name in CommandNames.destructive { names.insert(name) }
        continue
      }
      guard !part.isEmpty, !part.allSatisfy({ $0 == " " }) else {
        throw .usage("--command \(text): a name is empty", remedy: "Try: --command DEL,UNLINK")
      }
      names.insert(String(part))
    }
  }

  /// Sets `--last N`.
  public mutating func setLast(_ count: Int) throws(ToolError) {
    guard count >= 1 else {
      throw .usage("--last \(count) selects nothing", remedy: "Try: --last 10")
    }
    last = count
  }
}

/// `N`, `N-M`, and where it is allowed `N-`.
enum NumberRange {
  static func parse(_ text: Substring, openEnd: Bool = false) -> ClosedRange<Int>? {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = number(parts[0]) else { return nil }
    guard parts.count == 2 else { return first...first }
    if parts[1].isEmpty { return openEnd ? first...Int.max : nil }
    guard let last = number(parts[1]), last >= first else { return nil }
    return first...last
  }

  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
    return Int(text)
  }
}

/// Amounts of bytes, both ways.
public enum ByteCount {
  /// The number of bytes that `text` means, with the units of redis.conf; nil when it means none.
  public static func parse(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits) else { return nil }
    let unit: Int
    switch text.dropFirst(digits.count).lowercased() {
    case "", "b": unit = 1
    case "k": unit = 1000
    case "kb", "kib": unit = 1 << 10
    case "m": unit = 1_000_000
    case "mb", "mib": unit = 1 << 20
    case "g": unit = 1_000_000_000
    case "gb", "gib": unit = 1 << 30
    default: return nil
    }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
    return overflow ? nil : bytes
  }

  /// For people: `312 bytes`, `4.7 MB` (powers of 1000, three digits).
  public static func text(_ bytes: Int) -> String {
    if bytes < 1000 { return bytes == 1 ? "1 byte" : "\(bytes) bytes" }
    var value = bytes
    var rest = 0
    var unit = 0
    let units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"]
    while value >= 1000 {
      rest = value % 1000
      value /= 1000
      unit += 1
    }
    if value >= 100 { return "\(value) \(units[unit])" }
    return value >= 10
      ? "\(value).\(rest / 100) \(units[unit])"
      : "\(value).\(rest / 100) \(units[unit])"
  }
}

internal import AOF
internal import Bytes

// The options that commands on strings share.

/// A time to live among the words of a command.
struct ExpiryOption {
  /// What the number counts.
  enum Unit {
    /// Seconds, or milliseconds, from now on.
    case seconds, milliseconds
    /// Since 1970.
    case unixSeconds, unixMilliseconds
  }
  private var unit: Unit?
  private var place = 0
  /// KEEPTTL: the time to live stays as it is.
  var keeps = false

  /// None.
  init() {}

  /// Word `place` is the number.
  init(_ unit: Unit, at place: Int) {
    self.unit = unit
    self.place = place
  }

  /// Whether there is a number.
  var isGiven: Bool { unit != nil }

  /// The moment in unix milliseconds; nil for none.
  func moment(_ a: Arguments, _ context: Context) throws(CommandFault) -> Int64? {
    guard let unit else { return nil }
    var time = try a.integer(at: place)
    guard time > 0 else { throw .invalidExpiry }
    if unit == .seconds || unit == .unixSeconds {
      let (product, overflow) = time.multipliedReportingOverflow(by: 1000)
      guard !overflow else { throw .invalidExpiry }
      time = product
    }
    if unit == .seconds || unit == .milliseconds {
      let (sum, overflow) = time.addingReportingOverflow(context.now)
      guard !overflow else { throw .invalidExpiry }
      time = sum
    }
    return time
  }

  /// The unit of an option word.
  static func unit(of word: ByteSlice) -> Unit? {
    if word.equalsIgnoringCase("PXAT") { return .unixMilliseconds }
    if word.equalsIgnoringCase("EX") { return .seconds }
    if word.equalsIgnoringCase("PX") { return .milliseconds }
    if word.equalsIgnoringCase("EXAT") { return .unixSeconds }
    return nil
  }

  /// Takes option `unit` with the number in word `place`; one that is given again replaces the
  /// first only when it is of the same unit.
  mutating func take(_ unit: Unit, at place: Int) throws(CommandFault) {
    guard !keeps, self.unit == nil || self.unit == unit else { throw .syntax }
    self.unit = unit
    self.place = place
  }
}

/// A comparison with the value that is there.
enum StringTest {
  case equal, notEqual, digestEqual, digestNotEqual

  /// The test that an option word names.
  init?(_ word: ByteSlice) {
    if word.equalsIgnoringCase("IFEQ") {
      self = .equal
    } else if word.equalsIgnoringCase("IFNE") {
      self = .notEqual
    } else if word.equalsIgnoringCase("IFDEQ") {
      self = .digestEqual
    } else if word.equalsIgnoringCase("IFDNE") {
      self = .digestNotEqual
    } else {
      return nil
    }
  }
}

/// When a command does anything.
enum StringCondition {
  case always
  /// NX, XX.
  case exists(Bool)
  /// IFEQ and its siblings; `operand` is the word to compare with.
  case compare(StringTest, operand: Int)

  /// Whether it holds for `state`.
  func holds(
    _ a: Arguments, _ state: KeyState, _ context: Context
  ) throws(CommandFault) -> Bool {
    switch self {
    case .always: return true
    case .exists(let wanted): return state.exists == wanted
    case .compare(let test, let operand):
      let wantsSame = test == .equal || test == .digestEqual
      guard let string = try state.string() else { return !wantsSame }
      let bytes = string.bytes(&context.scratch)
      switch test {
      case .equal, .notEqual: return (bytes == a[operand]) == wantsSame
      case .digestEqual, .digestNotEqual:
        guard let digest = HexText.unsigned(a[operand]) else { throw .syntax }
        return (XXH3.hash(bytes) == digest) == wantsSame
      }
    }
  }
}

/// Sixteen hexadecimal digits, as DIGEST prints them.
enum HexText {
  static func unsigned(_ text: ByteSlice) -> UInt64? {
    guard text.count == 16 else { return nil }
    var value: UInt64 = 0
    for index in 0..<16 {
      let byte = ASCII.lowercased(text[index])
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x61...0x66: digit = byte - 0x61 + 10
      default: return nil
      }
      value = value << 4 | UInt64(digit)
    }
    return value
  }
}

/// The options of SET, GETEX and MSETEX.
struct StringOptions {
  /// Whose they are.
  enum Owner { case set, getex, msetex }
  var condition = StringCondition.always
  var expiry = ExpiryOption()
  /// GET.
  var get = false
  /// PERSIST.
  var persist = false

  /// Reads the words from `first` on.
  mutating func read(
    _ a: Arguments, from first: Int, _ owner: Owner
  ) throws(CommandFault) {
    var index = first
    while index < a.count {
      let word = a[index]
      let more = index + 1 < a.count
      if let unit = ExpiryOption.unit(of: word) {
        guard more, !persist else { throw .syntax }
        try expiry.take(unit, at: index + 1)
        index += 1
      } else if owner != .getex, word.equalsIgnoringCase("KEEPTTL") {
        guard !expiry.isGiven else { throw .syntax }
        expiry.keeps = true
      } else if owner != .getex, word.equalsIgnoringCase("NX") {
        try require(exists: false)
      } else if owner != .getex, word.equalsIgnoringCase("XX") {
        try require(exists: true)
      } else if owner == .set, word.equalsIgnoringCase("GET") {
        get = true
      } else if owner == .set, more, let test = StringTest(word) {
        guard case .always = condition else { throw .syntax }
        condition = .compare(test, operand: index + 1)
        index += 1
      } else if owner == .getex, word.equalsIgnoringCase("PERSIST") {
        guard !expiry.isGiven else { throw .syntax }
        persist = true
      } else {
        throw .syntax
      }
      index += 1
    }
  }

  private mutating func require(exists wanted: Bool) throws(CommandFault) {
    switch condition {
    case .always: condition = .exists(wanted)
    case .exists(let other):
      guard other == wanted else { throw .syntax }
    case .compare: throw .syntax
    }
  }
}

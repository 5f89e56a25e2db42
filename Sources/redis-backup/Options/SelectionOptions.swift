import ArgumentParser
import Operations

/// Which keys: shared by all commands that look at keys.
struct KeySelectionOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("Only these databases.", valueName: "N[,N]"))
  var db: [String] = []

  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Only keys that match: * ? [a-z] [^x] \\x, as in KEYS. Again for more patterns.",
      valueName: "GLOB"))
  var key: [String] = []

  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Only keys in which this POSIX extended expression matches.", valueName: "RE"))
  var keyRegex: [String] = []

  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp("No keys that match.", valueName: "GLOB"))
  var notKey: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only these types: string, list, set, zset, hash, stream, array, module.",
      valueName: "TYPE[,TYPE]"))
  var type: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Only keys of at least so many bytes in the file.", valueName: "BYTES"))
  var minSize: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only keys that never expire, or that expire before or after a time.",
      valueName: "none|before:TIME|after:TIME"))
  var expires: String?

  @Option(name: .long, help: ArgumentHelp("Only keys of these cluster slots.", valueName: "A[-B]"))
  var slot: [String] = []

  /// What was asked for.
  ///
  /// - Throws: ``ToolError`` of wrong use.
  func selection(now: Moment = .now) throws -> KeySelection {
    var selection = KeySelection()
    for text in db { try selection.addDatabases(text) }
    selection.keys = key.map { Glob($0) }
    for text in keyRegex { try selection.addExpression(text) }
    selection.excluded = notKey.map { Glob($0) }
    for text in type { try selection.addTypes(text) }
    if let minSize { try selection.setMinimumSize(minSize) }
    if let expires { try selection.setExpiry(expires, now: now) }
    for text in slot { try selection.addSlots(text) }
    return selection
  }
}

/// Which commands of an AOF.
struct CommandSelectionOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only these commands; `destructive` is every command that can remove data.",
      valueName: "NAME[,NAME]"))
  var command: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only commands with these numbers, from 1, as `log` prints them.", valueName: "N[-M][,…]"))
  var index: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Only commands that begin in these bytes.", valueName: "A-B"))
  var offset: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Only commands of this file of a multi-part AOF.", valueName: "NAME"))
  var file: String?

  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp(
      "Only commands from this time on (needs #TS annotations).", valueName: "TIME"))
  var since: String?

  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp("Only commands up to this time.", valueName: "TIME"))
  var until: String?

  @Option(
    name: .long, help: ArgumentHelp("Only the last so many of them.", valueName: "N"))
  var last: Int?

  /// What was asked for.
  ///
  /// - Throws: ``ToolError`` of wrong use.
  func selection(now: Moment = .now) throws -> CommandSelection {
    var selection = CommandSelection()
    for text in command { try selection.addNames(text) }
    for text in index { try selection.addIndexes(text) }
    for text in offset { try selection.addOffsets(text) }
    selection.file = file
    if let since { selection.since = try Moment(since, now: now).seconds }
    if let until { selection.until = try Moment(until, now: now).seconds }
    if let since = selection.since, let until = selection.until, since > until {
      throw ToolError.usage("--since lies behind --until")
    }
    if let last { try selection.setLast(last) }
    return selection
  }
}

/// What keys that have run out mean.
struct ExpiryOptions: ParsableArguments {
  @Flag(
    name: .long,
    help: "Leave out keys and hash fields whose time has passed, as a server does when it loads.")
  var dropExpired = false

  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp("What counts as the present for --drop-expired.", valueName: "TIME"))
  var now: String?

  /// The time in ms since 1970 before which keys have run out; nil when nothing does.
  func limit() throws -> Int64? {
    guard dropExpired else {
      if now != nil { throw ToolError.usage("--now means something only with --drop-expired") }
      return nil
    }
    return try now.map { try Moment($0, now: .now).milliseconds } ?? Moment.now.milliseconds
  }
}

import ArgumentParser
import Bytes
import Operations

/// Up to where a log is replayed.
struct ReplayOptions: ParsableArguments {
  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp(
      "Of a log, the data at that moment (needs #TS annotations).", valueName: "TIME"))
  var until: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Of a log, the data behind that command, by its number in `log`; 0 for before the first.",
      valueName: "N"))
  var index: Int?

  @OptionGroup var memory: MemoryOptions

  func validate() throws {
    if let index, index < 0 { throw ValidationError("--index \(index) is no number of a command") }
    if until != nil && index != nil {
      throw ValidationError("--until and --index exclude each other")
    }
  }

  /// What was asked for. `now` is what relative times in a log refer to, in ms since 1970; nil for
  /// this moment.
  func options(now: Int64? = nil) throws -> ReplayedLog.Options {
    var options = ReplayedLog.Options()
    options.now = now ?? Moment.now.milliseconds
    options.lastIndex = index
    options.lastTime = try until.map { try Moment($0, now: .now).seconds }
    options.memoryLimit = try memory.limit()
    options.temporaryDirectory = MemoryOptions.directory
    return options
  }
}

/// How much memory a replay may take.
struct MemoryOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Of a log, keep the tables of keys and commands in temporary files (TMPDIR, else /var/tmp) when "
        + "they might need more memory than this.", valueName: "SIZE"))
  var memoryLimit: String?

  /// The limit in bytes.
  ///
  /// - Throws: ``ToolError`` of wrong use.
  func limit() throws -> Int? {
    guard let memoryLimit else { return nil }
    guard let bytes = ByteCount.parse(memoryLimit) else {
      throw ToolError.usage(
        "--memory-limit \(memoryLimit) is no number of bytes", remedy: "Try: 64mb or 1gb")
    }
    return bytes
  }

  /// Where the files are made: `/tmp` often lies in memory.
  static var directory: String {
    if let named = Terminal.environment("TMPDIR"), !named.isEmpty { return named }
    return "/var/tmp"
  }
}

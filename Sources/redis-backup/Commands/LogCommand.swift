import AOF
import ArgumentParser
import Bytes
import Operations

/// `redis-backup log PATH`
struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Shows the commands of an AOF: number, offset, time, database, command.",
    discussion: """
      The number is what undo --index takes; it counts over all files of the log. Commands in \
      MULTI/EXEC are indented.

      Examples:
        redis-backup log appendonly.aof --last 20
        redis-backup log appendonlydir --command destructive --since -2h
        redis-backup log appendonly.aof --key 'user:*' --follow
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup(title: "Which commands") var commands: CommandSelectionOptions
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions

  @Flag(name: .long, help: "Print only how many commands there are.")
  var count = false

  @Flag(name: .shortAndLong, help: "Go on when the end is reached, as the server appends.")
  var follow = false

  @Argument(help: "An AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String

  func run() throws {
    let session = Session(global)
    let selection = try LogSelection(commands: commands.selection(), keys: keys.selection())
    if follow && (count || selection.commands.last != nil) {
      throw ToolError.usage("--follow has no end, so that --count and --last mean nothing with it")
    }
    var input = try Input(path, fileSystem: session.fileSystem)
    session.notes(input.facts.notes)
    let log = try AppendOnlyLog.open(input.file, fileSystem: session.fileSystem)
    let isStream = input.facts.bytesOnDisk == nil
    if follow {
      if isStream || input.facts.isCompressed {
        throw ToolError.usage("--follow wants a file that grows, or the directory of a log")
      }
      try followLog(log, selection, session)
      return
    }
    let total = isStream ? 0 : log.size
    if isStream {
      let cursor = input.takeCursor()
      try show(LogEntries(stream: cursor, log, selection), log, session, total: total)
    } else {
      try show(
        LogEntries(log, selection, fileSystem: session.fileSystem), log, session, total: total)
    }
  }

  private func show(
    _ start: consuming LogEntries, _ log: AppendOnlyLog, _ session: Session, total: Int
  ) throws {
    var entries = start
    let count = try session.withProgress(total: total) { () throws(ToolError) in
      if self.count {
        while try entries.next() {}
      } else {
        try session.write { (output) throws(ToolError) in
          var printer = LogPrinter(log, session)
          while try entries.next() {
            printer.write(entries.command, entries.arguments, to: &output)
            if output.failure != nil { break }
          }
        }
      }
      if entries.readCount == 0 && log.size > 0 {
        session.note(
          "\(KeyText.fileName(path)) holds no commands; its data stands in an RDB. Try: redis-backup keys"
        )
      }
      return entries.count
    }
    if self.count {
      if session.isJSON {
        try session.writeJSON { (json, output) throws(ToolError) in
          json.beginObject(&output)
          json.field("commands", count, &output)
          json.endObject(&output)
        }
      } else {
        try session.print("\(count)\n")
      }
    }
    if count == 0 && !selectsEverything { throw AnswerIsNo() }
  }

  private var selectsEverything: Bool {
    (try? commands.selection().isEverything && keys.selection().isEverything) ?? false
  }

  private func followLog(
    _ log: AppendOnlyLog, _ selection: LogSelection, _ session: Session
  ) throws {
    var follower = LogFollower(log, selection, fileSystem: session.fileSystem)
    let format = LogPrinter.Format(session)
    while true {
      var more = false
      try session.write { (output) throws(ToolError) in
        more = try follower.readMore { (command, arguments, file, isMultiPart) in
          Array(file.utf8).withByteSlice {
            LogPrinter.write(
              command, arguments, file: $0, isMultiPart: isMultiPart, format, to: &output)
          }
        }
      }
      if !more { Pause.milliseconds(200) }
    }
  }
}

/// Prints commands as a session wants them.
struct LogPrinter: ~Copyable {
  enum Format {
    case json
    case text(limit: Int)

    init(_ session: Session) {
      self = session.isJSON ? .json : .text(limit: session.isVerbose ? Int.max : 100)
    }
  }

  private let names: [[UInt8]]
  private let format: Format

  init(_ log: AppendOnlyLog, _ session: Session) {
    names = log.parts.map { Array($0.name.utf8) }
    format = Format(session)
  }

  mutating func write(
    _ command: AOFCommand, _ arguments: Arguments, to output: inout OutputBuffer
  ) {
    names[command.file].withByteSlice {
      LogPrinter.write(
        command, arguments, file: $0, isMultiPart: names.count > 1, format, to: &output)
    }
  }

  static func write(
    _ command: AOFCommand, _ arguments: Arguments, file: ByteSlice, isMultiPart: Bool,
    _ format: Format, to output: inout OutputBuffer
  ) {
    switch format {
    case .json: LogLine.writeJSON(command, arguments, file: file, to: &output)
    case .text(let limit):
      LogLine.writeText(
        command, arguments, file: isMultiPart ? file : nil, limit: limit, to: &output)
    }
  }
}

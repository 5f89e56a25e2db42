import AOF
import ArgumentParser
import Bytes
import Operations

/// `redis-backup losses PATH`
struct LossesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "losses",
    abstract: "Shows which commands of an AOF destroyed data, worst first, and how to undo each.",
    discussion: """
      The log is replayed, and what each command destroyed is counted: keys, elements, bytes. A \
      transaction counts as one, as do neighbours that do the same, and many of the same command \
      within a second. Keys whose time to live had passed come last. Below each stands the command \
      line that undoes it.

      Examples:
        redis-backup losses appendonlydir --top 5
        redis-backup losses appendonly.aof --key 'user:*'
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup(title: "Which commands") var commands: CommandSelectionOptions
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions

  @Option(name: .long, help: ArgumentHelp("Only the worst so many.", valueName: "N"))
  var top = 20

  @Flag(name: .long, help: "Every command by itself, also in transactions and bursts.")
  var single = false

  @Argument(help: "An AOF, a manifest, or a directory of a server.")
  var path: String

  func validate() throws {
    if top < 1 { throw ValidationError("--top wants a number from 1 on") }
  }

  func run() throws {
    let session = Session(global)
    let selection = try LogSelection(commands: commands.selection(), keys: keys.selection())
    if path == "-" {
      throw ToolError.usage(
        "the log is read twice, which standard input does not allow",
        remedy: "Try: put it into a file first")
    }
    let input = try Input(path, fileSystem: session.fileSystem)
    session.notes(input.facts.notes)
    let log = try AppendOnlyLog.open(input.file, fileSystem: session.fileSystem)
    var options = Losses.Options()
    options.top = top
    options.joins = !single
    session.beginProgress(total: log.size)
    defer { session.endProgress() }
    let losses = try Losses(log, selection, options, fileSystem: session.fileSystem)
    session.endProgress()
    if session.isJSON {
      try session.writeJSON { (json, output) throws(ToolError) in
        try losses.writeJSON(
          &json, &output, path: path, keys: keyOptions, fileSystem: session.fileSystem)
      }
    } else {
      try show(losses, session)
    }
    if let stop = losses.stop { throw stop }
    if losses.losses.isEmpty && !selection.isEverything { throw AnswerIsNo() }
  }

  private func show(_ losses: Losses, _ session: Session) throws {
    if losses.losses.isEmpty {
      try session.print("nothing was destroyed by \(losses.commandsRead) commands\n")
      return
    }
    var table = Table(.right, .right, .right)
    table.add("keys", "elements", "bytes", "time", "db", "number and place", "command")
    let rows = try losses.rows(
      path: path, keys: keyOptions, width: session.isVerbose ? 1000 : 60,
      fileSystem: session.fileSystem)
    for row in rows {
      let c = row.cells
      table.add(c[0], c[1], c[2], c[3], c[4], c[5], c[6])
    }
    let lines = table.text().split(separator: "\n", omittingEmptySubsequences: false)
    var text = String(lines[0]) + "\n"
    for (number, row) in rows.enumerated() {
      text += String(lines[number + 1]) + "\n    \(row.undo)\n"
    }
    if losses.found > rows.count { text += "… and \(losses.found - rows.count) smaller ones\n" }
    text +=
      "in all: \(losses.commands) of \(losses.commandsRead) commands destroyed "
      + "\(losses.keysLost) \(losses.keysLost == 1 ? "key" : "keys"), \(losses.elementsLost) elements, \(ByteCount.text(losses.bytesLost))"
    if losses.expiredKeys > 0 { text += "; \(losses.expiredKeys) more keys ran out" }
    try session.print(text + "\n")
  }

  /// The options that choose keys, to be repeated in the lines that undo.
  private var keyOptions: String {
    var words: [String] = []
    func add(_ option: String, _ values: [String]) {
      for value in values { words += [option, KeyText.shellWord(value)] }
    }
    add("--db", keys.db)
    add("--key", keys.key)
    add("--key-regex", keys.keyRegex)
    add("--not-key", keys.notKey)
    add("--slot", keys.slot)
    return words.joined(separator: " ")
  }
}

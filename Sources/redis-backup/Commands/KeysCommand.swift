public import ArgumentParser
import Bytes
public import Operations
import RDB

/// `redis-backup keys PATH`
struct KeysCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Lists keys: type, encoding, elements, size, memory, expiry.",
    discussion: """
      One line a key, with a tab between: database, key, type, encoding, elements, bytes in the \
      file, about how many bytes it takes in the memory of a server (as MEMORY USAGE of Redis 7 \
      tells; 0 for modules), and when it expires (or -). Without --sort the order is that of the \
      file, and any number of keys is listed in little memory.

      Examples:
        redis-backup keys dump.rdb --sort memory --top 20
        redis-backup keys appendonly.aof --type hash --json
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String
  @Option(
    name: .long,
    help: "The order: most bytes, memory or elements first, soonest expiry first, or by name.")
  var sort: KeyListing.Order?
  @Option(name: .long, help: ArgumentHelp("Only the first so many.", valueName: "N"))
  var top: Int?
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup var expiry: ExpiryOptions
  @OptionGroup var replay: ReplayOptions

  func validate() throws {
    if let top, top < 1 { throw ValidationError("--top \(top) lists nothing") }
  }

  func run() throws {
    let session = Session(global)
    let selection = try keys.selection()
    let limit = try expiry.limit()
    let opened = try Input(path, fileSystem: session.fileSystem)
    session.beginProgress(total: InfoCommand.total(path))
    defer { session.endProgress() }
    let input = try DataInput(
      opened, replaying: replay.options(), fileSystem: session.fileSystem)
    session.notes(input.notes)
    var output = OutputBuffer(StandardOutput())
    // Asked once: the parser of arguments takes its time with each answer.
    let isJSON = session.isJSON
    var listed = 0
    let passed = try KeyListing.list(
      input, selection: selection, expiredBefore: limit, order: sort, top: top
    ) { row throws(ToolError) in
      if isJSON {
        output.write(listed > 0 ? ",\n" : "[\n")
        KeysCommand.writeJSON(row, &output)
      } else {
        KeysCommand.writeLine(row, &output)
      }
      listed += 1
      if let failure = output.failure {
        throw ToolError(failure, file: "standard output", role: .output)
      }
    }
    if session.isJSON { output.write(listed > 0 ? "\n]\n" : "[]\n") }
    try ToolError.wrap("standard output", .output) { () throws(SystemError) in try output.flush() }
    session.endProgress()
    if passed == 0 && !selection.isEverything { throw AnswerIsNo() }
  }

  private static func writeLine(_ row: KeyRow, _ output: inout OutputBuffer) {
    output.write(decimal: Int64(row.db))
    output.write(0x09)
    KeyText.write(row.key, to: &output)
    output.write(0x09)
    output.write(row.type.name)
    output.write(0x09)
    output.write(row.encoding)
    output.write(0x09)
    output.write(decimal: row.elements)
    output.write(0x09)
    output.write(decimal: Int64(row.bytes))
    output.write(0x09)
    output.write(decimal: Int64(row.memory))
    output.write(0x09)
    if let time = row.expiresAt {
      Moment(milliseconds: time).write(to: &output)
    } else {
      output.write(0x2D)
    }
    output.write(0x0A)
  }

  private static func writeJSON(_ row: KeyRow, _ output: inout OutputBuffer) {
    output.write("{\"db\":")
    output.write(decimal: Int64(row.db))
    output.write(",\"key\":")
    var json = JSONWriter()
    json.string(row.key, &output)
    output.write(",\"type\":\"")
    output.write(row.type.name)
    output.write("\",\"encoding\":\"")
    output.write(row.encoding)
    output.write("\",\"elements\":")
    output.write(decimal: row.elements)
    output.write(",\"bytes\":")
    output.write(decimal: Int64(row.bytes))
    output.write(",\"memory\":")
    output.write(decimal: Int64(row.memory))
    output.write(",\"pexpireat\":")
    if let time = row.expiresAt { output.write(decimal: time) } else { output.write("null") }
    output.write(0x7D)
  }
}

extension KeyListing.Order: ExpressibleByArgument {}

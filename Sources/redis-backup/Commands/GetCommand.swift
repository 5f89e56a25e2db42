import ArgumentParser
import Bytes
import Operations

/// `redis-backup get PATH KEY`
struct GetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Shows one key.",
    discussion: """
      Readable by default, as redis-cli shows values. KEY is taken as it is; in double quotes, \
      which the shell must leave in place, \\x00, \\n and the like mean bytes, as redis-cli and \
      the listing of keys write them. Exit code 1 when there is no such key.

      Examples:
        redis-backup get dump.rdb user:1
        redis-backup get dump.rdb user:1 --db 3 --raw
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String
  @Argument(help: "The name of the key.")
  var key: String
  @Option(name: .long, help: ArgumentHelp("The number of its database.", valueName: "N"))
  var db = 0
  @Flag(name: .long, help: "The bytes and nothing else; of collections one element a line.")
  var raw = false
  @Flag(name: .long, help: "The commands that recreate it, as redis-cli --pipe takes them.")
  var resp = false
  @Flag(name: .long, help: "With --json: write every string as base64.")
  var base64 = false

  @OptionGroup var replay: ReplayOptions

  func validate() throws {
    if db < 0 { throw ValidationError("--db \(db) is no number of a database") }
    if [raw, resp, global.json].filter({ $0 }).count > 1 {
      throw ValidationError("--raw, --resp and --json exclude each other")
    }
    if base64 && !global.json { throw ValidationError("--base64 means something only with --json") }
  }

  func run() throws {
    let session = Session(global)
    guard let name = KeyText.parse(key) else {
      throw ToolError.usage(
        "the key \(key) begins with a quote but is not quoted rightly",
        remedy: #"Try: '"a\x00b"', with both kinds of quotes"#)
    }
    let opened = try Input(path, fileSystem: session.fileSystem)
    session.beginProgress(total: InfoCommand.total(path))
    defer { session.endProgress() }
    let input = try DataInput(
      opened, replaying: replay.options(), fileSystem: session.fileSystem)
    session.notes(input.notes)
    let form: Get.Form =
      raw ? .raw : resp ? .commands : global.json ? .json(base64: base64) : .readable
    var output = OutputBuffer(StandardOutput())
    let answer = try Get.write(input, key: name, db: db, as: form, to: &output)
    session.endProgress()
    switch answer {
    case .written: return
    case .absent:
      session.note(
        "\(KeyText.fileName(path)): no key \(KeyText.quoted(name))" + near(name, session))
    case .elsewhere(let numbers):
      let list = numbers.prefix(8).map(String.init).joined(separator: ", ")
      session.note(
        "\(KeyText.fileName(path)): no key \(KeyText.quoted(name)) in database \(db), but in \(list). "
          + "Try: --db \(numbers[0])")
    }
    throw AnswerIsNo()
  }

  /// A question about the name of the key, when there are some that are spelled nearly so. The file is
  /// read again for it, unless it is too large for that to be quick.
  private func near(_ name: [UInt8], _ session: Session) -> String {
    guard path != "-", (1...(1 << 28)).contains(InfoCommand.total(path)),
      let input = try? DataInput(path, fileSystem: session.fileSystem)
    else { return "" }
    var near = NearNames(name)
    _ = try? KeyListing.list(input) { row throws(ToolError) in
      if row.db == db { near.look(at: row.key) }
    }
    if near.names.isEmpty { return "" }
    return ". Did you mean \(near.names.map { KeyText.quoted($0) }.joined(separator: " or "))?"
  }
}

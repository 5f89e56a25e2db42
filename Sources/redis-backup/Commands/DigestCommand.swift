public import ArgumentParser
import Bytes
public import Keyspace
import Operations

/// `redis-backup digest PATH`
struct DigestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "digest",
    abstract: "Prints what DEBUG DIGEST of a server with this data would print.",
    discussion: """
      The digest sees keys, values, and whether a key expires; it does not see when, nor the \
      groups of streams. Servers up to 7.0, of 7.2, from 7.4 on and of Valkey compute it in \
      slightly different ways; --style tells which, the default is that of the server that wrote \
      the file.

      Examples:
        redis-backup digest dump.rdb
        redis-backup digest appendonlydir --style valkey
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String
  @Option(name: .long, help: "Whose algorithm.")
  var style: DigestStyle?
  @OptionGroup(title: "Which keys") var keys: KeySelectionOptions
  @OptionGroup var expiry: ExpiryOptions
  @OptionGroup var replay: ReplayOptions

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
    let report = try Digest.of(
      input, style: style, selection: selection, expiredBefore: limit,
      now: limit ?? Moment.now.milliseconds)
    session.endProgress()
    if session.isJSON {
      try session.writeJSON { json, output in
        json.beginObject(&output)
        json.field("digest", report.digest, &output)
        json.field("style", report.style.rawValue, &output)
        json.field("keys", report.keys, &output)
        json.field("path", path, &output)
        json.endObject(&output)
      }
    } else {
      try session.print("\(report.digest)  \(KeyText.fileName(path))\n")
    }
  }
}

extension DigestStyle: ExpressibleByArgument {}

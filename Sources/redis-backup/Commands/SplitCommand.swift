import ArgumentParser
import Bytes
import Operations
import RDB

/// `redis-backup split PATH --by db|type|prefix|slot-range -o DIR`
struct SplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split",
    abstract: "Makes several RDBs of one dump or log: by database, type, prefix or slots.",
    discussion: """
      The parts are called db0.rdb, string.rdb, prefix-user.rdb, slots-0-5460.rdb. Functions go into \
      every part.

      Examples:
        redis-backup split dump.rdb --by prefix -o parts
        redis-backup split dump.rdb --by slot-range --slots 0-8191,8192-16383 -o halves
      """)

  /// By what.
  enum Kind: String, ExpressibleByArgument, CaseIterable {
    /// By database.
    case db
    /// By type.
    case type
    /// By what stands before the first separator.
    case prefix
    /// By slots.
    case slotRange = "slot-range"
  }

  @OptionGroup var global: GlobalOptions
  @Option(name: .long, help: "db, type, prefix or slot-range (with --slots or --cluster-nodes).")
  var by: Kind?
  @Option(
    name: .long,
    help: ArgumentHelp("One part for each range of slots.", valueName: "A-B[,C-D…]"))
  var slots: String?
  @Option(
    name: .long,
    help: ArgumentHelp(
      "One part for each master in this file, the answer of CLUSTER NODES.", valueName: "FILE"))
  var clusterNodes: String?
  @Option(name: .long, help: "The character that ends a prefix.")
  var separator = ":"
  @Option(
    name: .long,
    help: ArgumentHelp("The server that is to load them, such as redis:7.2.", valueName: "SERVER"))
  var target: String?
  @Option(name: .shortAndLong, help: ArgumentHelp("The directory to make.", valueName: "DIR"))
  var output: String
  @Argument(help: "An RDB, an AOF, a manifest, a directory of a server, or - for standard input.")
  var path: String

  func validate() throws {
    let isBySlots = slots != nil || clusterNodes != nil
    if slots != nil && clusterNodes != nil {
      throw ValidationError("give one of --slots and --cluster-nodes")
    }
    switch by {
    case .slotRange:
      if !isBySlots { throw ValidationError("--by slot-range needs --slots or --cluster-nodes") }
    case .db, .type, .prefix:
      if isBySlots { throw ValidationError("--slots and --cluster-nodes mean --by slot-range") }
    case nil:
      if !isBySlots { throw ValidationError("by what? Give --by db, type, prefix or slot-range") }
    }
    if separator.utf8.count != 1 { throw ValidationError("--separator is one character") }
  }

  func run() throws {
    let session = Session(global)
    var options = Split.Options()
    options.target = try TargetOption.parse(target)
    options.rule = try rule(session)
    let opened = try Input(path, fileSystem: session.fileSystem)
    session.beginProgress(total: InfoCommand.total(path))
    defer { session.endProgress() }
    let input = try DataInput(opened, fileSystem: session.fileSystem)
    let report = try Split.run(input, to: output, options, fileSystem: session.fileSystem)
    session.endProgress()
    session.notes(report.notes)
    for loss in report.lost { session.note("left out: \(loss)") }
    if session.isJSON {
      try writeJSON(report, session)
    } else if !global.quiet {
      for part in report.parts {
        try session.print("\(part.name): \(part.keys) keys, \(part.bytes) bytes\n")
      }
    }
  }

  private func rule(_ session: Session) throws -> SplitRule {
    if let slots { return try .slots(slots) }
    if let clusterNodes {
      let bytes = try ToolError.wrap(clusterNodes) { () throws(SystemError) in
        try session.fileSystem.contents(of: clusterNodes)
      }
      return try .clusterNodes(String(decoding: bytes, as: UTF8.self), file: clusterNodes)
    }
    switch by {
    case .type: return .type
    case .prefix: return .prefix(separator: separator.utf8.first ?? 0x3A)
    default: return .database
    }
  }

  private func writeJSON(_ report: Split.Report, _ session: Session) throws {
    try session.writeJSON { json, output throws(ToolError) in
      json.beginObject(&output)
      json.field("keys", report.keys, &output)
      json.key("parts", &output)
      json.beginArray(&output)
      for part in report.parts {
        json.beginObject(&output)
        json.field("name", part.name, &output)
        json.field("keys", part.keys, &output)
        json.field("bytes", part.bytes, &output)
        json.endObject(&output)
      }
      json.endArray(&output)
      json.endObject(&output)
    }
  }
}

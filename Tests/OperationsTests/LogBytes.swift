import AOF
import Bytes
import Foundation
import Operations
import TestSupport

/// The bytes of a command.
func command(_ words: String...) -> [UInt8] { command(words) }

/// The bytes of a command.
func command(_ words: [String]) -> [UInt8] {
  Array("*\(words.count)\r\n".utf8)
    + words.flatMap { Array("$\($0.utf8.count)\r\n\($0)\r\n".utf8) }
}

/// A `#TS:` annotation.
func stamp(_ seconds: Int) -> [UInt8] { Array("#TS:\(seconds)\r\n".utf8) }

/// What a log holds, as the tests compare it.
enum Logs {
  /// The words of all commands.
  static func words(_ path: String) throws -> [[String]] {
    var entries = try LogEntries(try AppendOnlyLog.open(path), try LogSelection())
    var all: [[String]] = []
    while try entries.next() {
      all.append((0..<entries.arguments.count).map { entries.arguments[$0].text })
    }
    return all
  }

  /// Number, database and words of the commands that pass.
  static func lines(_ path: String, _ selection: LogSelection) throws -> [String] {
    var entries = try LogEntries(try AppendOnlyLog.open(path), selection)
    var all: [String] = []
    while try entries.next() {
      let words = (0..<entries.arguments.count).map { entries.arguments[$0].text }
      all.append(
        "\(entries.command.index) db\(entries.command.database) \(words.joined(separator: " "))")
    }
    return all
  }

  /// A selection as the command line would make it.
  static func selection(
    index: String? = nil, names: String? = nil, keys: [String] = [], notKeys: [String] = [],
    db: String? = nil, offsets: String? = nil, file: String? = nil, since: Int64? = nil,
    until: Int64? = nil, last: Int? = nil
  ) throws -> LogSelection {
    var commands = CommandSelection()
    if let index { try commands.addIndexes(index) }
    if let names { try commands.addNames(names) }
    if let offsets { try commands.addOffsets(offsets) }
    commands.file = file
    commands.since = since
    commands.until = until
    if let last { try commands.setLast(last) }
    var selection = KeySelection()
    selection.keys = keys.map { Glob($0) }
    selection.excluded = notKeys.map { Glob($0) }
    if let db { try selection.addDatabases(db) }
    return try LogSelection(commands: commands, keys: selection)
  }

  /// Undoes in a log of these bytes, and gives what is written.
  static func undo(_ bytes: [UInt8], _ selection: LogSelection) throws -> [UInt8] {
    try withTemporaryDirectory { directory in
      let path = try directory.write(bytes, to: "a.aof")
      let plan = try UndoPlan(try AppendOnlyLog.open(path), selection)
      if plan.isEmpty { throw plan.emptyReason }
      _ = try plan.rewrite.write(to: directory.file("b.aof"), replacing: false)
      let result = try directory.read("b.aof")
      #if DEBUG
        precondition(result.count == plan.rewrite.bytesAfter)
      #endif
      return result
    }
  }

  /// All files of a folder with their content.
  static func snapshot(_ folder: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      files[name] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
    }
    return files
  }

  /// Makes a multi-part log of these files in `folder`.
  static func multiPart(_ folder: String, base: [UInt8]?, increments: [[UInt8]]) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var manifest = ""
    func write(_ name: String, _ bytes: [UInt8]) throws {
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
    }
    if let base {
      try write("appendonly.aof.1.base.aof", base)
      manifest += "file appendonly.aof.1.base.aof seq 1 type b\n"
    }
    for (index, bytes) in increments.enumerated() {
      let name = "appendonly.aof.\(index + 1).incr.aof"
      try write(name, bytes)
      manifest += "file \(name) seq \(index + 1) type i\n"
    }
    try write("appendonly.aof.manifest", Array(manifest.utf8))
  }

  /// What `check` finds in the log at `path`.
  static func check(_ path: String) throws -> Survey {
    var options = Survey.Options()
    options.countsNames = false
    return try Survey(Input(path), options)
  }
}

import AOF
import Bytes
import Foundation
import Keyspace
import Operations
import TestSupport

/// A log executed command by command: what every unknown command finds, and what is there at the end.
///
/// The log is read here by itself, each command executed at once; `known` tells what the unknown
/// commands do, else they do nothing.
struct LogMoments {
  /// One line for each unknown command: its words, its database, the state of every key that it may
  /// touch, and the libraries of functions.
  private(set) var lines: [String] = []
  /// The whole state at the end, by key.
  private(set) var keys: [String: UInt64] = [:]
  /// The libraries at the end.
  private(set) var functions: [String] = []
  /// The same as one number, for comparisons.
  var end: [String: UInt64] { keys }

  init(_ path: String, known: [String: String] = [:]) throws {
    let keyspace = Keyspace(now: 0, eager: true)
    let log = try AppendOnlyLog.open(path)
    for (number, part) in log.parts.enumerated() {
      let file = HeldFile(Array(try Data(contentsOf: URL(fileURLWithPath: part.path))))
      var cursor = ByteCursor(file.slice, owner: file)
      if Preamble.begins(at: &cursor) {
        var summary: Preamble.Summary?
        cursor = try Preamble.skip(cursor, summary: &summary)
        let dump = file.slice.prefix(summary?.bytes.upperBound ?? 0)
        _ = try keyspace.replay(ByteCursor(dump, owner: file), file: number)
      } else {
        // Lives as long as the keyspace then.
        _ = try keyspace.replay(ByteCursor(file.slice.prefix(0), owner: file), file: number)
      }
      var reader = AOFReader(cursor, file: number)
      while try reader.next() {
        keyspace.database = reader.command.database
        run(reader.arguments, keyspace, known)
      }
    }
    for db in keyspace.databases {
      keyspace.forEachKey(in: db) { key, state in
        var hash = StateHash()
        hash.add(key, db, state)
        keys["\(db) \(KeyText.quoted(key))"] = hash.value
      }
    }
    functions = keyspace.functions.map { $0.code.text }.sorted()
  }

  private mutating func run(_ a: Arguments, _ keyspace: Keyspace, _ known: [String: String]) {
    let name = a.name.text.uppercased()
    guard UnknownLog.aliases[name] != nil || name.hasPrefix("VADD") else {
      _ = keyspace.execute(a)
      return
    }
    var line = "db\(keyspace.database)"
    for index in 0..<a.count {
      line += " " + KeyText.quoted(a[index])
      guard index > 0 else { continue }
      var hash = StateHash()
      let state = keyspace.state(of: a[index])
      if state.exists { hash.add(a[index], keyspace.database, state) }
      line += "=" + (state.exists ? hash.text : "-")
    }
    line += " " + keyspace.functions.map { $0.code.text }.sorted().joined()
    lines.append(line)
    guard let real = known[name] else { return }
    let words = HeldFile(Array(real.utf8))
    held.files.append(words)
    var table = ArgumentTable()
    table.append(words.slice)
    for index in 1..<a.count { table.append(a[index]) }
    _ = keyspace.execute(table.arguments)
  }

  private final class Held { var files: [HeldFile] = [] }
  private let held = Held()

  /// The first difference, for a message.
  static func difference(_ a: LogMoments, _ b: LogMoments) -> String? {
    for (place, pair) in zip(a.lines, b.lines).enumerated() where pair.0 != pair.1 {
      return "unknown command \(place): \(pair.0) | \(pair.1)"
    }
    if a.lines.count != b.lines.count { return "\(a.lines.count) and \(b.lines.count) unknown" }
    for name in Set(a.keys.keys).union(b.keys.keys).sorted() where a.keys[name] != b.keys[name] {
      return "key \(name) at the end"
    }
    return a.functions == b.functions ? nil : "functions at the end"
  }
}

/// Bytes that stay where they are.
final class HeldFile {
  private var buffer: ScratchBuffer
  init(_ bytes: [UInt8]) {
    buffer = ScratchBuffer(capacity: bytes.count + 8)
    bytes.withByteSlice { buffer.append($0) }
  }
  var slice: ByteSlice { buffer.slice }
}

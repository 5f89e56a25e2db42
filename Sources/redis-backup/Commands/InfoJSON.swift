import AOF
import Bytes
import Operations
import RDB

/// What `info --json` says. The names are a contract.
enum InfoJSON {
  static func write(
    _ survey: Survey, _ others: [Survey], _ yield: LogYield?, _ json: inout JSONWriter,
    _ output: inout OutputBuffer
  ) {
    json.beginObject(&output)
    writeBody(survey, &json, &output)
    if let yield { write(yield, &json, &output) }
    if let directory = survey.facts.directory {
      json.key("directory", &output)
      json.beginArray(&output)
      for entry in directory.entries {
        json.beginObject(&output)
        json.field("name", entry.name, &output)
        json.field("role", role(entry.role), &output)
        json.field("bytes", entry.bytes, &output)
        json.endObject(&output)
      }
      json.endArray(&output)
      json.key("others", &output)
      json.beginArray(&output)
      for other in others {
        json.beginObject(&output)
        writeBody(other, &json, &output)
        json.endObject(&output)
      }
      json.endArray(&output)
    }
    json.endObject(&output)
  }

  /// `replay`: what only `--replay` tells.
  private static func write(
    _ yield: LogYield, _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    json.key("replay", &output)
    json.beginObject(&output)
    json.field("keys", yield.keys, &output)
    json.key("databases", &output)
    json.beginArray(&output)
    for database in yield.databases {
      json.beginObject(&output)
      json.field("db", database.number, &output)
      json.field("keys", database.keys, &output)
      json.endObject(&output)
    }
    json.endArray(&output)
    json.field("liveBytes", yield.liveBytes, &output)
    json.field("liveCommands", yield.liveCommands, &output)
    json.field("savedBytes", yield.savedBytes, &output)
    json.endObject(&output)
  }

  private static func writeBody(
    _ survey: Survey, _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    let dump = survey.dump
    json.field("path", survey.facts.path, &output)
    json.field("file", survey.facts.file, &output)
    json.field("format", format(survey), &output)
    json.field("version", dump?.header?.version, &output)
    json.field("producer", dump?.producer, &output)
    json.field("time", dump?.madeAt.map { Moment(milliseconds: $0 * 1000).text }, &output)
    json.field("bytes", bytes(survey), &output)
    json.field("compressed", survey.facts.isCompressed, &output)
    json.field("checksum", checksum(survey), &output)
    json.field("wouldLoad", survey.isOK, &output)
    json.field("goodBytes", survey.goodBytes, &output)
    writeDatabases(survey, &json, &output)
    json.key("types", &output)
    json.beginObject(&output)
    for type in LogicalType.allCases {
      let count = dump?.types[Int(type.rawValue)] ?? 0
      if count > 0 { json.field(type.name, count, &output) }
    }
    json.endObject(&output)
    json.key("commands", &output)
    json.beginObject(&output)
    let log = survey.log
    for (name, count) in log?.names ?? [] {
      json.key(text: name, &output)
      json.number(count, &output)
    }
    json.endObject(&output)
    json.field("commandCount", log?.commands, &output)
    json.field("firstTime", log?.firstTime.map(time), &output)
    json.field("lastTime", log?.lastTime.map(time), &output)
    json.field("functions", dump?.functions ?? 0, &output)
    json.key("files", &output)
    json.beginArray(&output)
    for part in survey.parts { writePart(part, &json, &output) }
    json.endArray(&output)
    ProblemJSON.write("problems", survey.problems, &json, &output)
    json.field("problemCount", survey.problemCount, &output)
  }

  private static func writeDatabases(
    _ survey: Survey, _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    var numbers = survey.dump?.databases.map(\.number) ?? []
    let commands = survey.log?.databases ?? []
    for entry in commands where !numbers.contains(entry.number) { numbers.append(entry.number) }
    json.key("databases", &output)
    json.beginArray(&output)
    for number in numbers.sorted() {
      let database = survey.dump?.databases.first { $0.number == number }
      let isKnown = survey.dump != nil
      json.beginObject(&output)
      json.field("db", number, &output)
      // What the commands made of them only a replay can tell.
      json.field("keys", isKnown ? database?.keys ?? 0 : nil, &output)
      json.field("expires", isKnown ? database?.expires ?? 0 : nil, &output)
      json.field("expired", isKnown ? database?.expired ?? 0 : nil, &output)
      if survey.log != nil {
        json.field("commands", commands.first { $0.number == number }?.commands ?? 0, &output)
      }
      json.endObject(&output)
    }
    json.endArray(&output)
  }

  private static func writePart(
    _ part: Survey.Part, _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    json.beginObject(&output)
    json.field("file", part.path, &output)
    json.field("kind", "\(part.kind)", &output)
    json.field("bytes", part.bytesOnDisk ?? part.bytesRead, &output)
    json.field("goodBytes", part.goodBytes, &output)
    json.field("keys", part.dump?.keys, &output)
    json.field("commandCount", part.log?.commands, &output)
    json.endObject(&output)
  }

  private static func bytes(_ survey: Survey) -> Int {
    survey.parts.reduce(0) { $0 + ($1.bytesOnDisk ?? $1.bytesRead) }
  }

  private static func format(_ survey: Survey) -> String {
    switch survey.facts.kind {
    case .empty: "empty"
    case .aof: "aof"
    case .multiPart: "multi-part-aof"
    case .rdb: survey.log == nil ? "rdb" : "aof-with-preamble"
    }
  }

  private static func checksum(_ survey: Survey) -> String? {
    guard let dump = survey.dump else { return nil }
    switch dump.checksum {
    case .verified: return "verified"
    case .notComputed: return "not computed"
    case .absent: return "absent"
    case nil: break
    }
    let isWrong = survey.problems.contains { problem in
      if case .rdb(let error) = problem.cause, case .checksumMismatch = error.kind { return true }
      return false
    }
    return isWrong ? "wrong" : "not reached"
  }

  private static func role(_ role: DataDirectory.Entry.Role) -> String {
    switch role {
    case .logDirectory: "multi-part-aof"
    default: "\(role)"
    }
  }

  private static func time(_ seconds: Int64) -> String {
    Moment(milliseconds: seconds * 1000).text
  }
}

/// `problems[]`, as `info` and `check` tell them.
enum ProblemJSON {
  static func write(
    _ name: StaticString, _ problems: [ToolError], _ json: inout JSONWriter,
    _ output: inout OutputBuffer
  ) {
    json.key(name, &output)
    json.beginArray(&output)
    for problem in problems {
      json.beginObject(&output)
      json.field("file", problem.file, &output)
      json.field("offset", problem.offset, &output)
      json.field("command", problem.command, &output)
      json.field("db", problem.database, &output)
      json.key("key", &output)
      if let key = problem.key {
        key.withByteSlice { json.string($0, &output) }
      } else {
        json.null(&output)
      }
      json.field("message", problem.message, &output)
      json.field("remedy", problem.remedy, &output)
      json.endObject(&output)
    }
    json.endArray(&output)
  }
}

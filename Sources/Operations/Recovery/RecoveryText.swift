internal import AOF
public import Bytes
internal import RDB

extension KeyFate {
  /// Why a key of this fate is left alone, for people.
  public var reason: String {
    switch self {
    case .gone: "is gone"
    case .changed: "holds what the accident left"
    case .made: "was made by the accident"
    case .newer: "holds something newer"
    case .expired: "would have expired by now"
    }
  }
}

extension LostKeys {
  /// Writes the members `restored` and `leftAlone` of a JSON object: the keys that `plan` acts upon,
  /// and the others with the reason.
  public func writeJSON(
    _ plan: RecoveryPlan, _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    json.key("restored", &output)
    json.beginArray(&output)
    for key in keys where plan.scope.includes(key) { key.write(&json, &output) }
    json.endArray(&output)
    json.key("leftAlone", &output)
    json.beginArray(&output)
    for key in keys where !plan.scope.includes(key) { key.write(&json, &output) }
    json.endArray(&output)
  }

  /// Writes the keys of one fate, at most `limit`, one a line, the largest first.
  public func writeText(_ fate: KeyFate, limit: Int, to output: inout OutputBuffer) {
    var shown = keys.filter { $0.fate == fate }
    shown.sort { one, other in
      if one.bytes != other.bytes { return one.bytes > other.bytes }
      if one.database != other.database { return one.database < other.database }
      return one.key.compare(other.key) < 0
    }
    for key in shown.prefix(limit) { key.writeText(to: &output) }
    if shown.count > limit { output.write(text: "  … and \(shown.count - limit) more\n") }
  }
}

extension RecoverableKey {
  fileprivate func write(_ json: inout JSONWriter, _ output: inout OutputBuffer) {
    json.beginObject(&output)
    json.field("db", database, &output)
    json.key("key", &output)
    json.string(key, &output)
    json.field("type", type.map { "\($0.name)" }, &output)
    json.field("elements", elements, &output)
    json.field("bytes", bytes, &output)
    json.key("pexpireat", &output)
    if let expiresAt { json.number(Int(expiresAt), &output) } else { json.null(&output) }
    json.field("fate", fate.rawValue, &output)
    json.endObject(&output)
  }

  fileprivate func writeText(to output: inout OutputBuffer) {
    output.write(text: "  db \(database)  ")
    KeyText.write(key, to: &output)
    let kind = type.map { "\($0.name)" } ?? "?"
    let count = kind == "string" ? "" : ", \(elements) \(elements == 1 ? "element" : "elements")"
    output.write(text: "  \(kind)\(count), \(ByteCount.text(bytes))\n")
  }
}

extension Accident {
  /// The same accident, whose commands are read from where they are after the log was replaced: the
  /// names under which its files are kept.
  public func shown(_ kept: [String]) -> Accident {
    var log = log
    for index in log.parts.indices {
      let path = log.parts[index].path
      if let name = kept.first(where: { $0.hasPrefix(path + ".before-") }) {
        log.parts[index].path = name
      }
    }
    var copy = self
    copy.log = log
    return copy
  }

  /// Writes a line for each command of the accident, at most `limit`.
  public func writeText(
    limit: Int, to output: inout OutputBuffer, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var reader = CommandReader(log, fileSystem)
    try UndoPlan.list(commands, log, limit, &reader, &output)
  }

  /// Writes the member `accident` of a JSON object: what `log --json` prints of each command.
  public func writeJSON(
    _ json: inout JSONWriter, _ output: inout OutputBuffer, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var reader = CommandReader(log, fileSystem)
    json.key("accident", &output)
    json.beginArray(&output)
    for removal in commands { try UndoPlan.write(removal, log, &reader, &json, &output) }
    json.endArray(&output)
  }
}

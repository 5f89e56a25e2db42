public import AOF
public import Bytes
import Keyspace
import RDB

extension UndoImpact {
  /// Writes the members `restored`, `changed`, `gone`, `unaffected`, `conflicts`, `digestBefore`
  /// and `digestAfter` of a JSON object.
  public func writeJSON(
    _ json: inout JSONWriter, _ output: inout OutputBuffer, log: AppendOnlyLog
  ) {
    list("restored", .restored, &json, &output)
    list("changed", .changed, &json, &output)
    list("gone", .gone, &json, &output)
    json.field("unaffected", unaffected, &output)
    json.field("keysBefore", keysBefore, &output)
    json.field("keysAfter", keysAfter, &output)
    json.field("onConflict", policy.rawValue, &output)
    json.key("conflicts", &output)
    json.beginArray(&output)
    for conflict in twin.conflicts { write(conflict, log, &json, &output) }
    json.endArray(&output)
    json.field("conflictCount", twin.conflictCount, &output)
    json.field("digestBefore", digestBefore, &output)
    json.field("digestAfter", digestAfter, &output)
  }

  private func list(
    _ name: StaticString, _ kind: KeyDifference.Kind, _ json: inout JSONWriter,
    _ output: inout OutputBuffer
  ) {
    json.key(name, &output)
    json.beginArray(&output)
    for difference in differences where difference.kind == kind {
      json.beginObject(&output)
      json.field("db", difference.database, &output)
      json.field("key", difference.key, &output)
      switch kind {
      case .restored: write(difference.after, &json, &output)
      case .gone: write(difference.before, &json, &output)
      case .changed:
        json.key("before", &output)
        json.beginObject(&output)
        write(difference.before, &json, &output)
        json.endObject(&output)
        json.key("after", &output)
        json.beginObject(&output)
        write(difference.after, &json, &output)
        json.endObject(&output)
        json.field("how", difference.how, &output)
      }
      json.endObject(&output)
    }
    json.endArray(&output)
  }

  private func write(
    _ summary: KeySummary, _ json: inout JSONWriter, _ output: inout OutputBuffer
  ) {
    json.key("type", &output)
    if let type = summary.type { json.string(type.name, &output) } else { json.null(&output) }
    json.field("elements", summary.elements, &output)
    json.field("bytes", summary.bytes, &output)
    json.key("pexpireat", &output)
    if let time = summary.expiresAt { json.number(time, &output) } else { json.null(&output) }
  }

  private func write(
    _ conflict: TwinConflict, _ log: AppendOnlyLog, _ json: inout JSONWriter,
    _ output: inout OutputBuffer
  ) {
    let command = conflict.command
    json.beginObject(&output)
    json.field("kind", "\(conflict.kind.name)", &output)
    json.field("index", command.index, &output)
    json.field("file", log.parts[command.file].name, &output)
    json.field("offset", command.offset, &output)
    json.field("time", command.time < 0 ? nil : Int(command.time), &output)
    json.field("db", conflict.database, &output)
    json.field("command", command.word.plainText, &output)
    json.field("key", conflict.key, &output)
    json.field("commands", conflict.commands, &output)
    json.field("keys", conflict.keys, &output)
    json.field("losesWrites", conflict.losesWrites, &output)
    json.field("message", conflict.message, &output)
    json.endObject(&output)
  }

  /// Writes what changes, for people: at most `limit` keys and conflicts of each kind.
  public func writeText(limit: Int, log: AppendOnlyLog, to output: inout OutputBuffer) {
    var parts: [String] = []
    if restored > 0 { parts.append("\(restored) \(restored == 1 ? "key" : "keys") restored") }
    if changed > 0 { parts.append("\(changed) changed") }
    if gone > 0 { parts.append("\(gone) gone") }
    if parts.isEmpty { parts.append("no key changes") }
    parts.append("\(unaffected) unaffected")
    output.write(text: parts.joined(separator: ", ") + "\n")
    list("restored", .restored, limit, &output)
    list("changed", .changed, limit, &output)
    list("gone", .gone, limit, &output)
    if twin.hasOtherFunctions { output.write("functions: other libraries\n") }
    guard !twin.conflicts.isEmpty else { return }
    output.write("later commands that act differently:\n")
    for conflict in twin.conflicts.prefix(limit) {
      var place = "\(conflict.command.offset)"
      if log.parts.count > 1 { place = "\(log.parts[conflict.command.file].name):\(place)" }
      output.write(
        text: "  command \(conflict.command.index)  \(place)  db\(conflict.database)  "
          + "\(conflict.command.word.plainText) \(KeyText.quoted(conflict.key, limit: 60)): "
          + conflict.message + "\n")
    }
    if twin.conflictCount > limit {
      output.write(text: "  … and \(twin.conflictCount - limit) more\n")
    }
  }

  private func list(
    _ name: StaticString, _ kind: KeyDifference.Kind, _ limit: Int, _ output: inout OutputBuffer
  ) {
    var count = 0
    for difference in differences where difference.kind == kind {
      count += 1
      if count > limit { continue }
      output.write("  ")
      output.write(name)
      output.write(
        text: "  db\(difference.database)  \(KeyText.quoted(difference.key, limit: 60))  "
          + difference.how + "\n")
    }
    if count > limit { output.write(text: "  … and \(count - limit) more \(name)\n") }
  }
}

extension TwinConflict {
  /// What a person is told, with how often.
  var message: String {
    var text = kind.text
    if let fault, kind == .fails { text = "\(fault.text): what it wrote is lost" }
    if commands > 1 { text += " (\(commands) commands)" }
    if keys > 1 { text += " (\(keys) keys)" }
    return text
  }
}

extension KeyDifference {
  /// What is different, in words.
  var how: String {
    let (old, new) = (before, after)
    guard let newType = new.type else { return "was " + old.text }
    guard let oldType = old.type else { return new.text }
    var parts: [String] = []
    if oldType != newType {
      parts.append("\(old.text) → \(new.text)")
    } else {
      if old.elements != new.elements {
        parts.append("\(newType.name): \(old.elements) → \(new.elements) \(new.unit)")
      } else if old.bytes != new.bytes {
        parts.append("\(newType.name): \(old.bytes) → \(new.bytes) bytes")
      } else if hasOtherContent {
        parts.append("\(newType.name): other content")
      }
    }
    if old.expiresAt != new.expiresAt {
      let text = { (time: Int64?) in time.map { Moment(milliseconds: $0).text } ?? "never" }
      parts.append("expires \(text(old.expiresAt)) → \(text(new.expiresAt))")
    }
    return parts.joined(separator: ", ")
  }
}

extension KeySummary {
  /// What its elements are called.
  var unit: String {
    switch type {
    case .hash: elements == 1 ? "field" : "fields"
    case .set, .zset: elements == 1 ? "member" : "members"
    case .stream: elements == 1 ? "entry" : "entries"
    default: elements == 1 ? "element" : "elements"
    }
  }

  /// `hash of 3 fields`, `string of 12 bytes`.
  var text: String {
    guard let type else { return "nothing" }
    var text = "\(type.name) of "
    text += type == .string || type == .module ? "\(bytes) bytes" : "\(elements) \(unit)"
    if let expiresAt { text += ", expires \(Moment(milliseconds: expiresAt).text)" }
    return text
  }
}

extension CommandWord {
  /// The name, as far as it is kept, without quotes; letters only in upper case.
  var plainText: String {
    let quoted = text
    return quoted.hasPrefix("\"") && quoted.hasSuffix("\"")
      ? String(quoted.dropFirst().dropLast()) : quoted
  }
}

import Bytes
import Operations
import RDB

/// What `report --json` says (`Documentation/schemas/report.json`).
struct ReportJSON {
  private let report: KeyspaceReport
  private let file: String

  init(_ report: KeyspaceReport, file: String) {
    self.report = report
    self.file = file
  }

  /// Writes it.
  func write(_ session: Session) throws {
    try session.writeJSON { json, out throws(ToolError) in document(&json, &out) }
  }

  private func document(_ json: inout JSONWriter, _ out: inout OutputBuffer) {
    json.beginObject(&out)
    json.field("file", file, &out)
    json.field("bytesMean", report.isLog ? "elements" : "file", &out)
    json.field("rankedBy", report.ranking.rawValue, &out)
    json.key("now", &out)
    json.number(report.now, &out)
    json.key("total", &out)
    json.beginObject(&out)
    tally(report.total, &json, &out)
    json.endObject(&out)
    json.field("keysWithoutMemory", report.modules, &out)
    list("prefixes", report.prefixes, &json, &out) { prefix, json, out in
      json.key("prefix", &out)
      prefix.name.withByteSlice { json.string($0, &out) }
      json.key("glob", &out)
      prefix.glob.withByteSlice { json.string($0, &out) }
      json.field("depth", prefix.depth, &out)
      tally(prefix.tally, &json, &out)
      json.field("missed", prefix.missed, &out)
    }
    json.field("prefixesExact", report.prefixBound == 0, &out)
    json.field("prefixBound", report.prefixBound, &out)
    json.key("unprefixed", &out)
    json.beginObject(&out)
    tally(report.unprefixed, &json, &out)
    json.endObject(&out)
    list("types", report.types, &json, &out) { row, json, out in
      json.field("type", row.name, &out)
      tally(row.tally, &json, &out)
    }
    list("encodings", report.encodings, &json, &out) { row, json, out in
      json.key("type", &out)
      json.string(row.type.name, &out)
      json.field("encoding", row.name, &out)
      tally(row.tally, &json, &out)
    }
    list("databases", report.databases, &json, &out) { row, json, out in
      json.field("db", row.db, &out)
      tally(row.tally, &json, &out)
    }
    list("expiries", report.expiries, &json, &out) { row, json, out in
      json.field("expires", row.name, &out)
      tally(row.tally, &json, &out)
    }
    list("sizes", report.sizes, &json, &out) { row, json, out in
      json.field("size", row.name, &out)
      tally(row.tally, &json, &out)
    }
    list("biggest", report.biggest, &json, &out) { key, json, out in
      json.field("db", key.db, &out)
      json.key("key", &out)
      key.key.withByteSlice { json.string($0, &out) }
      json.key("type", &out)
      json.string(key.type.name, &out)
      json.field("encoding", key.encoding, &out)
      json.key("elements", &out)
      json.number(key.elements, &out)
      json.field("bytes", key.bytes, &out)
      json.field("memory", key.memory, &out)
      json.key("pexpireat", &out)
      if let time = key.expiresAt { json.number(time, &out) } else { json.null(&out) }
    }
    json.endObject(&out)
  }

  private func list<T>(
    _ name: StaticString, _ items: [T], _ json: inout JSONWriter, _ out: inout OutputBuffer,
    _ body: (T, inout JSONWriter, inout OutputBuffer) -> Void
  ) {
    json.key(name, &out)
    json.beginArray(&out)
    for item in items {
      json.beginObject(&out)
      body(item, &json, &out)
      json.endObject(&out)
    }
    json.endArray(&out)
  }

  private func tally(
    _ tally: KeyTally, _ json: inout JSONWriter, _ out: inout OutputBuffer
  ) {
    json.field("keys", tally.keys, &out)
    json.field("expiring", tally.expiring, &out)
    json.field("elements", tally.elements, &out)
    json.field("bytes", tally.bytes, &out)
    json.field("memory", tally.memory, &out)
  }
}

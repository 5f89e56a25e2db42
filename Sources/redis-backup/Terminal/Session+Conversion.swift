import Bytes
import Operations
import RDB

extension Session {
  /// Tells what a conversion or import did: notes, what the target can't hold, and the numbers. Throws the
  /// answer no when nothing was made, or nothing matched although something was selected.
  func tell(
    _ report: Convert.Report, of path: String, _ output: String, isEverything: Bool
  ) throws {
    notes(report.notes)
    if isJSON {
      try write(report)
    } else {
      for loss in report.lost { note((report.isRefused ? "can not hold" : "left out") + loss.text) }
      if report.lostCount > report.lost.count {
        note("and \(report.lostCount - report.lost.count) more")
      }
    }
    if report.isRefused {
      Terminal.writeError(
        "redis-backup: \(report.target) can not hold all of \(KeyText.shellWord(path)); "
          + "\(output == "-" ? "stopped" : "nothing was made"). Try: a newer --target, or --lossy to "
          + "leave it out\n")
      throw AnswerIsNo()
    }
    if !isJSON && !options.quiet && output != "-" {
      try print("\(report.keys) keys for \(report.target), \(report.bytes) bytes\n")
    }
    if report.keys == 0 && !isEverything { throw AnswerIsNo() }
  }

  private func write(_ report: Convert.Report) throws {
    try writeJSON { json, out throws(ToolError) in
      json.beginObject(&out)
      json.field("keys", report.keys, &out)
      json.key("lost", &out)
      json.beginArray(&out)
      for loss in report.lost {
        json.beginObject(&out)
        if let database = loss.database { json.field("db", database, &out) }
        if let key = loss.key {
          json.key("key", &out)
          key.withByteSlice { json.string($0, &out) }
        }
        json.field("what", loss.what, &out)
        json.endObject(&out)
      }
      json.endArray(&out)
      json.field("lostCount", report.lostCount, &out)
      json.field("bytes", report.bytes, &out)
      json.field("target", report.target.description, &out)
      json.field("made", !report.isRefused, &out)
      json.endObject(&out)
    }
  }
}

extension Convert.Loss {
  /// ` db 0, "key": …`
  fileprivate var text: String {
    guard let database, let key else { return ": \(what)" }
    return " db \(database), key \(KeyText.quoted(key)): \(what)"
  }
}
